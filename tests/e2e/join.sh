#!/bin/sh
# join.sh: tunnels that join a session which runs and leave it again, by
# re-INVITE; and what a dial does when that session is over already.
#
#   alice 10.1.0.2 -- bridge -- 10.1.0.1 bob      forward, then vpn, a file,
#                                                 a pipe; the vpn leaves first
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
bridge br0
host bob 10.1.0.1/24
host alice 10.1.0.2/24

fa=$(key alice) fb=$(key bob)
conf alice <<EOT
[peer bob]
address = sip:10.1.0.1
fingerprint = $fb
[vpn office]
EOT
conf bob <<EOT
[peer alice]
fingerprint = $fa
allow = file, pipe, forward 127.0.0.1:8000, vpn office
[pipe]
command = cat
[vpn office]
address = 10.7.0.1/24, fd07::1/64
EOT
head -c 2000000 /dev/urandom > two.bin
at bob socat TCP-LISTEN:8000,fork,reuseaddr EXEC:cat &
check "bob starts" launch bob
check "alice starts" launch alice

# starts OUT TEXT WORD...: a dial of alice's in the background, until it says
# that; its PID in $started
starts() {
	o=$1 text=$2; shift 2
	: > "$o"
	ip netns exec alice dial -c "$T/alice/sipd.conf" bob "$@" \
	    < /dev/null > "$o" 2>&1 &
	started=$!
	wait_for 10 grep -q "$text" "$o" || { cat "$o"; return 1; }
}
tunnels() {     # NAME LIST: one session, with these
	as "$1" list > list.out
	cat list.out
	[ "$(wc -l < list.out)" = 1 ] && grep -q " $2 " list.out
}
both() { tunnels alice "$1" && tunnels bob "$1"; }
leave() { kill -INT "$1"; wait "$1"; :; }
no_vpn() { ! at "$1" ip -o link | grep "vpn\|office"; }

check "a forward" starts fw.out "listening on" forward 8001:127.0.0.1:8000
forward=$started
# one connection of it lives through all that follows
mkfifo in out
at alice socat TCP:127.0.0.1:8001 - < in > out &
exec 8> in 9< out
echoed() { echo "$1" >&8 && read -r line <&9 && [ "$line" = "$1" ]; }
check "a connection" echoed one
check "the session has a forward" both forward

check "a VPN joins" starts vpn.out "we are" vpn office
vpn=$started
check "it is the same session" both forward,vpn
check "ping, IPv4" at alice ping -q -c 2 -i 0.2 -W 2 10.7.0.1
check "ping, IPv6" at alice ping -q -c 2 -i 0.2 -W 2 fd07::1
check "the connection lives" echoed two
check "a file joins" by alice bob send two.bin
check "it is there" cmp two.bin bob/inbox/two.bin
check "a pipe joins" sh -c "ip netns exec alice dial -c alice/sipd.conf bob \
    pipe < two.bin | cmp - two.bin"
check "both have left" wait_for 5 both forward,vpn
check "ping meanwhile" at alice ping -q -c 2 -i 0.2 -W 2 10.7.0.1

leave $vpn
check "the VPN leaves" wait_for 5 both forward
check "its interface at alice's" wait_for 5 no_vpn alice
check "and at bob's" wait_for 5 no_vpn bob
check "the connection lives" echoed three
check "a VPN joins again" starts vpn2.out "we are" vpn office
vpn=$started
check "ping" at alice ping -q -c 2 -i 0.2 -W 2 10.7.0.1
leave $forward
check "the forward leaves" wait_for 5 both vpn
check "ping all the same" at alice ping -q -c 2 -i 0.2 -W 2 10.7.0.1
leave $vpn
gone() { [ -z "$(as alice list)" ] && [ -z "$(as bob list)" ]; }
check "with the last one the session ends" wait_for 5 gone
check "no interface is left" sh -c "! ip -n alice -o link | grep vpn"
check "it was one session" test "$(grep -c '"tunnel":"forward' \
    bob/calls.log)" = 1

# --- the session is over, and alice's sipd does not know yet
begin_stale() {
	starts stale.out "listening on" forward 8002:127.0.0.1:8000 &&
	    tunnels bob forward && crash bob && launch bob
}
check "bob is killed and back, alice has a session" begin_stale
check "a file is dialled anew" by alice bob send two.bin
check "and told to be there already" test ! -e "bob/inbox/two (1).bin"
check "the rest of the old session ends" ends 1 $started
check "once more" begin_stale
check "a pipe, with all of its input" sh -c "ip netns exec alice dial \
    -c alice/sipd.conf bob pipe < two.bin | cmp - two.bin"
check "the old one ends" ends 1 $started
check "bob is killed and not back" starts stale.out "listening on" forward \
    8002:127.0.0.1:8000
crash bob
check "that is told" fails_with 1 "dial: " by alice bob send two.bin
check "alice's sipd lives" alive alice
check "it ends well" stop alice
finish
