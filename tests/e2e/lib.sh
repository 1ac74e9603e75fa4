# lib.sh: for the end-to-end tests. A test is a script that sources this first
# and calls `check` for each thing it shows. It runs in network, mount and
# process namespaces of its own, with a /run of its own: ports are free, hosts
# (`host`) may have any name, and whatever happens nothing is left, kill -9
# included.
#
#   . "$(dirname "$0")/lib.sh"
#   fa=$(key alice) fb=$(key bob); conf alice <<EOT ...; conf bob <<EOT ...
#   start alice; start bob; check "what is shown" COMMAND...; finish

E2E_SELF=$0
E2E_BUILD=$(cd "$(dirname "$0")/../.." && realpath "${1:-build}")
if [ -z "${E2E_INSIDE:-}" ]; then
	root=
	[ "$(id -u)" = 0 ] || root=--map-root-user
	E2E_T=$(mktemp -d "/tmp/dialtone-$(basename "$0" .sh).XXXXXX") ||
	    exit 1
	# kill -9 of this script ends all that is inside it; then nobody holds
	# this pipe any more, and the folder goes
	mkfifo "$E2E_T/held"
	exec 8<> "$E2E_T/held" 9< "$E2E_T/held"
	rm "$E2E_T/held"
	setsid sh -c 'cat; for i in 1 2 3 4 5; do rm -rf "$0" && exit
	    sleep 0.5; done' "$E2E_T" <&9 8>&- 9>&- > /dev/null 2>&1 &
	exec 9<&-
	export E2E_T
	E2E_INSIDE=1 exec unshare $root --net --mount --pid --fork --kill-child \
		--mount-proc "$0" "$E2E_BUILD"
fi
set -u
exec 8>&-
E2E_NAME=$(basename "$E2E_SELF" .sh)
T=$E2E_T; unset E2E_T
trap 'rm -rf "$T"' EXIT
trap 'exit 1' INT TERM
export HOME="$T" XDG_STATE_HOME="$T/.state" XDG_RUNTIME_DIR="$T/.run"
PATH="$E2E_BUILD:$PATH"
ip link set lo up
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/netns
E2E_PASSED=0 E2E_FAILED=0
# leaks are looked for in the unit tests and where LEAKS=1 is set; children
# that a test kills have none to tell
export ASAN_OPTIONS="${ASAN_OPTIONS:-abort_on_error=0:detect_leaks=1}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=0:exitcode=66}"

# check DESCRIPTION COMMAND...: does it succeed?
check() {
	what=$1; shift
	if "$@" > "$T/check.out" 2>&1; then
		E2E_PASSED=$((E2E_PASSED + 1))
	else
		E2E_FAILED=$((E2E_FAILED + 1))
		echo "FAILED: $what ($*)"
		tail -20 "$T/check.out"
		for log in "$T"/*/log; do
			[ -s "$log" ] && echo "--- $log" && tail -6 "$log"
		done
	fi
}

# fails_with CODE TEXT COMMAND...: exit code and a part of what it says
fails_with() {
	want=$1 text=$2; shift 2
	"$@" > "$T/fw.out" 2>&1
	got=$?
	cat "$T/fw.out"
	[ $got = "$want" ] || { echo "exit $got instead of $want"; return 1; }
	grep -qF -- "$text" "$T/fw.out" || { echo "does not say: $text"; return 1; }
}

# nothing a sanitizer has to say is in what the programs wrote
sane() {
	grep -rIEA12 '(Address|Leak|Thread)Sanitizer|runtime error:' "$T" \
	    --include=log --include='*.out' --include='*.said' \
	    --exclude=check.out --exclude=fw.out
	[ $? = 1 ]
}

finish() {
	check "the sanitizers have seen nothing" sane
	echo "$E2E_NAME: $E2E_PASSED passed, $E2E_FAILED failed"
	[ $E2E_FAILED = 0 ]
	exit
}

# wait_for SECONDS COMMAND...: until it succeeds; E2E_SLOW times as long under
# valgrind
wait_for() {
	# shellcheck disable=SC3043
	local tries=$(($1 * 20 * ${E2E_SLOW:-1})); shift
	until "$@" > /dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

# best LIMIT COMMAND...: it measures something and leaves that, less than the
# limit, in $took; what else the machine does may spoil two of three
best() {
	best_limit=$1; shift
	for best_try in 1 2 3; do
		"$@" || return 1
		echo "$best_try: $took"
		[ "$took" -ge "$best_limit" ] || return 0
	done
	return 1
}
# soon LIMIT COMMAND...: the same of a time. In the check it is held to three
# times its limit, which tells what is broken from who is busy; SLACK=1 holds
# to the limit.
SLACK=$((${SLACK:-3} * ${E2E_SLOW:-1}))
soon() {
	soon_limit=$(($1 * SLACK)); shift
	best $soon_limit "$@"
}
now_ms() { date +%s%3N; }

# key NAME: print its fingerprint, making the folder and the key
key() {
	mkdir -p "$T/$1"
	printf '[sipd]\nstate = %s\nport = 0\n' "$T/$1" > "$T/$1/key.conf"
	chmod 600 "$T/$1/key.conf"
	dial -c "$T/$1/key.conf" identity
}

# conf NAME < TEXT: its configuration, with its folder set
conf() {
	mkdir -p "$T/$1"
	{ printf '[sipd]\nstate = %s\n' "$T/$1"; cat; } > "$T/$1/sipd.conf"
	chmod 600 "$T/$1/sipd.conf"
}

# start NAME: run its sipd and wait until it answers; PID in $pid_NAME
start() {
	sipd -v -c "$T/$1/sipd.conf" >> "$T/$1/log" 2>&1 &
	eval "pid_$1=$!"
	wait_for 10 dial -c "$T/$1/sipd.conf" status || {
		echo "the sipd of $1 does not start"; cat "$T/$1/log"; return 1; }
}

# stop NAME: SIGTERM, and its exit code
stop() {
	eval "p=\$pid_$1"
	kill -TERM "$p"
	wait "$p"
}

# crash NAME: kill -9
crash() {
	eval "p=\$pid_$1"
	kill -KILL "$p"
	wait "$p" 2>/dev/null
	:
}

as() { n=$1; shift; dial -c "$T/$n/sipd.conf" "$@"; }

# host NAME [ADDRESS/LENGTH...]: a network namespace; with addresses, at br0
host() {
	n=$1; shift
	ip netns add "$n"
	ip -n "$n" link set lo up
	[ $# != 0 ] || return 0
	ip link add "$n" type veth peer name eth0 netns "$n"
	ip link set "$n" addrgenmode none master br0 up
	for a in "$@"; do
		ip -n "$n" addr add "$a" dev eth0 nodad
	done
	ip -n "$n" link set eth0 up
}
# inside NAME ROUTER NET: a host behind that one, at its eth1: NET.2 and NET.1
inside() {
	host "$1"
	ip -n "$2" link add eth1 type veth peer name eth0 netns "$1"
	ip -n "$2" addr add "$3.1/24" dev eth1
	ip -n "$2" link set eth1 up
	ip -n "$1" addr add "$3.2/24" dev eth0
	ip -n "$1" link set eth0 up
	ip -n "$1" route add default via "$3.1"
	at "$2" sysctl -qw net.ipv4.ip_forward=1
}
# routes NAME: that host is a router
routes() {
	at "$1" sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1
}
# leaf NAME ROUTER NET4 NET6: a host behind that one, at its interface of this
# name: NET4.2 and NET4.1, NET6::2 and NET6::1
leaf() {
	host "$1" &&
	ip link add "$1" netns "$2" type veth peer name eth0 netns "$1" &&
	ip -n "$2" link set "$1" addrgenmode none &&
	ip -n "$1" link set eth0 addrgenmode none &&
	ip -n "$2" addr add "$3.1/24" dev "$1" &&
	ip -n "$2" addr add "$4::1/64" dev "$1" nodad &&
	ip -n "$1" addr add "$3.2/24" dev eth0 &&
	ip -n "$1" addr add "$4::2/64" dev eth0 nodad &&
	# who forwards IPv6 asks for neighbours by such an address
	ip -n "$2" addr add fe80::1/64 dev "$1" nodad &&
	ip -n "$1" addr add fe80::2/64 dev eth0 nodad &&
	ip -n "$2" link set "$1" up &&
	ip -n "$1" link set eth0 up &&
	ip -n "$1" route add default via "$3.1" &&
	ip -n "$1" -6 route add default via "$4::1" &&
	# the kernel takes a while to call it running
	wait_for 5 runs "$1"
}
runs() { ip -n "$1" link show eth0 | grep -q "state UP"; }
# bridge NAME
bridge() {
	ip link add "$1" type bridge
	ip link set "$1" addrgenmode none up
}
# at NAME COMMAND...: in that host; by NAME WORD...: dial there
at() { ns=$1; shift; ip netns exec "$ns" "$@"; }
by() { n=$1; shift; at "$n" dial -c "$T/$n/sipd.conf" "$@"; }

# listens NAME PORT: does anybody accept TCP there, in the host of that name?
listens() { at "$1" ss -Hltn "sport = :$2" | grep -q .; }

# iperf NAME WORD...: iperf3 in the host of that name, what it says also in
# $T/iperf.said; again if its server is not done with the one before
iperf() {
	iperf_at=$1; shift
	for iperf_try in 1 2 3 4 5; do
		at "$iperf_at" timeout 60 iperf3 "$@" > "$T/iperf.said" 2>&1
		iperf_code=$?
		cat "$T/iperf.said"
		[ $iperf_code != 0 ] &&
		    grep -q "server is busy\|receive control message" \
			"$T/iperf.said" || return $iperf_code
		sleep 0.5
	done
	return 1
}

# launch NAME: start, in the host of that name
launch() {
	ip netns exec "$1" sipd -v -c "$T/$1/sipd.conf" >> "$T/$1/log" 2>&1 &
	eval "pid_$1=$!"
	wait_for 10 as "$1" status
}

# behind NAME OUT ...: dial in the background, what it says in $T/OUT; its PID
# is left in $behind
behind() {
	n=$1 o=$T/$2; shift 2
	: > "$o"
	dial -c "$T/$n/sipd.conf" "$@" < /dev/null > "$o" 2>&1 &
	behind=$!
}

# ends CODE PID: does it end within a minute, with this code?
over() { ! kill -0 "$1"; }
ends() {
	wait_for 60 over "$2" || {
		echo "it does not end: $(tr '\0' ' ' < "/proc/$2/cmdline")"
		cat "/proc/$2/status" "/proc/$2/wchan"
		kill -KILL "$2"
		return 1
	}
	wait "$2"
	got=$?
	[ $got = "$1" ] || { echo "exit $got instead of $1"; return 1; }
}

# says NAME TEXT: does its log say this?
says() { grep -qF -- "$2" "$T/$1/log"; }

# ended NAME REASON: the last line of its call log
ended() {
	tail -1 "$T/$1/calls.log"
	tail -1 "$T/$1/calls.log" | grep -qF "\"reason\":\"$2\""
}

# alive NAME: does its sipd answer?
alive() { as "$1" status; }

# account NAME PASSWORD REGISTRAR: the begin of a configuration
account() {
	cat <<-EOT
	port = 0
	[account]
	address = $1@demo.example
	password = $2
	registrar = $3
	EOT
}

# meeting_point LISTEN USERS [LINE]: the configuration of meet, the meeting
# point of demo.example, where "alice:secret bob:..." may register
meeting_point() {
	# shellcheck disable=SC2086
	printf '%s\n' $2 > "$T/users"
	chmod 600 "$T/users"
	conf meet <<-EOT
	port = 0
	[registrar]
	listen = $1
	domain = demo.example
	users-file = $T/users
	${3:-}
	EOT
}

# neighbours ALLOW [ADDRESS] < LINES: alice calls bob at port 5060, here or at
# that SIP address, where she may do that; with further lines for bob
neighbours() {
	fa=$(key alice) fb=$(key bob)
	conf alice <<-EOT
	port = 0
	[peer bob]
	address = ${2:-sip:bob@127.0.0.1:5060}
	fingerprint = $fb
	EOT
	{
		printf 'port = 5060\n[peer alice]\n'
		printf 'fingerprint = %s\nallow = %s\n' "$fa" "$1"
		cat
	} | conf bob
}

registered() { as "$1" status | grep -q ' registered'; }
