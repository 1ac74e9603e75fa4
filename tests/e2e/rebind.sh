#!/bin/sh
# rebind.sh: a name that alice may not decide: bob lets her forward to one
# address, and the name she forwards to leads there at first, then elsewhere
# (DNS rebinding). What counts is the address that is connected to.
. "$(dirname "$0")/lib.sh"

# the names of this mount namespace
printf '127.0.0.1 localhost web.test\n' > "$T/hosts"
mount --bind "$T/hosts" /etc/hosts
leads_to() { printf '127.0.0.1 localhost\n%s web.test\n' "$@" > "$T/hosts"; }

neighbours "forward 127.0.0.1:8000" < /dev/null
mkdir "$T/open" "$T/secret"
echo open > "$T/open/page"
echo secret > "$T/secret/page"
busybox httpd -f -p 127.0.0.1:8000 -h "$T/open" &
busybox httpd -f -p 127.0.0.2:8000 -h "$T/secret" &
start bob
start alice
secret_is_there() {
	curl -sf -m 5 http://127.0.0.2:8000/page | grep -qx secret
}
check "the secret is there" wait_for 5 secret_is_there
behind alice said bob forward 8002:web.test:8000
forward=$behind
check "the forward listens" wait_for 10 grep -q 8002 "$T/said"
gets() { curl -sf -m 5 http://127.0.0.1:8002/page | grep -qx "$1"; }
refused() { ! curl -s -m 5 http://127.0.0.1:8002/page; }
check "the name leads to what is allowed" gets open
leads_to 127.0.0.2
check "it leads elsewhere: refused" refused
check "and alice is told" wait_for 5 says alice \
    "web.test:8000 could not be connected to by bob: Permission denied"
leads_to 127.0.0.2 127.0.0.1
check "to both: only what is allowed is connected to" gets open
leads_to 127.0.0.1
check "back again: allowed again" gets open
kill -TERM $forward
check "the forward ends" ends 130 $forward
finish
