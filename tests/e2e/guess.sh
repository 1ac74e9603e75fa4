#!/bin/bash
# guess.sh: a NAT that draws a port by lot for each destination, and one that
# lets in only whom it was sent to (tests/lab, sym and port), without a relay:
# only a port that is guessed leads from one to the other.
. "$(dirname "$0")/../lab/lib.sh"
make -s -C "$LAB/../.." B="$E2E_BUILD" lab-tools || exit 1
check "the world" world
check "a hard NAT and a usual one" pair sym port

conf_both() {
	peer_conf a sym b "$fb" "$1" "relay = never" "tcp = no"
	peer_conf b port a "$fa" "$2" "relay = never" "tcp = no"
}
start_both() {
	launch a && launch b &&
	    wait_for 15 registered a && wait_for 15 registered b
}
stop_both() { stop a && stop b; }
fa=$(key a) fb=$(key b)

# --- one side does not want it
conf_both "guess = yes" "guess = no"
check "both start" start_both
behind a no.out b pipe
sleep 3
check "it is not begun" sh -c '! grep -q guessing a/log b/log'
check "there is no way then" sh -c '! grep -q "checking -> securing" a/log'
kill -INT "$behind"
wait "$behind"
check "both end" stop_both

# --- both do
conf_both "guess = yes" "guess = yes"
check "both start" start_both
head -c 20000000 /dev/urandom > big
check "a file arrives" timeout 30 dial -c a/sipd.conf b send big
check "as it was" cmp big b/inbox/big
check "by guessing" says a "guessing ports has worked"
check "on both sides" says b "guessing ports has worked"
check "b calls as well" timeout 30 dial -c b/sipd.conf a send big
made() { sed -n 's/.*"maps_made":\([0-9]*\).*/\1/p' "$T/ar.stats" | tail -1; }
kill -USR1 "$nat_ar"
check "the emulator counts" wait_for 2 made
check "no more than 256 mappings for each" [ "$(made)" -le 512 ]
check "the sockets are closed" wait_for 5 sh -c \
    "[ \$(ip netns exec a ss -Huan | wc -l) -lt 10 ]"
check "both end" stop_both

# --- what worked is known after a restart, and begun with sooner
check "it is kept" sh -c 'grep -q "^guess .* worked " a/learned b/learned'
check "both start again" start_both
rm b/inbox/big
check "once more" timeout 30 dial -c a/sipd.conf b send big
check "both end" stop_both

# --- a router on the way forbids it: what opens the NAT ends early, by its TTL,
# and begins with 32 sockets of 224
forbid() {
	# it has answered to other things already
	at ar sysctl -qw net.ipv4.icmp_ratelimit=0
	at ar nft -f - <<-EOT
	table ip no {
		counter opened {
		}
		chain forward {
			type filter hook forward priority 0;
			iifname lan meta l4proto udp ip ttl < 7 \
			    counter name opened \
			    reject with icmp type admin-prohibited
		}
	}
	EOT
}
check "it is forbidden" forbid
check "both start" start_both
behind a no.out b pipe
check "it is begun, and given up" wait_for 3 says a \
    "guessing ports has not worked"
kill -INT "$behind"
wait "$behind"
opened() { at ar nft list counter ip no opened |
    sed -n 's/.*packets \([0-9]*\).*/\1/p'; }
check "some have gone ($(opened))" [ "$(opened)" -ge 1 ]
check "but not all" [ "$(opened)" -lt 200 ]
check "both end" stop_both
finish
