#!/bin/sh
# vpnclash.sh: networks and routes that are in use already are told before
# anything is touched; peers of a network that are not to reach each other.
#
#   alice 10.1.0.2 ─┬─ bridge ─ 10.1.0.1 hub, [vpn office] 10.7.0.1, fd07::1
#   carol 10.1.0.3 ─┘                        routes 10.1.0.0/24, 192.0.2.0/24
. "$(dirname "$0")/lib.sh"

bridge br0
network() {
	host hub 10.1.0.1/24 && host alice 10.1.0.2/24 &&
	host carol 10.1.0.3/24 &&
	# an address of its own would come to be used in the middle of it all
	ip -n alice link set eth0 addrgenmode none &&
	ip -n alice addr flush dev eth0 scope link &&
	ip -n alice link add other type veth peer name other1 &&
	ip -n alice link set other1 addrgenmode none up &&
	ip -n alice link set other addrgenmode none up
}
check "three hosts" network
fa=$(key alice) fh=$(key hub) fc=$(key carol)
for n in alice carol; do
	conf $n <<-EOT
	port = 5060
	[peer hub]
	address = sip:10.1.0.1
	fingerprint = $fh
	[vpn office]
	accept-routes = yes
	EOT
done
conf hub <<EOT
[peer alice]
fingerprint = $fa
allow = vpn office 10.7.0.10 fd07::10
[peer carol]
fingerprint = $fc
allow = vpn office 10.7.0.30 fd07::30
[vpn office]
address = 10.7.0.1/24, fd07::1/64
routes = 10.1.0.0/24, 192.0.2.0/24
interface = office0
EOT
check "the hub starts" launch hub

# call NAME: its PID in $called
call() {
	: > "$T/$1.said"
	ip netns exec "$1" dial -c "$T/$1/sipd.conf" hub vpn office \
		< /dev/null > "$T/$1.said" 2>&1 &
	called=$!
	wait_for 10 grep -q "we are" "$T/$1.said" || {
		cat "$T/$1.said"; return 1; }
}
hangup() { kill -INT "$1"; wait "$1"; :; }

# untouched ADDRESS INTERFACE NETWORK: alice, who has this address there, is
# told, and nothing of hers has changed, not even for a moment
untouched() {
	at alice ip addr add "$1" dev "$2" nodad
	: > "$T/changes"
	ip netns exec alice ip -o monitor link address route >> "$T/changes" &
	monitor=$!
	at alice ip addr add 198.51.100.1/32 dev other1 # it hears this
	at alice ip addr del 198.51.100.1/32 dev other1
	wait_for 5 grep -q other1 "$T/changes"
	: > "$T/changes"
	fails_with 1 "The network $3 is in use here already, at the interface \
$2." at alice timeout 10 dial -c "$T/alice/sipd.conf" hub vpn office
	bad=$?
	kill $monitor
	wait $monitor 2> /dev/null
	at alice ip addr del "$1" dev "$2"
	cat "$T/changes"
	[ $bad = 0 ] && ! grep -v "other" "$T/changes"
}
check "an address of the same network" \
	untouched 10.7.0.5/24 other 10.7.0.10/24
check "a network within it" untouched 10.7.0.66/30 other 10.7.0.10/24
check "one around it" untouched 10.5.0.1/10 other 10.7.0.10/24
check "the very address" untouched 10.7.0.10/32 other 10.7.0.10/24
check "IPv6" untouched fd07::5/64 other fd07::10/64

check "alice calls" call alice
alice=$called
check "a route to her own network is not taken, which she is told" \
	grep -qF "The route to 10.1.0.0/24 is not taken: eth0 leads there." \
	"$T/alice.said"
check "and leads where it did" sh -c \
	"ip netns exec alice ip route get 10.1.0.9 | grep -q 'dev eth0'"
check "the other leads into the tunnel" sh -c \
	"ip netns exec alice ip route get 192.0.2.9 | grep -q 'dev vpn'"

check "carol calls" call carol
carol=$called
check "both reach the hub" at alice ping -q -c 1 -W 2 10.7.0.1
check "carol too" at carol ping -q -c 1 -W 2 fd07::1
check "but not each other" sh -c \
	"! ip netns exec alice ping -q -c 2 -i 0.2 -W 1 10.7.0.30"
check "by IPv6 neither" sh -c \
	"! ip netns exec carol ping -q -c 2 -i 0.2 -W 1 fd07::10"
denied() {
	as hub status | tee "$T/status"
	[ "$(grep -o ' denied=[0-9]*' "$T/status" |
		grep -vc ' denied=0')" = 2 ]
}
check "which is counted at both" denied
hangup $alice
hangup $carol
check "the hub ends well" stop hub
finish
