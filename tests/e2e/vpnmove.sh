#!/bin/sh
# vpnmove.sh: a VPN whose hosts change their addresses under a TCP connection
# inside. Each host has an uplink at each bridge.
#
#   bridge one 10.1.0.0/24 ── eth0 alice eth1 ── bridge two 10.2.0.0/24
#        │       └─────────── eth0 hub   eth1 ────┘      │
#        └─ 10.1.0.4 meet, a router ──────── 10.2.0.4 ┘
#                    203.0.113.4: the meeting point
. "$(dirname "$0")/lib.sh"
plug() {        # plug NAME BRIDGE INTERFACE
	ip link add "$1.$3" type veth peer name "$3" netns "$1"
	ip link set "$1.$3" addrgenmode none master "$2" up
	ip -n "$1" link set "$3" addrgenmode none up
}
network() {
	for b in one two; do
		bridge $b
	done
	for n in alice hub meet; do
		host $n
		at $n sysctl -qw net.ipv4.conf.all.promote_secondaries=1
		plug $n one eth0
		plug $n two eth1
	done
	at meet sysctl -qw net.ipv4.ip_forward=1
	ip -n meet addr add 203.0.113.4/32 dev lo
	address meet 4 0
	address meet 4 1
	address hub 1 0
	address alice 2 0
}
# address HOST NUMBER UPLINK: it gets 10.UPLINK+1.0.NUMBER and a way out
address() {
	ip -n "$1" addr add "10.$(($3 + 1)).0.$2/24" dev "eth$3" &&
	if [ "$1" != meet ]; then
		ip -n "$1" route replace default \
			via "10.$(($3 + 1)).0.4" metric $((10 + $3))
	fi
}
loses() { ip -n "$1" addr del "10.$(($3 + 1)).0.$2/24" dev "eth$3"; }
check "two hosts of two uplinks each" network

fa=$(key alice) fh=$(key hub)
meeting_point "udp:203.0.113.4:5060, tcp:203.0.113.4:5060" \
    "alice:secret1 hub:secret2"
{ account alice secret1 "sip:203.0.113.4;transport=tcp"; cat <<EOT
[peer hub]
address = hub@demo.example
fingerprint = $fh
allow = pipe
[pipe]
command = cat
EOT
} | conf alice
{ account hub secret2 "sip:203.0.113.4"; cat <<EOT
[peer alice]
address = alice@demo.example
fingerprint = $fa
allow = vpn office out
[vpn out]
address = 10.8.0.1/24
exit = offer
nat = yes
[vpn office]
address = 10.7.0.1/24, fd07::1/64
EOT
} | conf hub
check "the meeting point starts" launch meet
check "the hub starts" launch hub
check "alice's sipd starts" launch alice
for n in hub alice; do check "$n registers" wait_for 10 registered $n; done
dial -c "$T/alice/sipd.conf" hub vpn office < /dev/null > "$T/said" 2>&1 &
call=$!
check "alice calls" wait_for 10 grep -q "we are" "$T/said"
ip netns exec hub iperf3 -s > /dev/null 2>&1 &
server=$!
check "a TCP connection inside" wait_for 5 \
	at alice timeout 5 iperf3 -c 10.7.0.1 -n 1000

# leads NAME LOCAL REMOTE: by its own view the path does
leads() {
	as "$1" -j list | grep -q "\"local\":\"[a-z]* $2:.*\"remote\":\"[a-z]* $3:"
}
begin() {
	iperf alice -c 10.7.0.1 -b 50M -t 30 -i 1 --forceflush > /dev/null &
	load=$!
	wait_for 5 grep -q "Mbits/sec" "$T/iperf.said"
}
# flows: does data arrive again?
bytes() {
	as hub -j list | sed -n 's/.*"rx_bytes":\([0-9]*\).*/\1/p'
}
flows() {
	was=$(bytes)
	more() { [ "$(bytes)" -gt $((was + 2000000)) ]; }
	wait_for 15 more
}
check "iperf3 runs" begin
check "by the first bridge" leads alice 10.1.0.2 10.1.0.1

address alice 2 1
loses alice 2 0
check "alice moves to her other uplink: the path follows" \
	wait_for 15 leads alice 10.2.0.2 10.1.0.1
check "and the connection" flows

address alice 22 1
loses alice 2 1
check "alice gets another address: the path follows" \
	wait_for 15 leads alice 10.2.0.22 10.1.0.1
check "and the connection" flows

address hub 1 1
loses hub 1 0
check "the hub moves to its other uplink: the path follows" \
	wait_for 15 leads alice 10.2.0.22 10.2.0.1
check "and the connection" flows
check "it was one connection, and it ends well" ends 0 $load
# all of it by the hub, but for SIP and the way to the hub
dial -c "$T/alice/sipd.conf" hub vpn out exit < /dev/null > "$T/said2" 2>&1 &
exit=$!
check "the hub as the way out" wait_for 10 grep -q "we are" "$T/said2"
check "everything leads into the tunnel" sh -c \
	"ip netns exec alice ip route get 192.0.2.1 | grep -q 'dev vpn'"
check "but for the meeting point" wait_for 5 sh -c \
	"ip netns exec alice ip route get 203.0.113.4 | grep -q 'dev eth1'"
check "alice registers by it" as alice reload
check "from her own address" wait_for 10 sh -c \
	"dial -c $T/alice/sipd.conf status | grep ' registered.*10.2.0.22'"
echo hello > "$T/hello"
through() { [ "$(as hub alice pipe < "$T/hello")" = hello ]; }
check "and can be called meanwhile" through
# the uplink changes: what is kept out follows
address alice 2 0
loses alice 22 1
check "she moves: the meeting point is still outside" wait_for 15 sh -c \
	"ip netns exec alice ip route get 203.0.113.4 | grep -q 'dev eth0'"
check "the tunnel works" wait_for 15 at alice ping -q -c 1 -W 1 10.8.0.1
kill -INT $exit
wait $exit
check "nothing of it is left" wait_for 5 sh -c \
	"! ip netns exec alice ip route | grep -q '203.0.113.4\|proto 209'"
check "the session is the same" sh -c \
	"[ \$(grep -c 'we are' $T/said) = 1 ] && kill -0 $call"
kill -INT $call
wait $call
kill $server
check "the hub ends well" stop hub
check "alice's sipd too" stop alice
check "and the meeting point" stop meet
finish
