#!/bin/sh
# forward.sh [BUILD]: forwards over a wire, dial against ssh, by turns.
#
#   here: dial, ssh, clients  ── veth, segmentation off ──  far: sipd, sshd,
#   10.97.0.1                                               servers  10.97.0.2
#
# The wire is that of file.sh: nothing larger than the MTU crosses, arriving
# packets are joined (GRO) as by every network card; it is one for both.
#
# With two processors for both ends and what makes the load, iperf3 is a third
# of the work: the streams are made and taken by pour.c, which copies nothing,
# and iperf3 is there to compare. New connections are answered and closed by
# one system call each (pingpong once). Processor time is that of both
# programs, and of the machine, the load included. What the machine can do at
# all: the same stream over the wire, and by two relays without encryption; a
# relay of new connections without a far end. A target above what these make is
# above what the machine can do. Memory with 5,000 connections. ROUNDS and WIRE
# (on, off: GRO) may be set.
. "$(dirname "$0")/lib.sh"
ROUNDS=${ROUNDS:-3} WIRE=${WIRE:-on}
tool pingpong
tool pour

ip netns add far
ip link add wire0 type veth peer name wire1 netns far
ip addr add 10.97.0.1/24 dev wire0
ip -n far addr add 10.97.0.2/24 dev wire1
ip link set wire0 up
ip -n far link set wire1 up
ip -n far link set lo up
far() { ip netns exec far "$@"; }
ethtool -K wire0 tso off tx-udp-segmentation off gro "$WIRE" > /dev/null
far ethtool -K wire1 tso off tx-udp-segmentation off gro "$WIRE" > /dev/null

fa=$(key alice) fb=$(key bob) fc=$(key carol)
conf alice <<EOT
port = 0
[peer bob]
address = sip:10.97.0.2
fingerprint = $fb
[peer carol]
address = sip:127.0.0.1
fingerprint = $fc
EOT
for n in bob carol; do
	conf $n <<-EOT
	[peer alice]
	fingerprint = $fa
	allow = forward 127.0.0.1:*
	EOT
done
ip netns exec far "$E2E_BUILD/sipd" -c "$T/bob/sipd.conf" 2> "$T/bob/log" &
sipd=$!
sipd -c "$T/carol/sipd.conf" 2> "$T/carol/log" &
carol=$!

. "$BENCH/sshd.sh"
far_sshd 10.97.0.2
far iperf3 -s -p 5201 > /dev/null 2>&1 &
far tool/pour sink 6000 &
far tool/pour relay 6001 127.0.0.1 6000 &
tool/pour relay 6303 10.97.0.2 6001 &
far tool/pingpong once 7100 &
far tool/pingpong serve 7000 &
tool/pingpong serve 7000 &
tool/pingpong once 7100 &
tool/pingpong relay 7403 7100 &
wait_for 10 dial -c "$T/bob/sipd.conf" status || die "bob does not start"
wait_for 10 dial -c "$T/carol/sipd.conf" status || die "carol does not start"
wait_for 10 ssh -F ssh/config root@10.97.0.2 true || die "no ssh"

dial -c "$T/alice/sipd.conf" bob forward 5301:127.0.0.1:5201 \
	6301:127.0.0.1:6000 7301:127.0.0.1:7000 7401:127.0.0.1:7100 \
	-D 1301 > dial.said 2>&1 &
dial=$!
ssh -F ssh/config -N -L 5302:127.0.0.1:5201 -L 6302:127.0.0.1:6000 \
	-L 7302:127.0.0.1:7000 -L 7402:127.0.0.1:7100 -D 1302 \
	root@10.97.0.2 &
ssh=$!
dial -c "$T/alice/sipd.conf" carol forward 7303:127.0.0.1:7000 \
	> near.said 2>&1 &
for p in 7301 7302 7303; do
	wait_for 10 tool/pingpong ping $p 1 || die "port $p does not listen"
done
far_ssh=$(pgrep -P "$sshd" | tail -1)

# cost WHO FILE OPS COMMAND...: its first figure to FILE.WHO; seconds of both
# programs and of the machine for each of OPS (0: for each GB, of the second)
cost() {
	who=$1 file=$2 ops=$3; shift 3
	case $who in
	dial) one=$dial two=$sipd ;;
	*) one=$ssh two=$far_ssh ;;
	esac
	c0=$(($(ticks $one) + $(ticks $two))) m0=$(machine busy)
	out=$("$@") || die "$*: failed"
	c1=$(($(ticks $one) + $(ticks $two))) m1=$(machine busy)
	echo "${out% *}" >> "$file.$who"
	echo $((c1 - c0)) $((m1 - m0)) "$ops" "${out#* }" | awk '{
		n = $3 ? $3 / 1e6 : $4 / 1e9
		print $1 / 100 / n, $2 / 100 / n }' > both
	cut -d' ' -f1 both >> "$file.cpu.$who"
	cut -d' ' -f2 both >> "$file.all.$who"
}
gbits() {       # PORT
	iperf3 -c 127.0.0.1 -p "$1" -t 2 -J | awk '/"bits_per_second"/ {
		v = $2 } END { printf "%.0f\n", v / 1e6 }'
}

i=0
while [ $i -lt "$ROUNDS" ]; do
	for w in "dial 1" "ssh 2"; do
		set -- $w
		cost $1 through 0 tool/pour 127.0.0.1 630$2 2
		cost $1 socks 0 tool/pour 127.0.0.1 130$2 2 6000
		gbits 530$2 >> iperf.$1
		cost $1 connect 10000 tool/pingpong connect 740$2 10000 16
		cost $1 load 30000 tool/pingpong load 730$2 30000 16
		tool/pingpong ping 730$2 3000 >> ping.$1
	done
	tool/pour 10.97.0.2 6000 2 | cut -d' ' -f1 >> bare
	tool/pour 127.0.0.1 6303 2 | cut -d' ' -f1 >> plain
	tool/pingpong connect 7100 10000 16 >> connect.none
	tool/pingpong connect 7403 10000 16 >> connect.relay
	tool/pingpong ping 7000 3000 >> lo.direct
	tool/pingpong ping 7303 3000 >> lo.dial
	i=$((i + 1))
done

middle() { spread "$2" < "$1" | cut -d' ' -f2; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a / b }'; }
row() {         # NAME FILE DIGITS
	a=$(middle "$2.dial" "$3") b=$(middle "$2.ssh" "$3")
	printf '  %-34s %9s %9s %6s' "$1" "$a" "$b" "$(ratio "$a" "$b")"
	[ ! -s "$2.cpu.dial" ] || printf '  %8s %8s %8s %8s' \
		"$(middle "$2.cpu.dial" 2)" "$(middle "$2.cpu.ssh" 2)" \
		"$(middle "$2.all.dial" 2)" "$(middle "$2.all.ssh" 2)"
	echo
}
echo "Forwards over a veth pair, MTU 1500, TSO and USO off, GRO $WIRE, the same"
echo "for both, both ends on this machine, medians of $ROUNDS rounds by turns; ssh"
echo "as it comes. Seconds of processor for each GB, or us for each request: of"
echo "both programs, and of the machine with what makes the load."
printf '  %-34s %9s %9s %6s  %8s %8s %8s %8s\n' '' dial ssh ratio dial ssh \
	'all,dial' 'all,ssh'
row "-L, Mbit/s" through 0
thr=$(ratio "$a" "$b")
row "-D, Mbit/s" socks 0
row "-L, iperf3, Mbit/s" iperf 0
row "new connections a second" connect 0
new=$(ratio "$a" "$b")
row "requests a second, 16 kept" load 0
row "a request by one, microseconds" ping 0
added=$(awk -v a="$(middle lo.dial 1)" -v b="$(middle lo.direct 1)" \
	'BEGIN { printf "%.0f", a - b }')
most=$(ratio "$(middle plain 0)" "$(middle through.ssh 0)")
busy=$(ratio "$(middle connect.relay 0)" "$(middle connect.ssh 0)")
echo "  the machine itself: $(middle bare 0) Mbit/s over the wire by kernel TCP," \
	"$(middle plain 0) by two"
echo "  relays without encryption (splice): $most times ssh's;" \
	"$(middle connect.none 0) connections a second on"
echo "  loopback, $(middle connect.relay 0) by one relay without a far end:" \
	"$busy times ssh's"
echo "  on loopback a request takes $(middle lo.direct 1) us, by dial" \
	"$(middle lo.dial 1) us"
# within WHAT MOST WANTED MET: as target; a miss is the machine's where even the
# relays, which have less to do, miss it
within() {
	target "$1" "$4"
	awk "BEGIN { exit !($4 || $2 >= $3) }" || echo "    above what this" \
		"machine can do: relays without encryption have $2 times"
}
within "3 times ssh's throughput" "$most" 3 "$thr >= 3"
within "2 times its new connections" "$busy" 2 "$new >= 2"
target "100 us added on loopback" "$added <= 100"

mkfifo hold.in
tool/pingpong hold 7301 5000 < hold.in > hold.out &
exec 3> hold.in
wait_for 60 grep -q 5000 hold.out || die "5,000 connections do not stand"
near=$(rss $dial) there=$(rss $sipd)
exec 3>&-
echo "  5,000 connections: dial $((near / 1000)) MB, sipd $((there / 1000)) MB"
target "300 MB for 5,000 connections" "$near <= 300000 && $there <= 300000"
kill $dial $carol $sipd $ssh
