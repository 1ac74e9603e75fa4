#!/bin/sh
# file.sh [BUILD]: one large file over a wire, dial against scp, by turns, and
# in the end against rsync over ssh and magic-wormhole.
#
#   here: dial, scp, ...  ── veth, segmentation off ──  far: sipd, sshd
#   10.96.0.1                                           10.96.0.2
#
# Nothing larger than the MTU crosses, as on a real link; arriving packets are
# joined (GRO), as by every network card, and then once more without that.
# Processor time is that of both ends with all their children. MB and PAIRS
# may be set.
. "$(dirname "$0")/lib.sh"
MB=${MB:-1000} PAIRS=${PAIRS:-5}
cipher=aes128-gcm@openssh.com

ip netns add far
ip link add wire0 type veth peer name wire1 netns far
ip addr add 10.96.0.1/24 dev wire0
ip -n far addr add 10.96.0.2/24 dev wire1
ip link set wire0 up
ip -n far link set wire1 up
ip -n far link set lo up
# card FEATURE...: of both ends
card() {
	ethtool -K wire0 "$@" > /dev/null
	ip netns exec far ethtool -K wire1 "$@" > /dev/null
}
card tso off tx-udp-segmentation off

neighbours file sip:10.96.0.2 < /dev/null
ip netns exec far "$E2E_BUILD/sipd" -c "$T/bob/sipd.conf" 2> "$T/bob/log" &
sipd=$!
wait_for 10 dial -c "$T/bob/sipd.conf" status || die "bob does not start"

. "$BENCH/sshd.sh"
far_sshd 10.96.0.2
wait_for 10 ssh -F ssh/config root@10.96.0.2 true || die "no ssh"
. "$BENCH/wormhole.sh"
far_mailbox 10.96.0.2

head -c "$((MB * 1000000))" /dev/urandom > big.bin
mkdir -p in bob/inbox

by_dial() {
	spent timeout 60 dial -c "$T/alice/sipd.conf" bob send big.bin 2> said
}
by_scp() {
	spent timeout 60 scp -q -F ssh/config -c "$cipher" big.bin \
		root@10.96.0.2:"$T/in/" 2> said
}
by_default() {
	spent timeout 60 scp -q -F ssh/config big.bin \
		root@10.96.0.2:"$T/in/" 2> said
}

by_rsync() {
	spent timeout 60 rsync -e "ssh -F $T/ssh/config -c $cipher" big.bin \
		root@10.96.0.2:"$T/in/" 2> said
}
# its receiver is not the mailbox's child: its time is in ticks.far
by_wormhole() {
	next_code
	spent ip netns exec far timeout 60 $(wormhole_gets big.bin) \
		2> said.far > ticks.far &
	receiver=$!
	spent timeout 60 $(wormhole_puts big.bin) 2> said && wait $receiver
}

# A virtual machine gives its host back what was freed, and pays on the next
# touch, several times what it costs to copy a file. Both are spared that.
warm() {
	head -c "$((MB * 1100000))" /dev/zero > warm.bin
	rm warm.bin
}

# once NAME DAEMON FILE: a line in one: Mbit/s, then CPU-s/GB of both ends, of
# the sender, of the whole machine, of its softirqs; false: the machine had
# something else to do meanwhile
once() {
	warm
	rm -f ticks.far
	far0=$(ticks "$2") busy0=$(machine busy) soft0=$(machine softirq)
	t0=$(now)
	near=$(by_"$1") || die "$1 failed: $(cat said)"
	t1=$(now)
	busy1=$(machine busy) soft1=$(machine softirq)
	sleep 0.1       # sshd waits for its children
	far1=$(ticks "$2")
	[ ! -s ticks.far ] || far1=$((far1 + $(cat ticks.far)))
	cmp -s big.bin "$3" || die "$1: the file differs"
	rm "$3"
	awk -v ns=$((t1 - t0)) -v n="$near" -v f=$((far1 - far0)) \
	    -v b=$((busy1 - busy0)) -v s=$((soft1 - soft0)) -v mb="$MB" \
	    'BEGIN { gb = mb / 10; print mb * 8e9 / ns, (n + f) / gb,
		n / gb, b / gb, s / gb; exit b > 1.08 * (n + f) }' > one
}

# measure NAME DAEMON FILE: a line in NAME.v, of the first undisturbed run
measure() {
	tries=1
	until once "$@" || [ $tries = 4 ]; do tries=$((tries + 1)); done
	[ $tries != 4 ] || disturbed=$((disturbed + 1))
	cat one >> "$1.v"
}

# rounds COUNT WHO...: by turns, the first time to warm up
rounds() {
	count=$1; shift
	i=0 disturbed=0
	rm -f ./*.v
	while [ $i -le "$count" ]; do
		for who in "$@"; do
			case $who in
			dial) measure dial $sipd bob/inbox/big.bin ;;
			wormhole) measure wormhole $mailbox in/big.bin ;;
			*) measure $who $sshd in/big.bin ;;
			esac
		done
		[ $i != 0 ] || rm ./*.v
		i=$((i + 1))
	done
}

column() { cut -d' ' -f"$2" "$1.v" | spread "$3"; }
ratio() {
	awk -v a="$(column "$1" "$3" 3 | cut -d' ' -f2)" \
	    -v b="$(column "$2" "$3" 3 | cut -d' ' -f2)" \
	    'BEGIN { printf "%.2f", a / (b ? b : 1e-9) }'
}

table() {       # WHO..., dial first
	printf '  %-12s %21s  %20s  %7s %8s %8s\n' '' \
		'Mbit/s min/median/max' 'CPU-s/GB of both' sender machine \
		softirq
	for who in "$@"; do
		case $who in
		scp) name="scp AES-GCM" ;;
		default) name="scp default" ;;
		rsync) name="rsync, ssh" ;;
		*) name=$who ;;
		esac
		printf '  %-12s %7s %6s %6s  %6s %6s %6s  %7s %8s %8s\n' \
			"$name" $(column $who 1 0) $(column $who 2 2) \
			"$(column $who 3 2 | cut -d' ' -f2)" \
			"$(column $who 4 2 | cut -d' ' -f2)" \
			"$(column $who 5 2 | cut -d' ' -f2)"
	done
	[ $disturbed = 0 ] || echo "  disturbed by others: $disturbed runs"
	shift
	for who in "$@"; do
		case $who in
		default) by="scp, default" ;;
		scp | rsync) by="$who, AES-GCM" ;;
		*) by=$who ;;
		esac
		speed=$(ratio dial $who 1) cpu=$(ratio $who dial 2)
		echo "  against $by: $speed times the throughput," \
			"$cpu times less CPU"
		[ -n "$quiet" ] || target "2 and 1.8 times" \
			"$speed >= 2 && $cpu >= 1.8"
	done
}

echo "A file of $MB MB over a veth pair, MTU 1500, TSO and USO off; both ends on"
echo "this machine, from tmpfs to tmpfs, by turns; scp with $cipher"
echo "and with its default cipher ($(ssh -G x 2>/dev/null | sed -n \
	's/^ciphers \([^,]*\).*/\1/p')); no compression."
card gro on
quiet=
echo "GRO on, $PAIRS rounds:"
rounds "$PAIRS" dial scp default
table dial scp default
quiet=yes
echo "The others, GRO on, one round:"
rounds 1 dial rsync wormhole
table dial rsync wormhole
card gro off
echo "GRO off, $PAIRS rounds:"
rounds "$PAIRS" dial scp
table dial scp
