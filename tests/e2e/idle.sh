#!/bin/bash
# idle.sh: a direct session without traffic, between two NATs that forget a
# mapping after 12 s and then draw another port (tests/lab), without a relay:
# it lives, and by the same mappings.
. "$(dirname "$0")/../lab/lib.sh"
make -s -C "$LAB/../.." B="$E2E_BUILD" lab-tools || exit 1
short() {
	home "$1" "$2" --map eim --filter apdf --alloc random \
	    --udp-timeout 12
}
both() { short a 1 && short b 2; }
check "the world" world
check "two NATs that soon forget" both
fa=$(key a) fb=$(key b)
peer_conf a port b "$fb" "relay = never" "tcp = no"
peer_conf b port a "$fa" "relay = never" "tcp = no"
check "a starts" peer_start a
check "b starts" peer_start b

mkfifo in
as a b pipe < in > out 2> said &
dial=$!
exec 3> in
check "a pipe is open" wait_for 15 grep -q hello out
seen() { as a -j list > now && field local < now && field remote < now; }
direct() { [ "$(path_now)" = direct ]; }
check "it is direct" wait_for 5 direct
before=$(seen)
sleep 32
check "it is direct still" direct
same() { after=$(seen); echo "$before / $after"; [ -n "$before" ] &&
    [ "$before" = "$after" ]; }
check "by the same addresses" same
echo again >&3
check "what is sent arrives" wait_for 2 grep -q again out
exec 3>&-
wait $dial
check "the pipe ends well" test $? = 0
peer_stop a
peer_stop b
finish
