#!/bin/sh
# hosts.sh: peers on hosts of their own: IPv4, IPv6, names, several
# interfaces, a NAT, and addresses that change while a session is open.
#
#   bridge one, 10.1.0.0/24, fd01::/64
#     |.2 alice   |.3 bob   |.4 meet: meeting point, STUN, DNS   |.9 nat
#     |  .2       |  .3                                     10.9.0.1 |
#   bridge two, 10.2.0.0/24                       10.9.0.2 carol ----+
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

# plug NAME BRIDGE INTERFACE ADDRESS...
plug() {
	n=$1 b=$2 i=$3
	shift 3
	ip link add "$n.$i" type veth peer name "$i" netns "$n"
	ip link set "$n.$i" master "$b" up
	for a in "$@"; do
		ip -n "$n" addr add "$a" dev "$i" nodad
	done
	ip -n "$n" link set "$i" up
}
network() {
	for b in one two; do
		bridge $b
	done
	for n in alice bob meet nat carol; do
		host $n
	done
	plug alice one eth0 10.1.0.2/24 fd01::2/64
	plug alice two eth1 10.2.0.2/24
	plug bob one eth0 10.1.0.3/24 fd01::3/64
	plug bob two eth1 10.2.0.3/24
	plug meet one eth0 10.1.0.4/24 fd01::4/64
	plug nat one eth0 10.1.0.9/24
	ip -n nat link add eth1 type veth peer name eth0 netns carol
	ip -n nat addr add 10.9.0.1/24 dev eth1
	ip -n nat link set eth1 up
	ip -n carol addr add 10.9.0.2/24 dev eth0
	ip -n carol link set eth0 up
	ip -n carol route add default via 10.9.0.1
	at nat sysctl -qw net.ipv4.ip_forward=1
	at nat nft -f - <<-EOT
	table ip nat {
		chain out {
			type nat hook postrouting priority 100;
			oifname eth0 masquerade
		}
		chain forward {
			type filter hook forward priority 0;
			iifname eth0 ct state new drop
		}
	}
	EOT
}
check "the network" network
check "alice reaches bob" at alice ping -c1 -W2 10.1.0.3
check "by IPv6 too" at alice ping -c1 -W2 fd01::3

echo 'nameserver 10.1.0.4' > resolv.conf
mount --bind resolv.conf /etc/resolv.conf
printf '127.0.0.1 localhost\n10.1.0.3 bob.hosts\n' > etc.hosts
mount --bind etc.hosts /etc/hosts
at meet dnsmasq --keep-in-foreground --conf-file=/dev/null --no-hosts \
    --no-resolv --user=root --pid-file= --listen-address=10.1.0.4 \
    --bind-interfaces --host-record=bob4.test,10.1.0.3 \
    --host-record=bob6.test,fd01::3 --host-record=b.test,10.1.0.3 \
    --srv-host=_sip._udp.srv.test,b.test,5066 \
    --srv-host=_sip._tcp.naptr.test,b.test,5066,20 \
    --srv-host=_sip._tcp.naptr.test,meet.test,9,10 \
    --host-record=meet.test,10.1.0.4 \
    --naptr-record=naptr.test,10,10,s,SIP+D2T,,_sip._tcp.naptr.test \
    > dns.log 2>&1 &

fa=$(key alice) fb=$(key bob) fc=$(key carol)
conf alice <<EOT
port = 5066
[peer bob]
address = sip:10.1.0.3:5066
fingerprint = $fb
allow = file
EOT
conf bob <<EOT
port = 5066
[peer alice]
fingerprint = $fa
allow = file, pipe, forward 127.0.0.1:8000
[pipe]
command = cat
EOT
check "bob starts" launch bob
check "alice starts" launch alice

# --- every way to write an address
echo hello > hello
# calls ADDRESS REMOTE: a session by this address, and where it leads
calls() {
	as alice trust "$1" "$fb"
	as alice -j "$1" pipe < hello > calls.out || { cat calls.out; return 1; }
	grep '"event":"open"' calls.out
	grep -qF "\"remote\":\"host $2" calls.out && grep -q hello calls.out
}
check "by IPv4 address" calls sip:10.1.0.3:5066 "10."
check "by IPv6 address" calls "sip:[fd01::3]:5066" ""
check "by the hosts file" calls sip:bob.hosts:5066 ""
check "by DNS, A" calls sip:bob4.test:5066 ""
check "by DNS, AAAA" calls sip:bob6.test:5066 ""
check "by DNS, SRV" calls sip:bob@srv.test ""
check "by DNS, NAPTR, the first SRV being dead" calls sip:bob@naptr.test ""
check "by TCP" calls "sip:10.1.0.3:5066;transport=tcp" ""
check "a name that is not there" fails_with 1 "not known to the DNS" \
    as alice sip:nobody.test pipe
check "an address that is not there" fails_with 1 "Nothing answers" \
    as alice "sip:10.1.0.77;transport=tcp" pipe

# --- IPv6 alone
four() { for i in 0 1; do at alice ip addr "$1" 10.$((i + 1)).0.2/24 \
    dev eth$i; done; }
four del
check "without any IPv4" wait_for 5 calls "sip:[fd01::3]:5066" "[fd01::3]:"
four add
check "and with it again" wait_for 5 calls sip:10.1.0.3:5066 ""

# --- only these interfaces
printf '[nat]\ninterfaces = eth1\n' >> bob/sipd.conf
stop bob
check "bob shows one interface alone" launch bob
check "and is reached by it" calls sip:10.2.0.3:5066 "10.2.0.3:"
check "but not by the other" fails_with 1 "Nothing answers" \
    as alice sip:10.1.0.3:5066 pipe
sed -i 's/^interfaces = .*/interfaces = eth0/' bob/sipd.conf
stop bob
check "bob shows the other" launch bob
check "and is reached by that" calls sip:10.1.0.3:5066 ""
check "but not by the first" sh -c "! grep -q 10.2.0 calls.out"

# --- the meeting point, and STUN
meeting_point "udp:10.1.0.4:5070, tcp:10.1.0.4:5070" "alice:pa bob:pb carol:pc"
check "the meeting point starts" launch meet
check "it answers STUN" sh -c "ip netns exec carol turnutils_stunclient \
    -p 5070 10.1.0.4 2>&1 | grep -q 'reflexive addr: 10.1.0.9:'"
# member NAME PEER FINGERPRINT REGISTRAR
member() {
	{
		account "$1" "p${1%"${1#?}"}" "$4"
		printf '[nat]\nstun = 10.1.0.4:5070\n'
		printf '[peer %s]\naddress = %s@demo.example\n' "$2" "$2"
		printf 'fingerprint = %s\nallow = file, pipe\n' "$3"
		printf '[pipe]\ncommand = cat\n'
	} | conf "$1"
}
stop alice
stop bob
member alice bob "$fb" sip:10.1.0.4:5070
member bob alice "$fa" "sip:10.1.0.4:5070;transport=tcp"
member carol bob "$fb" sip:10.1.0.4:5070
printf '[peer carol]\naddress = carol@demo.example\nfingerprint = %s\n%s\n' \
    "$fc" "allow = file, pipe" >> bob/sipd.conf
for n in alice bob carol; do
	check "$n starts" launch $n
	check "$n is registered" wait_for 5 registered $n
done
# through FROM TO KIND: a call, and by what candidate the other is reached
through() {
	as "$1" -j "$2" pipe < hello > calls.out || { cat calls.out; return 1; }
	grep '"event":"open"' calls.out
	grep -q "\"remote\":\"$3 " calls.out && grep -q hello calls.out
}
check "alice calls bob through it" through alice bob host
check "carol calls bob from behind the NAT" through carol bob host
check "bob calls carol there" through bob carol '.*rflx'
check "at the NAT's address" grep -q 'rflx 10.1.0.9:' calls.out
check "and sends a file" as bob carol send hello
check "which is there" cmp hello carol/inbox/hello

# --- addresses that change while a file is under way
slow() {
	for n in alice bob; do
		at $n tc qdisc replace dev eth0 root tbf rate 200mbit \
		    burst 256k latency 50ms
		at $n tc qdisc replace dev eth1 root tbf rate 200mbit \
		    burst 256k latency 50ms
		at $n sysctl -qw net.ipv4.conf.all.promote_secondaries=1
	done
}
check "the network is slower now" slow
head -c 100000000 /dev/urandom > big
under_way() { [ -n "$(find bob/inbox -name ".big*part" -size +2M)" ]; }
begin() {
	rm -rf bob/inbox
	behind alice send.out bob send big
	wait_for 10 under_way
}
arrived() { ends 0 "$behind" && cmp big bob/inbox/big; }
# noticed NAME COMMAND...: its sipd has noticed what that changes there
changes() { grep -c "addresses of this host have changed" "$1/log"; }
more() { [ "$(changes "$1")" -gt "$2" ]; }
noticed() {
	whose=$1 was=$(changes "$1")
	shift
	at "$whose" "$@" && wait_for 10 more "$whose" "$was"
}

at alice ip link set eth1 down
check "alice has one address" noticed alice ip -6 addr flush dev eth0
check "a file by one address" begin
check "and another" noticed alice ip addr add 10.1.0.22/24 dev eth0
at alice ip addr del 10.1.0.2/24 dev eth0
check "the old one is gone, a new one was there before: it arrives" arrived
check "alice is registered with the new one" wait_for 10 \
    sh -c "dial -c alice/sipd.conf status | grep ' registered.*10.1.0.22'"
check "bob calls her there" wait_for 10 through bob alice host
check "a file by one address" begin
# renumbered: she has the next address; in $took how soon that is known
last=22
with_new() { dial -c alice/sipd.conf status |
    grep " registered.*10.1.0.$last"; }
renumbered() {
	at alice ip addr del 10.1.0.$last/24 dev eth0
	sleep 2
	last=$((last + 1))
	at alice ip addr add 10.1.0.$last/24 dev eth0
	begin=$(now_ms)
	wait_for 10 with_new || return 1
	took=$(($(now_ms) - begin))
}
check "alice is registered with a new one within 2 s" soon 2000 renumbered
check "the old one is gone, the new one comes later: it arrives" arrived
check "bob calls her there" wait_for 10 through bob alice host

# the called side
check "a file again" begin
check "bob has another address" noticed bob ip addr add 10.1.0.33/24 dev eth0
at bob ip addr del 10.1.0.3/24 dev eth0
check "now the called side has moved: it arrives" arrived
check "bob is registered with the new one" wait_for 10 \
    sh -c "dial -c bob/sipd.conf status | grep ' registered.*10.1.0.33'"

# another interface
check "alice has another interface" noticed alice ip link set eth1 up
check "a file by one of two interfaces" begin
at alice ip link set eth0 down
check "the other takes over" arrived
at alice ip link set eth0 up
for n in alice bob carol meet; do
	check "$n ends well" stop $n
done
finish
