#!/bin/sh
# run.sh [BUILD]: all measurements, as text for the README. As root, some
# minutes; each script runs in namespaces of its own and may be run alone.
set -u
build=$(realpath "${1:-build}")
cd "$(dirname "$0")" || exit 1
[ "$(id -u)" = 0 ] || { echo "make bench needs root, for namespaces" >&2; exit 1; }

model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
pkg() { pkg-config --modversion "$1"; }
deb() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null; }
echo "Dialtone, measured $(date +%F) at $(git -C .. log -1 --format=%h 2>/dev/null)"
echo "$(nproc) cores of ${model:-$(uname -m)}, $(awk '/^MemTotal/ {
	printf "%.0f GB", $2 / 1e6 }' /proc/meminfo), Linux $(uname -r)," \
	"load $(cut -d' ' -f1 /proc/loadavg)"
echo "Debian $(cat /etc/debian_version): libre $(pkg libre), OpenSSL" \
	"$(pkg openssl), ngtcp2 $(pkg libngtcp2), GnuTLS $(pkg gnutls)," \
	"OpenSSH $(deb openssh-client)"
code=0
for s in file small link forward vpn setup memory calls; do
	printf '\n== %s\n' $s
	timeout -k 10 400 "./$s.sh" "$build" < /dev/null || {
		echo "$s.sh failed"
		code=1
	}
done
exit $code
