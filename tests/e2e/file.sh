#!/bin/sh
# file.sh: files and trees between two peers, as a user sees them: what
# arrives, what is refused, what is said, and what happens when a disk is
# full, a side is killed or a source changes.
. "$(dirname "$0")/lib.sh"
mount -t tmpfs -o size=2g tmpfs "$T"
cd "$T" || exit 1
trap 'cd /; umount -l "$T"; rm -rf "$T"' EXIT

fa=$(key alice) fb=$(key bob) fc=$(key carol)
conf carol <<EOT
port = 5070
[peer alice]
fingerprint = $fa
EOT
conf alice <<EOT
port = 0
[peer carol]
address = sip:127.0.0.1:5070
fingerprint = $fc
[peer bob]
address = sip:127.0.0.1:5060
fingerprint = $fb
EOT
conf bob <<EOT
[peer alice]
fingerprint = $fa
allow = file, get $T/share $T/more
[file]
max-size = 9G
EOT
mkdir -p share more src bob/inbox
check "bob starts" start bob
in=bob/inbox
clean() { find $in -mindepth 1 -delete; }
a() { as alice bob "$@"; }
nothing_left() { ! find $in -name "*dialtone*" | grep .; }
# like A B: the same trees with modes, times and links
like() {
	diff -r --no-dereference "$1" "$2" &&
		[ "$(cd "$1" && find . -mindepth 1 -printf "$3\n" | sort)" = \
		  "$(cd "$2" && find . -mindepth 1 -printf "$3\n" | sort)" ]
}

# --- all kinds of things
mkdir -p src/empty src/a/b 'src/ sp ace'
: > src/zero
echo 1 > src/a/b/one
echo 2 > "src/$(printf 'new\nline')"
echo 3 > "src/$(printf '\377\376 no utf-8')"
echo 4 > 'src/a/-rf'
echo 5 > 'src/ sp ace/*'
ln -s /etc/passwd src/link
ln -s nowhere src/a/dangling
chmod 750 src/a; chmod 640 src/a/b/one; chmod 555 src/empty
touch -d '2001-02-03 04:05:06.789' src/a/b/one
touch -d '2002-02-03' src/a/b
check "a tree with all kinds of names" a send src
check "it is equal, with modes and times" like src $in/src '%P %y %m %l'
check "times" test "$(stat -c %y src/a/b/one)" = "$(stat -c %y $in/src/a/b/one)"
check "a folder's time" test "$(stat -c %Y src/a/b)" = "$(stat -c %Y $in/src/a/b)"
check "a link is a link" test -L $in/src/link
check "again: nothing is stored twice" sh -c \
    "dial -c alice/sipd.conf bob send src 2>&1 | grep 'were there already'"
check "still equal" like src $in/src '%P %y %m %l'
mkfifo src/pipe
check "a pipe among them is told, and the code is 1" \
    fails_with 1 "src/pipe: neither a file" a send src
rm src/pipe
mknod src/null c 1 3
socat UNIX-LISTEN:src/sock,fork /dev/null &
check "a socket is there" wait_for 5 test -S src/sock
check "a device is told too" fails_with 1 "src/null: neither a file" a send src
check "and a socket" fails_with 1 "src/sock: not sent: neither" a send src
check "neither is there" test ! -e $in/src/null -a ! -e $in/src/sock
kill $!
rm -f src/null src/sock
clean

# --- names that are taken
echo new > note.txt
echo old > $in/note.txt
check "a taken name is left alone" a send note.txt
check "and the new one told" sh -c "grep -qx old $in/note.txt &&
    grep -qx new '$in/note (1).txt'"
check "overwriting is refused by default" \
    fails_with 1 "overwrite in [file]" a send --overwrite note.txt
echo 'overwrite = yes' >> bob/sipd.conf
check "it can be allowed" as bob reload
check "then it replaces" a send --overwrite note.txt
check "the content" grep -qx new $in/note.txt
clean

# --- large and full of holes
truncate -s 5G sparse
head -c 100000 /dev/urandom | dd of=sparse bs=1M seek=4000 conv=notrunc \
    status=none
truncate -s 5G sparse
check "5 GB with holes" a send sparse
check "its size" test "$(stat -c %s $in/sparse)" = 5368709120
check "its holes" test "$(stat -c %b $in/sparse)" -lt 2000
tail_of() { dd if="$1" bs=1M skip=4000 count=1 status=none | md5sum; }
check "its bytes" test "$(tail_of sparse)" = "$(tail_of $in/sparse)"
rm sparse
clean

# --- 20,000 small ones, and one large
mkdir -p many
head -c 20480000 /dev/urandom | (cd many && split -b 1024 -a 4)
check "20,000 files of 1 KB" a send many
check "they are equal" diff -r many $in/many
nl() { find "$in/many" -type f | wc -l; }
check "all of them" test "$(nl)" = 20000
check "nothing else" nothing_left
rm -rf many
clean

# --- get
mkdir -p share/sub
echo hello > share/sub/x
echo more > more/y
ln -s ../src share/away
ln -s /etc share/etc
mkdir got
cd got || exit 1
check "get: a file and a tree of two folders" \
    dial -c ../alice/sipd.conf bob get sub y
check "they are equal" sh -c "cmp ../share/sub/x sub/x && cmp ../more/y y"
check "get: into" dial -c ../alice/sipd.conf bob get --into deep/er \
    "$T/share/sub/x"
check "it is there" cmp ../share/sub/x deep/er/x
for p in /etc/passwd ../src/zero away/zero etc/passwd "$T/share/../src/zero" \
    "$T/share/etc/passwd" sub/../../src/zero; do
	check "get: not $p" fails_with 1 "cannot give it" \
	    dial -c ../alice/sipd.conf bob get "$p"
done
check "get: links of a tree come as links" \
    dial -c ../alice/sipd.conf bob get "$T/share"
check "as links" sh -c "test -L share/etc && test -L share/away"
check "nothing else came" sh -c "ls | sort | tr '\n' ' ' | grep -qx \
    'deep share sub y '"
check "who is not allowed gets nothing" sh -c \
    "! dial -c ../bob/sipd.conf sip:127.0.0.1:5060 get sub"
cd ..

# --- what is said
head -c 30000000 /dev/urandom > big
check "events as JSON" sh -c "dial -j -c alice/sipd.conf bob send big > j.out"
check "progress with numbers" grep -q \
    '"event":"progress".*"bytes":[0-9]*.*"total":30000000' j.out
check "the last one is done" sh -c \
    "tail -1 j.out | grep -q '\"reason\":\"done\".*\"exit\":0'"
clean

# --- somebody at a terminal is asked, unless the peer was named
mkfifo keys
script -qfc "dial -c carol/sipd.conf wait file --into here" carol.out \
    < keys > /dev/null 2>&1 &
terminal=$!
exec 9> keys
asked() { [ "$(grep -c 'wants to send you' carol.out)" = "$1" ]; }
waits() { ss -lun | grep -q :5070; }
check "carol waits" wait_for 5 waits
behind alice a.out carol send note.txt
check "carol is asked about what a known peer sends" wait_for 5 asked 1
check "what it is" grep -q "alice wants to send you note.txt, 4 bytes. Take" \
    carol.out
check "nothing is there yet" test ! -e here/note.txt
echo y >&9
check "she takes it" ends 0 $behind
check "it is there" cmp note.txt here/note.txt
behind alice a.out carol send share
check "she is asked again" wait_for 5 asked 2
echo n >&9
check "she does not take it" ends 1 $behind
check "alice is told" sh -c "cat a.out; grep -q 'carol declined' a.out"
check "nothing is there" test ! -e here/share
exec 9>&-
kill $terminal
gone() { ! waits; }
check "carol waits no more" wait_for 5 gone
dial -c carol/sipd.conf wait file --into here --from alice --once \
    < /dev/null > carol2.out 2>&1 &
w=$!
check "carol waits for alice" wait_for 5 waits
check "named, she is not asked" as alice carol send big
check "once is once" ends 0 $w
check "it is there" cmp big here/big

# --- a full disk, then room again
mkdir -p $in
mount -t tmpfs -o size=20m tmpfs $in
check "a full disk is told before much is sent" \
    fails_with 1 "the disk there is full" a send big
mkdir -p lots
for i in 1 2 3 4 5 6 7 8; do head -c 4000000 /dev/urandom > lots/$i; done
check "and while it fills" fails_with 1 "the disk there is full" a send lots
check "what has a name is whole" sh -c \
    "for f in $in/lots/*; do cmp \$f lots/\${f##*/} || exit 1; done"
mount -o remount,size=100m $in
check "with room it goes on" a send lots big
check "all is there" sh -c "diff -r lots $in/lots && cmp big $in/big"
check "nothing else" nothing_left
umount $in

# --- killed, and gone on; the source has changed meanwhile
check "the network is slow" tc qdisc add dev lo root tbf rate 200mbit \
    burst 1m latency 50ms
half() { [ -n "$(find $in -name '.big*part' -size +9M)" ]; }
rest() {
	tx=$(tail -1 bob/calls.log | sed 's/.*"rx":\([0-9]*\).*/\1/')
	echo "$tx were sent"
	[ "$tx" -lt "$1" ]
}
mkdir -p $in
behind alice kill.out bob send big
check "the file is under way" wait_for 10 half
crash bob
kill -KILL $behind
wait $behind 2> /dev/null
check "only a part is there" test ! -e $in/big
check "bob starts again" start bob
check "the network is fast, both sides know nothing" \
    tc qdisc del dev lo root
check "send again" a send big
check "it is whole" cmp big $in/big
check "most was not sent again" rest 23000000
clean
check "slow again" tc qdisc add dev lo root tbf rate 200mbit burst 1m \
    latency 50ms
behind alice kill.out bob send big
check "the file is under way" wait_for 10 half
kill -KILL $behind
wait $behind 2> /dev/null
printf X | dd of=big bs=1 seek=5000000 conv=notrunc status=none
check "another source under the name" a send big
check "it is what is sent" cmp big $in/big
clean
behind alice kill.out bob send big
check "the file is under way" wait_for 10 half
echo more >> big
check "a source that changes is noticed" ends 1 $behind
check "and said" grep -q "changed while" kill.out
check "nothing is stored" sh -c "! ls $in/big"
seq 3000000 > text
check "what shrinks is packed on a slow path" a send text
check "it is equal" cmp text $in/text
check "less was sent" rest 15000000
check "fast again" tc qdisc del dev lo root
clean

# --- how far it is, on a terminal and off it
check "very slow" tc qdisc add dev lo root tbf rate 24mbit burst 256k \
    latency 50ms
behind alice plain.out bob send big
check "a line every few seconds: how much, how fast, how long" wait_for 20 \
    grep -q "^[0-9.]* MB of 30.0 MB ([0-9.]* [kM]B/s, [0-9:]* left)" plain.out
check "no bar where there is no terminal" sh -c "! grep '#' plain.out"
kill -INT $behind
wait $behind
mkdir two; cp big two/a; echo > two/b
script -qfc "stty cols 120; dial -c alice/sipd.conf bob send two" tty.out \
    < /dev/null > /dev/null 2>&1 &
behind=$!
bar='\[#*\.*\] [0-9.]* MB of 30.0 MB  [0-9.]* [kM]B/s  [0-9:]* left'
check "a bar on a terminal, with the file at hand" wait_for 20 \
    grep -q "$bar, 0 of 2 files, [^ ]*a [0-9]* %" tty.out
kill -TERM $behind 2> /dev/null
wait $behind
check "fast again" tc qdisc del dev lo root
clean

# --- many small ones cost no round trips: three times one of that size, at
# most, though each is a file to be opened, named and synced
mkdir small
head -c 10240000 /dev/urandom > one
(cd small && split -b 1024 -a 4 ../one)
check "50 Mbit/s" tc qdisc add dev lo root tbf rate 50mbit burst 256k \
    latency 50ms
took() { t=$(now_ms); "$@" && took=$(($(now_ms) - t)); }
# in $took: many, in percent of one
compared() {
	clean
	took a send one || return 1
	one=$took
	took a send small || return 1
	echo "one $one ms, many $took ms"
	took=$((100 * took / one))
}
check "10,000 files of 1 KB in three times of one of 10 MB" best 300 compared
[ -z "${SHOW:-}" ] || cat "$T/check.out"
check "they are equal" diff -r small $in/small
check "fast again" tc qdisc del dev lo root
rm -rf small one
clean

# --- a quota
printf 'quota = 20M\n' >> bob/sipd.conf
check "reload" as bob reload
check "more than the folder may hold" fails_with 1 "quota" a send big
check "what fits" a send note.txt
clean
head -c 12M /dev/urandom > half1
head -c 12M /dev/urandom > half2
check "slowly" tc qdisc add dev lo root tbf rate 100mbit burst 1m \
    latency 50ms
a send half1 > half1.out 2>&1 &
half=$!
a send half2 > half2.out 2>&1
second=$?
wait $half
check "of two at once that are too much together one is refused" \
    test $(($? + second)) = 1
check "for that" grep -q "(quota)" half1.out half2.out
check "one is there" test "$(find $in -name 'half?' | wc -l)" = 1
check "fast again" tc qdisc del dev lo root
check "what fits besides it" a send note.txt
rm half1 half2
clean

# --- a file system that takes Readme and README for one
image() {
	truncate -s 64M exfat.img && mkfs.exfat exfat.img &&
		loop=$(losetup -f --show exfat.img) || return 1
	mount.exfat-fuse -o nonempty "$loop" $in
	code=$?
	losetup -d "$loop"      # when it is not used any more
	return $code
}
if image > exfat.out 2>&1; then
	mkdir -p case/Dir case/dir
	echo 1 > case/Readme
	echo 2 > case/README
	echo 3 > case/Dir/x
	echo 4 > case/dir/x
	check "names that differ in case only" a send case
	check "nothing is lost" sh -c "cd $in/case && cat */x R* | sort |
	    tr -d '\n' | grep -qx 1234"
	check "again" a send case
	check "nothing is added" sh -c "ls $in/case | wc -l | grep -qx 4"
	umount $in
else
	echo "skipped: case: no exFAT by FUSE: $(tail -1 exfat.out)"
fi
check "bob ends well" stop bob
finish
