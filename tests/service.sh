#!/bin/sh
# service.sh: does a fresh Debian 12 come to a sipd that runs as a service, by
# what README says and nothing else? In a system of its own (debian.sh; about
# 1 GB while it lasts, a few minutes) that is booted with systemd.
#
#   [ nspawn: systemd -> sipd, user dialtone ] <--veth--> [ netns far: dial ]
set -u
NAME=service SUITE=bookworm
. "$(dirname "$0")/debian.sh"

# boot: until systemd says that all is up
boot() {
	umount "$root/proc" "$root/dev/pts"
	SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn -q -D "$root" \
		--private-network --register=no --keep-unit \
		--system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self" \
		--bind /dev/net/tun --console=pipe --boot \
		> "$top/boot" 2>&1 < /dev/null &
	for _ in $(seq 300); do
		init=$(pgrep -P "$(pgrep -P $! -x systemd-nspawn || echo $!)" \
		    -x systemd) &&
		    inside 'systemctl is-system-running' && return
		sleep 0.2
	done
	cat "$top/boot"
	return 1
}
# the booted system's shell
inside() {
	nsenter -t "$init" -m -u -i -n -p env -i HOME=/root LC_ALL=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin sh -c "$1"
}
try() { step "$1" inside "$2"; }

step "a Debian 12 in $root" bootstrap \
	systemd,systemd-sysv,dbus,make,logrotate,iproute2
step "the sources" sources
step "make install" within 'make install'
step "it boots" boot
try "make install again" 'cd /src && make install'
try "the configuration is not for everybody" \
	'[ "$(stat -c "%a %U %G" /etc/dialtone/sipd.conf)" = "640 root dialtone" ]'
try "sipd starts" 'systemctl enable --now sipd
	for i in $(seq 50); do dial status && exit; sleep 0.1; done; exit 1'
try "as its own user" '[ "$(stat -c %U /run/dialtone/control)" = dialtone ]'
try "and is content" \
	'! journalctl -u sipd -o cat | grep -E "warn:|error:|Unknown|ignoring"'
# a peer elsewhere
try "another host" 'ip netns add far
	ip link add e0 type veth peer name e1 netns far
	ip addr add 192.0.2.1/24 dev e0 && ip link set e0 up
	ip -n far addr add 192.0.2.2/24 dev e1 && ip -n far link set e1 up
	ip -n far link set lo up
	printf "[sipd]\nstate = /root/far\n[peer hub]\naddress = 192.0.2.1\nfingerprint = %s\nallow = get /usr/bin\n" \
	    "$(dial identity)" > /root/far.conf
	printf "[peer far]\naddress = 192.0.2.2\nfingerprint = %s\nallow = file, vpn office\n[vpn office]\naddress = 10.7.0.1/24\nroutes = 198.51.100.0/24\n" \
	    "$(dial -c /root/far.conf identity)" >> /etc/dialtone/sipd.conf'
try "reload" 'systemctl reload sipd'
try "the new address is listened on" 'for i in $(seq 100); do
	ss -Hltn | grep -q 192.0.2.1:5060 && exit; sleep 0.1; done; exit 1'
far='ip netns exec far dial -c /root/far.conf hub'
try "a file arrives" "$far send /usr/bin/env &&
	cmp /usr/bin/env /var/lib/dialtone/inbox/env"
try "what root gets is where root says" '
	ip netns exec far sipd -c /root/far.conf & sipd=$!
	for i in $(seq 50); do dial -c /root/far.conf status && break
		sleep 0.1; done
	dial far get /usr/bin/env --into /tmp/new && cmp /usr/bin/env /tmp/new/env
	code=$?; kill $sipd; wait $sipd; exit $code'
try "a VPN is refused with a sentence" "$far vpn office 2>&1 |
	grep -q 'no /dev/net/tun'"
try "sipd(8) tells what lets it" 'mkdir /etc/systemd/system/sipd.service.d
	sed -n "/^\[Service\]/,/^\.Ed/p" /usr/local/share/man/man8/sipd.8 |
	    grep -v "^\.Ed" > /etc/systemd/system/sipd.service.d/vpn.conf
	systemctl daemon-reload && systemctl restart sipd
	for i in $(seq 50); do dial status && exit; sleep 0.1; done; exit 1'
try "then there is one" "$far vpn office routes > /tmp/vpn 2>&1 &
	for i in \$(seq 100); do
		ip -n far route | grep -q '^198.51.100.0/24 dev vpn0' && exit
		sleep 0.1
	done
	cat /tmp/vpn; exit 1"
try "a wrong key is named" 'echo "bogus = 1" >> /etc/dialtone/sipd.conf
	! systemctl reload sipd &&
	timeout 10 sh -c "until journalctl -u sipd -o cat |
	    grep -q \"unknown key .bogus.\"; do sleep 0.1; done"
	code=$?
	sed -i /^bogus/d /etc/dialtone/sipd.conf
	exit $code'
try "what root pins meanwhile is read" 'systemctl stop sipd
	dial trust carol@example.org "$(dial identity | tr 0-9A-F 1-9A-F0)"
	systemctl start sipd
	for i in $(seq 50); do dial trust | grep -q carol && exit; sleep 0.1
	done; exit 1'
try "another user has a dial too" 'useradd -m joe
	su joe -c "dial identity" && su joe -c "dial status" 2>&1 |
	    grep -q "asked by root"'
try "the call log is rotated" 'logrotate -f /etc/logrotate.d/dialtone &&
	[ -s /var/lib/dialtone/calls.log.1 ] && dial log --verify'
try "uninstalled" 'cd /src && make uninstall && ! systemctl status sipd &&
	[ -z "$(find /usr/local /etc/logrotate.d -type f -name "*dial*" -o -type f -name "*sipd*")" ] &&
	[ -s /var/lib/dialtone/identity.pem ]'
inside 'systemctl poweroff' > /dev/null 2>&1
wait
finish
