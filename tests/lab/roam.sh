#!/bin/bash
# roam.sh BUILD: a file is under way while the network changes under it. Each
# time it must go on within 3 s and arrive as it was.
#
#   a: two uplinks, one is cut          b: behind a NAT that forgets its
#      and comes back                      mappings, or gets another address
. "$(dirname "$0")/../lab/lib.sh"
LIMIT_MS=3000

check "the world" world
check "a network with two uplinks, and one NAT" pair two port
peers_conf two port
check "a starts" peer_start a
check "b starts" peer_start b
slow() {
	for i in eth0 eth1; do
		at a tc qdisc replace dev $i root tbf rate 60mbit burst 256k \
		    latency 30ms
	done
}
check "the uplinks are slow" slow
head -c 40000000 /dev/urandom > big

part_size() {
	s=$(find b/inbox -name '.big*part' -printf '%s\n' 2> /dev/null)
	echo "${s:-0}"
}
begun() { [ "$(part_size)" -gt 4000000 ]; }
# stall: ms until a megabyte more has come after the network has changed;
# what was under way then does not count
stall() {
	t0=$(ms) grown=$(($(part_size) + 1000000))
	while [ ! -e b/inbox/big ] &&
	    [ "$(part_size)" -lt $grown ]; do
		[ $(($(ms) - t0)) -lt 20000 ] || break
		sleep 0.02
	done
	echo $(($(ms) - t0))
}
# once COMMAND UNDO: the file, with this happening to it
once() {
	rm -rf b/inbox
	behind a send.out b send big
	wait_for 10 begun || return 1
	$1
	took=$(stall)
	ends 0 $behind && cmp big b/inbox/big
	arrived=$?
	$2
	return $arrived
}
# survives WHAT COMMAND UNDO
survives() {
	check "$1: the file goes on within $LIMIT_MS ms, and arrives as it was" \
	    soon $LIMIT_MS once "$2" "$3"
	echo "  $1: $took ms"
}
cut() { at a ip link set eth0 down; }
mend() {
	at a ip link set eth0 up
	ip -n a route add default via 192.168.1.1
	sleep 1
}
reboot() { kill -USR2 "$nat_br"; }
renumber() { kill -HUP "$nat_br"; }
# the router is off for a second
power() {
	kill -STOP "$nat_br"
	sleep 1
	kill -USR2 "$nat_br"
	kill -CONT "$nat_br"
}
unplug() { ip -n ar link set to-a down; }
plug_in() {
	ip -n ar link set to-a up
	sleep 1
}
survives "the first uplink is cut" cut mend
survives "the uplink it is on is unplugged at the router" unplug plug_in
survives "the NAT forgets everything" reboot :
survives "the NAT gets another address" renumber :
survives "the NAT is off for a second" power :
# the child of peer_start's shell
suspend() {
	read -r p _ < "/proc/$pid_a/task/$pid_a/children"
	kill -STOP "$p"
	sleep 12
	kill -CONT "$p"
}
survives "a is suspended for 12 s" suspend :
peer_stop a
peer_stop b
finish
