#!/bin/sh
# vpn.sh [BUILD]: one TCP stream through a VPN: none, ours, wireguard-go,
# OpenVPN, by turns, on a veth as it comes and on one that is like a wire.
#
#   here: client  ── veth ──  far: server
#   10.96.0.1                 10.96.0.2        inside: 10.97.N.1, 10.97.N.2
#
# A wire takes nothing larger than the MTU; with GRO the packets that arrive
# are joined, as by every network card.
# CPU-s/GB is that of both ends and both iperf3, with what the kernel does on
# their time; beside it that of the whole machine, which is the same and the
# kernel's threads if nothing else runs. SECS of each run and ROUNDS may be
# set, and WIREGUARD_GO to a newer wireguard-go than Debian's, to be compared
# too.
. "$(dirname "$0")/lib.sh"
SECS=${SECS:-3} ROUNDS=${ROUNDS:-3} WIREGUARD_GO=${WIREGUARD_GO:-}
mkdir -p /run/wireguard

ip netns add far
ip link add wire0 type veth peer name wire1 netns far
ip addr add 10.96.0.1/24 dev wire0
ip -n far addr add 10.96.0.2/24 dev wire1
ip link set wire0 up
ip -n far link set wire1 up
ip -n far link set lo up
far() { ip netns exec far "$@"; }
joined() {              # on or off: arriving packets, as by a network card
	ethtool -K wire0 gro "$1" > /dev/null
	far ethtool -K wire1 gro "$1" > /dev/null
}
segmentation() {        # on or off: what a real link cannot take whole
	ethtool -K wire0 tso "$1" tx-udp-segmentation "$1" > /dev/null
	far ethtool -K wire1 tso "$1" tx-udp-segmentation "$1" > /dev/null
}

# --- ours
fa=$(key alice) fb=$(key bob)
conf alice <<EOT
port = 0
[peer bob]
address = sip:10.96.0.2
fingerprint = $fb
EOT
conf bob <<EOT
[peer alice]
fingerprint = $fa
allow = vpn
[vpn bench]
address = 10.97.1.2/24
pool = 10.97.1.1
EOT
ip netns exec far "$E2E_BUILD/sipd" -c "$T/bob/sipd.conf" 2> "$T/bob/log" &
wait_for 10 dial -c "$T/bob/sipd.conf" status || die "bob does not start"
dial -c "$T/alice/sipd.conf" bob vpn bench > "$T/said" 2>&1 < /dev/null &
wait_for 10 grep -q "we are" "$T/said" || die "no vpn: $(cat "$T/said")"

# --- wireguard-go
# end BINARY DEVICE PEER-DEVICE NET HOST PEER-HOST PORT [PREFIX...]
wireguard_end() {
	binary=$1 dev=$2 peer=$3 net=$4 host=$5 other=$6 port=$7
	shift 7
	WG_PROCESS_FOREGROUND=1 "$@" "$binary" "$dev" > "$T/wg.$dev" 2>&1 &
	wait_for 5 test -S "/run/wireguard/$dev.sock" || return 1
	"$@" wg set "$dev" listen-port "$port" private-key "$T/$dev.key" \
		peer "$(cat "$T/$peer.pub")" allowed-ips "$net.0/24" \
		endpoint "10.96.0.$other:$port"
	"$@" ip addr add "$net.$host/24" dev "$dev"
	"$@" ip link set "$dev" mtu 1420 up
}
# wireguard BINARY DEVICE NET PORT: here DEVICE0, there DEVICE1
wireguard() {
	for i in 0 1; do
		(umask 077; wg genkey > "$T/$2$i.key")
		wg pubkey < "$T/$2$i.key" > "$T/$2$i.pub"
	done
	wireguard_end "$1" "${2}0" "${2}1" "$3" 1 2 "$4" env
	wireguard_end "$1" "${2}1" "${2}0" "$3" 2 1 "$4" \
		ip netns exec far env
}
wireguard wireguard-go wg 10.97.2 51820
names="raw ours wireguard-go openvpn"
if [ -n "$WIREGUARD_GO" ]; then
	wireguard "$WIREGUARD_GO" new 10.97.4 51830
	names="raw ours wireguard-go newer-go openvpn"
	"$WIREGUARD_GO" --version | head -n 1
fi

# --- OpenVPN: the fastest that it has without a kernel module
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 \
	-subj /CN=one -keyout ovpn.key -out ovpn.crt 2> /dev/null
openvpn_end() {
	cat > "$1.ovpn" <<-EOT
	dev $1
	dev-type tun
	proto udp
	$2
	cert $T/ovpn.crt
	key $T/ovpn.key
	ca $T/ovpn.crt
	data-ciphers AES-128-GCM
	disable-dco
	sndbuf 8388608
	rcvbuf 8388608
	txqueuelen 1000
	fast-io
	tun-mtu 1420
	mssfix 0
	verb 1
	EOT
}
openvpn_end ovpn1 "tls-server
dh none
ifconfig 10.97.3.2 10.97.3.1
port 1194"
openvpn_end ovpn0 "tls-client
remote 10.96.0.2 1194
ifconfig 10.97.3.1 10.97.3.2"
ip netns exec far openvpn ovpn1.ovpn > ovpn1.log 2>&1 &
openvpn ovpn0.ovpn > ovpn0.log 2>&1 &

address() {
	case $1 in
	raw) echo 10.96.0.2 ;;
	ours) echo 10.97.1.2 ;;
	wireguard-go) echo 10.97.2.2 ;;
	newer-go) echo 10.97.4.2 ;;
	openvpn) echo 10.97.3.2 ;;
	esac
}
for n in $names; do
	wait_for 10 ping -c 1 -W 1 "$(address "$n")" || die "$n: no answer:
$(cat ovpn0.log "$T"/wg.wg0 2>/dev/null)"
done
tool pps
ip netns exec far iperf3 -s > /dev/null 2>&1 &
sleep 0.3

# of all processes in this namespace and those they have waited for
all_ticks() {
	cat /proc/[0-9]*/stat | sed 's/.*) //' |
		awk '{ s += $12 + $13 + $14 + $15 } END { print s }'
}
# stream WIRE NAME OPTIONS...: "Mbit/s CPU-s/GB" into WIRE.NAME.v
stream() {
	w=$1 n=$2; shift 2
	b0=$(machine busy) p0=$(all_ticks)
	iperf3 -J -c "$(address "$n")" -t "$SECS" "$@" > iperf.json ||
		die "$n: $(grep error iperf.json)"
	b1=$(machine busy) p1=$(all_ticks)
	# without jq: the last sum_received is that of the whole
	awk -v b=$((b1 - b0)) -v p=$((p1 - p0)) '/"sum_received"/ { in_it = 1 }
		in_it && /"bytes"/ { gsub(/[^0-9]/, ""); bytes = $0 }
		in_it && /"bits_per_second"/ { sub(/.*:/, ""); bps = $0 + 0
			in_it = 0 }
		END { gb = bytes / 1e7
		printf "%.0f %.3f %.3f\n", bps / 1e6, p / gb, b / gb }
		' iperf.json >> "$w.$n.v"
}
# packets NAME: 100-byte packets that arrive, thousands a second; the median
# of three. Not by iperf3, which needs longer for a packet than we do.
packets() {
	for i in 1 2 3; do
		ip netns exec far "$T/tool/pps" -s 9000 "$((SECS + 1))" > got &
		sleep 0.3
		"$T/tool/pps" -c "$(address "$1")" 9000 "$SECS"
		wait $!
		awk '{ print $1 / 1000 }' got >> packets.v
	done
	spread 0 < packets.v | cut -d' ' -f2 > "$1.kpps"
	rm packets.v
}
idle() {                # microseconds there and back, median of 300
	ping -c 300 -i 0.003 "$(address "$1")" |
		sed -n 's/.*time=\([0-9.]*\) ms/\1/p' |
		awk '{ print $1 * 1000 }' | spread 0 | cut -d' ' -f2
}
column() { cut -d' ' -f"$2" "$1" | spread "$3" | cut -d' ' -f2; }

echo "One TCP stream of $SECS s, $ROUNDS by turns, medians; CPU-s/GB of both" \
	"ends, of the machine."
for wire in default gro wire; do
	[ $wire = default ] && segmentation on || segmentation off
	[ $wire = gro ] && joined on || joined off
	i=0
	while [ $i -lt "$ROUNDS" ]; do
		for n in $names; do stream $wire $n; done
		i=$((i + 1))
	done
	[ $wire = gro ] && veth="wire with GRO" || veth="$wire veth"
	printf '%-14s %10s %10s %10s\n' "$veth" Mbit/s CPU-s/GB machine
	for n in $names; do
		printf '%-14s %10s %10s %10s\n' $n \
			"$(column $wire.$n.v 1 0)" "$(column $wire.$n.v 2 2)" \
			"$(column $wire.$n.v 3 2)"
	done
done
for n in $names; do stream back $n -R; stream four $n -P 4; done
for n in $names; do packets $n; done
printf '%-14s %10s %10s %10s %10s\n' wire reverse "4 streams" \
	"100 B kpps" "ping us"
for n in $names; do
	printf '%-14s %10s %10s %10s %10s\n' $n "$(column back.$n.v 1 0)" \
		"$(column four.$n.v 1 0)" "$(cat $n.kpps 2>/dev/null)" \
		"$(idle $n | tee $n.ping)"
done
less() { awk -v a="$(column "$1.$2.v" 2 3)" -v b="$(column "$1.ours.v" 2 3)" \
	'BEGIN { printf "%.1f", a / b }'; }
ratio=$(awk -v a="$(column wire.ours.v 1 0)" -v b="$(column wire.raw.v 1 0)" \
	'BEGIN { printf "%.2f", a / b }')
printf '%-14s %10s %10s %10s\n' "CPU / ours" default "with GRO" wire
for n in $names; do
	printf '%-14s %10s %10s %10s\n' $n "$(less default $n)" \
		"$(less gro $n)" "$(less wire $n)"
done
echo "$ratio of raw on the wire"
target "8 times less CPU than OpenVPN" "$(less default openvpn) >= 8"
target "6 times less on a wire with GRO" "$(less gro openvpn) >= 6"
target "6 times less on a wire without" "$(less wire openvpn) >= 6"
target "12 times less than wireguard-go" "$(less default wireguard-go) >= 12"
[ -z "$WIREGUARD_GO" ] || {
	target "3 times less than the newer one" \
		"$(less default newer-go) >= 3"
	target "2.3 times on a wire without GRO" "$(less wire newer-go) >= 2.3"
	target "2.3 times on a wire with GRO" "$(less gro newer-go) >= 2.3"
}
target "0.40 of raw on the wire" "$ratio >= 0.40"
target "250000 packets of 100 bytes a second" "$(cat ours.kpps) >= 250"
target "60 us added to a ping" "$(cat ours.ping) - $(cat raw.ping) <= 60"
