#!/bin/bash
# liferelay.sh: as life.sh, by a relay of a's: what ends is the mapping between
# the two, and another allocation is made in time, whoever calls.
#
# alone: it measures how long nothing comes
. "$(dirname "$0")/../lab/lib.sh"
. "$LAB/../e2e/life/lib.sh"
check "a is left with its relay" \
    sed -i 's/^\[nat\]/[nat]\nrelay = only/' a/sipd.conf
check "as it is told" as a reload
# the first file teaches, as above, but to what it costs there is no limit: an
# allocation that has died is found out late
behind a send.out b send big
check "a to b: it arrives" ends 0 $behind
check "a to b: as it was" cmp big b/inbox/big
# in_time SIDE: its latest session moved before its first mapping had ended
in_time() {
	awk '/securing -> open/ { open = $1; moved = "" }
	/path moved/ && !moved { moved = $1 }
	END { print open; print moved }' "$1/log" > times
	cat times
	{ read -r open && read -r moved; } < times
	[ -n "$moved" ] &&
	    [ $(($(date -d "$moved" +%s) - $(date -d "$open" +%s))) -lt $LIFE ]
}
head -c 9000000 big > brief             # a life and a quarter
flows a b brief 0
check "a to b: it moved in time" in_time a
# when it is a that is called it cannot choose, but fall silent
flows b a brief 0
check "b to a: it moved in time" in_time b
peer_stop a
peer_stop b
finish
