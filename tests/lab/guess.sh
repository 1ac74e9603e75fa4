#!/bin/bash
# guess.sh [BUILD [RUNS [A B]]]: RUNS (20) times a session between two networks
# (sym, port) that must guess, each in a world of its own. Prints what became
# of each and the mappings that the emulator at A made for it; fails if fewer
# than 95 % are direct within 10 s, or more than 256 mappings were made.
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build} runs=${2:-20}
export LAB_A=${3:-sym} LAB_B=${4:-port}
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
one() {
	mkdir "$t/$1"
	LAB_KEEP=$t/$1 timeout -k 5 60 tests/lab/cell.sh "$build" \
	    > "$t/$1/line" < /dev/null
}
for i in $(seq "$runs"); do
	one "$i" &
	[ $((i % 3)) != 0 ] || wait
done
wait
for i in $(seq "$runs"); do
	made=$(sed -n 's/.*"maps_made":\([0-9]*\).*/\1/p' \
	    "$t/$i/$LAB_A-$LAB_B"/ar.stats 2> /dev/null | tail -1)
	echo "$(cat "$t/$i/line") ${made:-0}"
done | sort -n -k5 | awk -v runs="$runs" '
	{ print }
	$3 == "direct" && $5 < 10000 { ms[++n] = $5 }
	$8 > most { most = $8 }
	END {
		printf "%d of %d direct within 10 s, median %d ms, at most %d" \
		    " mappings\n", n, runs, ms[int((n + 1) / 2)], most
		exit n < 0.95 * runs || most > 256
	}'
