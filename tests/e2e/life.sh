#!/bin/bash
# life.sh: files go on by a NAT that ends each mapping after 6 s, however much
# it is used. The first ends cost a moment; from then on the mapping is
# renewed before it ends, whichever side calls, and after a restart.
#
# alone: it measures how long nothing comes
. "$(dirname "$0")/../lab/lib.sh"
. "$LAB/../e2e/life/lib.sh"
# two ends after the same time teach; how old the first mapping is, which has
# been there before the call, nobody knows: it may take a third
flows a b big $((3 * LIFE * 1000 + 2000))
flows b a small $((LIFE * 1000 + 2000))
# what a has learned it knows when it is started again: from the first mapping
# on, which is a new socket's
peer_stop a
check "a starts again" peer_start a
flows a b small 0
sockets() { grep "map udp" "$T/ar.natemu" | cut -d' ' -f4 | sort -u | wc -l; }
check "by sockets that came in time" test "$(sockets)" -ge 6
peer_stop a
peer_stop b
finish
