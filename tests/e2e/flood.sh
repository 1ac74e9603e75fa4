#!/bin/sh
# flood.sh: REGISTER, INVITE, garbage and half-open TLS from one address, ten
# times what source-rate allows, for FLOOD_TIME seconds (12): calls under way
# lose nothing, honest calls from elsewhere succeed, memory stays bounded.
#
#   127.0.0.66: sipp, pour.pl ──> the meeting point, and bob
#   127.0.0.1:  alice ──> the meeting point ──> bob
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)/flood
seconds=${FLOOD_TIME:-12}
# the sanitizers keep what is freed: less of it
export ASAN_OPTIONS="$ASAN_OPTIONS:quarantine_size_mb=4"
cd "$T" || exit 1
command -v sipp > /dev/null || {
	echo "skipped: no sipp"; echo "flood: 0 passed, 0 failed"; exit 0; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -days 2 -subj /CN=demo.example -keyout tls.key -out tls.crt 2> /dev/null
cat tls.crt tls.key > tls.pem
chmod 600 tls.pem
meeting_point "udp:127.0.0.1:5070, tcp:127.0.0.1:5070, tls:127.0.0.1:5071" \
    "alice:a bob:b" "tls-cert = $T/tls.pem"
fa=$(key alice) fb=$(key bob)
{ account alice a "sip:127.0.0.1:5070"; cat <<EOT
[peer bob]
address = bob@demo.example
fingerprint = $fb
EOT
} | conf alice
# his rate= is for all proven callers: in a minute alice alone calls more often
{ account bob b "sip:127.0.0.1:5070" |
	sed 's/^port = 0/port = 5060\nrate = 100000/'
cat <<EOT
[peer alice]
address = alice@demo.example
fingerprint = $fa
allow = file, pipe
[pipe]
command = cat
EOT
} | conf bob
for n in meet bob alice; do
	check "$n starts" start $n
done
for n in alice bob; do
	check "$n is registered" wait_for 10 registered $n
done
call() { [ "$(echo hello | as alice bob pipe 2> call.out)" = hello ]; }
check "a call" call

rss() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
# shellcheck disable=SC2154
before_meet=$(rss "$pid_meet") before_bob=$(rss "$pid_bob")

# a call under way: a line every 50 ms, and back
mkfifo in
dial -c alice/sipd.conf bob pipe < in > out 2> pipe.out &
pipe=$!
{
	i=0
	until [ -e enough ]; do
		i=$((i + 1)); echo $i; sleep 0.05
	done
	echo last
} > in &
check "a call is under way" wait_for 10 grep -q 5 out

# --- the floods
end=$(($(date +%s) + seconds))
floods= pours=
sipps() {       # SCENARIO PORT LOCALPORT
	sipp -sf "$here/$1.xml" -i 127.0.0.66 -p "$3" -t u1 -r 2000 \
	    -m $((2000 * seconds)) -l 1000000 -nostdin "127.0.0.1:$2" \
	    > "sipp.$1.$2" 2>&1 &
	floods="$floods $!"
}
sipps register 5070 6001
sipps invite 5070 6002
sipps invite 5060 6003
for n in "garbage 5060" "garbage 5070" "tls 5071"; do
	# shellcheck disable=SC2086
	perl "$here/pour.pl" $n "$seconds" 2000 > "pour.$(echo $n | tr ' ' .)" \
	    2>&1 &
	pours="$pours $!"
done
head -c 30000000 /dev/urandom > big
as alice bob send big > send.out 2>&1 &
send=$!

calls=0 lost=0 most_meet=0 most_bob=0
while [ "$(date +%s)" -lt $end ]; do
	calls=$((calls + 1))
	call || { lost=$((lost + 1)); cat call.out >> lost.out; }
	m=$(rss "$pid_meet") b=$(rss "$pid_bob")
	[ "$m" -le $most_meet ] || most_meet=$m
	[ "$b" -le $most_bob ] || most_bob=$b
done
for p in $floods; do
	kill "$p" 2> /dev/null
	wait "$p" 2> /dev/null
done
for p in $pours; do
	wait "$p"
done
: > enough
echo "flood: $calls calls, $lost lost; memory of the meeting point" \
    "$before_meet to $most_meet kB, of bob $before_bob to $most_bob kB;" \
    "$(cat pour.* | paste -sd' ')"

check "the file has arrived" ends 0 $send
check "whole" cmp big bob/inbox/big
check "the call under way ends well" ends 0 $pipe
lines() { n=$(wc -l < out); { seq $((n - 1)); echo last; } | cmp - out; }
check "and has lost nothing" lines
check "it was tried often" test $calls -ge $((seconds / 3))
honest() { cat lost.out; [ $((lost * 100)) -le $calls ]; }
: >> lost.out
check "honest calls succeed" honest
# the thread sanitizer has four bytes of its own for each
may=65536
! ldd "$E2E_BUILD/sipd" | grep -q libtsan || may=$((may * 5))
check "the meeting point's memory" test $((most_meet - before_meet)) -lt $may
check "bob's memory" test $((most_bob - before_bob)) -lt $may
check "the log says who is refused" says meet "127.0.0.66 is refused"
check "at bob too" says bob "127.0.0.66 is refused"
check "and does not grow with it" test "$(wc -l < meet/log)" -lt 400
check "a call" call
for n in alice bob meet; do
	check "$n ends well" stop $n
done
finish
