#!/bin/sh
# valgrind.sh [NAME...]: end-to-end tests with each sipd and dial under
# valgrind's memcheck. Beside a build of its own stand two programs of the
# same names that start the real ones under valgrind, so that the tests are
# the ordinary ones; what they wait for may take E2E_SLOW times as long.
#
# Valgrind knows no VAES: AES is OpenSSL's there; and not every system call, so
# that tests/valgrind/calls.c makes them of others, and nothing shuts itself
# in. What a process tells is kept in $B/valgrind/NAME/ until the next run. One
# that is killed by SIGKILL tells of bad accesses, not of leaks. Nothing is
# suppressed.
set -u
cd "$(dirname "$0")/.." || exit 1
B=${B:-build}
build=$(realpath "$B")
out=$build/valgrind
# Those that show each kind of traffic but the largest. By name, where nothing
# else runs, for they do more than a handshake's 15 s allow for on a busy
# machine: file, meeting, kill, forward, vpn. Not at all: vpncrowd, vpnload,
# flood (a hundred processes, or packets by the million); torture, badsip,
# attack (answers to messages, which fuzzers and sanitizers see).
names=${*:-direct pipe pair contact}

mkdir -p "$out/bin"
${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -O1 -g -shared -fPIC \
	-o "$out/calls.so" tests/valgrind/calls.c -pthread || exit 1
for p in sipd dial; do
	# a copy: somebody may build meanwhile
	cp "$build/$p" "$out/$p" || exit 1
	cat > "$out/bin/$p" <<-EOT
	#!/bin/sh
	exec env LD_PRELOAD="$out/calls.so" valgrind -q --error-exitcode=99 --leak-check=full \\
	    --errors-for-leak-kinds=definite --show-leak-kinds=definite \\
	    --child-silent-after-fork=yes --num-callers=25 \\
	    --log-file="\$VALGRIND_LOGS/$p.%p" "$out/$p" "\$@"
	EOT
	chmod +x "$out/bin/$p"
done
E2E_SLOW=${E2E_SLOW:-10}
export E2E_SLOW

# Of a test: findings count as one more failure of it.
passed=0 failed=0
for n in $names; do
	VALGRIND_LOGS=$out/$n
	export VALGRIND_LOGS
	rm -rf "$VALGRIND_LOGS"
	mkdir -p "$VALGRIND_LOGS"
	tests/e2e/"$n".sh "$out/bin" > "$out/$n.said" 2>&1 < /dev/null
	line=$(grep -E '^[^ ]+: [0-9]+ passed, [0-9]+ failed$' "$out/$n.said" |
	    tail -n 1)
	p=$(echo "$line" | sed -n 's/.*: \([0-9]*\) passed.*/\1/p')
	f=$(echo "$line" | sed -n 's/.* \([0-9]*\) failed$/\1/p')
	found=$(find "$VALGRIND_LOGS" -type f -exec grep -l '^==' {} + | wc -l)
	runs=$(find "$VALGRIND_LOGS" -type f | wc -l)
	[ "${f:-1}" = 0 ] || grep -v "^$n: " "$out/$n.said" | tail -n 60
	grep -rh '^==' "$VALGRIND_LOGS" | head -n 60
	grep -E '^skipped: ' "$out/$n.said"
	echo "valgrind-$n: ${p:-0} passed, ${f:-1} failed;" \
	    "$runs processes, $found with findings"
	passed=$((passed + ${p:-0}))
	failed=$((failed + ${f:-1} + found))
done
echo "valgrind: $passed passed, $failed failed"
[ "$failed" = 0 ]
