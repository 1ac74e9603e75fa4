#!/bin/sh
# portmap.sh: a gateway is asked to let our port in: by PCP, by UPnP, by the
# real miniupnpd; both peers are behind NATs that give every destination
# another port, so only what is mapped can be reached.
#
#   alice 10.9.0.2 --- gate: miniupnpd --- 11.0.0.1 |
#         fd09::2      10.9.0.1, fd09::1            | 11.0.0.0/24, br0
#   bob   10.8.0.2 --- wall: no mapping -- 11.0.0.2 |
#                      meet: meeting point, STUN    | 11.0.0.4
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

# The chains are those that miniupnpd fills.
rules() {
	at "$1" nft -f - <<-EOT
	flush ruleset
	table inet filter {
		chain miniupnpd {
		}
		chain prerouting_miniupnpd {
		}
		chain postrouting_miniupnpd {
		}
		chain forward {
			type filter hook forward priority 0; policy drop;
			ct state established,related accept
			iifname eth1 accept
			jump miniupnpd
		}
		chain prerouting {
			type nat hook prerouting priority -100;
			jump prerouting_miniupnpd
		}
		chain postrouting {
			type nat hook postrouting priority 100;
			jump postrouting_miniupnpd
			meta nfproto ipv4 oifname eth0 masquerade fully-random
		}
	}
	EOT
}
network() {
	bridge br0
	host gate 11.0.0.1/24
	host wall 11.0.0.2/24
	host meet 11.0.0.4/24
	inside alice gate 10.9.0
	inside bob wall 10.8.0
	at gate sysctl -qw net.ipv6.conf.all.forwarding=1
	ip -n gate addr add fd09::1/64 dev eth1 nodad
	ip -n gate addr add fd11::1/64 dev eth0 nodad
	ip -n alice addr add fd09::2/64 dev eth0 nodad
	ip -n alice -6 route add default via fd09::1
	rules gate
	rules wall
}
check "the network" network
check "alice reaches the meeting point" at alice ping -c1 -W2 11.0.0.4

# miniupnpd NATPMP UPNP: started as a router does; its PID in $upnpd
upnpd_start() {
	cat > upnpd.conf <<-EOT
	ext_ifname=eth0
	listening_ip=eth1
	enable_natpmp=$1
	enable_upnp=$2
	secure_mode=yes
	system_uptime=no
	uuid=00000000-0000-4000-8000-000000000001
	allow 1024-65535 10.9.0.0/24 1024-65535
	deny 0-65535 0.0.0.0/0 0-65535
	EOT
	ip netns exec gate miniupnpd -d -f upnpd.conf -P "$T/upnpd.pid" \
	    > upnpd.log 2>&1 &
	upnpd=$!
	wait_for 5 grep -q 'istening' upnpd.log
}
upnpd_stop() {
	kill -TERM $upnpd
	wait $upnpd
	rules gate
}
mapped() { at gate nft list chain inet filter prerouting_miniupnpd |
    grep -q "dnat.*10.9.0.2:$1"; }
mappings() { at gate nft list chain inet filter prerouting_miniupnpd |
    grep -c dnat | grep -qx "$1"; }
unmapped() { ! mapped "$1"; }

fa=$(key alice) fb=$(key bob)
meeting_point udp:11.0.0.4:5070 "alice:pa bob:pb"
# member NAME PASSWORD PEER FINGERPRINT MORE
member() {
	{
		account "$1" "$2" sip:11.0.0.4:5070
		printf '[nat]\nstun = 11.0.0.4:5070\n%b\n' "$5"
		printf '[peer %s]\naddress = %s@demo.example\n' "$3" "$3"
		printf 'fingerprint = %s\nallow = file, pipe\n' "$4"
		printf '[pipe]\ncommand = cat\n'
	} | conf "$1"
}
echo hello > hello
# reaches FROM TO WHERE: a call, and at what address the other is reached
reaches() {
	as "$1" -j "$2" pipe < hello > calls.out || { cat calls.out; return 1; }
	grep '"event":"open"' calls.out
	grep -qF "\"remote\":\"$3" calls.out && grep -q hello calls.out
}
member alice pa bob "$fb" 'port = 5088\nportmap = yes'
member bob pb alice "$fa" ''
check "the meeting point starts" launch meet

# --- PCP and NAT-PMP
check "miniupnpd starts" upnpd_start yes no
check "bob starts" launch bob
check "alice starts" launch alice
check "her port is mapped" wait_for 3 mapped 5088
check "she knows it" wait_for 3 says alice "mapped by a gateway: 11.0.0.1:5088"
check "by PCP" grep -q 'PCP MAP: added mapping UDP 5088' upnpd.log
hole() { at gate nft list chain inet filter miniupnpd |
    grep -q 'dport 5088.*fd09::2\|dport 5088.*0xfd090*2 '; }
check "dial check finds the protocols" sh -c "dial -c alice/sipd.conf check |
    grep -q '^portmap *PCP, NAT-PMP .*10.9.0.1 gives 11.0.0.1:5088'"
no_hole() { ! hole; }
check "the IPv6 firewall has a hole" wait_for 3 hole
for n in alice bob; do
	check "$n is registered" wait_for 5 registered $n
done
check "bob reaches her there" reaches bob alice "srflx 11.0.0.1:5088"
check "she reaches bob from there" reaches alice bob ''
key carol > /dev/null
ip netns exec alice dial -c carol/key.conf wait pipe > wait.out 2>&1 &
second=$!
check "a dial of its own has a port of its own" wait_for 3 mappings 2
kill -INT $second
wait $second
check "which goes with it" wait_for 3 mappings 1
sleep 4         # its age goes back by more than clocks may differ
upnpd_stop
check "a gateway that restarts has forgotten" unmapped 5088
check "miniupnpd starts again" upnpd_start yes no
# it says so itself only when its address has changed: have it say so
told() { mapped 5088 || { kill -USR1 $upnpd; sleep 0.5; mapped 5088; }; }
check "what was forgotten is mapped again" wait_for 2 told
check "bob reaches her again" reaches bob alice "srflx 11.0.0.1:5088"
# she is killed: what she had is hers again; a gateway that asks for its nonce,
# as this one does not, is told the same
check "she is killed" crash alice
check "what was mapped stays" mapped 5088
: > alice/log
check "she starts again" launch alice
check "and has her mapping" wait_for 3 says alice "mapped by a gateway: 11.0.0.1:5088"
check "which is the same" wait_for 5 mappings 1
check "the nonce is a secret" sh -c '[ "$(stat -c %a alice/learned)" = 600 ]'
check "alice ends" stop alice
check "and nothing stays behind" wait_for 5 unmapped 5088
# nor by IPv6. miniupnpd 2.3.1 cannot close a hole that it was asked for twice,
# as it is when its answer comes late
if no_hole || ! grep -q "updating pinhole" upnpd.log; then
	check "by IPv6 neither" no_hole
else
	echo "skipped: portmap: whether the hole goes: the gateway was too slow"
fi

# --- UPnP
upnpd_stop
check "miniupnpd starts, with UPnP alone" upnpd_start no yes
check "alice starts" launch alice
check "her port is mapped" wait_for 5 mapped 5088
check "by UPnP" grep -q 'AddAnyPortMapping\|AddPortMapping' upnpd.log
check "alice is registered" wait_for 5 registered alice
check "bob reaches her there" reaches bob alice "srflx 11.0.0.1:5088"
check "alice ends" stop alice
check "and nothing stays behind" wait_for 5 unmapped 5088

# --- not wanted
sed -i 's/^portmap = .*/portmap = no/' alice/sipd.conf
check "alice starts without it" launch alice
check "alice is registered" wait_for 5 registered alice
check "nothing is mapped" unmapped 5088
check "alice ends" stop alice
upnpd_stop
for n in bob meet; do
	check "$n ends" stop $n
done
finish
