#!/bin/bash
# soak.sh [BUILD]: MINUTES (30) of calls that come and go while networks change
# and one of the two hosts is killed now and then. No file may be lost or
# wrong, no session left, and memory and descriptors of those who lived
# through it must be what they were when they were warm: after a fifth of the
# time, both times without a session, and the same work done in between.
#
#   a: two uplinks      b: behind a NAT, killed      c: calls without a sipd
#   then, for a tenth of the time: a is killed as well
#
# MINUTES of less than 5 judge no memory. SEED throws the same dice again;
# KEEP is a folder for the logs.
. "$(dirname "$0")/../lab/lib.sh"
. "$LAB/soak/load.sh"
. "$LAB/soak/trouble.sh"
MINUTES=${MINUTES:-30}
SEED=${SEED:-$(date +%s)}
KEEP=${KEEP:-}
echo "seed $SEED, $MINUTES minutes"

soak_conf() {
	peers_conf two port
	for n in a b; do
		sed -i "s|^allow = .*|allow = file, pipe, get $T/$n/share|
			/^allow =/a allow = forward 127.0.0.1:8000, vpn of$n
			s|^command = .*|command = cat|
			s|^port = 0|port = 0\nrate = 100000|" $n/sipd.conf
		printf '[vpn of%s]\naddress = 10.7.%d.1/24\n' $n $((0x$n)) \
		    >> $n/sipd.conf
		mkdir -p $n/share got.$n
		head -c 700000 /dev/urandom > $n/share/page
	done
	printf '[peer c]\naddress = c@lab\nallow = file\n' >> a/sipd.conf
	peer_conf c open a x
	sed -i '/^fingerprint/d' c/sipd.conf
}
serve() { ip netns exec "$1" busybox httpd -f -p "$2" -h "$T/$1/share" & }

# load SECONDS VICTIM...: all of it, until nothing is under way
load() {
	victims=${*:2}
	: > "$T/on"
	workers= n=0
	for w in send send get pipe forward vpn abort paired; do
		n=$((n + 1))
		worker $n $w &
		workers="$workers $!"
	done
	disturb &
	workers="$workers $!"
	sleep "$1"
	rm "$T/on"
	for w in $workers; do wait "$w"; done
	address_gone
}
# afterwards everything works as on the first day, and leaves nothing behind
calm() {
	check "a is registered" wait_for 60 registered a
	check "b is registered" wait_for 60 registered b
	# whose NAT has forgotten the way to it learns that by its keepalive
	check "a reaches b" reaches a b
	check "b reaches a" reaches b a
	for way in "a b" "b a"; do
		check "send, $way" once send ${way% *} ${way#* }
		check "get, $way" once get ${way% *} ${way#* }
		check "pipe, $way" once pipe ${way% *} ${way#* }
		check "vpn, $way" once vpn ${way% *} ${way#* }
	done
	check "forward" once forward a b
	check "a has no session left" wait_for 60 none a
	check "b has no session left" wait_for 60 none b
	settle
}
reaches() {
	for i in {1..30}; do
		! once send "$@" || return 0
		sleep 5
	done
	false
}
none() { [ -z "$(as "$1" list)" ]; }
pid_of() { cat "$1.pid"; }
memory() { sed -n "s/^$2:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$(pid_of "$1")/status"; }
descriptors() { ls "/proc/$(pid_of "$1")/fd" | wc -l; }
# connections that might be used again are closed after a minute, memory is
# given back after that; then it is unchanged for 12 s, or a minute is over
settle() {
	sleep 75
	was= same=0
	for i in {1..30}; do
		now="$(memory a VmRSS) $(memory meet VmRSS)"
		[ "$now" = "$was" ] && same=$((same + 1)) || same=0
		[ $same -lt 6 ] || break
		was=$now
		sleep 2
	done
}
told_memory() {
	for n in a meet b; do
		echo "$1: $n has $(memory $n VmRSS) KB," \
		    "$(memory $n RssAnon) of them its own," \
		    "$(descriptors $n) descriptors"
	done
}
ends_well() {
	kill -TERM "$(cat "$1.pid")"
	wait_for 10 gone "$1"
}
keep() {
	[ -n "$KEEP" ] || return
	mkdir -p "$KEEP"
	for f in notes {a,b,meet}/log {a,b}/calls.log; do
		cp "$f" "$KEEP/${f/\//.}"
	done
}
summary() {
	sed -n 's/^[^ ]* \(ok [a-z]*\|-- [a-z_ ]*\|told .*\)$/\1/p' notes |
	    sed 's/[0-9][0-9.:]*/N/g' | sort | uniq -c | sort -rn
	echo "calls: $(wc -l < a/calls.log) at a's, $(wc -l < b/calls.log)" \
	    "at b's; kill -9: $(grep -c ' -- killed' notes);" \
	    "troubles: $(grep -c ' -- ' notes);" \
	    "paths moved: $(cat {a,b}/log | grep -c 'path moved')"
	echo "contents compared: $(grep -cE ' ok (send|get|pipe|forward|vpn|paired)' \
	    notes), of them files: $(grep -cE ' ok (send|get|paired)' notes)"
}

check "the world" world
echo "$meet" > meet.pid
check "a network with two uplinks, and one NAT" pair two port
check "one without a NAT" site_open c 5
soak_conf
for n in a b; do
	serve $n 127.0.0.1:8000
	serve $n 8080
	check "$n starts" launch $n
done
disown -a       # who is killed is meant to be
[ $E2E_FAILED = 0 ] || finish

: > notes
seconds=$((MINUTES * 60))
load $((seconds / 5)) b
calm
told_memory "warm"
warm=$(memory a VmRSS) open=$(descriptors a) warm_meet=$(memory meet VmRSS)
born=$(cat a.pid)
load $((seconds - seconds / 5)) b
calm
told_memory "in the end"
end=$(memory a VmRSS) end_meet=$(memory meet VmRSS)
lives() { [ "$born" = "$(cat a.pid)" ] && ! gone a; }
check "a's sipd has lived through it" lives
within() { [ "$2" -le $(($1 * 105 / 100)) ]; }
# a sanitizer keeps what is freed
if [ "$MINUTES" -lt 5 ]; then
	echo "skipped: memory: $MINUTES minutes are too short"
elif nm -D "$(command -v sipd)" | grep -q __asan_init\|__tsan_init; then
	echo "skipped: memory: sipd is built with a sanitizer"
else
	check "memory of a: $warm KB, then $end" within "$warm" "$end"
	check "of the meeting point: $warm_meet KB, then $end_meet" \
	    within "$warm_meet" "$end_meet"
fi
fewer() { [ "$(descriptors a)" -le "$open" ]; }
check "descriptors" wait_for 60 fewer

load $((seconds / 10)) a b
calm
summary
keep
bad() { ! grep BAD notes; }
check "each transfer ended, well or with a word why" bad
check "many ended well" awk '/ ok /{ o++ } / told /{ t++ }
    END { print o, t; exit !(o > t) }' notes
for n in a b; do
	check "the record of $n is whole" as $n log --verify
	check "$n ends well" ends_well $n
done
finish
