#!/bin/sh
# readme.sh: what README.md tells to type can be typed. Its command lines are
# understood by dial, as far as one gets where nobody answers; its
# configuration passes sipd -t; its keys, sections, make targets and files are
# there.
. "$(dirname "$0")/lib.sh"
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$T" || exit 1

# lines of README without the blocks; the words in backquotes there
prose() { grep -v '^    ' "$top/README.md"; }
quoted() { prose | tr '\n' ' ' | grep -o '`[^`]*`' | tr -d '`'; }

# --- the configuration, its key one of ours
fp=$(key bob)
sed -n '/^    \[account\]$/,/^[^ ]/p' "$top/README.md" | sed '/^[^ ]/d
    s/^    //;s/^fingerprint = .*/fingerprint = '"$fp"'/' > snippet
check "README has a configuration" grep -q '^\[account\]' snippet
conf alice < snippet
check "it is accepted" sipd -t -c alice/sipd.conf

# where nobody answers, and no name server is waited for
mkdir here
{ cat <<EOT
[account]
address = alice@127.0.0.1
password = secret
registrar = sip:127.0.0.1:9
EOT
sed -n '/^\[peer/,$p' snippet | sed 's/^address = .*/address = bob@127.0.0.1/'
} | conf here

# known KEY: in the configuration of all keys
known() { grep -qE "^#?$1 = " "$top/etc/sipd.conf"; }
quoted | sed -n 's/^\([a-z][a-z-]*\) =\( .*\)\{0,1\}$/\1/p' | sort -u > keys
check "README names keys" test "$(wc -l < keys)" -ge 3
while read -r k; do
	check "the key $k" known "$k"
done < keys
# but for that of a tunnel which is still to be written
section() { grep -qE "^#?\[$1[] ]" "$top/etc/sipd.conf"; }
quoted | sed -n 's/^\[\([a-z]*\).*\]$/\1/p' | grep -vx foo | sort -u > sections
check "README names sections" test "$(wc -l < sections)" -ge 3
while read -r s; do
	check "the section [$s]" section "$s"
done < sections

# --- commands: a line each, without prompt and remark; what stands for a word
# of the user's is one
# lines FILE: one for each alternative
lines() {
	sed 's/FILE|DIR\.\.\./file/;s/PATH\.\.\./file/;s/ ID\>/ 1/' |
	    awk '{	n = split($0, v, / \| /)
		print v[1]
		for (i = 2; i <= n; i++)
			print "dial " v[i] }' | sort -u > "$1"
	check "README has commands ($1)" test "$(wc -l < "$1")" -ge 8
}
sed -n 's/^    \(\$ \)\{0,1\}\(.* | \)\{0,1\}\(dial .*\)/\3/p' \
    "$top/README.md" | sed 's/   *.*//' | lines whole
quoted | sed -n 's/^\(sudo \)\{0,1\}\(dial .*\)/\2/p' |
    grep -vx 'dial PEER foo' | lines mentioned
: > file
mkdir report.pdf photos Downloads
# It ends well, or is told to after it waited, or says in one sentence what is
# wrong, which is not how it was called.
understood() {
	eval "set -- $(echo "$1" | sed 's/^dial //')"
	timeout -s INT 8 dial -c "$T/here/sipd.conf" "$@" < /dev/null \
	    > said 2> wrong
	code=$?
	cat said wrong
	case $code in
	0 | 124 | 130) return 0 ;;
	1) [ "$(wc -l < wrong)" = 1 ] ;;
	*) return 1 ;;
	esac
}
# in a sentence it may lack its last words, which dial then asks for
meant() { understood "$1" || grep -qE '^dial: (Which|What) ' wrong; }
not() { ! "$@"; }
for c in "dial frobnicate" "dial bob frobnicate" "dial status bob" \
    "dial bob send" "dial bob forward 8080:10.0.0.5" "dial pair a b c"; do
	check "$c is not understood" not understood "$c"
done
while read -r c; do
	check "$c" understood "$c"
done < whole
while read -r c; do
	check "$c" meant "$c"
done < mentioned

# --- what make is asked for, and files
target() { grep -qE "^$1( .*)?:" "$top/Makefile"; }
{ sed -n 's/^    sudo make \([a-z0-9]*\).*/\1/p' "$top/README.md"
quoted | sed -n 's/^\(sudo \)\{0,1\}make \([a-z0-9]*\)$/\2/p'; } |
    sort -u > targets
check "README names targets" test "$(wc -l < targets)" -ge 5
while read -r t; do
	check "make $t" target "$t"
done < targets
quoted | grep -E '^(etc|tests|sipd|sdp|tunnels|modules)/[a-z/._-]*$' |
    grep -vx tunnels/foo.c | sort -u > files
check "README names files" test "$(wc -l < files)" -ge 5
while read -r f; do
	check "$f" test -e "$top/$f"
done < files
finish
