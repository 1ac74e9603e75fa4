#!/bin/bash
# checktime.sh: `dial check` has its answer in less than five seconds, also
# where most of what it asks never comes back.
# alone: it measures how long that takes
. "$(dirname "$0")/../lab/lib.sh"
. "$LAB/../e2e/check/lib.sh"
make -s -C "$LAB/../.." B="$E2E_BUILD" lab-tools || exit 1
LIMIT_MS=5000
check "the world" world

# timed SIDE TRANSPORT LINE...
timed() {
	s=$1 r="sip:meet.lab:5060;transport=$2"
	shift 2
	begin=${EPOCHREALTIME/./}
	checked "$s" "$r" "$@" || return 1
	took=$(((${EPOCHREALTIME/./} - begin) / 1000))
	echo "  $s: $took ms" | tee -a "$T/times"
	[ $took -lt $((LIMIT_MS * SLACK)) ]
}
check "an open network" site_open a 1
check "in time" timed a udp
check "a hard NAT" site_sym b 2
check "a DNS that takes its time" slow_dns b
check "relays by UDP and TLS, in time" timed b udp "$(relays_conf)"
check "UDP blocked" site_noudp c 3
check "in time" timed c tcp "$(relays_conf)"
# nothing comes back from anywhere, not even that it is not there
silent() {
	linux_home d 4
	nft_at dr <<-EOT
	table inet mute {
		chain mute {
			type filter hook prerouting priority -300;
			iifname lan drop
		}
	}
	EOT
}
check "a network that swallows everything" silent
check "in time" timed d tls "$(relays_conf)"
sed 's/^/checktime:/' "$T/times"
finish
