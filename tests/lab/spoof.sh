#!/bin/bash
# spoof.sh BUILD: somebody on the way sees all STUN messages and lies to both
# sides (forge.c). No path may lead to him, and no session may suffer.
. "$(dirname "$0")/../lab/lib.sh"
LIAR="198.51.100.66 198.51.100.67"

check "the world" world
# one lets everybody in
check "two networks" pair cone port
peers_conf cone port
check "a starts" peer_start a
check "b starts" peer_start b
liar() {
	addr srv eth0 198.51.100.67/24
	for i in to-a to-b; do
		ip netns exec net "$LAB_BIN/forge" $i $LIAR > "$T/forge.$i" 3>&- &
		eval "forge_${i#to-}=$!"
		wait_for 5 grep -q ready "$T/forge.$i" || return 1
	done
}
liar_ends() {
	kill "$forge_a" "$forge_b"
	wait "$forge_a" "$forge_b" 2> /dev/null
	n=$(cat "$T"/forge.to-? | awk '!/ready/ { n += $1 } END { print n + 0 }')
	echo "  $n forgeries"
	[ "$n" -gt 100 ]
}
moved() { grep -c 'path moved' "$T/a/log" "$T/b/log"; }
remote() { as "$1" -j list | field remote; }
honest() {
	for x in "$(remote a)" "$(remote b)"; do
		case $x in
		*11.0.1.*) ;;
		*) echo "leads to $x"; return 1 ;;
		esac
	done
}
head -c 20000000 /dev/urandom > big

# while a session is open
mkfifo in
as a b pipe < in > piped 2> piped.said &
dial=$!
exec 3> in
check "a session" wait_for 10 grep -q hello piped
was=$(remote a)
check "the liar begins" liar
( sleep 1; head -c 300000 /dev/zero; sleep 6; echo end ) >&3
check "what is piped comes back through it all" wait_for 5 grep -q end piped
check "whole" test "$(wc -c < piped)" = 300010
check "the path is where it was" test "$(remote a)" = "$was"
check "at both ends" honest
exec 3>&-
check "the pipe ends well" ends 0 $dial

# while sessions begin
for i in 1 2 3; do
	rm -rf b/inbox
	check "a file, although he lies from the start ($i)" as a b send big
	check "it is equal" cmp big b/inbox/big
done
check "he has lied a lot" liar_ends
nowhere() {
	! grep -hE '(moved to|remote":")[^ ]*198\.51\.100\.6[67]' a/log b/log \
	    a/calls.log b/calls.log
}
check "nothing ever led to him" nowhere
# said once for each session, and counted
check "the log names him" grep -hq 'forged STUN from 198\.51\.100\.6[67]' \
    a/log b/log
sober() { [ "$(grep -c 'forged STUN' "$1/log")" -le 4 ]; }
check "once for each session at most" sober a
check "at the other side too" sober b
counted() { { as a why b; as b why a; } | grep '^refused: [0-9]* forged STUN'; }
check "dial why counts it" counted
peer_stop a
peer_stop b
finish
