#!/bin/sh
# Runs the fuzzers: every tests/fuzz/*.c but replay.c; its first line names,
# after "fuzz:", the files of ours that it is linked with.
#
#   tests/fuzz/run.sh [NAME...]            each for FUZZ_TIME seconds (60)
#   tests/fuzz/run.sh --replay [NAME...]   only what is in corpus/NAME/, with
#                                          gcc and no fuzzing engine
#
# Seeds are never written to; what a run finds stays in $B/fuzz/NAME.corpus
# and is where the next one begins. $B/fuzz/NAME.log tells what happened.
set -u
cd "$(dirname "$0")/../.." || exit 1

out=${B:-build}/fuzz
seconds=${FUZZ_TIME:-60}
pkgs=$(make -s pkgs)
re_ver=$(pkg-config --modversion libre |
	 awk -F. '{ printf "%d%02d%02d", $1, $2, $3 }')
# shellcheck disable=SC2086
flags="-std=gnu11 -D_GNU_SOURCE -DRE_VER=$re_ver -DHAVE_INTTYPES_H
-DHAVE_STDBOOL_H -DHAVE_INET6 -DUSE_OPENSSL -I. -pthread -O1 -g
-fno-omit-frame-pointer -fno-sanitize-recover=undefined
$(pkg-config --cflags $pkgs)"
# shellcheck disable=SC2086
libs="-Wl,--as-needed $(pkg-config --libs $pkgs) -linih"

replay=false
if [ "${1:-}" = --replay ]; then
	replay=true
	shift
fi
mkdir -p "$out"

sources() {
	sed -n '1s/^\/\* fuzz: *\(.*\)$/\1/p' "$1" | sed 's/\*\/.*//'
}

targets() {
	if [ $# -gt 0 ]; then
		printf '%s\n' "$@"
	else
		find tests/fuzz -name '*.c' ! -name replay.c | sort |
			sed 's/.*\///; s/\.c$//'
	fi
}

# build NAME PROGRAM COMPILER SANITIZERS [FILE]
build() {
	# shellcheck disable=SC2046,SC2086
	"$3" $flags -fsanitize="$4" -o "$2" "tests/fuzz/$1.c" ${5:-} \
		$(sources "tests/fuzz/$1.c") $libs >"$out/$1.log" 2>&1 &&
		return 0
	echo "fuzz $1: does not build:"
	head -n 20 "$out/$1.log"
	return 1
}

# The engine's last words, in one line.
summary() {
	runs=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$out/$1.log")
	cov=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$out/$1.log" | tail -n 1)
	echo "fuzz $1: ok, ${runs:-0} runs in $seconds s, ${cov:-0} edges"
}

fuzz_one() {
	build "$1" "$out/$1" clang fuzzer,address,undefined || return 1
	mkdir -p "$out/$1.corpus"
	set -- "$1" "$out/$1.corpus"
	[ -d "tests/fuzz/corpus/$1" ] && set -- "$@" "tests/fuzz/corpus/$1"
	[ -f "tests/fuzz/corpus/$1.dict" ] &&
		set -- "$@" "-dict=tests/fuzz/corpus/$1.dict"
	name=$1
	shift
	if "$out/$name" -max_total_time="$seconds" -timeout=10 \
	   -max_len=20000 -rss_limit_mb=1024 -artifact_prefix="$out/$name." \
	   "$@" >"$out/$name.log" 2>&1; then
		summary "$name"
		return 0
	fi
	set -- "$name"
	echo "fuzz $1: FAILED, see $out/$1.log"
	grep -E 'ERROR|SUMMARY|runtime error|Test unit written' "$out/$1.log"
	return 1
}

# Leaves "N passed, N failed" in $out/NAME.count.
replay_one() {
	echo "0 passed, 1 failed" >"$out/$1.count"
	build "$1" "$out/$1.replay" "${CC:-gcc}" address,undefined \
		tests/fuzz/replay.c || return
	find "tests/fuzz/corpus/$1" -type f 2>/dev/null | sort |
		xargs "$out/$1.replay" >"$out/$1.count" 2>"$out/$1.log"
	echo "fuzz-replay $1: $(cat "$out/$1.count")"
	grep -E '^failed|ERROR|SUMMARY|runtime error' "$out/$1.log"
}

failed=0
passed=0
for t in $(targets "$@"); do
	if $replay; then
		replay_one "$t"
		read -r p _ f _ <"$out/$t.count"
		passed=$((passed + p))
		failed=$((failed + f))
	else
		fuzz_one "$t" || failed=$((failed + 1))
	fi
done
if $replay; then
	echo "fuzz-replay: $passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
