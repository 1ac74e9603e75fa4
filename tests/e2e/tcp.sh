#!/bin/sh
# tcp.sh: sessions over TCP where UDP does not pass, at one side or both, and
# back to UDP when it does; and by TLS where nothing else gets out.
#
#   bridge, 10.1.0.0/24
#     |.4 meet: meeting point, STUN   |.3 bob   |.8 na         |.9 nb
#                                        10.8.0.2 alice   10.9.0.2 carol
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

# nat NAME: a router that lets in what was asked for; what strangers send to
# itself it drops
nat() {
	at "$1" nft -f - <<-EOT
	table ip nat {
		chain out {
			type nat hook postrouting priority 100;
			oifname eth0 masquerade
		}
		chain forward {
			type filter hook forward priority 0;
			iifname eth0 ct state new drop
		}
		chain input {
			type filter hook input priority 0;
			iifname eth0 ct state new drop
		}
		chain wall {
			type filter hook forward priority 1;
		}
	}
	EOT
}
# udp NAT off|on
udp() {
	at "$1" nft flush chain ip nat wall
	[ "$2" = on ] || at "$1" nft add rule ip nat wall meta l4proto udp drop
}
network() {
	bridge br0
	host meet 10.1.0.4/24
	host bob 10.1.0.3/24
	host na 10.1.0.8/24
	host nb 10.1.0.9/24
	inside alice na 10.8.0
	inside carol nb 10.9.0
	nat na
	nat nb
	udp na off
}
check "the network" network
check "alice reaches bob" at alice ping -c1 -W2 10.1.0.3
at meet turnserver -n --stun-only -L 10.1.0.4 --no-tls --no-dtls --no-cli \
    --log-file=stdout --pidfile="$T/turn.pid" > turn.out 2>&1 &

fa=$(key alice) fb=$(key bob) fc=$(key carol)
meeting_point tcp:10.1.0.4:5070 "alice:pa bob:pb carol:pc"
# member NAME: all know each other
member() {
	{
		account "$1" "p${1%"${1#?}"}" "sip:10.1.0.4:5070;transport=tcp"
		printf '[nat]\nstun = 10.1.0.4\nportmap = no\n'
		for p in alice:$fa bob:$fb carol:$fc; do
			[ "${p%%:*}" = "$1" ] && continue
			printf '[peer %s]\naddress = %s@demo.example\n' \
			    "${p%%:*}" "${p%%:*}"
			printf 'fingerprint = %s\n' "${p#*:}"
			printf 'allow = file, pipe, vpn net\n'
		done
		printf '[pipe]\ncommand = cat\n[vpn net]\n'
		[ -z "${2:-}" ] || printf 'address = %s\npool = %s\n' \
		    "$2" "$3"
	} | conf "$1"
}
member alice
member bob 10.7.0.1/24 10.7.0.64/26
member carol 10.7.0.1/24 10.7.0.64/26
for n in meet bob alice carol; do
	check "$n starts" launch $n
done
for n in bob alice carol; do
	check "$n is registered" wait_for 10 registered $n
done

# way FROM TO WORD: a call, and how it went
echo hello > hello
way() {
	by "$1" -j "$2" pipe < hello > way.out
	grep '"event":"open"' way.out
	grep -q "\"path\":\"$3\"" way.out && grep -q hello way.out
}
check "UDP blocked at alice: to bob by TCP" way alice bob tcp
check "bob to alice" way bob alice tcp
check "and to carol behind her NAT" way alice carol tcp
check "carol to alice" way carol alice tcp
udp nb off
check "blocked at both ends" way alice carol tcp
check "the other way round" way carol alice tcp

# --- a file, which begins by TCP and ends by UDP
slow() {
	for n in alice carol; do
		at $n tc qdisc replace dev eth0 root tbf rate 100mbit \
		    burst 256k latency 50ms
	done
}
check "the network is slower now" slow
head -c 60000000 /dev/urandom > big
under_way() { [ -n "$(find carol/inbox -name ".big*part" -size +2M)" ]; }
begin() {
	rm -rf carol/inbox
	ip netns exec alice dial -c alice/sipd.conf carol send big \
	    < /dev/null > send.out 2>&1 &
	sending=$!
	wait_for 10 under_way
}
arrived() { ends 0 $sending && cmp big carol/inbox/big; }
status() { by "$1" status > status.out; cat status.out; grep -q "$2" status.out; }
check "a file by TCP" begin
check "it says so" grep "^connected to carol (TCP, srflx 10.1.0.9" send.out
check "and so does the status" status alice " TCP .*rflx 10.1.0.9"
udp na on
udp nb on
check "UDP passes now: it is used" wait_for 5 says alice "path moved to"
check "which the status says" wait_for 2 status alice " direct .*rflx 10.1.0"
check "the file arrives" arrived
check "another one, by UDP" begin
check "from its beginning" grep "^connected to carol (direct," send.out
udp na off
udp nb off
check "UDP does not pass any more: it arrives" arrived

# --- a VPN by TCP
ip netns exec alice dial -c alice/sipd.conf carol vpn net \
    < /dev/null > vpn.out 2>&1 &
vpn=$!
ping_carol() { at alice ping -c "$1" -i 0.2 -W 2 -s "${2:-56}" 10.7.0.1; }
check "a VPN by TCP" wait_for 10 ping_carol 1
check "it says so" grep "^connected to carol (TCP," vpn.out
check "packets pass" ping_carol 5
check "large ones too" ping_carol 3 1400
at carol timeout 30 socat -u TCP-LISTEN:7777 CREATE:got &
nc=$!
check "carol listens" wait_for 5 listens carol 7777
pour() { head -c 5000000 big | at alice timeout 20 \
    socat -u - TCP:10.7.0.1:7777; }
check "a TCP connection in it" pour
wait $nc
check "brings what was sent" cmp -n 5000000 big got
kill -INT $vpn
check "it ends" ends 130 $vpn

# --- nothing but connections to port 443 gets out of na, and SIP (tests/lab has
# a box that looks whether they begin as TLS does)
only_443() {
	at na nft -f - <<-EOT
	flush chain ip nat wall
	add rule ip nat wall ip daddr 10.1.0.4 accept
	add rule ip nat wall iifname eth1 tcp dport 443 accept
	add rule ip nat wall iifname eth1 drop
	EOT
}
sed -i 's/^portmap = no/&\ntls-port = 443/' bob/sipd.conf
stop bob
check "bob listens on 443" launch bob
check "and is registered" wait_for 10 registered bob
# strangers learn nothing there
shown() {
	at meet timeout 10 openssl s_client -connect 10.1.0.3:443 \
	    < /dev/null 2> /dev/null > tls.out
	openssl x509 -in tls.out -noout -fingerprint -sha256 > shown.out &&
	    ! grep -qF "$fb" shown.out
}
check "its certificate is not his key" shown
no_web() {
	echo "GET / HTTP/1.0" | at meet timeout 5 socat -t5 - \
	    TCP:10.1.0.3:443 > get.out 2>&1
	[ $? != 124 ] && ! grep -q . get.out
}
check "it is no web server" no_web
check "only 443 gets out" only_443
check "to bob by TLS" way alice bob tcp
check "who is called may be the one shut in" way bob alice tcp
rm -rf bob/inbox
send_443() { at alice timeout 60 dial -c alice/sipd.conf bob send big; }
check "a file by it" send_443
check "is whole" cmp big bob/inbox/big
why_tls() {
	by alice why bob > why.out
	cat why.out
	grep -q "^\* succeeded *tcp *TLS " why.out
}
check "dial why says so" why_tls
udp na on

# --- without
sed -i 's/^portmap = no/&\ntcp = no/' alice/sipd.conf
stop alice
check "alice does without TCP" launch alice
for n in alice carol bob meet; do
	check "$n ends well" stop $n
done
finish
