#!/bin/sh
# rights.sh: files where the running sipd may not read or write: dial, whose
# user may, makes a call of its own.
#
#   root's dial --order--> sipd, user nobody: may not
#        |<-----------------+
#        +--> call by itself, state and key of that sipd --> bob
. "$(dirname "$0")/lib.sh"
[ "$(awk '{ print $3 }' /proc/self/uid_map)" -gt 65534 ] || {
	echo "skipped: no user but root in this namespace"
	echo "$E2E_NAME: 0 passed, 0 failed"; exit 0; }
chmod 755 "$T"
mount -t tmpfs -o mode=755 tmpfs /var/lib
unset XDG_STATE_HOME XDG_RUNTIME_DIR STATE_DIRECTORY
cd "$T" || exit 1

# sipd_nobody TEXT: sipd as nobody, with these lines behind
sipd_nobody() {
	printf '[sipd]\nuser = nobody\nport = 5062\n%s\n' "$1" > sipd.conf
	chown nobody sipd.conf
	chmod 600 sipd.conf
	sipd -v -c "$T/sipd.conf" > box/log 2>&1 &
	pid=$!
	wait_for 10 dial -c "$T/sipd.conf" status
}
sipd_ends() { kill $pid; wait $pid; }
mkdir box bob share roots open ro
check "sipd starts as the user nobody" sipd_nobody ""
f=$(dial -c "$T/sipd.conf" identity) fb=$(key bob)
check "it ends" sipd_ends
conf bob <<EOT
[peer box]
fingerprint = $f
allow = file, get $T/share
EOT
chmod 700 roots
chmod 777 open
echo hello > share/x
echo secret > roots/secret
chmod 600 roots/secret
mount -t tmpfs -o mode=777 tmpfs ro
mount -o remount,ro ro
check "bob starts" start bob
check "so does the other again" sipd_nobody "[peer bob]
address = sip:127.0.0.1:5060
fingerprint = $fb"
d() { dial -c "$T/sipd.conf" bob "$@"; }
# got FILE USER: it is there, and whose it is
got() {
	cmp share/x "$1" || return
	stat -c '%U' "$1"
	[ "$(stat -c '%U' "$1")" = "$2" ]
}
calls() { grep -c '"direction":"in"' bob/calls.log; }

check "get: into a folder of root's" d get --into roots x
check "it is there, root's" got roots/x root
check "into one that is to be made" d get --into roots/new/er x
check "it is there" got roots/new/er/x root
check "where only Landlock forbids it" d get --into open x
check "it is there" got open/x root
check "into sipd's own" d get --into /var/lib/dialtone/inbox x
check "by sipd" got /var/lib/dialtone/inbox/x nobody
check "send: what sipd may not read" d send roots/secret
check "it came" cmp roots/secret bob/inbox/secret
check "bob had five calls" test "$(calls)" = 5
check "a file system that is for reading: said before a call" \
    fails_with 2 "Nothing can be stored in $T/ro by the user root: Read-only" \
    d get --into "$T/ro" x
check "as JSON: once, with the reason" sh -c \
    "! dial -j -c '$T/sipd.conf' bob get --into '$T/ro' x > ro.json
     cat ro.json; [ \$(wc -l < ro.json) = 1 ] && grep -q Read-only ro.json"
check "what is not there" fails_with 2 "nowhere cannot be sent: No such" \
    d send nowhere
check "bob had no more calls" test "$(calls)" = 5
check "nothing in sipd's folder is root's" sh -c \
    "! find /var/lib/dialtone -user root -not -name dialtone | grep ."
check "sipd still makes calls" d get --into /var/lib/dialtone/inbox "$T/share"
check "and ends" sipd_ends
umount ro
finish
