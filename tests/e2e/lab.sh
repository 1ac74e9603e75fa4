#!/bin/bash
# lab.sh [BUILD]: the part of the laboratory that is small enough for every
# check: networks that are what they are called, and pairs of them where
# nothing may be worse than theory allows. tests/lab/run.sh has the rest.
cd "$(dirname "$0")/../.." || exit 1
export B=${1:-build}
make -s B="$B" lab-tools || exit 1
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
for site in cone addr port linux random seq sym; do
	LAB_SITE=$site timeout 60 tests/lab/nature.sh "$B" > "$t/$site" 2>&1 &
	list="${list:-} $!:$site"
done
# the probes wait for answers that do not come; the pairs run meanwhile
tests/lab/run.sh --ci > "$t/pairs" 2>&1
cat "$t/pairs" | grep -v '^lab: '
line=$(grep '^lab: ' "$t/pairs" || echo "lab: 0 passed, 1 failed")
passed=$(echo "$line" | awk '{ print $2 }')
failed=$(echo "$line" | awk '{ print $4 }')
for x in $list; do
	if wait "${x%:*}"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		cat "$t/${x#*:}"
	fi
done
echo "lab: $passed passed, $failed failed"
[ "$failed" = 0 ]
