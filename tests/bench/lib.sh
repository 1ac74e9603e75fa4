# lib.sh: for the benchmarks. It runs the script in namespaces of its own with
# tests/e2e/lib.sh and adds what measuring needs. Everything that is written
# is on a tmpfs that vanishes with the script.
#
#   . "$(dirname "$0")/lib.sh"          $1 is the folder of the build

. "$(dirname "$0")/../e2e/lib.sh"
BENCH=$(cd "$(dirname "$0")" && pwd)
umask 022
mount -t tmpfs -o mode=755 tmpfs "$T"
trap 'umount -l "$T"; rm -rf "$T"' EXIT
cd "$T" || exit 1
mkdir -p "$T/tool"
ulimit -n 16384 2>/dev/null

# tool NAME: build tests/bench/NAME.c into $T/tool
tool() {
	${CC:-cc} -O2 -Wall -Wextra -D_GNU_SOURCE -I"$BENCH/../.." \
		-pthread -o "$T/tool/$1" "$BENCH/$1.c" || exit 1
}

now() { date +%s%N; }

# ticks PID: processor time of a process and of the children it waited for,
# in clock ticks of 10 ms
ticks() {
	sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 + $14 + $15 }'
}

# spent COMMAND...: run it, keep its output from the table, print its ticks
spent() {
	sh -c '"$@" > /dev/null; code=$?
	sed "s/.*) //" /proc/$$/stat | awk "{ print \$14 + \$15 }"
	exit $code' spent "$@"
}

# machine FIELD: ticks of all processors since boot: softirq, or busy (all but
# idle and waiting)
machine() {
	awk -v f="$1" '/^cpu / {
		print (f == "softirq" ? $8 : $2 + $3 + $4 + $7 + $8) }' \
		/proc/stat
}

# rss PID: resident memory of a process, KB, without files mapped
rss() { awk '/^RssAnon/ { print $2 }' "/proc/$1/status"; }

# spread DIGITS < NUMBERS: "min median max"
spread() {
	sort -n | awk -v d="$1" '{ v[NR] = $1 } END {
		m = NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
		f = "%." d "f"
		printf f " " f " " f "\n", v[1], m, v[NR] }'
}

# needs WHAT IS MET: a line on a target; EXPR is awk's
target() {
	awk "BEGIN { exit !($2) }" && echo "  target $1: met" ||
		echo "  target $1: MISSED"
}

die() {
	echo "$E2E_NAME: $*"
	for log in "$T"/*/log; do
		[ -s "$log" ] && echo "--- $log" && tail -5 "$log"
	done
	exit 1
}
