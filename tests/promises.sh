#!/bin/sh
# promises.sh: is each test that SECURITY.md names there? Ends with
# "promises: N passed, N failed" (names).
set -u
cd "$(dirname "$0")/.." || exit 1

# the words in backquotes that name a test, a line each; ":case" is one of the
# suite before it
names() {
	sed -n '/^## /,$p' SECURITY.md | grep -o '`[^`]*`' | tr -d '`' |
	    grep -E '^(tests/|:)'
}

has_case() {
	tr '\n' ' ' < "$1.c" | grep -qF -- "{ \"$2\", test_"
}

failed=0 passed=0 suite=
list=$(mktemp)
trap 'rm -f "$list"' EXIT
names > "$list"
while read -r name; do
	case $name in
	:*)		cases=${name#:} ;;
	tests/unit/*:*)	suite=${name%%:*} cases=${name#*:} ;;
	tests/unit/*)	suite=$name cases= ;;
	*)		suite= cases= ;;
	esac
	if [ -n "$suite" ]; then
		[ -e "$suite.c" ] && { [ -z "$cases" ] ||
		    has_case "$suite" "$cases"; }
	else
		[ -e "${name%% *}" ]
	fi && passed=$((passed + 1)) && continue
	echo "SECURITY.md names what is not there: $name${suite:+ ($suite)}"
	failed=$((failed + 1))
done < "$list"
echo "promises: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
