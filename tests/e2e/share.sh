#!/bin/sh
# share.sh: streams of one session share its path: bulk fairly with bulk, and
# a few bytes pass all of it by.
#
#   alice 10.1.0.2 -- bridge, 40 Mbit/s towards alice -- 10.1.0.1 bob
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
bridge br0
host bob 10.1.0.1/24
host alice 10.1.0.2/24

mkdir share
head -c 30000000 /dev/urandom > share/big
neighbours "forward 127.0.0.1:8000-8001, get $T/share" sip:10.1.0.1 < /dev/null
at bob socat TCP-LISTEN:8000,fork,reuseaddr OPEN:/dev/zero &
at bob socat TCP-LISTEN:8001,fork,reuseaddr EXEC:cat &
check "bob starts" launch bob
check "alice starts" launch alice
check "the path is slow" tc -n bob qdisc add dev eth0 root tbf \
    rate 40mbit burst 32k latency 100ms

ip netns exec alice dial -c alice/sipd.conf bob forward 8000:127.0.0.1:8000 \
    8001:127.0.0.1:8001 < /dev/null > fw.out 2>&1 &
check "a forward" wait_for 10 grep -q "8001 (to" fw.out

# pull N: how much comes of a stream without end, into got.N
pull() {
	at alice timeout 4 socat -u TCP:127.0.0.1:8000 - 2> /dev/null |
	    wc -c > "got.$1"
}
ip netns exec alice dial -c alice/sipd.conf bob get --into got big \
    < /dev/null > get.out 2>&1 &
get=$!
part() { [ "$(du -sk got 2> /dev/null | cut -f1)" -ge 500 ]; }
check "a file comes" wait_for 10 part
for i in 1 2 3; do pull $i & eval "p$i=\$!"; done

# 40 times there and back while all of that comes; the slowest, in ms
at alice perl -MTime::HiRes=time -MSocket -e '
	socket S, AF_INET, SOCK_STREAM, 0;
	connect S, sockaddr_in(8001, INADDR_LOOPBACK) or die $!;
	for (1 .. 40) {
		my $t = time;
		syswrite S, "x"; sysread S, $_, 1 or die;
		push @ms, 1000 * (time - $t);
		select undef, undef, undef, 0.05;
	}
	@ms = sort { $a <=> $b } @ms;
	printf "%.0f %.0f\n", $ms[20], $ms[39]' > echo.ms
read -r middle slowest < echo.ms
quick() {
	echo "$middle ms, at most $slowest"
	[ "$middle" -lt 200 ] && [ "$slowest" -lt 2000 ]
}
check "what is small does not wait for what is large" quick
wait $p1 $p2 $p3
fair() {
	cat got.1 got.2 got.3
	cat got.1 got.2 got.3 | sort -n | awk '{ v[NR] = $1 }
	    END { exit !(v[1] > 1000000 && v[3] < 1.5 * v[1]) }'
}
check "the three have as much of it" fair
check "the file has come too" ends 0 $get
check "it is whole" cmp share/big got/big
[ -z "${SHOW:-}" ] || cat echo.ms got.?
check "one session for all" test "$(wc -l < bob/calls.log)" -le 2
finish
