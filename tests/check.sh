#!/bin/sh
# check.sh all|unit|fail|e2e [BUILD]: run tests, show what fails, at the end
# once more what was skipped and what failed (who keeps only the end of what
# we print must find it), and one line "N passed, N failed". Each program
# or script ends with a line "NAME: N passed, N failed" of its own; one that
# does not counts as a failure.
# Two for each processor run at a time: most of the time most of them wait.
set -u
cd "$(dirname "$0")/.." || exit 1

# a line that says what failed: of an end-to-end test, a unit, a sanitizer
FAILURE='^FAILED: |^[^ ]+\.c:[0-9]+: |Sanitizer:|runtime error:|: fails by itself|when allocation'

# one LIMIT_SECONDS COMMAND...: run it, say its line (what failed in it above),
# and leave its two numbers in $CHECK_OUT
one() {
	limit=$1; shift
	log=$(mktemp "$CHECK_OUT/log.XXXXXX")
	begin=$(date +%s)
	timeout -k 10 "$limit" "$@" > "$log" 2>&1 < /dev/null
	code=$?
	line=$(grep -aE '^[^ ]+: [0-9]+ passed, [0-9]+ failed$' "$log" |
	    tail -n 1)
	p=$(echo "$line" | sed -n 's/.*: \([0-9]*\) passed.*/\1/p')
	f=$(echo "$line" | sed -n 's/.* \([0-9]*\) failed$/\1/p')
	if [ -z "$line" ] || { [ $code != 0 ] && [ "$f" = 0 ]; }; then
		line="$* ended with $code${line:+ after \"$line\"}"
		p=${p:-0} f=$((${f:-0} + 1))
	fi
	echo "$p $f $(($(date +%s) - begin)) $*" >> "$CHECK_OUT/counts"
	{
		[ "$f" = 0 ] || tail -n 80 "$log"
		grep -aE '^skipped: ' "$log" | sed "s|\$| (${2:-$1})|"
		echo "$line"
	} > "$log.said"
	cat "$log.said"
	[ "$f" = 0 ] || {
		echo "failed: $*: $line"
		grep -aE "$FAILURE" "$log" | cut -c 1-200 | head -n 8
	} > "$log.failed"
}

if [ "$1" = one ]; then
	shift
	one "$@"
	exit 0
fi

what=$1
build=${2:-build}
CHECK_OUT=$(mktemp -d)
export CHECK_OUT
trap 'rm -rf "$CHECK_OUT"' EXIT

# lines "LIMIT COMMAND..." on stdin: run them all
pool() { xargs -P $((2 * $(nproc))) -L 1 tests/check.sh one; }

# one by one: what measures has the machine to itself
single() { xargs -P 1 -L 1 tests/check.sh one; }

broken() {
	echo "$1" | tee -a "$CHECK_OUT/build.failed"
	echo "0 1" >> "$CHECK_OUT/counts"
}

units_of() {
	for u in $(find tests/unit -mindepth 2 -name '*.c' | sort); do
		u=${u#tests/unit/}
		echo "900 $1/unit/${u%.c}"
	done
}

# fails_of BUILD SAMPLES: the same with allocations failing
fails_of() { units_of "$1" | sed "s/^900/3000/; s/\$/ --fail=$2/"; }

# e2e_of BUILD -l|-L: those that say "alone:" in their head, or all others
e2e_of() {
	for t in $(grep "$2" '^# alone:' tests/e2e/*.sh); do
		case $t in */lib.sh) continue;; esac
		echo "600 $t $1"
	done
}

replays() {
	for t in $(find tests/fuzz -name '*.c' ! -name replay.c | sort); do
		t=${t##*/}
		echo "300 tests/fuzz/run.sh --replay ${t%.c}"
	done
}

# make ARGS...
build() { make -s -j2 "$@" || broken "this does not build: make $*"; }

ADDRESS='-fsanitize=address,undefined -fno-sanitize-recover=undefined'
case $what in
unit)
	build B="$build" ${OPT:+OPT="$OPT"} ${SAN:+SAN="$SAN"} units
	units_of "$build" | pool ;;
fail)
	build B="$build" OPT='-O1 -g' SAN="$ADDRESS" units
	fails_of "$build" "${FAIL_N:-20}" | pool ;;
e2e)
	e2e_of "$build" -L | pool
	e2e_of "$build" -l | single ;;
all)
	make -s -j2 B="$build" WERROR=-Werror all lab-tools units || exit 1
	build B=build-clang CC=clang WERROR=-Werror all
	# what takes longest first: the rest fills the gaps
	{
		e2e_of "$build" -L
		units_of "$build"
		replays
		echo "60 tests/layers.sh $build"
		echo "60 tests/promises.sh"
		echo "60 tests/privileged.sh"
	} | pool
	e2e_of "$build" -l | single
	# the same units again where the sanitizers watch
	build B=build-asan OPT='-O1 -g' SAN="$ADDRESS" all units
	build B=build-tsan OPT='-O1 -g' SAN=-fsanitize=thread all units
	{ fails_of build-asan 2
	  units_of build-tsan; units_of build-asan; } | pool ;;
esac

# what no test has shown here, beside who would have
grep -ahE '^skipped: ' "$CHECK_OUT"/*.said | sort | uniq -c |
    sed 's/^ *1 skipped/skipped/;s/^ *\([0-9]*\) \(skipped.*\)/\2 (\1 times)/'

printf 'longest, in seconds: '
sort -k 3,3nr "$CHECK_OUT/counts" | head -n 6 |
    awk '{ printf "%s%s%s %s", s, $4, $5 ~ /^--/ ? " " $5 : "", $3
		s = ", " } END { print "" }'
cat "$CHECK_OUT"/*.failed 2> /dev/null
awk '{ p += $1; f += $2 }
	END { printf "%d passed, %d failed\n", p, f; exit !(p > 0 && f == 0) }' \
    "$CHECK_OUT/counts"
