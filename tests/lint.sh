#!/bin/sh
# lint.sh FLAGS...: clang-tidy and cppcheck over all our C, compiled with these
# flags. What is not looked for stands with its reason in .clang-tidy,
# tests/.clang-tidy and tests/lint.cppcheck; a line that is right all the same
# says NOLINT and why. Prints what is found; ends with
# "lint: N passed, N failed" (files).
set -u
cd "$(dirname "$0")/.." || exit 1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

files() {
	find sdp modules tunnels sipd tests -name '*.c' | sort |
	    if pkg-config --exists nice; then cat; else grep -v nicepeer; fi
}
nice=$(pkg-config --cflags nice 2>/dev/null)

# tidy FILE FLAGS...: what is found, on stdout and in a file of its own
if [ "${1:-}" = tidy ]; then
	f=$2; shift 2
	clang-tidy --quiet "$f" -- "$@" 2>/dev/null || {
		echo "$f" >> "$LINT_BAD"; }
	exit 0
fi
export LINT_BAD="$out/bad"
: > "$LINT_BAD"
n=$(files | wc -l)
# shellcheck disable=SC2086
files | xargs -P 2 -I FILE "$0" tidy FILE "$@" $nice |
    grep -v '^$' | sed "s|$PWD/||"

# of the flags it wants definitions and our own folder alone
defs=
for f in "$@"; do
	case $f in -D*) defs="$defs $f";; esac
done
# shellcheck disable=SC2086
cppcheck --quiet -j 2 --std=c11 --language=c --inline-suppr \
	--enable=warning,performance,portability \
	--suppressions-list=tests/lint.cppcheck --error-exitcode=0 \
	--include=tests/lint.h \
	--template='{file}:{line}: {severity}: {message} [{id}]' \
	-I . $defs sdp modules tunnels sipd 2>&1 | tee "$out/cpp"
grep -o '^[^:]*\.[ch]:' "$out/cpp" | sed 's/:$//' >> "$LINT_BAD"

bad=$(sort -u "$LINT_BAD" | wc -l)
echo "lint: $((n - bad)) passed, $bad failed"
[ "$bad" = 0 ]
