#!/bin/sh
# pair.sh: `dial pair`: two machines learn each other's keys by a code that
# two people tell each other; and who does not know it learns nothing.
#
#   alice --\                   /-- bob
#   mallory --> meeting point <---- carol (no sipd)
. "$(dirname "$0")/lib.sh"

meeting_point udp:127.0.0.1:5060 "alice:secret-a bob:secret-b"
m='sip:127.0.0.1:5060'
{ account alice secret-a $m; echo "[file]"; echo "inbox = $T/alice/in"; } |
    conf alice
account bob secret-b $m | conf bob
cat >> "$T/bob/sipd.conf" <<EOT
[peer alice]
address = alice@demo.example
allow = file, forward 127.0.0.1:9
EOT
echo "port = 0" | conf carol
start meet; start alice; start bob
check "alice is registered" wait_for 10 registered alice
check "and bob" wait_for 10 registered bob
echo hello > "$T/hello"

# host NAME: run `dial pair` there; the code is then in $code
host() {
	behind "$1" "pair.$1" pair
	wait_for 5 grep -qE '^[a-z]+-[a-z]+-[0-9]{3}$' "$T/pair.$1" || return 1
	code=$(grep -m 1 -xE '[a-z]+-[a-z]+-[0-9]{3}' "$T/pair.$1")
}

check "strangers do nothing" fails_with 1 "does not know our key" \
    as alice bob@demo.example send "$T/hello"
check "bob makes a code" host bob
check "which is not used up by a typing error" \
    fails_with 2 "is no word of a code" \
    as alice pair "x$code" bob@demo.example
check "nor by other words" fails_with 2 "two words and a number" \
    as alice pair hello bob@demo.example
check "alice uses it" fails_with 0 "paired with" \
    as alice pair "$(echo "$code" | tr 'a-z-' 'A-Z ')" bob@demo.example
check "bob is told" ends 0 "$behind"
check "by name" grep -q "paired with .*alice" "$T/pair.bob"
check "both know each other" as alice bob@demo.example send "$T/hello"
check "the file is there" cmp "$T/hello" "$T/bob/inbox/hello"
behind alice open.out bob@demo.example forward 8001:127.0.0.1:9
open=$behind
check "alice has a session with bob" wait_for 5 grep -q listening "$T/open.out"
used=$code
check "bob makes a code for somebody else" host bob
cp "$T/hello" "$T/again"
check "alice, within that session, is no caller for it" \
    as alice bob@demo.example send "$T/again"
check "and her file is there" cmp "$T/hello" "$T/bob/inbox/again"
kill -INT "$open" "$behind"
wait "$open" "$behind"
code=$used
check "a code is good for one" fails_with 1 "does not know our key" \
    as carol pair "$code" "$(as bob --json status |
	sed -n 's/.*"reached_at":"\([^"]*\)".*/\1/p' | head -1)"

check "without a sipd: carol makes a code" host carol
check "with her address" grep -q "dial pair $code sip:" "$T/pair.carol"
kill -TERM "$behind"
check "and gives it up" ends 130 "$behind"

# while it lasts nobody sees it in ps: here it waits for who does not answer
socat -u UDP-RECV:5999 OPEN:/dev/null &
mute=$!
check "somebody mute" wait_for 5 sh -c "ss -Hlun 'sport = :5999' | grep -q ."
behind carol hidden.out pair "$code" sip:127.0.0.1:5999
hidden() {
	tr '\0' ' ' < "/proc/$behind/cmdline"
	tr '\0' ' ' < "/proc/$behind/cmdline" | grep -q 'pair \*\*\** sip:'
}
if [ -n "${VALGRIND_LOGS:-}" ]; then
	echo "skipped: hidden from ps: what ps sees is valgrind's own"
else
	check "nobody sees a code in ps" wait_for 5 hidden
fi
kill -INT "$behind"
wait "$behind" 2> /dev/null
kill "$mute"

# on a terminal the code is there for a camera too: what was printed becomes a
# picture, eight points a module, which another program reads
picture() {
	sed -n 's/\x1b\[\([0-9]*\);\([0-9]*\)m\xe2\x96\x80/\1 \2 /g
		s/\x1b.*//; /^[0-9]* [0-9]* /p' "$1" | awk '
		function row(from, dark,   i, j, line) {
			for (i = from; i <= NF; i += 2)
				for (j = 0; j < 8; j++)
					line = line ($i == dark ? "0 " : "255 ")
			for (j = 0; j < 8; j++)
				text = text line "\n"
			rows += 8
		}
		{ row(1, 30); row(2, 40); width = NF / 2 * 8 }
		END { print "P2", width, rows, 255; printf "%s", text }'
}
printed() { grep -q "96m\|107m" "$T/tty" && grep -q "ten minutes" "$T/tty"; }
script -qc "dial -c $T/carol/sipd.conf pair" "$T/tty" < /dev/null \
    > /dev/null 2>&1 &
tty=$!
check "on a terminal" wait_for 5 printed
kill "$tty"
wait "$tty" 2> /dev/null
said=$(sed -n 's/.*There: \(dial pair [^[:cntrl:]]*\).*/\1/p' "$T/tty")
picture "$T/tty" > "$T/qr.pgm"
check "a QR code" sh -c "head -1 $T/qr.pgm; zbarimg -q --raw $T/qr.pgm > $T/qr"
check "says what is to be typed" test -n "$said" -a "$(cat "$T/qr")" = "$said"

other=acorn-zebra-100
check "bob makes another" host bob
[ "$code" != $other ] || other=acorn-zebra-101
fa=$(as alice trust | grep -c :)
for guess in 1 2 3; do
	check "guess $guess is wrong" fails_with 1 "somebody stands between" \
	    as alice pair $other bob@demo.example
done
check "the code is dead" ends 1 "$behind"
check "and why" grep -q "Three wrong guesses" "$T/pair.bob"
check "the right one comes too late" fails_with 1 "does not know our key" \
    as carol pair "$code" "$(as bob --json status |
	sed -n 's/.*"reached_at":"\([^"]*\)".*/\1/p' | head -1)"
check "nobody else is trusted" test "$(as alice trust | grep -c :)" = "$fa"

# a hostile meeting point sends bob's calls to mallory
account mallory secret-b $m | sed 's/^address.*/address = bob@demo.example/' |
    conf mallory
check "bob makes a third" host bob
right=$code
waits=$behind
stop bob > /dev/null 2>&1
start mallory
check "mallory has bob's address" wait_for 10 registered mallory
check "and makes a code of her own" host mallory
fm=$(as mallory identity)
check "alice is not taken in" fails_with 1 "somebody stands between" \
    as alice pair "$right" bob@demo.example
check "mallory's key is not trusted" sh -c \
    "! dial -c $T/alice/sipd.conf trust | grep -F $fm"
check "alice goes on" alive alice
kill -TERM "$behind"
wait "$behind" "$waits" 2> /dev/null
stop mallory; stop alice; stop meet
finish
