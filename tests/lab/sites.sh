# sites.sh: the kinds of networks, one function each: site_KIND SIDE N builds
# what is between the host SIDE (a or b) and net; N is 1 or 2.
#
#   wan:  net .1 ── 11.0.0.(16N)/28 ── .2; external addresses of an emulator
#         are 11.0.1.(16N+3) and, after a renumbering, (16N+4)
#   lan:  router 192.168.1.1 ── 192.168.1.(10N); both homes use the same net
#   IPv6: 2001:db8:N::/64, wan 2001:db8:N:f::/64
# Sourced by those who have sourced world.sh.

LAB_SITES="open fw cone addr port linux tiny rst cgn nat64 dual \
random fully seq sym noudp web"

# uplink NAME SIDE N: a cable from net to the interface wan of NAME
uplink() {
	wire net "to-$2" "$1" wan
	addr net "to-$2" 11.0.0.$((16 * $3 + 1))/28 2001:db8:$3:f::1/64
	addr "$1" wan 11.0.0.$((16 * $3 + 2))/28
	gateway "$1" 11.0.0.$((16 * $3 + 1))
	crossing "to-$2"
}
# lan ROUTER SIDE N: a bridge, so that others may be plugged in
lan() {
	ip -n "$1" link add lan type bridge
	ip -n "$1" link set lan up
	addr "$1" lan 192.168.1.1/24
	plug "$1" "$2" $((10 * $3))
}
# plug ROUTER HOST NUMBER
plug() {
	host "$2"
	wire "$1" "to-$2" "$2" eth0
	ip -n "$1" link set "to-$2" master lan
	addr "$2" eth0 192.168.1.$3/24
	gateway "$2" 192.168.1.1
}
# six SIDE N: IPv6 to the home's lan
six() {
	addr "$1r" wan 2001:db8:$2:f::2/64
	addr "$1r" lan 2001:db8:$2::1/64
	addr "$1" eth0 2001:db8:$2::10/64
	gateway "$1r" 2001:db8:$2:f::1
	gateway "$1" 2001:db8:$2::1
	ip -n net route add 2001:db8:$2::/64 via 2001:db8:$2:f::2
}
ext() { echo "11.0.1.$((16 * $1 + 3))"; }
spare() { echo "11.0.1.$((16 * $1 + 4))"; }

# home SIDE N ARG...: a home whose router is the emulator
home() {
	s=$1 n_=$2
	shift 2
	router "${s}r"
	uplink "${s}r" "$s" "$n_"
	lan "${s}r" "$s" "$n_"
	ip -n net route add 11.0.1.$((16 * n_))/28 \
	    via 11.0.0.$((16 * n_ + 2))
	box "${s}r" lan wan --ext "$(ext "$n_")" --spare "$(spare "$n_")" "$@"
}
# linux_home SIDE N [FLAGS [RULE...]]: masquerade with these flags; RULEs of
# what may go out
linux_home() {
	s=$1 n_=$2 flags=${3:-}
	shift 2
	[ $# = 0 ] || shift
	router "${s}r"
	uplink "${s}r" "$s" "$n_"
	lan "${s}r" "$s" "$n_"
	masquerade "${s}r" "$flags" "$@"
}
masquerade() {
	r=$1 flags=$2
	shift 2
	nft_at "$r" <<-EOT
	table ip nat {
		chain out {
			type nat hook postrouting priority 100;
			oifname wan masquerade $flags
		}
	}
	table inet filter {
		# a stranger's packet that the router took for itself would
		# keep its port from the host behind
		chain input {
			type filter hook input priority 0;
			iifname wan ct state new drop
		}
		chain forward {
			type filter hook forward priority 0;
			$(printf '%s\n' "$@")
			iifname wan ct state new drop
		}
	}
	EOT
}

# a public address and nothing else
site_open() {
	host "$1"
	uplink "$1" "$1" "$2"
}
# a public address behind a firewall that remembers
site_fw() {
	router "${1}r"
	uplink "${1}r" "$1" "$2"
	host "$1"
	wire "${1}r" lan "$1" eth0
	addr "${1}r" lan 11.0.1.$((16 * $2 + 1))/28
	addr "$1" eth0 11.0.1.$((16 * $2 + 2))/28
	gateway "$1" 11.0.1.$((16 * $2 + 1))
	ip -n net route add 11.0.1.$((16 * $2))/28 \
	    via 11.0.0.$((16 * $2 + 2))
	nft_at "${1}r" <<-EOT
	table inet filter {
		chain forward {
			type filter hook forward priority 0;
			iifname wan ct state new drop
		}
	}
	EOT
}
# NATs that keep one port per socket, by what they let in
site_cone() { home "$1" "$2" --map eim --filter eif --alloc preserve; }
site_addr() { home "$1" "$2" --map eim --filter adf --alloc preserve; }
site_port() { home "$1" "$2" --map eim --filter apdf --alloc random; }
site_linux() { linux_home "$1" "$2"; }
# the same, poor: 64 mappings, forgotten after 15 s
site_tiny() {
	home "$1" "$2" --map eim --filter apdf --alloc random --max-map 64 \
	    --evict lru --udp-timeout 15
}
# the same, rude: refuses what comes unasked
site_rst() {
	home "$1" "$2" --map eim --filter apdf --alloc preserve \
	    --syn rst --udp icmp
}
# cgn ROUTER SIDE N ARG...: the NAT of a provider, customers on 100.64.0.0/24
cgn() {
	r_=$1 s_=$2 n_=$3
	shift 3
	router "$r_"
	uplink "$r_" "$s_" "$n_"
	ip -n "$r_" link add cust type bridge
	ip -n "$r_" link set cust up
	addr "$r_" cust 100.64.0.1/24
	ip -n net route add 11.0.1.$((16 * n_))/28 via 11.0.0.$((16 * n_ + 2))
	box "$r_" cust wan --ext "$(ext "$n_")" --spare "$(spare "$n_")" \
	    --map eim --filter apdf --alloc block "$@"
}
# customer ROUTER SIDE N: a home with Linux's NAT behind it
customer() {
	router "${2}r"
	wire "$1" "cust-$2" "${2}r" wan
	ip -n "$1" link set "cust-$2" master cust
	addr "${2}r" wan 100.64.0.$((10 * $3))/24
	gateway "${2}r" 100.64.0.1
	lan "${2}r" "$2" "$3"
	masquerade "${2}r" ""
}
# a home behind the NAT of its provider
site_cgn() {
	cgn "${1}c" "$1" "$2" && customer "${1}c" "$1" "$2"
}
# IPv6 alone, with tayga as the NAT64 in front of Linux's NAT, and DNS64
site_nat64() {
	prefix=2001:db8:$2:64::
	router "${1}r"
	uplink "${1}r" "$1" "$2"
	host "$1"
	wire "${1}r" lan "$1" eth0
	six "$1" "$2"
	cat > "$T/$1.tayga" <<-EOT
	tun-device nat64
	ipv4-addr 192.168.255.1
	prefix $prefix/96
	dynamic-pool 192.168.255.0/24
	EOT
	ip netns exec "${1}r" tayga -c "$T/$1.tayga" --mktun > /dev/null
	ip -n "${1}r" -batch - <<-EOT
	link set nat64 up
	route add 192.168.255.0/24 dev nat64
	route add $prefix/96 dev nat64
	EOT
	ip netns exec "${1}r" tayga -c "$T/$1.tayga" -d > "$T/$1.tayga.log" \
	    2>&1 &
	masquerade "${1}r" ""
	# the prefix tells itself by ipv4only.arpa (RFC 7050)
	ip netns exec "${1}r" dnsmasq --keep-in-foreground --user=root \
	    --conf-file=/dev/null --no-hosts --no-resolv --pid-file= \
	    --listen-address=2001:db8:$2::1 --bind-interfaces \
	    --host-record=ipv4only.arpa,192.0.0.170,${prefix}c000:aa \
	    --host-record=turn.lab,198.51.100.10,2001:db8:5::10 \
	    --host-record=stun.lab,198.51.100.10,2001:db8:5::10 \
	    --host-record=stun2.lab,198.51.100.11,${prefix}c633:640b \
	    --host-record=meet.lab,198.51.100.20,${prefix}c633:6414 \
	    > "$T/$1.dns" 2>&1 &
	echo "127.0.0.1 localhost" > "$T/$1.hosts"
	echo "nameserver 2001:db8:$2::1" > "$T/$1.resolv"
}
# IPv4 by a hard NAT, IPv6 behind a firewall
site_dual() {
	home "$1" "$2" --map apdm --filter apdf --alloc random --v6 fw
	six "$1" "$2"
}
# NATs that give every destination another port
site_random() { linux_home "$1" "$2" random; }
site_fully() { linux_home "$1" "$2" fully-random; }
site_seq() { home "$1" "$2" --map apdm --filter apdf --alloc seq; }
site_sym() { home "$1" "$2" --map apdm --filter apdf --alloc random; }
# UDP stays inside
site_noudp() { linux_home "$1" "$2" "" "iifname lan meta l4proto udp drop"; }
# nothing but TLS to port 443 leaves
site_web() {
	home "$1" "$2" --map eim --filter apdf --alloc preserve \
	    --allow-out tcp:443 --dpi-tls
}

# Pairs that share something, and networks of their own kind: pair_A_B builds
# both sides; what stands here is not in the matrix but below it.
LAB_EXTRA="one:home one:cgn one:hairpin two:port upnp:sym"

# one home
pair_one_home() {
	home a 1 --map eim --filter apdf --alloc random
	plug ar b 20
}
# one provider, who does not turn packets round to his other customers
pair_one_cgn() {
	cgn c a 1 && customer c a 1 && customer c b 2
}
# and one who does (RFC 6888 REQ-1)
pair_one_hairpin() {
	cgn c a 1 --hairpin ext && customer c a 1 && customer c b 2
}
# two uplinks, each with a router of its own; the first is preferred, and
# what comes from an address leaves by its uplink
site_two() {
	linux_home "$1" "$2"
	m=$(($2 + 2)) r=${1}r2
	router "$r"
	uplink "$r" "${1}2" "$m"
	wire "$r" lan "$1" eth1
	addr "$r" lan 192.168.2.1/24
	addr "$1" eth1 192.168.2.$((10 * $2))/24
	ip -n "$1" -batch - <<-EOT
	route add default via 192.168.2.1 metric 100
	route add default via 192.168.2.1 table 2
	rule add from 192.168.2.0/24 lookup 2
	EOT
	masquerade "$r" ""
}
# a hard NAT that maps ports for those who ask: miniupnpd, by UPnP, NAT-PMP
# and PCP, which fills these chains
site_upnp() {
	router "${1}r"
	uplink "${1}r" "$1" "$2"
	lan "${1}r" "$1" "$2"
	nft_at "${1}r" <<-EOT
	table inet filter {
		chain miniupnpd {
		}
		chain prerouting_miniupnpd {
		}
		chain postrouting_miniupnpd {
		}
		chain prerouting {
			type nat hook prerouting priority -100;
			jump prerouting_miniupnpd
		}
		chain postrouting {
			type nat hook postrouting priority 99;
			jump postrouting_miniupnpd
		}
	}
	EOT
	masquerade "${1}r" random "jump miniupnpd"
	cat > "$T/$1.upnpd" <<-EOT
	ext_ifname=wan
	listening_ip=lan
	enable_natpmp=yes
	enable_upnp=yes
	secure_mode=yes
	system_uptime=no
	uuid=00000000-0000-4000-8000-00000000000$2
	allow 1024-65535 192.168.1.0/24 1024-65535
	deny 0-65535 0.0.0.0/0 0-65535
	EOT
	ip netns exec "${1}r" miniupnpd -d -f "$T/$1.upnpd" \
	    -P "$T/$1.upnpd.pid" > "$T/$1.upnpd.log" 2>&1 &
	wait_for 5 grep -q istening "$T/$1.upnpd.log"
}
