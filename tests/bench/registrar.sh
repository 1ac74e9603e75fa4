#!/bin/sh
# registrar.sh [BUILD]: calls a second through the embedded meeting point.
#
#   sipp caller ──> sipd [registrar], pinned to one core ──> sipp callee
#     INVITE 407 INVITE 100 180 200 ACK BYE 200, both ends over UDP
#
# RATE (calls a second) and SECONDS may be set. Runs in a network namespace
# of its own.
[ -n "$REGISTRAR_NS" ] || exec unshare -n env REGISTRAR_NS=1 "$0" "$@"
here=$(cd "$(dirname "$0")" && pwd)
sipd=$(realpath "${1:-build}/sipd") || exit 1
rate=${RATE:-500} seconds=${SECONDS_OF_CALLS:-10}
calls=$((rate * seconds))
t=$(mktemp -d)
ip link set lo up

stop() {
	[ -n "$callee" ] && kill "$callee" 2> /dev/null
	[ -n "$daemon" ] && kill "$daemon" 2> /dev/null
	wait 2> /dev/null
	rm -rf "$t"
}
trap stop EXIT
fail() {
	echo "registrar: $*"
	tail -n 5 -v "$t"/*.log
	exit 1
}

# sipp 3.6 knows MD5 only: users without a SHA-256 hash are offered just that
ha1() { printf '%s:bench.example:%s' "$1" "$2" | md5sum | cut -c 1-32; }
{
	echo "alice:bench.example:$(ha1 alice secret)"
	echo "bob:bench.example:$(ha1 bob hush)"
} > "$t/users"
chmod 600 "$t/users"
cat > "$t/sipd.conf" <<EOT
[sipd]
state = $t/state
control = $t/control
log = stderr
source-rate = 0
[registrar]
listen = udp:127.0.0.1:5060,tcp:127.0.0.1:5060
domain = bench.example
users-file = $t/users
EOT
taskset -c 0 "$sipd" -c "$t/sipd.conf" 2> "$t/sipd.log" &
daemon=$!

cd "$t" || exit 1
sipp() { command sipp -i 127.0.0.1 -nostdin "$@" > "$t/sipp.log" 2>&1; }
for try in 1 2 3 4 5 6 7 8 9 10; do
	sipp 127.0.0.1:5060 -sf "$here/sipp/register.xml" -p 5080 -s bob \
		-au bob -ap hush -m 1 -timeout 5 -timeout_error &&
		online=1 && break
	sleep 0.2
done
[ -n "$online" ] || fail "bob could not register"
(exec sipp 127.0.0.1:5060 -i 127.0.0.1 -nostdin -p 5080 \
	-sf "$here/sipp/callee.xml" > callee.log 2>&1) &
callee=$!
sleep 0.5

before=$(awk '{ print $14 + $15 }' "/proc/$daemon/stat")
begin=$(date +%s%N)
sipp 127.0.0.1:5060 -sf "$here/sipp/caller.xml" -p 5070 -au alice -ap secret \
	-r "$rate" -m "$calls" -l $((rate * 10)) -timeout $((seconds * 4)) \
	-trace_stat -stf stat.csv -fd "$seconds"
end=$(date +%s%N)
after=$(awk '{ print $14 + $15 }' "/proc/$daemon/stat")

field() {
	awk -F';' -v n="$1" 'NR == 1 { for (i = 1; i <= NF; i++)
		if ($i == n) c = i } END { print $c + 0 }' stat.csv
}
ok=$(field 'SuccessfulCall(C)') bad=$(field 'FailedCall(C)')
again=$(field 'Retransmissions(C)')
awk -v ok="$ok" -v bad="$bad" -v again="$again" -v c="$calls" \
	-v ns=$((end - begin)) -v cpu=$((after - before)) \
	-v rss="$(awk '/^VmRSS/ { print $2 }' /proc/$daemon/status)" 'BEGIN {
	printf "registrar: %.0f calls/s, %d of %d answered, %d failed, " \
		"%d retransmissions, %.0f us of CPU a call, %.0f MB\n",
		ok / (ns / 1e9), ok, c, bad, again, cpu * 1e4 / ok,
		rss / 1024 }'
[ "$ok" = "$calls" ]
