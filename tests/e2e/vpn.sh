#!/bin/sh
# vpn.sh: a concentrator, two callers, and a network behind the concentrator.
#
#   carol 10.1.0.3 ─┐
#   alice 10.1.0.2 ─┴─ bridge ─ 10.1.0.1 hub 192.0.2.1 ─ 192.0.2.2 lan
#                               [vpn office] 10.7.0.1, fd07::1
. "$(dirname "$0")/lib.sh"

bridge br0
host hub 10.1.0.1/24
host alice 10.1.0.2/24
host carol 10.1.0.3/24
host lan
ip -n hub link add lan0 type veth peer name eth0 netns lan
ip -n hub addr add 192.0.2.1/24 dev lan0
ip -n hub link set lan0 up
ip -n lan addr add 192.0.2.2/24 dev eth0
ip -n lan link set eth0 up
ip -n lan route add 10.7.0.0/24 via 192.0.2.1

fa=$(key alice) fh=$(key hub) fc=$(key carol)
for n in alice carol; do
	conf $n <<-EOT
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
	EOT
done
conf hub <<EOT
[peer alice]
fingerprint = $fa
allow = file, vpn office 10.7.0.10 fd07::10 out single
[peer carol]
fingerprint = $fc
allow = vpn office
[vpn office]
address = 10.7.0.1/24, fd07::1/64
routes = 192.0.2.0/24, 203.0.113.0/24
peer-to-peer = yes
interface = office0
[vpn single]
dns = 10.9.0.1, fd09::1
address = 10.9.0.1/32, fd09::1/128
pool = 10.9.0.128/25, fd09::/64
[vpn out]
address = 10.8.0.1/24
exit = offer
nat = yes
EOT
# call NAME OUT WORDS...: dial vpn in the background; its PID in $called
call() {
	n=$1 o=$T/$2; shift 2
	: > "$o"
	ip netns exec "$n" dial -c "$T/$n/sipd.conf" hub vpn "$@" \
		< /dev/null > "$o" 2>&1 &
	called=$!
	wait_for 10 grep -q "we are" "$o" || { cat "$o"; return 1; }
}
quiet() { ! at "$1" ip -o link | grep -q "vpn\|office"; }
hangup() { kill -INT "$1"; wait "$1"; :; }
snapshot() {
	{ at "$1" ip -o addr; at "$1" ip route; at "$1" ip -6 route
	  at "$1" cat /proc/sys/net/ipv4/ip_forward
	  at "$1" nft list ruleset; } | grep -v "expires\|valid_lft"
}
settled() { snapshot "$1" > "$T/$1.now"; diff "$T/$1.before" "$T/$1.now"; }

check "the hub starts" launch hub
sure() { ! at "$1" ip -6 addr show tentative | grep -q .; }
for n in hub alice; do
	check "the addresses of $n are sure" wait_for 10 sure $n
done
for n in hub alice; do snapshot $n > "$T/$n.before"; done

ip netns exec hub tshark -q -i eth0 -f udp -w "$T/packets" \
	> "$T/tshark" 2>&1 &
tshark=$!
wait_for 10 test -s "$T/packets"
check "alice calls" call alice said office
alice=$called
check "she has the address of her allow line" grep -q "10.7.0.10/24" "$T/said"
check "ping, IPv4" at alice ping -q -c 3 -i 0.2 -W 2 10.7.0.1
check "ping, IPv6" at alice ping -q -c 3 -i 0.2 -W 2 fd07::1
check "the route that is accepted leads into the tunnel" sh -c \
	"ip netns exec alice ip route get 192.0.2.2 | grep -q 'dev vpn'"
check "the other is not there" sh -c \
	"! ip netns exec alice ip route | grep -q 203.0.113"
kill -INT $tshark
wait $tshark
shows() { tshark -r "$T/packets" -Y "$1" 2> /dev/null | grep -q .; }
check "tshark sees a handshake of DTLS" shows "dtls.handshake.type == 2"
check "and application data of DTLS 1.2" shows \
	"dtls.record.content_type == 23 && dtls.record.version == 0xfefd"
check "but nothing of the ping" sh -c \
	"! tshark -r '$T/packets' -Y icmp 2> /dev/null | grep -q 10.7.0"

check "a host behind the hub" at alice ping -q -c 2 -i 0.2 -W 2 192.0.2.2

ip netns exec hub iperf3 -s -p 5201 > "$T/iperf" 2>&1 &
check "the hub's iperf3 listens" wait_for 5 listens hub 5201
for to in 10.7.0.1 fd07::1; do
	check "iperf3 TCP to $to" iperf alice -c $to -t 2
	check "iperf3 TCP back from $to" iperf alice -c $to -t 1 -R
	check "iperf3 UDP to $to" iperf alice -u -b 50M -l 1200 -c $to -t 1
done

head -c 20000000 /dev/urandom > "$T/twenty.bin"
ip netns exec alice iperf3 -c 10.7.0.1 -t 3 > /dev/null 2>&1 &
busy=$!
check "a file meanwhile" by alice hub send "$T/twenty.bin"
check "it is equal" cmp "$T/twenty.bin" "$T/hub/inbox/twenty.bin"
check "the other transfer goes on" ends 0 $busy

check "carol calls" call carol said2 office
carol=$called
other=$(sed -n 's/.*we are \(10\.7\.0\.[0-9]*\).*/\1/p' "$T/said2")
check "peer to peer" at alice ping -q -c 3 -i 0.2 -W 2 "$other"
ip netns exec carol iperf3 -s -p 5202 > /dev/null 2>&1 &
check "carol's iperf3 listens" wait_for 5 listens carol 5202
check "iperf3 from peer to peer" iperf alice -c "$other" -p 5202 -t 1

# somebody else's address
dev=$(at alice ip -o route get 10.7.0.1 | sed 's/.* dev \([^ ]*\) .*/\1/')
at alice ip addr add 10.7.0.66/32 dev "$dev"
check "a wrong source address gets no answer" sh -c "! ip netns exec alice \
	ping -q -c 2 -i 0.2 -W 1 -I 10.7.0.66 10.7.0.1"
check "and is counted" sh -c "dial -c $T/hub/sipd.conf status |
	tee $T/status | grep -q 'wrong-source=[1-9]'"
at alice ip addr del 10.7.0.66/32 dev "$dev"

# the path shrinks
at hub ip link set eth0 mtu 1400
at alice ip link set eth0 mtu 1400
check "iperf3 on a path that has become narrower" \
	iperf alice -c 10.7.0.1 -t 2
at hub ip link set eth0 mtu 1500
at alice ip link set eth0 mtu 1500

hangup $alice
check "alice's interface is gone" wait_for 5 quiet alice
hangup $carol
check "the hub is as it was" wait_for 5 settled hub
check "so is alice" wait_for 5 settled alice

check "a network of single addresses" call alice said6 single
check "the hub is in it, IPv4" at alice ping -q -c 1 -W 2 10.9.0.1
check "and IPv6" at alice ping -q -c 1 -W 2 fd09::1
hangup $called

check "a network that is not hers" fails_with 1 "allow" by alice hub vpn own
check "carol may not use the other network" fails_with 1 "allow" \
	by carol hub vpn out

# exit: all of it through the hub, but for the way to the hub
at alice ip route add default via 10.1.0.1
at alice ip route > "$T/routes"
check "exit" call alice said3 out
exit=$called
check "everything goes through the tunnel" sh -c \
	"ip netns exec alice ip route get 198.51.100.1 | grep -q 'dev vpn'"
check "but for the way to the hub" sh -c \
	"ip netns exec alice ip route get 10.1.0.1 | grep -q 'dev eth0'"
check "the LAN is reached with the hub's address" \
	at alice ping -q -c 2 -i 0.2 -W 2 192.0.2.2
hangup $exit
check "the routes are as they were" wait_for 5 sh -c \
	"ip netns exec alice ip route | cmp - $T/routes"

# name servers: a stand-in for the tools that keeps what it is told
mkdir "$T/bin" "$T/resolv"
cat > "$T/bin/resolvconf" <<-EOT
	#!/bin/sh
	case \$1 in
	-a) cat > "$T/resolv/\$2" ;;
	-d) rm -f "$T/resolv/\$2" ;;
	esac
EOT
cat > "$T/bin/resolvectl" <<-EOT
	#!/bin/sh
	[ -e "$T/resolved" ] || exit 1
	echo "\$@" >> "$T/resolved"
EOT
chmod 755 "$T"/bin/*
PATH="$T/bin:$PATH"
none() { [ -z "$(ls "$T/resolv")" ]; }
check "without the word dns" call alice said7 single
check "name servers are not taken" none
hangup $called
check "with it" call alice said8 single dns
check "resolvconf is told" sh -c \
	"cat $T/resolv/vpn0 | tr '\n' ' ' |
	grep -qx 'nameserver 10.9.0.1 nameserver fd09::1 '"
hangup $called
check "and told that they are gone" wait_for 5 none
check "again" call alice said9 single dns
kill -KILL $called
wait $called 2> /dev/null
check "a crash leaves them" test -e "$T/resolv/vpn0"
check "the next call" call alice said10 out
check "takes them back" none
hangup $called
echo > "$T/resolved"
check "where systemd-resolved runs" call alice said11 single dns
check "it is told" grep -qx "dns vpn0 10.9.0.1 fd09::1" "$T/resolved"
check "and that all names are theirs" grep -qx "domain vpn0 ~." "$T/resolved"
hangup $called
check "and when they are gone" wait_for 5 grep -qx "revert vpn0" "$T/resolved"

# a crash
check "exit again" call alice said4 out
kill -KILL $called; wait $called 2>/dev/null
crash hub
check "the interfaces vanish" wait_for 5 quiet alice
check "the hub starts again" launch hub
check "a new call after the crash" call alice said5 out
check "it works" at alice ping -q -c 2 -i 0.2 -W 2 192.0.2.2
hangup $called
check "what the crash left is gone" wait_for 5 sh -c \
	"ip netns exec alice ip route | cmp - $T/routes"
check "at the hub too" wait_for 5 settled hub
check "the hub ends well" stop hub
finish
