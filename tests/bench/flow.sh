#!/bin/sh
# flow.sh [BUILD]: what carries the tunnels, without them: bytes by one QUIC
# stream (quicflow.c), packets by one DTLS association (dgramflow.c), from
# memory to memory over a veth pair. KINDS, BYTES, the SIZE of packets (0: what
# fits) and LINK may be set: wire has no TSO and no UDP segmentation, veth has.
. "$(dirname "$0")/lib.sh"
KINDS=${KINDS:-quic dgram} BYTES=${BYTES:-2000000000} SIZE=${SIZE:-0}
LINK=${LINK:-wire}
for k in $KINDS; do
	make -s -C "$BENCH/../.." B="$E2E_BUILD" \
		"$E2E_BUILD/bench/${k}flow" > /dev/null || exit 1
done

ip netns add gives
ip netns add takes
ip -n gives link add v0 type veth peer name v0 netns takes
for n in takes:1 gives:2; do
	ip -n ${n%:*} addr add 10.99.0.${n#*:}/24 dev v0
	ip -n ${n%:*} link set v0 up
	[ "$LINK" != wire ] || at ${n%:*} ethtool -K v0 tso off \
		tx-udp-segmentation off > /dev/null 2>&1
	at ${n%:*} ethtool -K v0 gro on > /dev/null 2>&1
done
bound() { at takes ss -Hlun "sport = :5000" | grep -q .; }
for k in $KINDS; do
	at takes "$E2E_BUILD/bench/${k}flow" -s -k key \
		10.99.0.1:5000 10.99.0.2:5000 &
	taker=$!
	wait_for 5 bound || die "${k}flow does not start"
	at gives "$E2E_BUILD/bench/${k}flow" -c -k key -n "$BYTES" \
		-l "$SIZE" 10.99.0.2:5000 10.99.0.1:5000
	wait $taker
done
