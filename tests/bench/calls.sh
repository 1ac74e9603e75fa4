#!/bin/sh
# calls.sh [BUILD]: calls per second on one core: answered and ended by a
# sipd, and through the embedded meeting point.
#
#   core 1: sipp ── SIP over UDP, loopback ── core 0: sipd
#
# Each rate is held for HOLD seconds (5); one lost or late call ends the climb.
. "$(dirname "$0")/lib.sh"
HOLD=${HOLD:-5}
cores=$(nproc)
core() { [ "$cores" = 1 ] && echo 0 || echo "$1"; }

key caller > /dev/null
fp=$(key caller)
conf callee <<EOT
port = 5060
sessions = 1000000
per-peer = 1000000
rate = 10000000
source-rate = 0
[peer caller]
fingerprint = $fp
allow = pipe
[pipe]
command = cat
EOT
# sipp knows MD5 only: users without a SHA-256 hash are offered just that
ha1() {
	printf '%s:bench.example:%s\n' "$1" \
		"$(printf '%s:bench.example:%s' "$1" "$2" | md5sum | cut -c 1-32)"
}
{ ha1 alice secret; ha1 bob hush; } > users
conf meet <<EOT
port = 0
source-rate = 0
[registrar]
listen = udp:127.0.0.1:5070
domain = bench.example
users-file = $T/users
EOT
run() {         # NAME
	taskset -c 0 sipd -c "$T/$1/sipd.conf" > "$T/$1/log" 2>&1 &
	pid=$!
	wait_for 10 dial -c "$T/$1/sipd.conf" status || die "$1"
}

# column NAME OF of sipp's statistics, last line
stat() {
	awk -F';' -v n="$1" 'NR == 1 { for (i = 1; i <= NF; i++)
		if ($i == n) c = i } END { print $c }' calls.csv
}

# climb NAME PORT SCENARIO LOCALPORT RATES ARGS...: the highest clean rate
climb() {
	name=$1 port=$2 scenario=$3 local=$4 rates=$5
	shift 5
	best=0
	for rate in $rates; do
		rm -f calls.csv
		b0=$(ticks $pid) t0=$(now)
		taskset -c "$(core 1)" sipp -sf "$BENCH/sipp/$scenario.xml" \
			-r "$rate" -m $((rate * HOLD)) -l 10000 \
			-i 127.0.0.1 -p "$local" -t u1 -nostdin -buff_size 8388608 \
			-recv_timeout 8000 -timeout $((HOLD + 20)) \
			-trace_stat -stf calls.csv -fd 100 -trace_err -error_file errors \
			"$@" "127.0.0.1:$port" > sipp.out 2>&1
		code=$?
		ms=$((($(now) - t0) / 1000000)) used=$(($(ticks $pid) - b0))
		failed=$(stat 'FailedCall(C)') again=$(stat 'Retransmissions(C)')
		printf '  %-22s %6s/s: %6s ended, %s failed, %s sent again,' \
			"$name" "$rate" "$(stat 'SuccessfulCall(C)')" \
			"$failed" "$again"
		printf ' core %d %% busy\n' $((used * 1000 / ms))
		[ $code = 0 ] && [ "$failed" = 0 ] &&
			[ $ms -lt $((HOLD * 1100 + 700)) ] || break
		best=$rate
		sleep 1
	done
	kill -0 $pid || die "the sipd is gone"
}

echo "Calls per second by one sipd on one core, sipp on another; each rate for" \
	"$HOLD s."
run callee
climb "answered and ended" 5060 call 5080 "500 1000 1500 2000 3000 4000 5000" \
	-key fp "$fp"
answered=$best
kill $pid; wait $pid

run meet
sipp -sf "$BENCH/sipp/register.xml" -s bob -au bob -ap hush -m 1 \
	-i 127.0.0.1 -p 5090 -nostdin -timeout 10 127.0.0.1:5070 \
	> sipp.out 2>&1 || die "bob is not registered"
taskset -c "$(core 1)" sipp -sf "$BENCH/sipp/callee.xml" -i 127.0.0.1 -p 5090 \
	-nostdin -buff_size 8388608 127.0.0.1:5070 > /dev/null 2>&1 &
uas=$!
climb "by the meeting point" 5070 caller 5080 "250 500 1000 1500 2000 3000" \
	-au alice -ap secret
kill $uas $pid; wait $pid
target "1500 answered and ended a second" "$answered >= 1500"
target "500 a second by the meeting point" "$best >= 500"
