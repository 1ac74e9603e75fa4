#!/bin/sh
# privs.sh: sipd as a user of its own: what root leaves behind on the way
# there, what it keeps, and what the programs that it runs get of it.
#
#   root --user = nobody--> sipd --[pipe] command--> sh
#   a unit: never root, CAP_NET_BIND_SERVICE, state in /var/lib/dialtone
. "$(dirname "$0")/lib.sh"
[ "$(awk '{ print $3 }' /proc/self/uid_map)" -gt 65534 ] || {
	echo "skipped: no user but root in this namespace"
	echo "$E2E_NAME: 0 passed, 0 failed"; exit 0; }
chmod 755 "$T"
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib
nobody=$(id -u nobody) nogroup=$(id -g nobody)
net_admin=0000000000001000 bind=0000000000000400 none=0000000000000000
unset XDG_STATE_HOME XDG_RUNTIME_DIR STATE_DIRECTORY
cd "$T" || exit 1

# root TEXT: sipd by root with these lines in [sipd] and behind
root() {
	printf '[sipd]\nuser = nobody\n%s\n' "$1" > "$T/sipd.conf"
	chown "$nobody" "$T/sipd.conf"
	chmod 600 "$T/sipd.conf"
	: > "$T/log"
	sipd -v -c "$T/sipd.conf" > "$T/log" 2>&1 &
	pid=$!
	wait_for 10 decided
	grep -q "sipd is ready" "$T/log" || { cat "$T/log"; false; }
}
decided() { grep -q "sipd is ready" "$T/log" || ! kill -0 "$pid"; }
ends_well() { kill -TERM "$pid"; wait "$pid"; }
# has WORD VALUE: a line of its status
has() {
	grep "^$1:" "/proc/$pid/status"
	[ "$(sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/status" |
	    tr '\t' ' ' | sed 's/ $//')" = "$2" ]
}
# rights VALUE: these capabilities and no others, of which a program gets none
rights() {
	has CapPrm "$1" && has CapEff "$1" && has CapAmb $none
}
is() { stat -c '%U %a %F' "$1"; [ "$(stat -c '%U %a %F' "$1")" = "$2" ]; }

# --- without anything that needs a right
check "root starts sipd" root 'port = 5060'
check "it is nobody" has Uid "$nobody $nobody $nobody $nobody"
check "of nobody's group" has Gid "$nogroup $nogroup $nogroup $nogroup"
check "and no other" has Groups "$nogroup"
check "it has no right, and can take none back" rights $none
check "nor its programs" has CapBnd 0000000000001400
check "it has state of its own" is /var/lib/dialtone "nobody 700 directory"
check "with an inbox" is /var/lib/dialtone/inbox "nobody 700 directory"
check "and a control socket" is /run/dialtone "nobody 755 directory"
check "which root's dial finds" dial -c "$T/sipd.conf" status
check "it ends" ends_well

# --- with a port of root's, or a VPN
check "a low port" root '[nat]
tls-port = 443'
check "is all that it may have" rights $bind
check "it has it" sh -c "ss -Hltn 'sport = :443' | grep -q ."
check "it ends" ends_well
echo alice:pw > "$T/users"
chown "$nobody" "$T/users"
chmod 600 "$T/users"
check "a meeting point at a low port" root "[registrar]
listen = udp:127.0.0.1:506
users-file = $T/users"
check "may have that" rights $bind
check "it ends" ends_well

f=$(key alice)
check "a VPN and a pipe" root "port = 5070
[peer alice]
fingerprint = $f
allow = pipe
[pipe]
command = grep Cap /proc/self/status
[vpn office]
address = 10.7.0.1/24"
check "one may make interfaces" rights $net_admin
conf alice <<EOT
port = 5072
[peer box]
address = sip:127.0.0.1:5070
fingerprint = $(dial -c "$T/sipd.conf" identity)
EOT
as alice box pipe < /dev/null > "$T/caps" 2> "$T/caps.err"
check "the peer's command has run" sh -c "cat $T/caps.err; grep CapEff $T/caps"
check "without that right" grep -q "^CapEff:.*$none" "$T/caps"
check "nor can it get it" grep -q "^CapPrm:.*$none" "$T/caps"
check "it ends" ends_well

# --- what root would have been able to do for it
echo hidden > "$T/hidden"
chmod 600 "$T/hidden"
check "the user reads the configuration, not root" \
    fails_with 1 "hidden" root "port = 5060
[account]
address = a@demo.example
registrar = sip:127.0.0.1
password-file = $T/hidden"
mkdir "$T/open" "$T/roots"
chmod 1777 "$T/open"
ln -s "$T/roots" "$T/open/state"
root "state = $T/open/state" > /dev/null
kill $pid 2> /dev/null
check "a link is not followed for it" is "$T/roots" "root 755 directory"
root "control = $T/roots/control" > /dev/null
kill $pid 2> /dev/null
check "nor is a folder of root's given away" \
    is "$T/roots" "root 755 directory"
check "nor a log that is there" sh -c "echo x > '$T/roots/log'; chmod 600 '$T/roots/log'"
check "which is said" fails_with 1 "cannot be opened" root "log = $T/roots/log"
check "a log that is not, is made" sh -c "rm '$T/roots/log'"
printf '[sipd]\nuser = nobody\nport = 5060\nlog = %s\n' "$T/roots/log" \
    > "$T/sipd.conf"
sipd -v -c "$T/sipd.conf" > "$T/log" 2>&1 &
pid=$!
check "and written to" wait_for 5 grep -q "sipd is ready" "$T/roots/log"
check "as the user's" is "$T/roots/log" "nobody 640 regular file"
check "it ends" ends_well
printf '\357\273\277[sipd]\nuser = nobody\n' > "$T/sipd.conf"
check "who is not understood does not stay root" \
    fails_with 1 "sipd runs as root, though" sipd -c "$T/sipd.conf"
check "nor at a check" \
    fails_with 1 "sipd runs as root, though" sipd -t -c "$T/sipd.conf"
printf '[sipd]\nuser = nosuchuser\n' > "$T/sipd.conf"
check "a user who is not there" \
    fails_with 1 "There is no user nosuchuser" sipd -c "$T/sipd.conf"

# --- as etc/sipd.service does it, with the configuration as it comes
rm -rf /var/lib/dialtone /run/dialtone
install -d -o nobody -m 700 /var/lib/dialtone
install -d -o nobody -m 755 /run/dialtone
cp "$OLDPWD/etc/sipd.conf" "$T/shipped.conf"
setpriv --reuid nobody --regid nogroup --clear-groups \
    --inh-caps=-all,+net_bind_service,+sys_admin \
    --ambient-caps=-all,+net_bind_service,+sys_admin \
    env HOME=/ STATE_DIRECTORY=/var/lib/dialtone \
    RUNTIME_DIRECTORY=/run/dialtone sipd -v -c "$T/shipped.conf" \
    > "$T/log" 2>&1 &
pid=$!
check "a unit with the configuration as it comes" \
    wait_for 10 dial -c "$T/shipped.conf" status
check "keeps what may be needed of what it was given" rights $bind
check "its inbox is with its state" test -d /var/lib/dialtone/inbox
check "it ends" ends_well
finish
