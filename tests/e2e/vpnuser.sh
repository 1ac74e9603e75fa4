#!/bin/sh
# vpnuser.sh: a VPN without root: sipd as an ordinary user with CAP_NET_ADMIN
# alone, started by users whom its configuration names; and in a container.
#
#   alice 10.1.0.2 ─┬─ bridge ─ 10.1.0.1 hub     both sipd: nobody, NET_ADMIN
#   box   10.1.0.3 ─┘                            box: a user namespace
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] && grep -q ' 4294967295$' /proc/self/uid_map || {
	echo "skipped: vpnuser: to be other users it needs root"
	echo "$E2E_NAME: 0 passed, 0 failed"; exit 0; }
chmod 755 "$T"
bridge br0
check "two hosts" host hub 10.1.0.1/24
check "the second" host alice 10.1.0.2/24
# the hub's host has a network behind it
ip -n hub link add lan0 type bridge
ip -n hub addr add 192.0.2.1/24 dev lan0
ip -n hub link set lan0 up

fa=$(key alice) fh=$(key hub) fb=$(key box)
mkdir -p /run/dialtone /run/hub
conf alice <<EOT
control = /run/dialtone/control
port = 5060
[peer hub]
address = sip:10.1.0.1
fingerprint = $fh
[vpn office]
users = daemon, @games
[vpn other]
users = bin
EOT
conf box <<EOT
port = 5060
[peer hub]
address = sip:10.1.0.1
fingerprint = $fh
EOT
conf hub <<EOT
[peer alice]
fingerprint = $fa
allow = all
[peer box]
fingerprint = $fb
allow = all
[vpn office]
address = 10.7.0.1/24, fd07::1/64
routes = 192.0.2.0/24
nat = yes
EOT
chown -R nobody "$T/alice" "$T/hub" /run/dialtone /run/hub
cap() {         # cap HOST COMMAND...: as nobody, with CAP_NET_ADMIN alone
	n=$1
	shift
	ip netns exec "$n" setpriv --reuid nobody --regid nogroup \
		--clear-groups --inh-caps=-all,+net_admin \
		--ambient-caps=-all,+net_admin --bounding-set=-all,+net_admin \
		env RUNTIME_DIRECTORY=/run/hub sipd -v \
		-c "$T/$n/sipd.conf" >> "$T/$n/log" 2>&1 &
	eval "pid_$n=$!"
	shift $#
	wait_for 10 says "$n" "sipd is ready"
}
check "the hub starts as nobody" cap hub
check "alice's sipd too" cap alice
check "it has no other right" grep -qx 'CapEff:	0000000000001000' \
	"/proc/$pid_alice/status"

# user USER:GROUP WORDS...: dial of an ordinary user without a configuration
mkdir "$T/home"
chmod 777 "$T/home"
exec=
user() {
	u=${1%:*} g=${1#*:}
	shift
	$exec ip netns exec alice setpriv --reuid "$u" --regid daemon --groups "$g" \
		--inh-caps=-all --bounding-set=-all \
		env HOME="$T/home" XDG_STATE_HOME= XDG_RUNTIME_DIR= \
		dial "$@" < /dev/null
}
# call USER:GROUP OUT
call() {
	exec=exec
	user "$1" hub vpn office > "$T/$2" 2>&1 &
	called=$!
	exec=
	wait_for 10 grep -q "we are" "$T/$2" || { cat "$T/$2"; return 1; }
}
leave() { kill -INT "$1"; wait "$1"; :; }
gone() { ! at "$1" ip -o link | grep -q vpn; }

check "a user whom the configuration names calls" call daemon:daemon said
check "ping" at alice ping -q -c 1 -W 2 10.7.0.1
check "forwarding is on at the hub" \
	at hub grep -q 1 /proc/sys/net/ipv4/ip_forward
check "and NAT" sh -c "ip netns exec hub nft list ruleset | grep -q masquer"
check "it ends with dial" leave $called
check "the interface is gone" wait_for 5 gone alice
check "at the hub too" wait_for 5 gone hub
check "and forwarding is off" \
	wait_for 5 at hub grep -q 0 /proc/sys/net/ipv4/ip_forward
check "one of a group whom it names" call man:games said2
leave $called
no="lets this user do no more"
check "somebody else may not" fails_with 1 "$no" user bin:daemon hub vpn office
check "nor a user in another network" fails_with 1 "$no" \
	user daemon:daemon hub vpn other
check "nor take more than the configuration does" fails_with 1 "$no" \
	user daemon:daemon hub vpn office routes
for cmd in status list log reload trust identity wait answer pair; do
	check "$cmd is not for them" sh -c "printf '{\"cmd\":\"$cmd\"}\n' |
		setpriv --reuid daemon --regid daemon --clear-groups \
		socat -t 2 - UNIX:/run/dialtone/control |
		grep -q 'belongs to another user'"
done
check "nor other tunnels" sh -c "echo '{\"cmd\":\"dial\",\"peer\":\"hub\",
	\"tunnels\":[{\"kind\":\"file\",\"args\":[\"/etc/passwd\"]}]}' |
	tr -d '\n\t' | { cat; echo; } |
	setpriv --reuid daemon --regid daemon --clear-groups \
	socat -t 2 - UNIX:/run/dialtone/control | grep -q '$no'"
check "sipd's own user may all" setpriv --reuid nobody --regid nogroup \
	--clear-groups dial -c "$T/alice/sipd.conf" status

# root with user = keeps that right alone
check "alice's sipd ends well" stop alice
sed -i 's/^port = .*/&\nuser = nobody/' "$T/alice/sipd.conf"
: > "$T/alice/log"
ip netns exec alice sipd -v -c "$T/alice/sipd.conf" >> "$T/alice/log" 2>&1 &
pid_alice=$!
check "started by root" wait_for 10 says alice "sipd is ready"
check "it becomes nobody" sh -c "grep -q '^Uid:	65534	65534' \
	/proc/$pid_alice/status"
check "with that right alone" grep -qx 'CapEff:	0000000000001000' \
	"/proc/$pid_alice/status"
check "a user calls" call daemon:daemon said3
check "ping" at alice ping -q -c 1 -W 2 10.7.0.1
leave $called
check "it ends well" stop alice

# in a container: root of a user namespace, with a network of its own
unshare --user --map-root-user --net sh -c "
	ip link set lo up
	until ip addr add 10.1.0.3/24 dev eth0 2> /dev/null; do sleep 0.1; done
	ip link set eth0 up
	exec dial -c '$T/box/sipd.conf' hub vpn office routes" \
	< /dev/null > "$T/said4" 2>&1 &
box=$!
ip link add box type veth peer name eth0
ip link set box addrgenmode none master br0 up
inside() { [ "$(readlink "/proc/$box/ns/net")" != \
	"$(readlink /proc/self/ns/net)" ]; }
check "a container" wait_for 5 inside
ip link set eth0 netns $box
check "calls" wait_for 10 grep -q "we are" "$T/said4"
check "ping from there" nsenter -t $box --user --net \
	ping -q -c 1 -W 2 10.7.0.1
check "and by the route" nsenter -t $box --user --net \
	ping -q -c 1 -W 2 192.0.2.1
leave $box
check "the hub ends well" stop hub
finish
