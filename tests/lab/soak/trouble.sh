# trouble.sh: what happens to the hosts and to their networks while soak.sh
# runs. Each function is one trouble, over when it returns.

# rest N: up to so many seconds, and two
rest() { roll secs "$1"; sleep $((secs + 2)); }

uplink_first() { ip -n a link set eth0 down; rest 8
	ip -n a link set eth0 up
	ip -n a route add default via 192.168.1.1 2> /dev/null; }
uplink_second() { ip -n a link set eth1 down; rest 8
	ip -n a link set eth1 up
	ip -n a -batch - 2> /dev/null <<-EOT
	route add default via 192.168.2.1 metric 100
	route add default via 192.168.2.1 table 2
	EOT
}
uplink_router() { ip -n ar link set to-a down; rest 5
	ip -n ar link set to-a up; }
address() { roll number 100
	ip -n a addr add 192.168.1.$((number + 100))/24 dev eth0; }
address_gone() { ip -n a -o addr show dev eth0 |
	sed -n 's/.* \(192.168.1.1[0-9][0-9]\/24\).*/\1/p' |
	while read -r x; do ip -n a addr del "$x" dev eth0; done; }
# of b's NAT: it forgets; it has another address; it was off
reboot() { kill -USR2 "$nat_br"; }
renumber() { kill -HUP "$nat_br"; }
power() { kill -STOP "$nat_br"; sleep 1; kill -USR2 "$nat_br"
	kill -CONT "$nat_br"; }
# the relay is another one, which knows of no allocation
relay() { kill -KILL "$(cat turn.pid)"; rest 3
	relay_start turn 198.51.100.10 198.51.100.11 2001:db8:5::10; }

hangup() { draw who a b; by "$who" hangup all; }
reload() { by a reload; }
gone() { p=$(cat "$1.pid")
	! kill -0 "$p" 2> /dev/null ||
	    grep -q '^State:.Z' "/proc/$p/status"; }
# at once, or after a while
killed() { draw who $victims; roll secs 3
	note "-- killed $who"
	kill -KILL "$(cat "$who.pid")"
	sleep $secs
	launch "$who"; }
told_to_end() { draw who $victims; roll secs 3
	kill -TERM "$(cat "$who.pid")"
	wait_for 10 gone "$who" || note "BAD $who: does not end"
	sleep $secs
	launch "$who"; }

# launch NAME: `ip netns exec` becomes what it runs, so the PID is sipd's
launch() {
	ip netns exec "$1" sipd -v -c "$T/$1/sipd.conf" >> "$T/$1/log" 2>&1 &
	echo $! > "$1.pid"
	wait_for 15 as "$1" status || { note "BAD $1: does not start"; false; }
}

disturb() {
	RANDOM=$SEED
	while [ -e "$T/on" ]; do
		roll secs 8
		sleep $((secs + 3))
		draw what uplink_first uplink_second uplink_router address \
		    address_gone reboot renumber power relay hangup reload \
		    killed killed told_to_end
		[ $what = killed ] || note "-- $what"
		$what > "$T/disturb.out" 2>&1
	done
}
