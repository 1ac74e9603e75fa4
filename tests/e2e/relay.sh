#!/bin/sh
# relay.sh: through real TURN servers: by UDP, TCP, TLS, with only port 443
# open, by an HTTP proxy, IPv6; wrong credentials; a server that dies and
# comes back; and the move to a direct path while a file is on its way.
#
#   bridge, 10.1.0.0/24, fd01::/64
#     |.2 alice     |.3 bob   |.6 carol     |.4 turn: coturn; DNS; HTTP proxy
#     '---- wall ---'---------'  from alice only SIP passes
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

network() {
	bridge br0
	host alice 10.1.0.2/24 fd01::2/64
	host bob 10.1.0.3/24 fd01::3/64
	host carol 10.1.0.6/24 fd01::6/64
	host turn 10.1.0.4/24 fd01::4/64 10.1.0.5/24
}
# wall NAME: between alice and this host only SIP
wall() {
	at "$1" nft -f - <<-EOT
	table inet wall {
		chain in {
			type filter hook input priority 0;
			ip saddr 10.1.0.2 udp dport 5066 accept
			ip saddr 10.1.0.2 tcp dport 5066 accept
			ip saddr 10.1.0.2 tcp sport 5066 accept
			ip saddr 10.1.0.2 udp sport 5066 accept
			ip saddr 10.1.0.2 drop
			ip6 saddr fd01::2 meta l4proto { tcp, udp } drop
		}
	}
	EOT
}
walls() { wall bob && wall carol; }
no_wall() { at bob nft delete table inet wall; }
# limits NAME RULE: what this host may send
limits() {
	at "$1" nft add table inet limits
	at "$1" nft add chain inet limits out \
	    '{ type filter hook output priority 0; }'
	at "$1" nft add rule inet limits out "$2"
}
no_limits() { at "$1" nft delete table inet limits; }
check "the network" network
check "walls before bob and carol" walls

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -days 2 -keyout turn.key -out turn.crt -subj /CN=turn.test \
    -addext subjectAltName=DNS:turn.test,IP:10.1.0.4 2> /dev/null
cat turn.crt turn.key > turn.pem

# server ADDRESS [OPTION...]: a TURN server, its PID in $turn
server() {
	a=$1; shift
	ip netns exec turn turnserver -n --log-file=stdout --simple-log --no-cli \
	    --pidfile="$T/$a.pid" --realm=turn.test --min-port=49200 \
	    --max-port=49900 --cert="$T/turn.crt" --pkey="$T/turn.key" \
	    --listening-ip="$a" --relay-ip="$a" --userdb="$T/$a.db" \
	    --listening-port=3478 --tls-listening-port=443 "$@" \
	    >> turn.out 2>&1 &
	turn=$!
	wait_for 10 at turn sh -c "ss -lnt | grep -q $a:443"
}
# coturn [OPTION...]: the one that dies and comes back
coturn() { server 10.1.0.4 --listening-ip=fd01::4 --relay-ip=fd01::4 "$@"; }
end_coturn() {
	kill -KILL $turn
	wait $turn 2> /dev/null
	! at turn ss -lnt | grep -q 10.1.0.4:443
}
lt="--lt-cred-mech --user=al:relaypw"
check "a TURN server that lives on" server 10.1.0.5 $lt
check "and another" coturn $lt

fa=$(key alice) fb=$(key bob) fc=$(key carol)
# alice_conf: what else is in [nat], or follows it
alice_conf() {
	{
		cat <<-EOT
		port = 5066
		[peer bob]
		address = sip:10.1.0.3:5066
		fingerprint = $fb
		[peer carol]
		address = sip:10.1.0.6:5066
		fingerprint = $fc
		[nat]
		portmap = no
		EOT
		cat
	} | conf alice
}
for n in bob carol; do
	conf $n <<-EOT
	port = 5066
	[nat]
	portmap = no
	[peer alice]
	address = sip:10.1.0.2:5066
	fingerprint = $fa
	allow = file, pipe
	[file]
	inbox = $T/inbox
	[pipe]
	command = cat
	EOT
done
mkdir -p inbox
dns() {
	echo 'nameserver 10.1.0.4' > resolv.conf
	mount --bind resolv.conf /etc/resolv.conf
	at turn dnsmasq --keep-in-foreground --conf-file=/dev/null \
	    --no-hosts --no-resolv --user=root --pid-file= \
	    --listen-address=10.1.0.4 --bind-interfaces \
	    --host-record=turn.test,10.1.0.4 --host-record=off.test,10.1.0.9 \
	    --srv-host=_turn._udp.turn.test,turn.test,3478,20 \
	    --srv-host=_turn._udp.turn.test,off.test,3478,30 \
	    > dns.log 2>&1 &
	wait_for 10 at turn sh -c 'ss -lnu | grep -q 10.1.0.4:53'
}
proxy() {
	cat > proxy.conf <<-EOT
	Port 3128
	Listen 10.1.0.5
	ConnectPort 443
	LogFile "$T/proxy.log"
	LogLevel Connect
	BasicAuth me pw
	EOT
	at turn tinyproxy -d -c proxy.conf > proxy.out 2>&1 &
	wait_for 10 at turn sh -c 'ss -lnt | grep -q 10.1.0.5:3128'
}
# not_told: alice's address stands nowhere in the paths that bob tried
not_told() { ! grep 'path moved to\|-> ' bob/log | tail -1 | grep -q '10\.1\.0\.2'; }
check "bob's sipd" launch bob
check "and carol's" launch carol
head -c 300000 /dev/urandom > small

# sends WHAT [TEXT]: does it arrive, and does dial say this?
sends() {
	rm -rf inbox/*
	by alice -v bob send "$1" > out 2>&1 < /dev/null || { cat out; return 1; }
	cat out
	[ -z "${2:-}" ] || grep -qF -- "$2" out || return 1
	cmp "$1" "inbox/$1"
}

# relay LINE...: alice's [turn]
relay() { printf '%s\n' '[turn]' "$@" | alice_conf; }
user='user = al' password='password = relaypw'

# what takes 39.5 s, beside everything else: no relay, no good one, none wanted
# beside NAME: a call with the configuration of now
beside() {
	cp alice/sipd.conf "alice/$1.conf"
	ip netns exec alice dial -c "$T/alice/$1.conf" carol pipe \
	    < /dev/null > "$1.said" 2>&1 &
	eval "pid_$1=$!"
}
# refused NAME TEXT
refused() {
	eval "p=\$pid_$1"
	ends 1 "$p" || return 1
	cat "$1.said"
	grep -qF -- "$2" "$1.said"
}
alice_conf < /dev/null
beside none
relay 'server = turn:10.1.0.5' "$user" 'password = wrong'
beside wrong
printf 'relay = never\n[turn]\nserver = turn:10.1.0.5\n%s\n%s\n' "$user" \
    "$password" | alice_conf
beside never
relay 'server = turns:10.1.0.5:443' "$user" "$password"
beside untrusted

relay 'server = turn:10.1.0.4' "$user" "$password"
check "by UDP" sends small "(relayed by 10.1.0.4,"
relay 'server = turn:[fd01::4]' "$user" "$password"
check "by UDP and IPv6" sends small "(relayed by fd01::4,"
relay 'server = turn:10.1.0.4?transport=tcp' "$user" "$password"
check "by TCP" sends small "(relayed by 10.1.0.4,"
relay 'server = turns:10.1.0.4:443' "tls-ca = $T/turn.crt" \
    "$user" "$password"
check "by TLS" sends small "(relayed by 10.1.0.4,"

check "a DNS that knows the relay" dns
relay 'server = turn:turn.test' "$user" "$password"
check "found by its service" sends small "(relayed by turn.test,"

limits alice 'ip daddr 10.1.0.4 tcp dport != 443 reject with tcp reset'
limits alice 'ip daddr 10.1.0.4 meta l4proto udp drop'
limits alice 'ip6 daddr fd01::4 drop'
relay 'server = turn:10.1.0.4, turns:10.1.0.4:443' "tls-ca = $T/turn.crt" \
    "$user" "$password"
check "with only port 443 open" sends small "(relayed by 10.1.0.4,"
limits alice 'ip daddr 10.1.0.4 drop'
check "a proxy" proxy
relay 'server = turns:10.1.0.4:443' 'proxy = http://me:pw@10.1.0.5:3128' \
    "tls-ca = $T/turn.crt" "$user" "$password"
check "by an HTTP proxy" sends small "(relayed by 10.1.0.4,"
check "which was asked" grep -q 'CONNECT 10.1.0.4:443' proxy.log
no_limits alice

printf 'relay = only\n[turn]\nserver = turn:10.1.0.4\n%s\n%s\n' "$user" \
    "$password" | alice_conf
check "no wall" no_wall
check "by the relay only, though there is a direct way" \
    sends small "(relayed by 10.1.0.4,"
check "and our own address is not told" not_told
relay 'server = turn:10.1.0.4' "$user" "$password"
check "directly where that is possible" sends small "(direct,"
check "the wall again" wall bob

# 60 MB, at 8 Mbit/s until what is waited for has happened
head -c 60000000 /dev/urandom > large
rate() {
	at alice tc qdisc replace dev eth0 root tbf rate "$1" burst 64k \
	    latency 50ms
}
flowing() { [ -n "$(find inbox -name '.large*part' -size +256k)" ]; }
# under_way: a transfer has begun, its dial is $behind
under_way() {
	rate 8mbit
	rm -rf inbox/*
	: > out
	ip netns exec alice dial -c "$T/alice/sipd.conf" -v bob send large \
	    < /dev/null > out 2>&1 &
	behind=$!
	wait_for 5 grep -q '(relayed by' out && wait_for 5 flowing
}
arrives() { rate 80mbit; ends 0 $behind && cmp large inbox/large; }
moved() { grep -q "path moved to $1" out; }

directly() {
	under_way && no_wall || return 1
	begin=$(now_ms)
	wait_for 20 moved '\(10.1.0.3\|\[fd01::3\]\)' || return 1
	took=$(($(now_ms) - begin))
	arrives && wall bob
}
check "a transfer by the relay goes on directly within 2 s of that being \
possible, and not a byte is missing" soon 2000 directly

comes_back() {
	under_way && end_coturn && coturn $lt || return 1
	begin=$(now_ms)
	wait_for 20 moved 10.1.0.3 || return 1
	took=$(($(now_ms) - begin))
	arrives
}
check "the relay dies and comes back: a new allocation within 3 s of that, and \
the transfer goes on" soon 3000 comes_back

check "and another one" under_way
check "the relay dies again" end_coturn
sleep 3
check "after 3 s without any" coturn $lt
check "it goes on" arrives
at alice tc qdisc del dev eth0 root

end_coturn
check "a server with a shared secret" coturn --use-auth-secret \
    --static-auth-secret=shared
relay 'server = turn:10.1.0.4' 'secret = shared'
check "names that expire" sends small "(relayed by 10.1.0.4,"
end_coturn

check "without a relay one is told that it would help" \
    refused none "a relay would help: name a TURN server"
check "wrong credentials are one sentence" \
    refused wrong "the relay 10.1.0.5 refuses the user name or the password"
check "a relay that is not to be used is not" \
    refused never "relay = never"
check "nor one that cannot be trusted" \
    refused untrusted "its certificate is not accepted"
finish
