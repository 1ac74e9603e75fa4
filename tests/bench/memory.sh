#!/bin/sh
# memory.sh [BUILD]: what a sipd needs per idle session, per registration and
# per idle peer of a VPN.
#
#   caller's sipd ── COUNT sessions of `forward`, direct ── callee's sipd
#   sipp ── COUNT users ── meeting point
#   sipd with COUNT interfaces ── COUNT sessions of `vpn` ── concentrator
#
# Anonymous resident memory, so many more sessions by so much. Then once more
# with every block counted (memprof.c) to tell QUIC from the rest. COUNT may
# be set; DETAIL=1 shows who holds the most.
. "$(dirname "$0")/lib.sh"
COUNT=${COUNT:-1000} SETTLE=${SETTLE:-3}
WARM=50
ulimit -n 65536 2>/dev/null
tool idle
cc -O2 -D_GNU_SOURCE -fPIC -shared -o tool/memprof.so "$BENCH/memprof.c" \
	-ldl -pthread || exit 1

fa=$(key caller) fb=$(key callee)
limits="sessions = 100000
per-peer = 100000
rate = 1000000
source-rate = 0"
conf caller <<EOT
port = 0
$limits
[peer callee]
address = sip:127.0.0.1:5060
fingerprint = $fb
EOT
conf callee <<EOT
port = 5060
$limits
[peer caller]
fingerprint = $fa
allow = forward 127.0.0.1:9
EOT

pids=
# fill COUNT [PORT]: so many sessions, held until `down`; of vpn without PORT
fill() {
	tool/idle caller/control callee "$1" ${2:+"$2"} > "idle.$1" &
	pids="$pids $!"
	wait_for 120 grep -q open "idle.$1" || die "no $1 sessions"
	sleep "$SETTLE"
}
up() {          # NAME [HOST]: as e2e's start, with what is preloaded
	LD_PRELOAD=$preload MEMPROF="$T/$1.prof" ${2:+ip netns exec "$2"} \
		sipd -c "$T/$1/sipd.conf" > "$T/$1/log" 2>&1 &
	eval "pid_$1=$!"
	pids="$pids $!"
	wait_for 10 dial -c "$T/$1/sipd.conf" status || die "$1"
}
down() {
	kill $pids
	wait
	pids=
}
# kb BEFORE AFTER: per one of COUNT
kb() {
	awk -v a="$1" -v b="$2" -v n="$COUNT" \
		'BEGIN { printf "%.1f", (b - a) / n }'
}
# profile NAME: what a sipd holds, as "bytes blocks place", in $T/NAME.held
profile() {
	eval "kill -USR2 \$pid_$1"
	wait_for 10 test -s "$1.prof"
	sleep 0.5
	# the program itself is named as it was called
	grep " sipd " "$1.prof" > own
	cut -d' ' -f4 own | addr2line -e "$E2E_BUILD/sipd" | sed 's/ .*//
		s#.*/\(\(sdp\|modules\|tunnels\|sipd\)/.*\)#\1#' |
		paste -d' ' own - | cut -d' ' -f1,2,5
	grep -v " sipd " "$1.prof" | sed 's|/[^ ]*/||; s/ 0x.*//'
	rm "$1.prof"
}

# held BEFORE AFTER: "KB blocks place" of each of COUNT, the largest first
held() {
	{ sed 's/^/-/; s/ / -/' "$1"; cat "$2"; } | awk -v c="$COUNT" '
		{ b[$3] += $1; n[$3] += $2 }
		END { for (w in b) if (b[w] > c)
			printf "%8.2f %7.2f  %s\n", b[w] / 1024 / c,
				n[w] / c, w }' | sort -rn
}
sum() { awk -v p="$1" '$3 ~ p { s += $1 } END { printf "%.1f", s }' held; }

preload=
up caller
up callee
fill $WARM 10000
a0=$(rss $pid_caller) b0=$(rss $pid_callee)
fill "$COUNT" 20000
a1=$(rss $pid_caller) b1=$(rss $pid_callee)
down

preload=$T/tool/memprof.so
up caller
up callee
fill $WARM 10000
profile callee > before
fill "$COUNT" 20000
profile callee > after
down
held before after > held
all=$(sum .)
quic=$(sum '^(lib(ngtcp2|gnutls|nettle|hogweed|gmp|tasn1|p11)|tunnels/flow/)')

# sipp knows MD5 only: users without a SHA-256 hash are offered just that
seq "$COUNT" | while read -r i; do
	echo "u$i:bench.example:$(printf 'u%d:bench.example:p' "$i" |
		md5sum | cut -c 1-32)"
done > users
{ echo SEQUENTIAL
seq "$COUNT" | sed 's/.*/u&;[authentication username=u& password=p]/'
} > users.csv
conf meet <<EOT
port = 0
source-rate = 0
[registrar]
listen = udp:127.0.0.1:5070
domain = bench.example
users-file = $T/users
EOT
register() {
	sipp -sf "$BENCH/sipp/users.xml" -inf users.csv -m "$COUNT" -r 500 \
		-i 127.0.0.1 -p 5080 -t u1 -nostdin -timeout 30 \
		127.0.0.1:5070 > sipp.out 2>&1 || die "not all are registered"
	sleep "$SETTLE"
}
preload=
up meet
m0=$(rss $pid_meet)
register
m1=$(rss $pid_meet)
down
preload=$T/tool/memprof.so
up meet
profile meet > before
register
profile meet > after
down
mv held held.session
held before after > held

printf 'Resident memory, %d idle sessions, registrations, then VPN peers; KB' \
	"$COUNT"
echo " for each:"
printf '  %-44s %6s\n' \
	"session, at the callee" "$(kb $b0 $b1)" \
	"session, at the caller" "$(kb $a0 $a1)" \
	"held by a callee's session, block by block" "$all" \
	"  of it QUIC: ngtcp2, GnuTLS, tunnels/flow" "$quic" \
	"  all else" "$(awk "BEGIN { printf \"%.1f\", $all - $quic }")" \
	"registration" "$(kb $m0 $m1)" \
	"held by a registration, block by block" "$(sum .)"
[ -z "${DETAIL:-}" ] || {
	echo "      KB  blocks  of a session, by whom"
	head -50 held.session
	echo "      KB  blocks  of a registration, by whom"
	head -20 held
}
target "20 KB a session besides QUIC" "$all - $quic <= 20"

# peers of a VPN: each interface of the caller's has an address alone, for
# networks of one host must not overlap
ip netns add far
ip -n far link set lo up
ip link add near type veth peer name near netns far
ip addr add 192.0.2.1/24 dev near
ip -n far addr add 192.0.2.2/24 dev near
ip link set near up
ip -n far link set near up
sed -i 's/127.0.0.1:5060/192.0.2.1:5060/' "$T/caller/sipd.conf"
{ sed 's/^allow = .*/allow = vpn office/' "$T/callee/sipd.conf"
  echo "[vpn office]"
  echo "address = 10.7.0.1/32, fd07::1/128"
  echo "pool = 10.8.0.0/16, fd08::/64"
} > callee.conf
chmod 600 callee.conf
mv callee.conf "$T/callee/sipd.conf"
preload=
up caller far
up callee
fill $WARM
v0=$(rss $pid_callee)
fill "$COUNT"
v1=$(rss $pid_callee)
down
printf '  %-44s %6s\n' "peer of a VPN, at the concentrator" "$(kb $v0 $v1)"
target "400 KB a peer of a VPN" "($v1 - $v0) / $COUNT <= 400"
