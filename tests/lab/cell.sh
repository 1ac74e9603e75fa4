#!/bin/bash
# cell.sh BUILD: two networks, LAB_A and LAB_B, and a session between them.
#
# Builds the world (world.sh, sites.sh), starts a sipd on both hosts, dials,
# and prints one line:
#   A B RESULT MS UPGRADED LOCAL REMOTE    by us; RESULT is the last path seen
#   A B nice RESULT MS PROTECTED LOCAL REMOTE   by libnice, if
#                                          LAB_REFERENCE=nice
# MS is the time from the answer, when both descriptions are known, to the
# first byte from the other side: by us through QUIC's handshake and a stream;
# by libnice as a bare datagram, and PROTECTED by DTLS. UPGRADED is when RESULT
# was reached, after the answer too. It waits for what theory allows,
# LAB_PATIENCE seconds at most. LAB_KEEP=DIR keeps the logs.
. "$(dirname "$0")/../lab/lib.sh"
. "$LAB/theory.sh"
. "$LAB/nice.sh"

# the emulators tell their counters first
keep() {
	[ -n "${LAB_KEEP:-}" ] || return 0
	for n in ${!nat_*}; do
		kill -USR1 "${!n}"
	done
	sleep 0.1
	cp -r "$T" "$LAB_KEEP/$LAB_A-$LAB_B"
}
cell_fail() {
	echo "$LAB_A $LAB_B broken - - ${1// /_} -"
	keep
	exit 1
}
world || cell_fail "the world does not start"
pair "$LAB_A" "$LAB_B" || cell_fail "the sites do not start"
read -r best _ <<< "$(theory "$LAB_A" "$LAB_B")"

ours() {
	peers_conf "$LAB_A" "$LAB_B"
	peer_start a && peer_start b && ready ||
	    cell_fail "sipd does not start"
	session "$best"
	echo "$LAB_A $LAB_B ${result:-failed} ${first:--} ${upgraded:--}" \
	    "${local:--} ${remote:--}"
	peer_stop a
	peer_stop b
}
ours
[ "${LAB_REFERENCE:-}" != nice ] || nice_pair
keep
