#!/bin/bash
# life.sh: files go on by a NAT that ends each mapping after 6 s, however much
# it is used. The first ends cost a moment; from then on the mapping is
# renewed before it ends, whichever side calls, after a restart, and by a
# relay. The other's NAT lets nobody in whom it has not sent to.
#
# alone: it measures how long nothing comes
. "$(dirname "$0")/../lab/lib.sh"
LIFE=6 LIMIT_MS=1000
make -s -C "$LAB/../.." B="$E2E_BUILD" lab-tools || exit 1
check "the world" world

site_life() {
	home "$1" "$2" --map eim --filter apdf --alloc random \
	    --udp-life $LIFE --verbose
}
check "a NAT with a short life, and one that filters" pair life port
LAB_GUESS=no peers_conf life port
check "a starts" peer_start a
check "b starts" peer_start b
slow() {
	for h in a b; do
		at $h tc qdisc replace dev eth0 root tbf rate 10mbit \
		    burst 64k latency 50ms
	done
}
check "the links are slow" slow
head -c 38000000 /dev/urandom > big
head -c 15000000 big > small

part_size() { stat -c %s "$1"/inbox/.*part 2> /dev/null || echo 0; }
# watch SIDE MS: the longest time without growth there, before and after MS;
# -1 if it is over by then
watch() {
	begin=$(ms) last=$begin size=0 first=0 worst=-1
	while kill -0 $behind 2> /dev/null &&
	    [ $((last - begin)) -lt 60000 ]; do
		s=$(part_size "$1") now=$(ms)
		gap=$((now - last))
		[ $gap -lt 20000 ] || break
		if [ $((last - begin)) -lt "$2" ]; then
			[ $gap -le $first ] || first=$gap
		else
			[ $gap -le $worst ] || worst=$gap
		fi
		[ "$s" = $size ] || last=$now
		size=$s
		sleep 0.01
	done
}
# flows FROM TO FILE MS: it takes several lives; after MS nothing stalls
flows() {
	behind "$1" send.out "$2" send "$3"
	watch "$2" "$4"
	echo "  $1 to $2: longest stall $first ms, from $4 ms on $worst ms"
	check "$1 to $2: no stall of $LIMIT_MS ms ($worst)" \
	    test $worst -ge 0 -a $worst -le $LIMIT_MS
	check "$1 to $2: it arrives" ends 0 $behind
	check "$1 to $2: as it was" cmp "$3" "$2/inbox/$3"
}
# two ends after the same time teach; how old the first mapping is, which has
# been there before the call, nobody knows: it may take a third
flows a b big $((3 * LIFE * 1000 + 2000))
flows b a small $((LIFE * 1000 + 2000))
# what a has learned it knows when it is started again: from the first mapping
# on, which is a new socket's
peer_stop a
check "a starts again" peer_start a
flows a b small 0
sockets() { grep "map udp" "$T/ar.natemu" | cut -d' ' -f4 | sort -u | wc -l; }
check "by sockets that came in time" test "$(sockets)" -ge 6
# by a relay of a's: what ends is the mapping between the two, and another
# allocation is made in time
check "a is left with its relay" \
    sed -i 's/^\[nat\]/[nat]\nrelay = only/' a/sipd.conf
check "as it is told" as a reload
# the first file teaches, as above, but to what it costs there is no limit: an
# allocation that has died is found out late
rm b/inbox/*
behind a send.out b send big
check "a to b: it arrives" ends 0 $behind
check "a to b: as it was" cmp big b/inbox/big
flows a b small 0
peer_stop a
peer_stop b
finish
