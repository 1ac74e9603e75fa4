#!/bin/sh
# words.sh: what the programs know stands in the documents: dial's words in its
# help, its man page and the shells' completions, every key of sipd.conf with
# its default, every option, exit code, event with its fields, and reason.
# (etc/sipd.conf is compared by tests/unit/sipd/conf.)
. "$(dirname "$0")/lib.sh"
root=$(cd "$(dirname "$E2E_SELF")/../.." && pwd)

dial help > "$T/help" || exit 1
tunnels=$(sed -n 's/^  dial PEER \([a-z]*\).*/\1/p' "$T/help")
commands=$(sed -n 's/^  dial \([a-z]*\).*/\1/p' "$T/help")
check "there are some" test "$(echo $tunnels $commands | wc -w)" -gt 10
mkdir -p "$HOME/.config/dialtone"
printf '[peer bob]\n[peer carol]\n' > "$HOME/.config/dialtone/sipd.conf"
for shell in bash zsh fish; do
	dial completion $shell > "$T/$shell" || exit 1
done

# what a shell offers after these words; the last may be ''
in_bash() {
	bash -c '. "$0"; COMP_WORDS=(dial "$@"); COMP_CWORD=$#
	    _dial; printf "%s\n" "${COMPREPLY[@]}"' "$T/bash" "$@"
}
in_zsh() {
	zsh -fc 'file=$1; shift; words=(dial "$@"); CURRENT=${#words}
	    compadd() { shift; print -l -- "$@" }
	    _files() { : }
	    . $file' zsh "$T/zsh" "$@"
}
in_fish() {
	fish --no-config -c 'source $argv[1]
	    complete -C "dial $argv[2..-1]"' "$T/fish" "$@" | cut -f1
}
# offers SHELL WORD... -- WANTED...: each of them is offered
offers() {
	shell=$1 said=; shift
	while [ "$1" != -- ]; do said="$said '$1'"; shift; done
	shift
	eval "in_$shell $said" > "$T/offered"
	for want; do
		grep -qx -e "$want" "$T/offered" || {
			echo "$shell does not offer $want"; return 1; }
	done
}
for shell in bash zsh fish; do
	check "$shell: commands" offers $shell '' -- $commands
	check "$shell: peers" offers $shell '' -- bob carol
	check "$shell: tunnels" offers $shell bob '' -- $tunnels
	check "$shell: a tunnel's words" offers $shell bob forward - -- -L -R -D -W
	check "$shell: a command's words" offers $shell wait '' -- pipe file
	check "$shell: after an option" offers $shell -c x bob '' -- $tunnels
done

# options would hide the files, which are what is wanted
no_options() { in_bash bob send '' > "$T/offered"; ! grep . "$T/offered"; }
check "bash: files, unless an option is begun" no_options

# --- the man pages -----------------------------------------------------------

dial1=$root/etc/dial.1
for page in dial.1 sipd.8 sipd.conf.5; do
	check "$page is well-formed" mandoc -Tlint -W warning "$root/etc/$page"
done
for c in $commands; do
	check "dial.1: $c" grep -qE "^\.It Cm $c( |\$)" "$dial1"
done
for t in $tunnels; do
	check "dial.1: peer $t" grep -qE "^\.It Ar peer Cm $t( |\$)" "$dial1"
done

# item WORD: what dial.1 says about that command or tunnel
item() {
	awk -v want="$1" '/^\.It (Ar peer )?Cm / {
		for (i = 2; $i != "Cm"; i++) { }
		on = $(i + 1) == want
	}
	/^\.S[sh] / { on = 0 }
	on' "$dial1"
}
# each option of each line of the help, in the item of that word
options() {
	sed -n 's/^  dial \(PEER \)\{0,1\}\([a-z]* .*\)/\2/p' "$T/help" |
	    while read -r word rest; do
		for o in $(echo "$rest" | grep -oE -- '-[-a-zA-Z]+'); do
			item "$word" | grep -qE -- \
			    "(Fl|Fl -|Fl Fl|\|) *${o##*-}( |\$)" ||
				echo "dial.1 does not have $o of $word"
		done
	done > "$T/lost"
	cat "$T/lost"
	[ ! -s "$T/lost" ]
}
check "dial.1: every option of a command or tunnel" options

# flags PROGRAM PAGE: what its own usage lists, "  -c FILE ..."
flags() {
	"$1" -h > "$T/usage" && grep -q '^  -c' "$T/usage" || return 1
	for o in $(grep -oE '^  -[a-z]' "$T/usage"); do
		grep -qE "^\.It Fl ${o#-}( |\$)" "$root/etc/$2" || {
			echo "$2 does not have $o"; return 1; }
	done
}
check "dial.1: every flag" flags dial dial.1
check "sipd.8: every flag" flags sipd sipd.8

# json FIELD...: each stands in the section of dial.1 about JSON
sed -n '/^\.Sh JSON/,/^\.Sh EX/p' "$dial1" | grep -E '^\.(It )?Li ' |
    tr -s ' ,.' '\n' > "$T/json"
json() {
	[ $# -gt 5 ] || { echo "not found in the sources: $*"; return 1; }
	for f; do
		grep -qx -e "$f" "$T/json" || {
			echo "dial.1, JSON: does not have $f"; return 1; }
	done
}
said() { cd "$root" && cat sipd/*.c | tr -s '\n\t ' ' '; }
check "dial.1: every event" json $(said |
    grep -oE '(event_alloc\(&[a-z]+, |end_event\([a-z]+, )[^)]*' |
    grep -oE '"[-a-z]+"' | tr -d '"')
check "dial.1: every field of an event" json $(said | grep -oE \
    '(event_str|event_int|add_cand|odict_entry_add)\([^,]*, ([a-z_]+ \? )?"[a-z_]+"( : "[a-z_]+")?' |
    grep -oE '"[a-z_]+"' | tr -d '"')
check "dial.1: every field of the call log" json $(said |
    grep -oE 'static int print_entry.*' | sed 's/print_time, .*//' |
    grep -oE '\\"[a-z_]+\\":' | tr -d '\\":')
check "dial.1: every reason" json $(sed -n \
    's/.*X([A-Z_]*, "\([a-z-]*\)", .*/\1/p' "$root/sipd/reason.h" |
    grep -vx none)

exits() {
	n=0
	for code in $(sed -n 's/.*X([A-Z_]*, "[a-z-]*", \([0-9]*\),.*/\1/p' \
	    "$root/sipd/reason.h" | sort -u); do
		n=$((n + 1))
		sed -n '/^\.Sh EXIT/,/^\.Sh JSON/p' "$dial1" |
		    grep -qx "\.It $code" || { echo "not $code"; return 1; }
	done
	[ $n -gt 3 ]
}
check "dial.1: every exit code" exits

# --- sipd.conf.5 -------------------------------------------------------------

# "SECTION KEY DEFAULT" of the table; "-": it has none or an empty one
keys() {
	tr -s '\\\n\t ' ' ' < "$root/sipd/conftab.c" |
	    sed 's/}, {/},\n{/g; s/ { SEC_/\n{ SEC_/g; s/ { sec,/\n{ sec,/g' |
	    sed -nE 's/^\{ (SEC_|)([A-Za-z]+), "([a-z-]+)", [a-z0-9_]+, (IN\([^)]*\)|0), ("([^"]*)"|NULL).*/\2 \3 \6/p' |
	    sed -E 's/ $/ -/' | tr A-Z a-z |
	    sed 's/^sec \(.*\)/group \1\npeer \1/'
}
# the same of the page; the default is what stands last in parentheses
page() {
	awk '
	function out(  i) {
		for (i = 1; i <= n; i++)
			print sec, name[i], def == "" ? "-" : def
		n = 0; def = ""
	}
	/^\.S[sh] / { out(); sec = $2; next }
	/^\.It Cm / {
		out()
		gsub(/ , /, " ")
		for (i = 3; i <= NF; i++)
			name[++n] = $i
		next
	}
	/^\.El/ { out() }
	/^\.Pq / {
		sub(/^\.Pq /, "")
		gsub(/(^| )(Cm|Ql|Pa|No|Li) /, " ")
		gsub(/^ | [.;]$/, "")
		def = $0
	}
	' "$root/etc/sipd.conf.5"
}
every_key() {
	[ "$(keys | wc -l)" -gt 80 ] || return 1
	page > "$T/page"
	keys | while read -r sec key def; do
		has=$(sed -n "s/^$sec $key //p" "$T/page")
		[ -n "$has" ] || echo "sipd.conf.5 does not have $key of [$sec]"
		[ -z "$has" ] || [ "$def" = - ] || [ "$has" = "$def" ] ||
			echo "sipd.conf.5: $key of [$sec] is $def, not $has"
	done > "$T/lost"
	cat "$T/lost"
	[ ! -s "$T/lost" ]
}
check "sipd.conf.5: every key with its default" every_key
# and no other
no_other() {
	keys | cut -d' ' -f1,2 | sort > "$T/keys"
	cut -d' ' -f1,2 "$T/page" | sort | comm -13 "$T/keys" - > "$T/lost"
	cat "$T/lost"
	[ ! -s "$T/lost" ]
}
check "sipd.conf.5: no key that is gone" no_other

# --- examples are correct ----------------------------------------------------

hex=$(printf 'AB:%.0s' $(seq 29))CD
correct() {
	sed "s/\.\.\..*/$hex/; s|~/.config/dialtone/password|$T/pw|" \
	    > "$T/example.conf"
	grep -q '^fingerprint' "$T/example.conf" || return 1
	echo secret > "$T/pw"
	chmod 600 "$T/pw" "$T/example.conf"
	cat "$T/example.conf"
	sipd -t -c "$T/example.conf"
}
from_readme() {
	awk '/^    \[account\]/ { on = 1 } on && /^[^ ]/ { exit } on' \
	    "$root/README.md" | sed 's/^    //' | correct
}
from_page() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh DIAG/p' "$root/etc/sipd.conf.5" |
	    awk '/^\.Bd/ { on = 1; next } /^\.Ed/ { on = 0 } on' | correct
}
check "the configuration in README" from_readme
check "those in sipd.conf.5" from_page

# --- mistakes ----------------------------------------------------------------

check "no such option" fails_with 2 "There is no option -x; see" dial -x
check "no such long option" fails_with 2 "There is no option --bogus" \
    dial --bogus
check "an option without its value" fails_with 2 "c needs a file" dial -c
check "--json of a wrong option" sh -c "dial -j -x | grep -q '\"exit\":2}'"
printf '[sipd]\ncontrol = %s\n' "$T/none" > "$T/none.conf"
check "no sipd" fails_with 1 "/none): start \`sipd\`, or name" \
    dial -c "$T/none.conf" status
check "whose key" fails_with 2 "dial trust PEER --explain" \
    dial trust --explain
check "said once" fails_with 1 "that the port is right." \
    dial -c "$T/none.conf" sip:127.0.0.1:9 pipe
check "and not again" sh -c "! grep -F '(' '$T/fw.out'"
check "another shell" fails_with 2 "bash, zsh and fish" dial completion csh
# mistyped SENTENCE WORD...
mistyped() {
	what=$1; shift
	check "mistyped: $*" fails_with 2 "$what" dial "$@"
}
mistyped "did you mean 'status'?" stauts
mistyped 'did you mean `dial PEER send`?' snd
mistyped "did you mean 'forward'?" bob forwrad 8080:h:80
mistyped "What is bob to be called for?" bob
mistyped "Whom to call comes first: write \`dial PEER send" send bob file
mistyped "did you mean '--denied'?" log --denid
mistyped "did you mean '--overwrite'?" bob send --overwrit x
mistyped "did you mean '--explain'?" trust bob --explian
mistyped "write \`dial check [--lifetime]\`" check now
mistyped "write \`dial --json status" status --json
mistyped "write \`dial -j PEER send" bob send x -j
mistyped "There is no option -10 here" log -10
mistyped 'dial has no "snd"' help snd
mistyped 'a peer is called so, write `dial -- status send`.' status send x
mistyped "cannot be waited for: write pipe or file" wait forward
mistyped "Whom to call, and for what" --
for peer in status help wait; do
	check "a peer named $peer" fails_with 2 "What is $peer to be called" \
	    dial -- $peer
done
check "a file named --" fails_with 1 "cannot be read" dial -c -- list
check "what follows -- is a name" fails_with 2 "--json cannot be sent" \
    dial -c "$T/none.conf" sip:127.0.0.1:9 send -- --json
helps() {
	dial "$@" > "$T/one" && [ "$(grep -c '^  dial' "$T/one")" = 1 ] &&
	grep -q "^  dial PEER send " "$T/one"
}
check "help of one word" helps help send
check "--help after a tunnel" helps bob send --help
check "--help instead of a peer" helps send --help
check "-h after a command" sh -c "dial log -h | grep -q '^  dial log '"
check "a full disk" fails_with 1 "Standard output cannot be written" \
    sh -c "dial help > /dev/full"
check "who reads the head of it alone" sh -c \
    "{ dial help; echo \$? > '$T/code'; } | head -1; grep -qx 0 '$T/code'"
finish
