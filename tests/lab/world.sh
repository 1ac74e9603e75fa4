# world.sh: a small Internet in network namespaces, for one pair of networks.
#
#   host a ── [router ar] ── [ISP ac] ──┐               ┌── ... ── host b
#   192.168.1.10   private  100.64.1.0  │ 11.0.0.16/28  │ 11.0.0.32/28
#   2001:db8:1::10                      │               │
#                                       └──── net ──────┘
#                       every crossing takes LAB_DELAY ms; 198.51.100.0/24
#                                             │
#                 srv   .10 .11  STUN and TURN: coturn, UDP and TCP 3478,
#                                TLS 443; by IPv6 2001:db8:5::10
#                       .20      meet: sipd's registrar, UDP and TCP 5060,
#                                TLS 5061 and 443
#                       .66      nobody's friend: forged packets come from it
#
# What is between host and net is the site, see sites.sh. Names (turn.lab,
# stun2.lab, meet.lab) are in the hosts file; a host without IPv4 has DNS64.
# Sourced by lib.sh: namespaces vanish with the script.

LAB_DELAY=${LAB_DELAY:-5}
cd "$T" || exit 1

host() {
	ip netns add "$1"
	ip -n "$1" link set lo up
	at "$1" sysctl -qw net.ipv4.conf.all.rp_filter=0 \
	    net.ipv4.conf.default.rp_filter=0 \
	    net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
}
router() {
	host "$1"
	at "$1" sysctl -qw net.ipv4.ip_forward=1 \
	    net.ipv6.conf.all.forwarding=1
}

# at NAME COMMAND...: on that host, with the name service it has
at() {
	n=$1
	shift
	if [ -e "$T/$n.resolv" ]; then
		ip netns exec "$n" unshare -m "$LAB/withdns.sh" "$T/$n" "$@"
	else
		ip netns exec "$n" "$@"
	fi
}

# wire NAME IF NAME IF: a cable
wire() {
	ip -n "$1" link add name "$2" type veth peer name "$4" netns "$3"
	ip -n "$1" link set dev "$2" up
	ip -n "$3" link set dev "$4" up
}
# addr NAME IF ADDRESS...
addr() {
	n=$1 i=$2
	shift 2
	for x in "$@"; do
		case $x in
		*:*) echo "addr add $x dev $i nodad" ;;
		*) echo "addr add $x dev $i" ;;
		esac
	done | ip -n "$n" -batch -
}
gateway() { ip -n "$1" route add default via "$2"; }
nft_at() { n=$1; shift; ip netns exec "$n" nft -f -; }

# box NAME LAN WAN ARG...: the emulator sits between two interfaces; what it
# lets pass is routed by the kernel
box() {
	n=$1 lan=$2 wan=$3
	shift 3
	ip netns exec "$n" "$LAB_BIN/natemu" --in "em-in" --out "em-out" \
	    --label "$n" --stats "$T/$n.stats" "$@" > "$T/$n.natemu" 2>&1 &
	eval "nat_$n=$!"
	wait_for 5 grep -q ready "$T/$n.natemu" ||
	    { cat "$T/$n.natemu"; return 1; }
	ip -n "$n" link set em-in up
	ip -n "$n" link set em-out up
	for f in -4 -6; do
		ip -n "$n" $f -batch - <<-EOT
		rule add iif $lan lookup 100
		route add default dev em-in table 100
		EOT
		[ "$wan" = - ] || ip -n "$n" $f -batch - <<-EOT
		rule add iif $wan lookup 101
		route add default dev em-out table 101
		EOT
	done
}

certificates() {
	ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
	openssl req -x509 $ec -keyout ca.key -out ca.pem -subj "/CN=lab CA" \
	    -days 2 2> /dev/null
	openssl req $ec -keyout srv.key -out srv.csr -subj /CN=turn.lab \
	    2> /dev/null
	echo "subjectAltName=DNS:turn.lab,DNS:turn2.lab,DNS:meet.lab" > ext
	openssl x509 -req -in srv.csr -CA ca.pem -CAkey ca.key -days 2 \
	    -CAcreateserial -extfile ext -out srv.crt 2> /dev/null
	cat srv.crt srv.key > srv.pem
	chmod 600 srv.pem
	# the lab's CA is trusted as those of the system are
	if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
		cat ca.pem /etc/ssl/certs/ca-certificates.crt > all.pem
		mount --bind all.pem /etc/ssl/certs/ca-certificates.crt
	fi
}

names() {
	cat > hosts <<-EOT
	127.0.0.1 localhost
	198.51.100.10 turn.lab stun.lab
	198.51.100.11 stun2.lab
	198.51.100.12 turn2.lab
	198.51.100.20 meet.lab
	2001:db8:5::10 turn.lab stun.lab
	EOT
	mount --bind hosts /etc/hosts
	: > resolv.conf
	mount --bind resolv.conf /etc/resolv.conf
}

# relay_start NAME ADDRESS...: a coturn on these addresses of srv
relay_start() {
	r=$1
	shift
	{
		for x in "$@"; do
			echo "listening-ip=$x"
			[ "$x" = 198.51.100.11 ] || echo "relay-ip=$x"
		done
		cat <<-EOT
		listening-port=3478
		tls-listening-port=443
		realm=lab
		lt-cred-mech
		user=lab:lab
		cert=$T/srv.crt
		pkey=$T/srv.key
		userdb=$T/$r.db
		pidfile=$T/$r.pid
		log-file=$T/$r.log
		simple-log
		relay-threads=1
		no-cli
		no-dtls
		EOT
	} > "$r.conf"
	ip netns exec srv turnserver -c "$T/$r.conf" > "$r.out" 2>&1 &
	eval "pid_$r=$!"
	wait_for 10 relay_up "$1"
}
relay_up() {
	ip netns exec srv ss -Hlun | grep -q "$1:3478" &&
	ip netns exec srv ss -Hltn | grep -q "$1:443"
}

meet_start() {
	printf 'a:pa\nb:pb\nc:pc\n' > users
	chmod 600 users
	conf meet <<-EOT
	port = 0
	[registrar]
	listen = udp:198.51.100.20:5060, tcp:198.51.100.20:5060
	listen = tls:198.51.100.20:5061, tls:198.51.100.20:443
	domain = lab
	users-file = $T/users
	tls-cert = $T/srv.pem
	EOT
	ip netns exec srv sipd -c "$T/meet/sipd.conf" > meet/log 2>&1 &
	meet=$!
}

# world: the public side
world() {
	router net
	host srv
	wire net srv srv eth0
	addr net srv 198.51.100.1/24 2001:db8:5::1/64
	addr srv eth0 198.51.100.10/24 198.51.100.11/24 198.51.100.20/24 \
	    198.51.100.66/24 2001:db8:5::10/64
	gateway srv 198.51.100.1
	gateway srv 2001:db8:5::1
	box net srv - --v4 pass --v6 pass --delay "$LAB_DELAY"
	certificates
	names
	relay_start turn 198.51.100.10 198.51.100.11 2001:db8:5::10 &&
	    meet_start
}
# crossing IF: what comes from this link takes its time too
crossing() {
	for f in -4 -6; do
		ip -n net $f rule add iif "$1" lookup 100
	done
}
