#!/bin/sh
# privileged.sh: what runs of sipd while it is root is small, and nothing else:
# three files below 300 lines of code, which need no library but libc, and of
# ours nothing but each other until root's rights are gone. Ends with
# "privileged: N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
files='sipd/main.c sipd/drop.c sipd/places.c'
most=300
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

check() {
	what=$1; shift
	if "$@" > "$work/said" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $what"
		cat "$work/said"
	fi
}

# lines that are neither empty nor a comment
# shellcheck disable=SC2086
count() { cat $files | grep -cvE '^[[:space:]]*($|/\*|\*)'; }
small() { count; [ "$(count)" -lt "$most" ]; }

# linked alone, with two functions of main.c's that come after
alone() {
	# shellcheck disable=SC2086
	printf '%s\n' '#include <stdbool.h>' \
	    'int daemon_check(const char *f, const char *p, bool r);' \
	    'int daemon_run(const char *f, int v, bool r);' \
	    'int daemon_check(const char *f, const char *p, bool r)' \
	    '{ return f && p && r; }' \
	    'int daemon_run(const char *f, int v, bool r)' \
	    '{ return f && v && r; }' > "$work/after.c" &&
	${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -I. \
	    -o "$work/alone" $files "$work/after.c"
}

# what main.c calls of ours, in its order
order() {
	calls=$(grep -oE '\b(places|drop|daemon|[a-z]+)_[a-z]+\(' sipd/main.c |
	    grep -v '^getopt_' | tr '\n' ' ')
	echo "$calls"
	[ "$calls" = "places_conf( drop_user( daemon_check( daemon_run( " ]
}

# nobody but daemon.c and drop.c itself goes on with rights
others() {
	! grep -lE '\b(setuid|setresuid|seteuid|setgid|initgroups|capset)\b' -r \
	    sdp modules tunnels sipd --include='*.c' | grep -v '^sipd/drop.c$'
}

check "less than $most lines of code run as root" small
check "they need libc alone" alone
check "rights are given up before anything else of ours is called" order
check "nobody else changes users or capabilities" others
echo "privileged: $passed passed, $failed failed"
[ "$failed" = 0 ]
