#!/bin/sh
# forward.sh [BUILD]: forwards over a wire, dial against ssh, by turns.
#
#   here: dial, ssh, clients  ── veth, segmentation off ──  far: sipd, sshd,
#   10.97.0.1                                               servers  10.97.0.2
#
# Throughput by iperf3 through -L, by curl through -D; requests a second, each
# on a connection of its own or on kept ones; what a request takes longer than
# directly, all on loopback; memory with 5,000 connections. ROUNDS may be set.
. "$(dirname "$0")/lib.sh"
ROUNDS=${ROUNDS:-3}
tool pingpong

ip netns add far
ip link add wire0 type veth peer name wire1 netns far
ip addr add 10.97.0.1/24 dev wire0
ip -n far addr add 10.97.0.2/24 dev wire1
ip link set wire0 up
ip -n far link set wire1 up
ip -n far link set lo up
ethtool -K wire0 tso off tx-udp-segmentation off gro on > /dev/null
ip netns exec far ethtool -K wire1 tso off tx-udp-segmentation off gro on \
	> /dev/null
far() { ip netns exec far "$@"; }

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
ip netns exec far sipd -c "$T/bob/sipd.conf" 2> "$T/bob/log" &
sipd=$!
sipd -c "$T/carol/sipd.conf" 2> "$T/carol/log" &
carol=$!

mkdir -p /run/sshd ssh
chmod 700 ssh
ssh-keygen -q -t ed25519 -N '' -f ssh/host
ssh-keygen -q -t ed25519 -N '' -f ssh/user
cat > ssh/sshd_config <<EOT
ListenAddress 10.97.0.2:22
HostKey $T/ssh/host
PidFile none
AuthorizedKeysFile $T/ssh/user.pub
PermitRootLogin yes
UsePAM no
StrictModes no
EOT
far /usr/sbin/sshd -D -e -f ssh/sshd_config 2> ssh/log &
cat > ssh/config <<EOT
IdentityFile $T/ssh/user
UserKnownHostsFile $T/ssh/known
StrictHostKeyChecking no
Compression no
LogLevel ERROR
EOT

mkdir www
head -c 500000000 /dev/urandom > www/big
far iperf3 -s -p 5201 > /dev/null 2>&1 &
far tool/pingpong serve 7000 &
far busybox httpd -f -p 127.0.0.1:8000 -h www &
tool/pingpong serve 7000 &
wait_for 10 dial -c "$T/bob/sipd.conf" status || die "bob does not start"
wait_for 10 dial -c "$T/carol/sipd.conf" status || die "carol does not start"
wait_for 10 ssh -F ssh/config root@10.97.0.2 true || die "no ssh"

dial -c "$T/alice/sipd.conf" bob forward 5301:127.0.0.1:5201 \
	7301:127.0.0.1:7000 -D 1301 > dial.said 2>&1 &
dial=$!
ssh -F ssh/config -N -L 5302:127.0.0.1:5201 -L 7302:127.0.0.1:7000 -D 1302 \
	root@10.97.0.2 &
dial -c "$T/alice/sipd.conf" carol forward 7303:127.0.0.1:7000 \
	> near.said 2>&1 &
for p in 7301 7302 7303; do
	wait_for 10 tool/pingpong ping $p 1 || die "port $p does not listen"
done

gbits() {       # PORT
	iperf3 -c 127.0.0.1 -p "$1" -t 3 -J | awk '/"bits_per_second"/ {
		v = $2 } END { printf "%.0f\n", v / 1e6 }'
}
socks() {       # PORT
	curl -sf -o /dev/null -x "socks5h://127.0.0.1:$1" -w '%{speed_download}' \
	    http://127.0.0.1:8000/big | awk '{ printf "%.0f\n", $1 * 8 / 1e6 }'
}

i=0
while [ $i -lt "$ROUNDS" ]; do
	for w in "dial 1" "ssh 2"; do
		set -- $w
		gbits 530$2 >> through.$1
		socks 130$2 >> socks.$1
		tool/pingpong connect 730$2 2000 16 >> connect.$1
		tool/pingpong load 730$2 20000 16 >> load.$1
		tool/pingpong ping 730$2 3000 >> ping.$1
	done
	tool/pingpong ping 7000 3000 >> lo.direct
	tool/pingpong ping 7303 3000 >> lo.dial
	i=$((i + 1))
done

middle() { spread "$2" < "$1" | cut -d' ' -f2; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", a / b }'; }
row() {         # NAME FILE DIGITS
	a=$(middle "$2.dial" "$3") b=$(middle "$2.ssh" "$3")
	printf '  %-38s %9s %9s %6s\n' "$1" "$a" "$b" "$(ratio "$a" "$b")"
}
echo "Forwards over a veth pair, MTU 1500, TSO and USO off, GRO on, both ends on"
echo "this machine, medians of $ROUNDS rounds by turns; ssh as it comes."
printf '  %-38s %9s %9s %6s\n' '' dial ssh ratio
row "-L, iperf3, Mbit/s" through 0
thr=$(ratio "$a" "$b")
row "-D, curl, Mbit/s" socks 0
row "new connections a second" connect 0
new=$(ratio "$a" "$b")
row "requests a second, 16 kept" load 0
row "a request by one, microseconds" ping 0
added=$(awk -v a="$(middle lo.dial 1)" -v b="$(middle lo.direct 1)" \
	'BEGIN { printf "%.0f", a - b }')
echo "  on loopback a request takes $(middle lo.direct 1) us, by dial" \
	"$(middle lo.dial 1) us"
target "3 times ssh's throughput" "$thr >= 3"
target "2 times its new connections" "$new >= 2"
target "100 us added on loopback" "$added <= 100"

mkfifo hold.in
tool/pingpong hold 7301 5000 < hold.in > hold.out &
exec 3> hold.in
wait_for 60 grep -q 5000 hold.out || die "5,000 connections do not stand"
near=$(rss $dial) there=$(rss $sipd)
exec 3>&-
echo "  5,000 connections: dial $((near / 1000)) MB, sipd $((there / 1000)) MB"
target "300 MB for 5,000 connections" "$near <= 300000 && $there <= 300000"
kill $dial $carol $sipd
