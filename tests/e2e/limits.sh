#!/bin/sh
# limits.sh: what a peer may have comes to an end: hours that are not now,
# also across midnight, how long a session lasts and what it carries, calls a
# minute, by a group and by the peer's own lines.
. "$(dirname "$0")/lib.sh"

export TZ=UTC
# span A B: from A hours after this one to B after it
span() {
	h=$(date +%H)
	h=${h#0}
	printf '%02d:00-%02d:00' $(((h + $1) % 24)) $(((h + $2) % 24))
}
# rights LINE...: bob's of alice, from now on
rights() {
	printf '%s\n' "$@" '[pipe]' 'command = cat' | neighbours pipe
	as bob reload
}
works() { [ "$(echo hello | as alice bob pipe)" = hello ]; }
# who goes on and on is hung up
endless() { yes | timeout 30 dial -c "$T/alice/sipd.conf" bob pipe > /dev/null; }
idle() { timeout 30 dial -c "$T/alice/sipd.conf" bob pipe < "$T/mute"; }
mkfifo "$T/mute"
exec 7<> "$T/mute"

printf '[pipe]\ncommand = cat\n' | neighbours pipe
check "bob starts" start bob
check "nothing is limited" works

check "hours that are not now" rights "hours = $(span 2 3)"
check "are none" fails_with 1 "calls are allowed at" as alice bob pipe
check "in the call log" ended bob not-allowed
check "hours around now, across midnight or not" \
    rights "hours = $(span 23 2)"
check "are" works
check "and beside others" rights "hours = $(span 2 3)" "hours = $(span 23 2)"
check "too" works

check "a second" rights "duration = 1s"
check "is over soon" fails_with 1 "" idle
check "for that" ended bob limit
check "a group's megabyte" rights "group = g" "[group g]" "bytes = 1M"
check "a small one" works
check "is carried soon" fails_with 1 "" endless
check "for that" ended bob limit
check "its own line counts before the group's" \
    rights "group = g" "rate = 100" "[group g]" "rate = 1"
check "one call" works
check "another" works
check "the group's alone" rights "group = g" "[group g]" "rate = 1"
works > /dev/null 2>&1
check "is one a minute" fails_with 1 "1 calls a minute" as alice bob pipe
check "bob goes on" alive bob
check "bob ends well" stop bob
finish
