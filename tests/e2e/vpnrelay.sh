#!/bin/sh
# vpnrelay.sh: a VPN to an exit node whose path is a TURN server: everything
# goes into the tunnel but what carries it, and the move to a direct path.
#
#   alice 10.1.0.2 ───┐            ┌─── 10.2.0.2 hub, [vpn out] 10.8.0.1
#                    net, a router ┼─── 192.0.2.2 turn: coturn
#   meet 203.0.113.2 ─┘            └─── 198.51.100.2 web, deaf to alice
. "$(dirname "$0")/lib.sh"

network() {
	host net && routes net &&
	leaf alice net 10.1.0 fd01 && leaf hub net 10.2.0 fd02 &&
	leaf turn net 192.0.2 fd03 && leaf meet net 203.0.113 fd04 &&
	leaf web net 198.51.100 fd05
}
# what of alice's goes elsewhere than to the relay and the meeting point
strays() {
	at net nft -f - <<-EOT
	table inet strays {
		chain forward {
			type filter hook forward priority 0;
			ip saddr 10.1.0.2 ip daddr 198.51.100.2 drop
			ip6 saddr fd01::2 ip6 daddr fd05::2 drop
		}
		chain count {
			type filter hook forward priority -1;
			ip saddr 10.1.0.2 ip daddr { 192.0.2.2, 203.0.113.2 } \
				accept
			ip saddr 10.1.0.2 counter
			ip6 saddr fd01::2 counter
		}
	}
	EOT
}
none_strayed() {
	at net nft list chain inet strays count
	[ "$(at net nft list chain inet strays count |
		grep -c 'counter packets 0 bytes 0')" = 2 ]
}
wall() {
	at net nft -f - <<-EOT
	table inet wall
	delete table inet wall
	table inet wall {
		chain ipv4 {
			type filter hook forward priority 1;
			ip saddr 10.1.0.2 ip daddr 10.2.0.2 drop
			ip saddr 10.2.0.2 ip daddr 10.1.0.2 drop
		}
		chain ipv6 {
			type filter hook forward priority 1;
			ip6 saddr fd01::2 ip6 daddr fd02::2 drop
			ip6 saddr fd02::2 ip6 daddr fd01::2 drop
		}
	}
	EOT
}
no_wall() { at net nft flush chain inet wall "$1"; }
check "five hosts around a router" network
check "it counts what goes astray" strays

ip netns exec turn turnserver -n --log-file=stdout --simple-log --no-cli \
    --pidfile="$T/turn.pid" --realm=turn.test --min-port=49200 \
    --max-port=49900 --listening-ip=192.0.2.2 --relay-ip=192.0.2.2 \
    --userdb="$T/turn.db" --listening-port=3478 --no-tls --no-dtls \
    --lt-cred-mech --user=al:relaypw > "$T/turn.out" 2>&1 &
turn=$!
check "a TURN server" wait_for 10 at turn sh -c \
	"ss -lnt | grep -q 192.0.2.2:3478"

fa=$(key alice) fh=$(key hub)
meeting_point "udp:203.0.113.2:5060, tcp:203.0.113.2:5060" \
    "alice:secret1 hub:secret2"
# turn [MODE [TRANSPORT]]: its part of a configuration
turn() {
	printf '[nat]\nportmap = no\n'
	[ $# = 0 ] || cat <<-EOT
	relay = $1
	[turn]
	server = turn:192.0.2.2${2:+?transport=$2}
	user = al
	password = relaypw
	EOT
}
alice_conf() {
	{ account alice secret1 "sip:203.0.113.2;transport=tcp"; cat <<-EOT
	[peer hub]
	address = hub@demo.example
	fingerprint = $fh
	[vpn out]
	exit = use
	EOT
	turn "$@"; } | conf alice
}
hub_conf() {
	{ account hub secret2 "sip:203.0.113.2"; cat <<-EOT
	[peer alice]
	address = alice@demo.example
	fingerprint = $fa
	allow = vpn out
	[vpn out]
	address = 10.8.0.1/24, fd08::1/64
	exit = offer
	nat = yes
	EOT
	turn "$@"; } | conf hub
}
alice_conf only
hub_conf
check "the meeting point starts" launch meet
check "the hub starts" launch hub
check "alice's sipd starts" launch alice
for n in hub alice; do check "$n registers" wait_for 10 registered $n; done

# who asks is told whom the web takes him for
# shellcheck disable=SC2016
for f in 4 6; do
	at web socat "TCP$f-LISTEN:80,fork,reuseaddr$([ $f = 4 ] ||
		echo ,ipv6only)" SYSTEM:'echo "$SOCAT_PEERADDR"' \
		> /dev/null 2>&1 &
done
at web iperf3 -s -D -I "$T/iperf.pid"
check "the web listens" wait_for 5 at web sh -c \
	"ss -lnt | grep -q :80 && ss -lnt | grep -q :5201"

snapshot() { at alice ip -o addr; at alice ip route; at alice ip -6 route; }
bare() { snapshot | grep -v valid_lft; }
bare > "$T/before"
settled() { bare > "$T/now"; diff "$T/before" "$T/now"; }
path() { as alice -j list | sed -n 's/.*"path":"\([a-z]*\)".*/\1/p'; }
is() { [ "$(path)" = "$1" ]; }
# call SAID: alice's, with the hub as the way out; its PID in $called
call() {
	: > "$T/$1"
	dial -c "$T/alice/sipd.conf" hub vpn out < /dev/null > "$T/$1" 2>&1 &
	called=$!
	wait_for 10 grep -q "we are" "$T/$1" || { cat "$T/$1"; return 1; }
}
hangup() { kill -INT "$1"; wait "$1"; :; }
# leads TO DEVICE: alice's route
leads() {
	at alice ip route get "$1"
	at alice ip route get "$1" | grep -q "dev $2"
}
told() {        # told ADDRESS WHOM: the web's answer
	got=$(at alice timeout 5 socat - "TCP:$1:80")
	echo "$got"
	[ "$got" = "$2" ]
}
outside() {
	for a in "$@"; do leads "$a" eth0 || return 1; done
}
begin() {
	: > "$T/iperf.said"
	iperf alice -c 198.51.100.2 -b 10M -t "$1" -i 1 --forceflush \
		> /dev/null &
	load=$!
	wait_for 5 grep -q "Mbits/sec" "$T/iperf.said"
}
# no second in which nothing was sent, and to the end
whole() {
	ends 0 "$1" || { cat "$T/iperf.said"; return 1; }
	! grep -q ' 0.00 Bytes' "$T/iperf.said" || { cat "$T/iperf.said"; return 1; }
}

check "the web does not hear alice" sh -c \
	"! ip netns exec alice timeout 1 socat - TCP:198.51.100.2:80"
at net nft delete table inet strays
check "and its router counts from here on" strays
check "relay = only: she calls" call said1
check "by the relay" grep -q "(relayed by 192.0.2.2," "$T/said1"
check "everything leads into the tunnel" leads 198.51.100.2 vpn
check "IPv6 too" leads fd05::2 vpn
check "but for the relay and the meeting point" \
	outside 192.0.2.2 203.0.113.2
check "the web takes her for the hub" told 198.51.100.2 10.2.0.2
check "by IPv6 too" told "[fd05::2]" \
	"[fd02:0000:0000:0000:0000:0000:0000:0002]"
check "a TCP stream" iperf alice -c 198.51.100.2 -t 2
check "and back" iperf alice -c 198.51.100.2 -t 2 -R
check "and by IPv6" iperf alice -c fd05::2 -t 1
check "she registers meanwhile" as alice reload
check "by the way outside" wait_for 10 registered alice
check "she is on the relay still" is relayed
check "nothing has gone anywhere else" none_strayed
hangup $called
check "everything is put back" wait_for 5 settled

# upgraded WHAT FAMILY HUB: a call that begins by the relay, whose way gets
# better
upgraded() {
	hub=$3
	check "$1: a call behind a wall" call said2
	check "$1: by the relay" is relayed
	check "$1: the way there is outside" outside 192.0.2.2 203.0.113.2
	check "$1: iperf3 by the exit" begin 8
	no_wall "$2"
	check "$1: the wall falls, the path is direct" wait_for 10 is direct
	check "$1: the way to the hub is outside" wait_for 3 outside "$hub"
	check "$1: and the meeting point" outside 203.0.113.2
	check "$1: the rest leads into the tunnel" leads 198.51.100.2 vpn
	check "$1: the stream has gone on all the time" whole $load
	check "$1: and it is the same session" sh -c \
		"[ \$(grep -c 'we are' $T/said2) = 1 ] && kill -0 $called"
	hangup $called
	check "$1: everything is put back" wait_for 5 settled
}
wall
alice_conf auto
check "alice reads her configuration" as alice reload
upgraded "her relay" ipv4 10.2.0.2
wall
alice_conf auto tcp
check "her relay by TCP now" as alice reload
upgraded "by TCP" ipv4 10.2.0.2

# the relay is where alice's packets go: of the hub she knows no more than
# what it has told, and to there nothing leads but the tunnel
wall
alice_conf
hub_conf auto
check "the hub has the relay now" as hub reload
check "and alice none" as alice reload
upgraded "its relay" ipv4 10.2.0.2
wall
upgraded "its relay, IPv6" ipv6 fd02::2

kill -TERM $turn
wait $turn 2> /dev/null
kill "$(cat "$T/iperf.pid")"
check "the hub ends well" stop hub
check "alice's sipd too" stop alice
check "and the meeting point" stop meet
finish
