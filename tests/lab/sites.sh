# sites.sh: the kinds of networks, one function each: site_KIND SIDE N builds
# what is between the host SIDE (a or b) and net; N is 1 or 2.
#
#   wan:  net .1 ── 192.0.2.(16N)/28 ── .2; external addresses of an emulator
#         are 203.0.113.(16N+3) and, after a renumbering, (16N+4)
#   lan:  router 192.168.1.1 ── 192.168.1.(10N); both homes use the same net
#   IPv6: 2001:db8:N::/64, wan 2001:db8:N:f::/64
# Sourced by those who have sourced world.sh.

LAB_SITES="open fw cone addr port linux tiny rst cgn nat64 dual \
random fully seq sym noudp web"

# uplink NAME SIDE N: a cable from net to the interface wan of NAME
uplink() {
	wire net "to-$2" "$1" wan
	addr net "to-$2" 192.0.2.$((16 * $3 + 1))/28 2001:db8:$3:f::1/64
	addr "$1" wan 192.0.2.$((16 * $3 + 2))/28
	gateway "$1" 192.0.2.$((16 * $3 + 1))
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
ext() { echo "203.0.113.$((16 * $1 + 3))"; }
spare() { echo "203.0.113.$((16 * $1 + 4))"; }

# home SIDE N ARG...: a home whose router is the emulator
home() {
	s=$1 n_=$2
	shift 2
	router "${s}r"
	uplink "${s}r" "$s" "$n_"
	lan "${s}r" "$s" "$n_"
	ip -n net route add 203.0.113.$((16 * n_))/28 \
	    via 192.0.2.$((16 * n_ + 2))
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
			iifname wan ct state new drop
			$(printf '%s\n' "$@")
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
	addr "${1}r" lan 203.0.113.$((16 * $2 + 1))/28
	addr "$1" eth0 203.0.113.$((16 * $2 + 2))/28
	gateway "$1" 203.0.113.$((16 * $2 + 1))
	ip -n net route add 203.0.113.$((16 * $2))/28 \
	    via 192.0.2.$((16 * $2 + 2))
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
# a home behind the NAT of its provider
site_cgn() {
	router "${1}c"
	uplink "${1}c" "$1" "$2"
	router "${1}r"
	wire "${1}c" cust "${1}r" wan
	addr "${1}c" cust 100.64.$2.1/24
	addr "${1}r" wan 100.64.$2.2/24
	gateway "${1}r" 100.64.$2.1
	lan "${1}r" "$1" "$2"
	masquerade "${1}r" ""
	ip -n net route add 203.0.113.$((16 * $2))/28 \
	    via 192.0.2.$((16 * $2 + 2))
	box "${1}c" cust wan --ext "$(ext "$2")" --spare "$(spare "$2")" \
	    --map eim --filter apdf --alloc block
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
	masquerade "${1}r" "" "oifname lan ct state new iifname wan drop"
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
