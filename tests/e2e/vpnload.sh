#!/bin/sh
# vpnload.sh: a ping under load, by a link of 100 Mbit/s whose own queue is
# long enough to spoil it.
#
#   alice 10.1.0.2 ══ bridge ══ 10.1.0.1 hub, [vpn office] 10.7.0.1
#        100 Mbit/s, 2 MB of queue each way
#
# alone: it measures how long a ping takes
. "$(dirname "$0")/lib.sh"

plug() {        # plug NAME ADDRESS: a host at the bridge by such a link
	host "$1" "$2" &&
	tc -n "$1" qdisc add dev eth0 root tbf rate 100mbit burst 16k \
		limit 2000000
}
bridge br0
check "the hub's link" plug hub 10.1.0.1/24
check "alice's link" plug alice 10.1.0.2/24

fa=$(key alice) fh=$(key hub)
conf alice <<EOT
port = 5060
[peer hub]
address = sip:10.1.0.1
fingerprint = $fh
EOT
conf hub <<EOT
[peer alice]
fingerprint = $fa
allow = vpn office
[vpn office]
address = 10.7.0.1/24, fd07::1/64
EOT
check "the hub starts" launch hub
ip netns exec alice dial -c "$T/alice/sipd.conf" hub vpn office \
	< /dev/null > "$T/said" 2>&1 &
call=$!
check "alice calls" wait_for 10 grep -q "we are" "$T/said"
at hub iperf3 -s -D -I "$T/iperf.pid"
check "iperf3 listens" wait_for 5 at alice timeout 5 iperf3 -c 10.7.0.1 -n 1000

# rtt ADDRESS: median of 50 pings in tenths of a millisecond; much if more than
# a few of them are lost
rtt() {
	at alice ping -n -i 0.05 -c 50 -W 1 "$1" |
		sed -n 's/.*time=\([0-9.]*\) ms/\1/p' | sort -n |
		awk '{ v[NR] = $1 }
			END { if (NR < 45) print 999999
				else print int(10 * v[int(NR / 2) + 1]) }'
}
idle=$(rtt 10.7.0.1)
echo "idle: $idle/10 ms"
check "pings come back" test "$idle" -lt 500

exec 3>&1       # past check
# loaded NAME ADDRESS WORDS...: iperf3, and a ping meanwhile
loaded() {
	name=$1 to=$2
	shift 2
	at alice timeout 20 iperf3 -c "$to" -t 5 -J "$@" > "$T/iperf.json" &
	load=$!
	sleep 1.5
	under=$(rtt "$to")
	wait $load || { tail -5 "$T/iperf.json"; return 1; }
	rate=$(awk '/"sum_received"/ { on = 1 }
		on && /bits_per_second/ { print int($2 / 1e6); exit }' \
		"$T/iperf.json")
	echo "$name: $under/10 ms, $rate Mbit/s" >&3
	# the link's own queue would be 160 ms
	[ "$under" -le $((SLACK * (2 * idle + 50))) ] &&
	    [ "$rate" -ge $((80 / SLACK)) ]
}
# whatever else this machine does may spoil one
once_of_three() { "$@" || "$@" || "$@"; }
check "one stream" once_of_three loaded out 10.7.0.1
check "back" once_of_three loaded back 10.7.0.1 -R
check "four streams" once_of_three loaded four fd07::1 -P 4
kill -INT $call
wait $call
kill "$(cat "$T/iperf.pid")"
check "the hub ends well" stop hub
finish
