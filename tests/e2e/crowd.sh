#!/bin/sh
# crowd.sh: more connections than there are places, from so many sources that
# none is over its own limit: 4,096 at a caller's sipd, 16,384 at the meeting
# point. One more is closed at once, those that are there live, calls go on,
# and where one leaves another may come.
#
#   crowd.pl x 4, 16 sources each ──> the meeting point <── alice
#   crowd.pl x 1, 15 sources ──> bob <── alice: a call under way; its INVITE
#                                        is too large for UDP
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)/crowd
cd "$T" || exit 1
# both ends of each connection, in processes of their own
ulimit -n 20000 2> /dev/null || {
	echo "skipped: crowd: 20,000 descriptors are not to be had"
	echo "crowd: 0 passed, 0 failed"; exit 0; }

fa=$(key alice) fb=$(key bob)
meeting_point "udp:127.0.0.1:5070, tcp:127.0.0.1:5070" alice:a
{ account alice a "sip:127.0.0.1:5070;transport=tcp"; cat <<EOT
[peer bob]
address = sip:bob@127.0.0.1:5060
fingerprint = $fb
EOT
} | conf alice
conf bob <<EOT
port = 5060
[peer alice]
fingerprint = $fa
allow = pipe
[pipe]
command = cat
EOT
for n in meet bob alice; do
	check "$n starts" start $n
done
check "alice is registered" wait_for 10 registered alice
mkfifo in
dial -c alice/sipd.conf bob pipe < in > out 2> pipe.out &
pipe=$!
exec 3> in
echo first >&3
check "a call is under way" wait_for 10 grep -q first out

# crowd NAME PORT FROM SOURCES EACH FD: its words go by that descriptor
crowd() {
	mkfifo "$1.in"
	perl "$here/crowd.pl" "$2" "$1" "$3" "$4" "$5" < "$1.in" \
	    > "$1.out" 2>&1 &
	eval "exec $6> $1.in"
	n=$(($4 * $5))
	check "$n connections to port $2 ($1)" wait_for 60 told "$1" "up $n"
	told "$1" "up $n" || finish
}
# told NAME TEXT
told() { tail -1 "$1.out" | tee "$1.last" | grep -qxF "$1: $2"; }
# tell NAME WORD FD ANSWER
tell() { eval "echo $2 >&$3"; wait_for 20 told "$1" "$4" || {
	cat "$1.out"; return 1; }; }
conns() { ss -Htn state established "sport = :$1" | wc -l; }

# --- a caller's sipd: what others have connected to it is 4,096 at most
crowd bob 5060 0 15 273 4
check "with alice's 4,096 in all" test "$(conns 5060)" = 4096
check "one more is closed" tell bob more 4 "more closed"
check "and another" tell bob more 4 "more closed"
# once NAME N: the log has it, not for each
once() { [ "$(grep -c "are refused for now, .*: $2 are open" "$1/log")" = 1 ]; }
check "the log says why, once" once bob 4096
check "those that were there live" tell bob alive 4 "alive 4095"
echo second >&3
check "the call under way goes on" wait_for 10 grep -q second out
call() { [ "$(echo hello | as alice bob pipe)" = hello ]; }
check "a new call by the connection that is there" call
check "one leaves" tell bob leave 4 left
may_come() { tell bob more 4 "more open"; }
check "then another may come" wait_for 10 may_come
check "but one" tell bob more 4 "more closed"

# --- the meeting point: 16,384, of which alice has one
crowd m1 5070 0 16 256 5
crowd m2 5070 16 16 256 6
crowd m3 5070 32 16 256 7
crowd m4 5070 48 15 273 8
check "with alice's 16,384 in all" test "$(conns 5070)" = 16384
check "one more is closed" tell m1 more 5 "more closed"
check "and another" tell m4 more 8 "more closed"
check "the log says why, once" once meet 16384
check "alice is still registered" registered alice
check "the meeting point answers her" as alice check
for m in "m1 5 4096" "m2 6 4096" "m3 7 4096" "m4 8 4095"; do
	# shellcheck disable=SC2086
	set -- $m
	check "those that were there live ($1)" tell "$1" alive "$2" "alive $3"
done
check "one leaves" tell m2 leave 6 left
may_come() { tell m4 more 8 "more open"; }
check "then another may come" wait_for 10 may_come
check "but one" tell m4 more 8 "more closed"

exec 4>&- 5>&- 6>&- 7>&- 8>&-
check "they all leave" wait_for 20 sh -c \
    "[ \$(ss -Htn state established 'sport = :5070' | wc -l) = 1 ]"
echo last >&3
exec 3>&-
check "the call under way ends well" ends 0 $pipe
lines() { printf 'first\nsecond\nlast\n' | cmp - out; }
check "and has lost nothing" lines
for n in alice bob meet; do
	check "$n ends well" stop $n
done
finish
