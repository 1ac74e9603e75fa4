#!/bin/bash
# relays.sh BUILD: bytes go through a relay, both ways, while
#   - a direct path becomes possible: it is taken within 2 s
#   - the direct path is lost again: they are on the relay within 3 s
#   - the relay dies: the other one takes over within 3 s
# and not one is lost, doubled or out of order.
#
#   a: port ── net: drops what goes from home to home ── linux: b
#              srv: turn.lab, turn2.lab
. "$(dirname "$0")/../lab/lib.sh"
UPGRADE_MS=2000 RESUME_MS=3000

check "the world" world
addr srv eth0 198.51.100.12/24
check "another relay" relay_start turn2 198.51.100.12
check "two networks" pair port linux
second="[turn second]
server = turn:turn2.lab:3478
user = lab
password = lab"
fa=$(key a) fb=$(key b)
peer_conf a port b "$fb" "$second"
peer_conf b linux a "$fa" "$second"
check "a starts" peer_start a
check "b starts" peer_start b

between() {
	ip netns exec net nft -f - <<-EOT
	table ip between
	flush table ip between
	table ip between {
		chain forward {
			type filter hook forward priority 0;
			$1
		}
	}
	EOT
}
apart() {
	between "ip saddr 11.0.0.0/16 ip daddr 11.0.0.0/16 drop"
}
together() { between ""; }

head -c 24000000 /dev/urandom > big
at a tc qdisc replace dev eth0 root tbf rate 12mbit burst 32k latency 50ms
# begin: all of big goes to b's `echo hello; cat` and back
begin() {
	: > back
	as a -j b pipe < big > back 2> dial.said &
	dial=$!
	wait_for 20 grep -qa hello back
}
is() { [ "$(path_now)" = "$1" ]; }
# took MS COMMAND...: how long until it succeeds
took() {
	t0=$(ms) limit=$1
	shift
	until "$@" > /dev/null 2>&1; do
		[ $(($(ms) - t0)) -lt $((limit * 3)) ] || break
		sleep 0.02
	done
	took=$(($(ms) - t0))
	echo "  $took ms" >> took.all
	[ $took -le "$limit" ]
}
grown() { [ "$(stat -c %s back)" -gt $((was + 300000)) ]; }
goes_on() {
	was=$(stat -c %s back)
	took $RESUME_MS grown
}
whole() {
	ends 0 $dial
	sed -n '/^hello$/,$p' back | tail -c +7 > came
	# what dial -j has to say at the end is no part of it
	cmp -n 24000000 big came
}

# --- the way up
check "nothing passes from home to home" apart
check "a pipe" begin
check "it is relayed" is relayed
sleep 2
together
check "direct within $UPGRADE_MS ms" took $UPGRADE_MS is direct
echo "  relay to direct: $took ms"
check "it goes on" goes_on

# --- and down again
sleep 1
apart
check "without the direct path it goes on within $RESUME_MS ms" goes_on
echo "  direct to relay: $took ms"
check "relayed" is relayed
check "all has come back, in order" whole

# --- a relay dies
check "another pipe" begin
check "it is relayed" is relayed
sleep 1
relay=$(field relay < now)
case $relay in turn2.lab) kill -KILL "$pid_turn2" ;; *) kill -KILL "$pid_turn" ;; esac
check "$relay is dead: it goes on within $RESUME_MS ms" goes_on
echo "  dead relay: $took ms"
check "all has come back, in order" whole
peer_stop a
peer_stop b
finish
