#!/bin/sh
# relay.sh: through real TURN servers: by UDP, TCP, TLS, with only port 443
# open, by an HTTP proxy, IPv6; wrong credentials; a server that dies and
# comes back; and the move to a direct path while a file is on its way.
#
#   bridge, 10.1.0.0/24, fd01::/64
#     |.2 alice        |.3 bob        |.4 turn: coturn; DNS; HTTP proxy
#     '--- wall -------'  between these two only SIP passes
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
mount -t tmpfs tmpfs /run
mkdir -p /run/netns

# host NAME ADDRESS...
host() {
	n=$1
	shift
	ip netns add "$n"
	ip -n "$n" link set lo up
	ip link add "$n" type veth peer name eth0 netns "$n"
	ip link set "$n" master hub up
	for a in "$@"; do
		ip -n "$n" addr add "$a" dev eth0 nodad
	done
	ip -n "$n" link set eth0 up
}
at() { n=$1; shift; ip netns exec "$n" "$@"; }
by() { n=$1; shift; at "$n" dial -c "$T/$n/sipd.conf" "$@"; }

network() {
	ip link add hub type bridge
	ip link set hub up
	host alice 10.1.0.2/24 fd01::2/64
	host bob 10.1.0.3/24 fd01::3/64
	host turn 10.1.0.4/24 fd01::4/64 10.1.0.5/24
}
# between alice and bob only SIP
wall() {
	at bob nft -f - <<-EOT
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
check "a wall between alice and bob" wall

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -days 2 -keyout turn.key -out turn.crt -subj /CN=turn.test \
    -addext subjectAltName=DNS:turn.test,IP:10.1.0.4 2> /dev/null
cat turn.crt turn.key > turn.pem

# coturn [OPTION...]: a TURN server, its PID in $turn
coturn() {
	at turn turnserver -n --log-file=stdout --simple-log --no-cli \
	    --pidfile="$T/turn.pid" --realm=turn.test --min-port=49200 \
	    --max-port=49900 --cert="$T/turn.crt" --pkey="$T/turn.key" \
	    --listening-ip=10.1.0.4 --listening-ip=fd01::4 \
	    --relay-ip=10.1.0.4 --relay-ip=fd01::4 --userdb="$T/turn.db" \
	    --listening-port=3478 --tls-listening-port=443 "$@" \
	    >> turn.out 2>&1 &
	turn=$!
	wait_for 10 at turn sh -c 'ss -lnt | grep -q 10.1.0.4:443'
}
end_coturn() { kill -KILL $turn; wait $turn 2> /dev/null; :; }
lt="--lt-cred-mech --user=al:relaypw"
check "a TURN server" coturn $lt

fa=$(key alice) fb=$(key bob)
# alice_conf: what follows [peer bob]
alice_conf() {
	{
		cat <<-EOT
		port = 5066
		[nat]
		portmap = no
		[peer bob]
		address = sip:10.1.0.3:5066
		fingerprint = $fb
		EOT
		cat
	} | conf alice
}
conf bob <<EOT
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
mkdir -p inbox
sipd_at() {
	at "$1" sipd -v -c "$T/$1/sipd.conf" >> "$T/$1/log" 2>&1 &
	eval "pid_$1=$!"
	wait_for 10 by "$1" status
}
check "bob's sipd" sipd_at bob
head -c 300000 /dev/urandom > small

# sends WHAT [TEXT]: does it arrive, and does dial say this?
sends() {
	rm -rf inbox/*
	by alice -v bob send "$1" > out 2>&1 < /dev/null || { cat out; return 1; }
	cat out
	[ -z "${2:-}" ] || grep -qF -- "$2" out || return 1
	cmp "$1" "inbox/$1"
}

# relay CLAUSE...: alice's [turn], these lines
relay() { printf '%s\n' '[turn]' "$@" | alice_conf; }
user='user = al' password='password = relaypw'

relay 'server = turn:10.1.0.4' "$user" "$password"
check "by UDP" sends small "(relayed by 10.1.0.4,"
relay 'server = turn:[fd01::4]' "$user" "$password"
check "by UDP and IPv6" sends small "(relayed by fd01::4,"
relay 'server = turn:10.1.0.4?transport=tcp' "$user" "$password"
check "by TCP" sends small "(relayed by 10.1.0.4,"
relay 'server = turns:10.1.0.4:443' "tls-ca = $T/turn.crt" \
    "$user" "$password"
check "by TLS" sends small "(relayed by 10.1.0.4,"
relay 'server = turns:10.1.0.4:443' "$user" "$password"
finish
