#!/bin/sh
# dgramflow.sh: packets over one DTLS association, over a veth pair made to
# look like a wire: no TSO, no UDP segmentation in the "card". Needs root;
# removes what it made.
#
#   tests/bench/dgramflow.sh build/bench/dgramflow [BYTES [SIZE [wire|veth]]]
set -eu
prog=$1 bytes=${2:-2000000000} size=${3:-0} kind=${4:-wire}
a=dfa$$ b=dfb$$ dir=$(mktemp -d)
trap 'ip netns del $a; ip netns del $b; rm -rf "$dir"' EXIT
ip netns add $a
ip netns add $b
ip -n $a link add v0 type veth peer name v0 netns $b
for n in $a:1 $b:2; do
	ip -n ${n%:*} addr add 10.99.0.${n#*:}/24 dev v0
	ip -n ${n%:*} link set v0 up
	if [ "$kind" = wire ]; then
		ip netns exec ${n%:*} ethtool -K v0 tso off \
			tx-udp-segmentation off >/dev/null 2>&1 || true
	fi
	ip netns exec ${n%:*} ethtool -K v0 gro on >/dev/null 2>&1 || true
done
ip netns exec $a "$prog" -s -k "$dir/key" 10.99.0.1:5000 10.99.0.2:5000 &
sleep 0.3
ip netns exec $b "$prog" -c -k "$dir/key" -n "$bytes" -l "$size" \
	10.99.0.2:5000 10.99.0.1:5000
wait $!
