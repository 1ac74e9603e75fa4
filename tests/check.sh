#!/bin/sh
# check.sh all|unit|e2e... [BUILD]: run tests, show what fails, and end with
# one line "N passed, N failed". Each program or script ends with a line
# "NAME: N passed, N failed" of its own; one that does not counts as a failure.
set -u
cd "$(dirname "$0")/.."
what=$1
build=${2:-build}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
passed=0 failed=0

# run LIMIT_SECONDS COMMAND...
run() {
	limit=$1; shift
	timeout -k 10 "$limit" "$@" > "$out/log" 2>&1 < /dev/null
	code=$?
	line=$(grep -E '^[^ ]+: [0-9]+ passed, [0-9]+ failed$' "$out/log" | tail -1)
	p=$(echo "$line" | sed -n 's/.*: \([0-9]*\) passed.*/\1/p')
	f=$(echo "$line" | sed -n 's/.* \([0-9]*\) failed$/\1/p')
	if [ -z "$line" ] || { [ $code != 0 ] && [ "$f" = 0 ]; }; then
		line="$* ended with $code${line:+ after \"$line\"}"
		p=${p:-0} f=$((${f:-0} + 1))
	fi
	passed=$((passed + p))
	failed=$((failed + f))
	[ "$f" = 0 ] || tail -80 "$out/log"
	echo "$line"
}

unit() {
	make -s -j2 B="$build" ${OPT:+OPT="$OPT"} ${SAN:+SAN="$SAN"} units || {
		echo "unit tests do not build"
		failed=$((failed + 1))
	}
	for u in $(find tests/unit -mindepth 2 -name '*.c' | sort); do
		u=${u#tests/unit/}
		run 300 "$build/unit/${u%.c}"
	done
}

e2e() {
	for t in tests/e2e/*.sh; do
		case $t in */lib.sh) continue;; esac
		run 600 "$t" "$build"
	done
}

# the same tests again where the sanitizers watch
sanitized() {
	make -s -j2 B=build-asan OPT='-O1 -g' SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined' all units &&
	make -s -j2 B=build-tsan OPT='-O1 -g' SAN=-fsanitize=thread all units || {
		echo "the sanitizers' build fails"
		failed=$((failed + 1))
	}
	for build in build-asan build-tsan; do
		echo "-- $build"
		unit
	done
}

for w in $what; do
	case $w in
	unit) unit ;;
	e2e) e2e ;;
	all)
		make -s -j2 B="$build" WERROR=-Werror all units || exit 1
		make -s -j2 B=build-clang CC=clang WERROR=-Werror all || {
			echo "clang has something to say"
			failed=$((failed + 1))
		}
		run 60 tests/layers.sh "$build"
		unit
		run 300 tests/fuzz/run.sh --replay
		e2e
		sanitized
		;;
	esac
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
