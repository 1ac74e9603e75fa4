#!/bin/bash
# run.sh [--ci] [A [B]]: what becomes of a session between any two kinds of
# networks (sites.sh), beside the best that theory allows (theory.sh).
#
#   run.sh               all pairs: make lab
#   run.sh port          port with all others
#   run.sh port sym      this pair
#   run.sh --ci          a few pairs
#
# Fails if a pair is worse than theory allows, and more (print.awk). Each has a
# network of its own (cell.sh), LAB_JOBS of them at a time. LAB_REFERENCE=nice
# runs each through libnice too; pairs in which that was faster are repeated
# LAB_AGAIN (3) times, by themselves. B is the folder of the build, LAB_OUT a
# file that keeps the lines of cell.sh, LAB_PAIRS a list of pairs ("A B", one a
# line) instead of all, LAB_KEEP a folder for logs. Needs root; leaves nothing
# behind.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${B:-build}
jobs=${LAB_JOBS:-3}
ci=
[ "${1:-}" != --ci ] || { ci=1; shift; }
out=${LAB_OUT:-$(mktemp)}
: > "$out"
trap '[ -n "${LAB_OUT:-}" ] || rm -f "$out"' EXIT
trap 'exit 130' INT TERM
. tests/lab/theory.sh
. tests/lab/sites.sh
[ -z "${LAB_KEEP:-}" ] || mkdir -p "$LAB_KEEP"

CI_PAIRS="open:port fw:linux port:cone addr:sym random:cone seq:addr
tiny:rst cgn:linux dual:dual one:hairpin nat64:port sym:port seq:port seq:seq
noudp:open cone:noudp nat64:sym nat64:noudp web:open web:addr
web:port sym:random"

pairs() {
	if [ -n "$ci" ]; then
		printf '%s\n' $CI_PAIRS | tr : ' '
		return
	fi
	[ $# != 2 ] || { echo "$1 $2"; return; }
	[ -z "${LAB_PAIRS:-}" ] || { cat "$LAB_PAIRS"; return; }
	left=$LAB_SITES
	for x in $LAB_SITES; do
		for y in $left; do
			[ $# = 0 ] || [ "$1" = "$x" ] || [ "$1" = "$y" ] ||
			    continue
			echo "$x $y"
		done
		left=${left#"$x"}
		left=${left# }
	done
	[ $# != 0 ] || printf '%s\n' $LAB_EXTRA | tr : ' '
}
# one A B: a cell
one() {
	LAB_A=$1 LAB_B=$2 timeout -k 5 120 tests/lab/cell.sh "$build" \
	    < /dev/null 2>> "$out.err" ||
	    echo "$1 $2 broken - - exit_$? -"
}
all() {
	running=0
	while read -r x y; do
		one "$x" "$y" >> "$out" &
		running=$((running + 1))
		if [ $running -ge "$jobs" ]; then
			wait -n
			running=$((running - 1))
		fi
	done
	wait
}
# with_theory: the theory beside each
with_theory() {
	while read -r x y r rest; do
		[ "$r" != nice ] || { echo "$x $y nice $rest"; continue; }
		echo "$x $y $r $rest $(theory "$x" "$y")"
	done < "$out" > "$out.all"
}
print() {
	tests/lab/print.awk -v sites="$LAB_SITES" -v pairs="$n" "$@" "$out.all"
}
# again: pairs that another way was faster for, one at a time
again() {
	with_theory
	print -v slow=1 > "$out.slow"
	echo "$(wc -l < "$out.slow") pairs once more" >&2
	while read -r x y; do
		sed -i "/^$x $y /d" "$out"
		for _ in $(seq "${LAB_AGAIN:-3}"); do
			one "$x" "$y" >> "$out"
		done
	done < "$out.slow"
	rm -f "$out.slow"
}
begin=$(date +%s)
n=$(pairs "$@" | wc -l)
[ -n "$ci" ] || echo "$n pairs, $jobs at a time" >&2
all < <(pairs "$@")
[ "${LAB_REFERENCE:-}" != nice ] || again
with_theory
print -v ci="$ci"
code=$?
[ -n "$ci" ] || echo "$(($(date +%s) - begin)) s in all"
rm -f "$out.all"
[ -n "${LAB_OUT:-}" ] || rm -f "$out.err"
exit $code
