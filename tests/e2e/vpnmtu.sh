#!/bin/sh
# vpnmtu.sh: a VPN on paths that carry less than they promise: packets too
# large for the way to alice are lost without a word, by IPv4 and by IPv6.
#
#   alice ── net ── hub, [vpn office] 10.7.0.1, fd07::1
#   carol ──'
. "$(dirname "$0")/lib.sh"

network() {
	host net && routes net &&
	leaf alice net 10.1.0 fd01 && leaf hub net 10.2.0 fd02 &&
	leaf carol net 10.3.0 fd03
}
# holes: nobody is told what does not fit
holes() {
	at net nft -f - <<-EOT
	table inet holes {
		chain out {
			type filter hook output priority 0;
			icmp type destination-unreachable drop
			icmpv6 type packet-too-big drop
		}
	}
	EOT
}
carries() { ip -n net link set alice mtu "$1"; }
# SIP's TCP is the kernel's: that must know. What asks it not is the VPN
known() {
	ip -n alice route change default via 10.1.0.1 mtu 1280 &&
	ip -n alice -6 route change default via fd01::1 mtu 1280
}
check "three hosts around a router" network
check "alice's kernel is told, for others" known
check "which tells nobody what is too large" holes

fa=$(key alice) fh=$(key hub) fc=$(key carol)
for n in alice carol; do
	conf $n <<-EOT
	port = 5060
	[peer hub]
	address = sip:10.2.0.2
	fingerprint = $fh
	EOT
done
conf hub <<EOT
port = 5060
[peer alice]
fingerprint = $fa
allow = vpn office 10.7.0.10 fd07::10
[peer carol]
fingerprint = $fc
allow = vpn office 10.7.0.30 fd07::30
[vpn office]
address = 10.7.0.1/24, fd07::1/64
interface = office0
EOT
check "the hub starts" launch hub
at hub iperf3 -s -D -I "$T/iperf.pid"

# only FAMILY: the router knows no other
only() {
	[ "$1" = 4 ] && other=ipv6 to=10.2.0.2 || other=ipv4 to='[fd02::2]'
	at net nft -f - <<-EOT
	table inet family
	delete table inet family
	table inet family {
		chain forward {
			type filter hook forward priority 0;
			meta nfproto $other drop
		}
	}
	EOT
	sed -i "s/^address = .*/address = sip:$to/" "$T/alice/sipd.conf"
}
# call NAME: its PID in $called
call() {
	: > "$T/$1.said"
	ip netns exec "$1" dial -c "$T/$1/sipd.conf" hub vpn office \
		< /dev/null > "$T/$1.said" 2>&1 &
	called=$!
	wait_for 20 grep -q "we are" "$T/$1.said" || {
		cat "$T/$1.said"; return 1; }
}
by() {
	cat "$T/alice.said"
	grep -qF "(direct, host $1:" "$T/alice.said"
}
hangup() { kill -INT "$1"; wait "$1"; :; }
left() { ! ip -n hub link show office0; }
mtu() { at "$1" cat "/sys/class/net/$2/mtu"; }
# found NAME INTERFACE AT_LEAST AT_MOST: its MTU
found() {
	m=$(mtu "$1" "$2")
	echo "$m"
	[ "$m" -ge "$3" ] && [ "$m" -le "$4" ]
}
# flows TO: TCP both ways
flows() {
	iperf alice -c "$1" -n 5M && iperf alice -c "$1" -n 5M -R
}
# whole SIZE TO: does a ping of this size get there, and back?
whole() { at alice ping -q -c 1 -W 2 -M dont -s "$1" "$2"; }
# refused HOST SIZE TO TEXT: one that must not be cut, by the kernel if it has
# been told before
refused() {
	at "$1" ping -c 2 -i 0.3 -W 1 -M "do" -s "$2" "$3" > "$T/ping" 2>&1
	cat "$T/ping"
	grep -q "$4" "$T/ping"
}

# narrow FAMILY: a path that has carried 1280 from the begin; then one that
# comes down to it under a TCP connection
narrow() {
	check "IPv$1 alone" only "$1"
	check "IPv$1: a path of 1280 bytes" carries 1280
	check "IPv$1: alice calls" call alice
	check "IPv$1: by it" by "$to"
	for in in 10.7.0.1 fd07::1; do
		check "IPv$1: TCP to $in" flows $in
		check "IPv$1: 1280 bytes to $in" whole $((1280 - 48)) $in
		check "IPv$1: fragments to $in" whole 4000 $in
	done
	check "IPv$1: one that must not be cut is refused" \
		refused alice $((1280 - 28)) 10.7.0.1 "mtu *= *1195"
	hangup $called
	check "IPv$1: the hub has noticed" wait_for 10 left
	check "IPv$1: a path of 1500 bytes" carries 1500
	check "IPv$1: alice calls again" call alice
	check "IPv$1: and finds that" wait_for 5 found alice vpn0 1400 1440
	: > "$T/iperf.said"
	iperf alice -c fd07::1 -b 50M -n 60M -i 1 --forceflush > /dev/null &
	load=$!
	check "IPv$1: iperf3 runs" wait_for 5 grep -q "Mbits/sec" \
		"$T/iperf.said"
	check "IPv$1: the path shrinks" carries 1280
	check "IPv$1: the interface follows" \
		wait_for 10 found alice vpn0 1280 1280
	check "IPv$1: all of it gets there" ends 0 $load
}
narrow 4
alice=$called

# the hub has one peer on a wide path and one on a narrow one
check "carol calls" call carol
check "the hub's interface is as wide as the widest" \
	wait_for 5 found hub office0 1400 1440
check "to alice, IPv4: too big, and how much is not" \
	refused hub 1350 10.7.0.10 "From 10.7.0.10 .*Frag needed.*mtu = 1[12]"
check "IPv6 too" refused hub 1330 fd07::10 \
	"From fd07::10 .*Packet too big: mtu=1280"
check "to carol all of it" at hub ping -q -c 1 -W 2 -M "do" -s 1330 fd07::30
hangup $called
hangup $alice
check "the hub has noticed" wait_for 10 left

narrow 6
hangup $called
kill "$(cat "$T/iperf.pid")"
check "the hub ends well" stop hub
finish
