#!/bin/bash
# soak.sh [BUILD]: SOAK_TIME seconds (1800) of calls that come and go between
# two hosts while their networks change and one of them is killed now and
# then. In the end: no file lost or wrong, no session left, and the sipd that
# lived through it all has the memory and the descriptors that it had when it
# was warm (after a fifth of the time, under the same load).
#
#   a: two uplinks; its sipd lives           b: behind a NAT; its sipd does not
#
# SOAK_SEED makes the same dice again. SOAK_KEEP is a folder for the logs.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/world.sh"
. "$LAB/sites.sh"
. "$LAB/peers.sh"
SOAK_TIME=${SOAK_TIME:-1800}
SOAK_SEED=${SOAK_SEED:-$(date +%s)}
PATIENCE=150    # seconds after which a dial hangs
echo "seed $SOAK_SEED, $SOAK_TIME s"

check "the world" world
check "a network with two uplinks, and one NAT" pair two port
peers_conf two port
# launch NAME: `ip netns exec` becomes what it runs, so the PID is sipd's
launch() {
	# a dial that found no sipd may be one itself, until it is done
	for try in 1 2 3 4 5 6 7 8 9 10; do
		ip netns exec "$1" sipd ${SOAK_VERBOSE:--v} \
		    -c "$T/$1/sipd.conf" >> "$T/$1/log" 2>&1 &
		echo $! > "$1.pid"
		sleep 1
		! kill -0 $! 2> /dev/null || break
	done
	wait_for 15 registered "$1"
}
for n in a b; do
	sed -i "s|^allow = .*|allow = file, pipe, get $T/$n/share|
		/^allow =/a allow = forward 127.0.0.1:8000, vpn of$n
		s|^command = .*|command = cat|" $n/sipd.conf
	printf '[vpn of%s]\naddress = 10.7.%d.1/24\n' $n $((0x$n)) \
	    >> $n/sipd.conf
	mkdir -p $n/share got.$n
	head -c 700000 /dev/urandom > $n/share/page
	ip netns exec $n busybox httpd -f -p 127.0.0.1:8000 -h "$T/$n/share" &
	check "$n starts" launch $n
done
www=$(sha256sum < b/share/page)
other() { [ "$1" = a ] && echo b || echo a; }
pick() { shift $((RANDOM % $#)); echo "$1"; }

# log of the workers: WHAT ok | told TEXT | BAD TEXT
note() { echo "$(date +%T) $*" >> "$T/notes"; }
# told CODE FILE WHAT: did the dial that failed say why?
told() {
	if [ "$1" = 124 ] || [ "$1" = 137 ]; then
		note "BAD $3: a dial hangs: $(tail -1 "$2")"
	elif grep -q '^dial: .' "$2"; then
		note "told $3: $(tail -1 "$2")"
	elif grep -qiE 'ended|vanished|declined|gone' "$2"; then
		note "told $3: $(tail -1 "$2")"
	else
		note "BAD $3: exit $1 without a word: $(tail -1 "$2")"
	fi
}
# dialing NAME OUT WORDS...: bounded in time
dialing() {
	n=$1 o=$2; shift 2
	ip netns exec "$n" timeout -k 5 $PATIENCE dial -c "$T/$n/sipd.conf" \
	    "$@" > "$o" 2>&1 < /dev/null
}

sum() { (cd "$1" && find . -type f | sort | xargs -d '\n' sha256sum |
    sha256sum); }
# a file or a tree, tried three times: where it stopped it goes on
send() {        # WORKER NUMBER
	from=$(pick a b) to=$(other "$from") name=f.$1.$2 out=$T/send.$1.said
	mkdir -p "$T/src.$1" && rm -rf "$T/src.$1"/*
	src=$T/src.$1/$name
	case $((RANDOM % 8)) in
	0) mkdir "$src"; for i in 1 2 3 4 5 6 7 8 9; do
		head -c $((RANDOM * i)) /dev/urandom > "$src/$i"; done ;;
	1) : > "$src" ;;
	2) head -c $((RANDOM * 1000)) /dev/urandom > "$src" ;;
	*) head -c $((RANDOM * 20)) /dev/urandom > "$src" ;;
	esac
	want=$(sum "$T/src.$1")
	for try in 1 2 3; do
		dialing "$from" "$out" "$to" send "$src"
		code=$?
		[ $code != 0 ] || break
		told $code "$out" "send from $from"
		sleep $((RANDOM % 4))
	done
	mkdir -p "$T/arrived.$1" && rm -rf "$T/arrived.$1"/*
	if [ -f "$src" ] || [ $code = 0 ]; then
		mv "$T/$to/inbox/$name" "$T/arrived.$1" 2> /dev/null
		if [ -e "$T/arrived.$1/$name" ]; then
			[ "$(sum "$T/arrived.$1")" = "$want" ] ||
				note "BAD send: $name is not what was sent"
		elif [ $code = 0 ]; then
			note "BAD send: $name is lost"
		fi
	fi
	[ $code != 0 ] || note "ok send"
	rm -rf "$T/$to/inbox/$name" "$T/$to"/inbox/."$name"*
}
get() {
	from=$(pick a b) to=$(other "$from") out=$T/get.$1.said
	rm -rf "$T/got.$from/$1"
	dialing "$from" "$out" "$to" get --into "$T/got.$from/$1" page
	code=$?
	if [ $code = 0 ]; then
		cmp "$T/got.$from/$1/page" "$T/$to/share/page" > "$out" 2>&1 &&
		    note "ok get" || note "BAD get: $(cat "$out")"
	else
		told $code "$out" "get from $to"
	fi
}
forward() {
	port=$((9000 + $1)) out=$T/forward.$1.said
	: > "$out"
	dialing a "$out" b forward $port:127.0.0.1:8000 &
	call=$!
	for i in $(seq $((RANDOM % 20 + 3))); do
		grep -q 'listening' "$out" || { sleep 1; continue; }
		got=$(at a curl -sf -m 20 http://127.0.0.1:$port/page |
		    sha256sum; exit "${PIPESTATUS[0]}")
		code=$?
		if [ $code != 0 ]; then
			note "told forward: curl $code"
		elif [ "$got" = "$www" ]; then
			note "ok forward"
		else
			note "BAD forward: another page"
		fi
		kill -0 $call 2> /dev/null || break
		sleep 0.$((RANDOM % 10))
	done
	by a -j list > "$T/forward.$1.list" 2>&1
	pkill -INT -f "dial -c $T/a/sipd.conf b forward $port:" -o
	wait $call
	code=$?
	[ $code = 0 ] || [ $code = 130 ] || told $code "$out" "forward"
}
pipe() {
	from=$(pick a b) to=$(other "$from") out=$T/pipe.$1.said
	head -c $((RANDOM * 50)) /dev/urandom > "$T/pipe.$1.in"
	ip netns exec "$from" timeout -k 5 $PATIENCE \
	    dial -c "$T/$from/sipd.conf" "$to" pipe < "$T/pipe.$1.in" \
	    > "$T/pipe.$1.out" 2> "$out"
	code=$?
	if [ $code != 0 ]; then
		told $code "$out" "pipe from $from"
	elif cmp "$T/pipe.$1.in" "$T/pipe.$1.out" > "$out" 2>&1; then
		note "ok pipe"
	else
		note "BAD pipe: $(cat "$out")"
	fi
}
vpn() {
	from=$(pick a a b) to=$(other "$from") out=$T/vpn.$1.said
	: > "$out"
	dialing "$from" "$out" "$to" vpn "of$to" &
	call=$!
	for i in $(seq $((RANDOM % 15 + 2))); do
		grep -q 'we are' "$out" || { sleep 1; continue; }
		if at "$from" ping -q -c 3 -i 0.2 -W 1 10.7.$((0x$to)).1 \
		    > /dev/null 2>&1; then
			note "ok vpn"
		else
			note "told vpn: no ping"
		fi
		kill -0 $call 2> /dev/null || break
		sleep 0.$((RANDOM % 10))
	done
	pkill -INT -f "dial -c $T/$from/sipd.conf $to vpn" -o
	wait $call
	code=$?
	[ $code = 0 ] || [ $code = 130 ] || told $code "$out" "vpn"
}
# a dial that is killed while it sends
abort() {
	from=$(pick a b) to=$(other "$from") src=$T/abort.$1
	head -c 20000000 /dev/urandom > "$src"
	( ip netns exec "$from" timeout -s KILL 0.$((RANDOM % 9 + 1)) \
	    dial -c "$T/$from/sipd.conf" "$to" send "$src"; : ) \
	    > /dev/null 2>&1
	rm -f "$T/$to"/inbox/*abort."$1"* "$T/$to"/inbox/.abort."$1"*
	sleep $((RANDOM % 3))
}

# worker NUMBER KIND: until the file "on" is gone
worker() {
	RANDOM=$((SOAK_SEED + $1))
	count=0
	while [ -e "$T/on" ]; do
		count=$((count + 1))
		"$2" "$1" $count
		sleep 0.$((RANDOM % 10))
	done
}

# what happens to the networks and to b
uplink_first() { ip -n a link set eth0 down; sleep $((RANDOM % 8 + 2))
	ip -n a link set eth0 up
	ip -n a route add default via 192.168.1.1 2> /dev/null; }
uplink_second() { ip -n ar2 link set to-a down 2> /dev/null ||
	ip -n a link set eth1 down; sleep $((RANDOM % 8 + 2))
	ip -n ar2 link set to-a up 2> /dev/null || ip -n a link set eth1 up; }
uplink_router() { ip -n ar link set to-a down; sleep $((RANDOM % 5 + 2))
	ip -n ar link set to-a up; }
address() { ip -n a addr add 192.168.1.$((RANDOM % 100 + 100))/24 dev eth0; }
address_gone() { ip -n a -o addr show dev eth0 |
	sed -n 's/.* \(192.168.1.1[0-9][0-9]\/24\).*/\1/p' |
	while read -r x; do ip -n a addr del "$x" dev eth0; done; }
reboot() { kill -USR2 "$nat_br"; }
renumber() { kill -HUP "$nat_br"; }
power() { kill -STOP "$nat_br"; sleep 1; kill -USR2 "$nat_br"
	kill -CONT "$nat_br"; }
hangup() { by "$(pick a b)" hangup all; }
reload() { by a reload; }
killed() { kill -KILL "$(cat b.pid)"; sleep $((RANDOM % 3)); launch b; }
told_to_end() { kill -TERM "$(cat b.pid)"; sleep $((RANDOM % 3 + 1)); launch b; }
disturb() {
	RANDOM=$SOAK_SEED
	while [ -e "$T/on" ]; do
		sleep $((RANDOM % 8 + 3))
		what=$(pick uplink_first uplink_second uplink_router address \
		    address_gone reboot renumber power hangup reload killed \
		    killed told_to_end)
		note "-- $what"
		$what > "$T/disturb.out" 2>&1
	done
}

# load SECONDS: all of it, until nothing is under way
load() {
	: > "$T/on"
	workers= n=0
	for w in send send get pipe forward vpn abort; do
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
	# the last ones notice in time
	wait_for 40 none a
	wait_for 40 none b
	sleep 35
}
none() { [ -z "$(as "$1" list)" ]; }
memory() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(cat a.pid)/status"; }
descriptors() { ls "/proc/$(cat a.pid)/fd" | wc -l; }
# by all that it is told, not by its code: b is a child of disturb
ends_well() {
	p=$(cat "$1.pid")
	kill -TERM "$p"
	over() { ! kill -0 "$p" 2> /dev/null || grep -q '^State:.Z' \
	    "/proc/$p/status"; }
	wait_for 10 over
}
keep() {
	[ -z "${SOAK_KEEP:-}" ] || { mkdir -p "$SOAK_KEEP"
	    for f in notes a/log b/log a/calls.log b/calls.log; do
		cp "$f" "$SOAK_KEEP/${f/\//.}"; done; }
}

: > notes
load $((SOAK_TIME / 5))
warm=$(memory) open=$(descriptors)
echo "warm: $warm KB, $open descriptors; $(grep -c ' ok ' notes) done"
load $((SOAK_TIME - SOAK_TIME / 5))
end=$(memory)

echo "in the end: $end KB, $(descriptors) descriptors"
sed -n 's/^[^ ]* \(ok [a-z]*\|-- [a-z_]*\|told .*\)$/\1/p' notes |
    sed 's/[0-9][0-9.:]*/N/g' | sort | uniq -c | sort -rn
keep
bad() { ! grep BAD notes; }
check "a's sipd has lived through it" kill -0 "$(cat a.pid)"
check "each transfer ended, well or with a word why" bad
check "most ended well" awk '/ ok /{ o++ } / told /{ t++ }
    END { print o, t; exit !(o > 3 * t) }' notes
check "a has no session left" none a
check "b has no session left" none b
# a sanitizer keeps what is freed
if nm -D "$(command -v sipd)" | grep -q __asan_init\|__tsan_init; then
	echo "skipped: memory: sipd is built with a sanitizer"
else
	check "memory: $warm KB, then $end" \
	    test "$end" -le $((warm * 105 / 100))
fi
fewer() { descriptors; [ "$(descriptors)" -le "$open" ]; }
check "descriptors" wait_for 40 fewer
check "a ends well" ends_well a
check "b too" ends_well b
finish
