#!/bin/sh
# again.sh: a dial that joins a session which the other side is just about to
# end gets a call of its own.
#
#   bob's dial dies, and then   alice ==send, in bob's session==> bob
#   bob's sipd sleeps meanwhile, and hears of both in this order
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

fa=$(key alice) fb=$(key bob)
conf alice <<EOT
port = 5060
[peer bob]
address = sip:127.0.0.1:5062
fingerprint = $fb
allow = forward 127.0.0.1:9
EOT
conf bob <<EOT
port = 5062
[peer alice]
address = sip:127.0.0.1:5060
fingerprint = $fa
allow = file
[pipe]
command = cat
EOT
for n in alice bob; do
	check "$n starts" start $n
done
head -c 100000 /dev/urandom > page

# crossing DIAL...: alice's, while the session that bob began ends
crossing() {
	behind bob bob.out alice forward 8001:127.0.0.1:9
	bobs=$behind
	wait_for 5 grep -q "listening on" bob.out || return 1
	kill -STOP "$pid_bob"
	kill -KILL "$bobs"
	wait "$bobs" 2> /dev/null
	"$@" > alice.out 2>&1 < page &
	alices=$!
	wait_for 5 queued || return 1
	kill -CONT "$pid_bob"
	ends 0 $alices
}
# something waits for bob's sipd on the way that SIP takes
queued() {
	ss -Hatun "( sport = :5062 or dport = :5060 )" |
	    awk '$3 > 0 { n++ } END { exit !n }'
}

check "a send" crossing as alice bob send page
check "has arrived" cmp page bob/inbox/page
own() { [ "$(grep -c '"direction":"out"' alice/calls.log)" = "$1" ]; }
check "by another call" wait_for 5 own 1
sed -i 's/^allow = file/allow = file, pipe/' bob/sipd.conf
check "bob lets alice's pipe in" as bob reload
check "a pipe, whose input is not lost" crossing as alice bob pipe
check "has come back whole" cmp page alice.out
check "by another call, too" wait_for 5 own 2

# bob's sipd sleeps for longer than alice waits at one way: she takes another,
# and then he hears of one call by both
both_ways() {
	ss -Hatun "( sport = :5062 or dport = :5060 )" | awk '$3 > 0 {
		way[$1] = 1 } END { exit !(way["udp"] && way["tcp"]) }'
}
cp page page2
kill -STOP "$pid_bob"
behind alice slow.out bob send page2
check "alice tries both ways" wait_for 10 both_ways
kill -CONT "$pid_bob"
check "it is one call to bob, and works" ends 0 "$behind"
check "the file has arrived" cmp page2 bob/inbox/page2
for n in alice bob; do
	check "$n ends" stop $n
done
finish
