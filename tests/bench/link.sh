#!/bin/sh
# link.sh [BUILD]: a file, and a forwarded stream, over an emulated link, dial
# against others.
#
#   here: dial, scp, ...  ── wire: 1 Gbit/s, 40 ms there and back ──  far
#   10.97.0.1                                                   10.97.0.2
#
# Loss is random and the same in both directions; a queue of 20 ms before the
# wire. From tmpfs to tmpfs. MB, ROUNDS, LOSSES and WHO (of: dial scp rsync
# wormhole) may be set. The slow ones get less to carry, so that they end. A
# forward carries one stream for some seconds, against ssh -L and -D.
. "$(dirname "$0")/lib.sh"
MB=${MB:-250} ROUNDS=${ROUNDS:-3} LOSSES=${LOSSES:-0 0.1 1}
WHO=${WHO:-dial scp rsync wormhole}
tool wire
tool pour

ip netns add here
ip netns add far
for n in here far; do ip -n $n link set lo up; done
here() { ip netns exec here "$@"; }
far() { ip netns exec far "$@"; }

# link LOSS: between the two, from now on
wire=
link() {
	[ -z "$wire" ] || { kill "$wire"; wait "$wire"; }
	"$T/tool/wire" here far 20 "$1" 1000 20 2>> "$T/wire.log" &
	wire=$!
	wait_for 5 here ping -c1 -W1 10.97.0.2 || die "no link"
}
link 0

neighbours "file, forward 127.0.0.1:6000" sip:10.97.0.2 < /dev/null
far "$E2E_BUILD/sipd" -c "$T/bob/sipd.conf" 2> "$T/bob/log" &
sipd=$!
wait_for 10 dial -c "$T/bob/sipd.conf" status || die "bob does not start"
. "$BENCH/sshd.sh"
far_sshd 10.97.0.2
wait_for 10 here ssh -F ssh/config root@10.97.0.2 true || die "no ssh"
far tool/pour sink 6000 &
here dial -c "$T/alice/sipd.conf" bob forward 6301:127.0.0.1:6000 -D 1301 \
	> dial.said 2>&1 &
here ssh -F ssh/config -N -L 6302:127.0.0.1:6000 -D 1302 root@10.97.0.2 &
. "$BENCH/wormhole.sh"
far_mailbox 10.97.0.2

head -c "$((MB * 1000000))" /dev/urandom > all.bin
mkdir -p in bob/inbox

by_dial() { here timeout 100 dial -c "$T/alice/sipd.conf" bob send "$1"; }
by_scp() { here timeout 100 scp -q -F ssh/config "$1" root@10.97.0.2:"$T/in/"; }
by_rsync() {
	here timeout 100 rsync -e "ssh -F $T/ssh/config" "$1" \
		root@10.97.0.2:"$T/in/"
}
by_wormhole() {
	next_code
	far timeout 100 $(wormhole_gets big.bin) > wormhole.said 2>&1 &
	receiver=$!
	here timeout 100 $(wormhole_puts "$1") && wait $receiver
}

# measure WHO BYTES: Mbit/s from the command's begin to its end, into WHO.v
measure() {
	head -c "$2" all.bin > big.bin
	t0=$(now)
	by_"$1" big.bin > said 2>&1 || die "$1 failed: $(cat said)"
	t1=$(now)
	got=in/big.bin
	[ "$1" != dial ] || got=bob/inbox/big.bin
	cmp -s big.bin $got || die "$1: the file differs"
	rm $got
	awk -v ns=$((t1 - t0)) -v n="$2" \
		'BEGIN { print n * 8e3 / ns }' >> "$1.v"
}

# poured NAME PORT [SINK]: Mbit/s of a forwarded stream, into NAME.v
poured() {
	here tool/pour 127.0.0.1 "$2" 4 ${3:-} | cut -d' ' -f1 >> "$1.v"
}

# amount WHO LOSS: bytes that it carries in some seconds
amount() {
	case $1,$2 in
	dial,* | *,0) echo $((MB * 1000000)) ;;
	*,0.1) echo 10000000 ;;
	*) echo 4000000 ;;
	esac
}

for p in 6301 6302; do
	wait_for 20 here tool/pour 127.0.0.1 $p 0 || die "port $p does not listen"
done
echo "A file over 1 Gbit/s, 40 ms round trip, Mbit/s min/median/max of" \
	"$ROUNDS rounds,"
echo "from the command's begin to its end; $MB MB, less for the slow ones."
echo "Forwards carry one stream for 4 s, until all of it is there."
for loss in $LOSSES; do
	link "$loss"
	rm -f ./*.v
	i=0
	while [ $i -lt "$ROUNDS" ]; do
		for who in $WHO; do
			measure "$who" "$(amount "$who" "$loss")"
		done
		poured dial-L 6301
		poured ssh-L 6302
		poured dial-D 1301 6000
		poured ssh-D 1302 6000
		i=$((i + 1))
	done
	for who in $WHO; do
		printf '  loss %-4s %-9s %6s %6s %6s\n' "$loss%" "$who" \
			$(spread 0 < "$who.v")
		[ "$who" = dial ] || continue
		m=$(spread 0 < dial.v | cut -d' ' -f2)
		case $loss in
		0.1) target "500" "$m >= 500" ;;
		1) target "400" "$m >= 400" ;;
		esac
	done
	for who in dial-L ssh-L dial-D ssh-D; do
		printf '  loss %-4s %-9s %6s %6s %6s\n' "$loss%" "$who" \
			$(spread 0 < "$who.v")
	done
	for k in L D; do
		r=$(awk -v a="$(spread 0 < dial-$k.v | cut -d' ' -f2)" \
			-v b="$(spread 0 < ssh-$k.v | cut -d' ' -f2)" \
			'BEGIN { printf "%.1f", a / b }')
		target "3 times ssh -$k: $r" "$r >= 3"
	done
done
