#!/bin/sh
# vpn.sh: a concentrator, two callers, and a network behind the concentrator.
#
#   carol 10.1.0.3 ─┐
#   alice 10.1.0.2 ─┴─ bridge ─ 10.1.0.1 hub 192.0.2.1 ─ 192.0.2.2 lan
#                               [vpn office] 10.7.0.1, fd07::1
. "$(dirname "$0")/lib.sh"
mount -t tmpfs tmpfs /run
mkdir -p /run/netns

host() {        # host NAME ADDRESS: a namespace on the bridge of hub
	ip netns add "$1"
	ip -n "$1" link set lo up
	[ -n "${2:-}" ] || return 0
	ip link add "$1" type veth peer name eth0 netns "$1"
	ip link set "$1" master br0 up
	ip -n "$1" addr add "$2/24" dev eth0
	ip -n "$1" link set eth0 up
}
ip link add br0 type bridge
ip link set br0 up
host hub 10.1.0.1
host alice 10.1.0.2
host carol 10.1.0.3
host lan
ip -n hub link add lan0 type veth peer name eth0 netns lan
ip -n hub addr add 192.0.2.1/24 dev lan0
ip -n hub link set lan0 up
ip -n lan addr add 192.0.2.2/24 dev eth0
ip -n lan link set eth0 up
ip -n lan route add 10.7.0.0/24 via 192.0.2.1

at() { ns=$1; shift; ip netns exec "$ns" "$@"; }
# in the host of that name
by() { n=$1; shift; at "$n" dial -c "$T/$n/sipd.conf" "$@"; }

fa=$(key alice) fh=$(key hub) fc=$(key carol)
for n in alice carol; do
	conf $n <<-EOT2
	port = 5060
	[peer hub]
	address = sip:10.1.0.1
	fingerprint = $fh
	allow = file
	[vpn own]
	address = 10.7.0.77/24
	[vpn office]
	accept-routes = 192.0.2.0/24
	[vpn out]
	exit = use
	EOT2
done
conf hub <<EOT
[peer alice]
fingerprint = $fa
allow = file, vpn office 10.7.0.10 fd07::10 out
[peer carol]
fingerprint = $fc
allow = vpn office
[vpn office]
address = 10.7.0.1/24, fd07::1/64
routes = 192.0.2.0/24, 203.0.113.0/24
peer-to-peer = yes
interface = office0
[vpn out]
address = 10.8.0.1/24
exit = offer
nat = yes
