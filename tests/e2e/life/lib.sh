# lib.sh: for life.sh and liferelay.sh, which have sourced tests/lab/lib.sh:
# peers a and b, slow links, a's NAT that ends each mapping after LIFE seconds,
# however much it is used, and b's, which lets nobody in whom it has not sent
# to; and how long a file between them stalls.
LIFE=6 LIMIT_MS=700
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
	check "$1 to $2: the longest stall has $worst ms, of $LIMIT_MS" \
	    test $worst -ge 0 -a $worst -le $((LIMIT_MS * SLACK))
	check "$1 to $2: it arrives" ends 0 $behind
	check "$1 to $2: as it was" cmp "$3" "$2/inbox/$3"
}
