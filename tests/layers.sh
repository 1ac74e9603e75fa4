#!/bin/sh
# layers.sh [BUILD]: who may include whom (README, house plan), and no circles between
# files. Prints what is wrong; ends with "layers: N passed, N failed".
set -u
cd "$(dirname "$0")/.."
build=${1:-build}
failed=0 passed=0

# room: what its files may include of ours
check() {
	room=$1; shift
	allowed=$(printf '%s\n' "$@" | paste -sd'|')
	bad=$(grep -rnE '^#include "' "$room" --include='*.[ch]' |
	    grep -vE "#include \"($allowed)/")
	if [ -n "$bad" ]; then
		echo "$bad"
		echo "layers: $room may include only: $*"
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
}
check sdp/base sdp/base
check sdp sdp
check modules sdp modules
check tunnels sdp tunnels
check sipd sdp modules tunnels sipd
check sipd/sip sdp sipd/sip
check sipd/ua sdp sipd/sip sipd/ua
check sipd/registrar sdp sipd/sip sipd/registrar

# who calls whom, as the linker sees it: is there a loop?
syms=$(find "$build/obj/sdp" "$build/obj/modules" "$build/obj/tunnels" \
    "$build/obj/sipd" -name '*.o' -exec nm -A -P {} + |
    sed "s|^$build/obj/||; s|\.o:||")
circle=$(printf '%s\n' "$syms" | awk '
	$3 ~ /^[TDRB]$/ && $2 != "main" { def[$2] = $1 }
	$3 == "U" { use[NR] = $1 " " $2 }
	END { for (i in use) { split(use[i], u, " ")
		if (u[2] in def && def[u[2]] != u[1]) print u[1], def[u[2]] } }' |
    sort -u | tsort 2>&1 >/dev/null)
if [ -n "$circle" ]; then
	echo "$circle"
	echo "layers: these files call each other in a circle"
	failed=$((failed + 1))
else
	passed=$((passed + 1))
fi

echo "layers: $passed passed, $failed failed"
[ $failed = 0 ]
