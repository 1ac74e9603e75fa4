#!/bin/sh
# install.sh WHAT...: install the Debian packages that etc/packages lists for
# each WHAT and that are missing. Says nothing when nothing is missing.
set -eu
cd "$(dirname "$0")/.."
missing=
arch=$(dpkg --print-architecture)
for what in "$@"; do
	for p in $(sed -n "s/^$what\(-$arch\)\{0,1\}: //p" etc/packages); do
		s=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) || s=
		[ "$s" = installed ] || missing="$missing $p"
	done
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "These Debian packages are missing:$missing" >&2
	echo "Install them, or run this as root: sudo make ..." >&2
	exit 1
fi
echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# servers that a package would start are not wanted: tests start their own
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' > $policy
	chmod 755 $policy
	made=$policy
fi
trap 'rm -f "$log" $made' EXIT
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } \
    > "$log" 2>&1; then
	tail -20 "$log" >&2
	exit 1
fi
