#!/bin/sh
# demo.sh [BUILD]: the main job, done before your eyes on this machine: a
# meeting point and two peers, each in a folder of its own, as an ordinary
# user; a file, a tree, a forwarded port and a pipe. Leaves nothing behind.
#
#   alice's sipd --\                      /-- bob's sipd
#                   [ meeting point, SIP ]
#   alice  <======= QUIC, end to end =======>  bob
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
umask 022
top=$(mktemp -d /tmp/dialtone-demo.XXXXXX)
pids=

cleanup() {
	trap - EXIT INT TERM
	for p in $pids; do kill "$p" 2>/dev/null || :; done
	for p in $pids; do wait "$p" 2>/dev/null || :; done
	rm -rf "$top"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

now() { date +%s%N; }
begin=$(now)
say() {
	ms=$((($(now) - begin) / 1000000))
	printf '%3d.%02d s  %s\n' $((ms / 1000)) $((ms % 1000 / 10)) "$*"
}
fail() {
	say "FAILED: $*"
	for log in "$top"/*/log; do
		echo "--- $log"
		tail -15 "$log"
	done
	exit 1
}

# as an ordinary user where that is possible
if [ "$(id -u)" = 0 ]; then
	user=${SUDO_USER:-nobody}
	[ "$user" != root ] || user=nobody
	as="setpriv --reuid $user --regid $(id -g "$user") --clear-groups --"
	who="as user $user"
else
	user=$(id -un)
	as=
	who="as you"
fi
free_port() {
	while :; do
		p=$(shuf -n1 -i 20000-29999)
		ss -Hltun 2>/dev/null | grep -q ":$p " || { echo "$p"; return; }
	done
}

mkdir -p "$top/bin" "$top/meet" "$top/alice" "$top/bob/inbox" "$top/www"
cp "$build/sipd" "$build/dial" "$top/bin/"
export HOME="$top"
PATH="$top/bin:$PATH"
sip=$(free_port)
web=$(free_port)
local=$(free_port)
secret() { od -An -N12 -tx1 /dev/urandom | tr -d ' \n'; }
pa=$(secret) pb=$(secret)

cat > "$top/meet/sipd.conf" <<EOT
[sipd]
state = $top/meet
port = 0
[registrar]
listen = udp:127.0.0.1:$sip,tcp:127.0.0.1:$sip
domain = demo.example
users-file = $top/meet/users
EOT
printf 'alice:%s\nbob:%s\n' "$pa" "$pb" > "$top/meet/users"

peer_conf() {   # NAME PASSWORD OTHER FINGERPRINT
	cat <<EOT
[sipd]
state = $top/$1
port = 0
[account]
address = $1@demo.example
password = $2
registrar = sip:127.0.0.1:$sip
[peer $3]
address = $3@demo.example
fingerprint = $4
allow = file, pipe, forward 127.0.0.1:$web
[file]
inbox = $top/$1/inbox
[pipe]
command = tr a-z A-Z
EOT
}
for who_ in alice bob; do
	printf '[sipd]\nstate = %s\nport = 0\n' "$top/$who_" > "$top/$who_/key.conf"
done
chmod 600 "$top"/*/users "$top"/*/key.conf
[ "$(id -u)" != 0 ] || chown -R "$user" "$top"
fa=$($as dial -c "$top/alice/key.conf" identity) || fail "no key for alice"
fb=$($as dial -c "$top/bob/key.conf" identity) || fail "no key for bob"
peer_conf alice "$pa" bob "$fb" > "$top/alice/sipd.conf"
peer_conf bob "$pb" alice "$fa" > "$top/bob/sipd.conf"
chmod 600 "$top"/*/sipd.conf
[ "$(id -u)" != 0 ] || chown -R "$user" "$top"

start() {       # NAME
	$as sipd -v -c "$top/$1/sipd.conf" > "$top/$1/log" 2>&1 &
	pids="$pids $!"
	i=0
	until $as dial -c "$top/$1/sipd.conf" status > "$top/$1/status" 2>&1; do
		i=$((i + 1))
		[ $i -lt 100 ] || fail "the sipd of $1 does not start"
		sleep 0.05
	done
}
registered() {  # NAME
	i=0
	until $as dial -c "$top/$1/sipd.conf" status | grep -q registered; do
		i=$((i + 1))
		[ $i -lt 100 ] || fail "$1 does not get registered"
		sleep 0.05
	done
}
alice() { $as "$top/bin/dial" -c "$top/alice/sipd.conf" "$@"; }

say "Dialtone: any session over SIP. Everything here runs $who, on this machine."
start meet
say "the meeting point serves demo.example on 127.0.0.1:$sip"
start alice
start bob
registered alice
registered bob
say "alice is  $fa"
say "bob is    $fb"
say "both are registered; each knows the other's key"

dd if=/dev/urandom of="$top/alice/big.bin" bs=1M count=200 2>/dev/null
[ "$(id -u)" != 0 ] || chown "$user" "$top/alice/big.bin"
sum=$(sha256sum < "$top/alice/big.bin")
say "\$ dial bob send big.bin            (200 MB of random bytes)"
t0=$(now)
alice bob send "$top/alice/big.bin" || fail "big.bin was not sent"
ms=$((($(now) - t0) / 1000000))
[ "$(sha256sum < "$top/bob/inbox/big.bin")" = "$sum" ] || fail "big.bin differs"
say "  there in $ms ms: $((209715200 / 1000 / ms)) MB/s with the call and its verification; SHA-256 equal"

mkdir -p "$top/alice/tree"
cp -r sdp modules tunnels sipd tests/unit README.md "$top/alice/tree/"
mkdir "$top/alice/tree/empty folder"
: > "$top/alice/tree/empty file"
ln -s README.md "$top/alice/tree/a link"
[ "$(id -u)" != 0 ] || chown -R "$user" "$top/alice/tree"
sums() { (cd "$1" && find . -type f -exec sha256sum {} + | sort -k2 &&
	find . -type l -exec readlink {} + | sort && find . -type d | sort); }
say "\$ dial bob send tree               ($(find "$top/alice/tree" -type f | wc -l) files)"
t0=$(now)
alice bob send "$top/alice/tree" || fail "the tree was not sent"
ms=$((($(now) - t0) / 1000000))
[ "$(sums "$top/bob/inbox/tree")" = "$(sums "$top/alice/tree")" ] || fail "the trees differ"
say "  there in $ms ms; every SHA-256, folder and link equal"

cp README.md "$top/www/index.html"
dd if=/dev/urandom of="$top/www/page.bin" bs=1M count=50 2>/dev/null
busybox httpd -f -p "127.0.0.1:$web" -h "$top/www" &
pids="$pids $!"
say "\$ dial bob forward $local:127.0.0.1:$web     (an HTTP server beside bob)"
alice bob forward "$local:127.0.0.1:$web" > "$top/alice/forward" 2>&1 &
forward=$!
pids="$pids $forward"
i=0
until curl -sf -o "$top/alice/got.html" "http://127.0.0.1:$local/index.html"; do
	i=$((i + 1))
	[ $i -lt 100 ] || { cat "$top/alice/forward"; fail "the forward does not answer"; }
	sleep 0.05
done
cmp -s README.md "$top/alice/got.html" || fail "the page differs"
t0=$(now)
curl -sf -o "$top/alice/got.bin" "http://127.0.0.1:$local/page.bin" || fail "curl"
ms=$((($(now) - t0) / 1000000))
cmp -s "$top/www/page.bin" "$top/alice/got.bin" || fail "the download differs"
say "  curl fetched a page and 50 MB through it: $((52428800 / 1000 / ms)) MB/s, equal"
kill "$forward" 2>/dev/null || :
wait "$forward" 2>/dev/null || :

say "\$ seq 100000 | sed 's/^/line /' | dial bob pipe     (bob's command: tr a-z A-Z)"
seq 100000 | sed 's/^/line /' > "$top/alice/in"
alice bob pipe < "$top/alice/in" > "$top/alice/out" || fail "the pipe"
tr a-z A-Z < "$top/alice/in" | cmp -s - "$top/alice/out" || fail "the pipe changed its bytes"
say "  $(wc -c < "$top/alice/out") bytes went there, through the command and back, equal"

say "the call log of bob:"
$as dial -c "$top/bob/sipd.conf" log | cut -c1-150
say "done; nothing is left behind"
