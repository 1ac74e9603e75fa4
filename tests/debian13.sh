#!/bin/sh
# debian13.sh: is all well on Debian 13 too, with its newer libraries? In a
# system of its own below /var/tmp (about 800 MB while it lasts): every
# package that etc/packages names is known there, what lies here builds
# without a warning, and the unit tests pass. As root; a few minutes, from the
# mirror that this machine uses or from $MIRROR.
#
#   this machine --debootstrap--> [ trixie: install.sh, make, check.sh unit ]
#
# Ends with "debian13: N passed, N failed" and leaves nothing behind.
set -u
cd "$(dirname "$0")/.." || exit 1
if [ -z "${DEBIAN13_INSIDE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "debian13 needs root" >&2; exit 1; }
	# what is mounted and what runs in there ends with us
	DEBIAN13_INSIDE=1 exec nice unshare --mount --pid --fork \
		--kill-child --mount-proc "tests/${0##*/}"
fi
top=$(mktemp -d /var/tmp/dialtone-debian13.XXXXXX) || exit 1
root=$top/root
log=$top/log
passed=0 failed=0

cleanup() {
	trap - EXIT INT TERM
	umount "$root/dev/pts" "$root/proc" 2>/dev/null
	rm -rf --one-file-system "$top"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

finish() {
	echo "debian13: $passed passed, $failed failed"
	[ $failed = 0 ]
	exit
}

# step WHAT COMMAND...: where one fails the rest has nothing to stand on
step() {
	what=$1; shift
	if "$@" > "$log" 2>&1 < /dev/null; then
		echo "$what: ok"
		passed=$((passed + 1))
		return
	fi
	tail -40 "$log"
	echo "$what: FAILED"
	failed=$((failed + 1))
	finish
}

# the new system's shell, in its copy of the sources
within() {
	chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		sh -c "cd /src && $1"
}

mirror() {
	# shellcheck disable=SC1091
	. /etc/os-release
	apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
		'Created-By: Packages' |
		awk -v r="${VERSION_CODENAME:-}" \
		    '$1 == r && $2 == "main" { print $3; exit }'
}

bootstrap() {
	# with no mirror named debootstrap takes its own
	# shellcheck disable=SC2046
	debootstrap --variant=minbase trixie "$root" ${MIRROR:-$(mirror)} &&
	printf '%s localhost\n' 127.0.0.1 ::1 > "$root/etc/hosts" &&
	mount -t proc proc "$root/proc" &&
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
}

# committed or not, but nothing that was built
sources() {
	mkdir "$root/src" &&
	tar -c --exclude=./.git --exclude='./build*' . |
		tar -x --no-same-owner -C "$root/src"
}

# would they all install?
names() {
	within 'apt-get install -s --no-install-recommends \
		$(sed -n "s/^[a-z0-9-]*: //p" etc/packages)'
}

packages() {
	within 'tests/install.sh build && apt-get install -y \
		--no-install-recommends $(grep -o "libcunit[^ ]*" etc/packages)'
}

step "a Debian 13 in $root" bootstrap
step "the sources" sources
step "every name in etc/packages" names
step "packages to build with" packages
within 'dpkg-query -W gcc libre-dev libngtcp2-dev libgnutls28-dev libssl-dev'
step "make WERROR=-Werror all units" within 'make -j2 WERROR=-Werror all units'

within 'tests/check.sh unit' < /dev/null 2>&1 | tee "$log"
read -r p _ f _ <<LINE
$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" || echo 0 passed, 1 failed)
LINE
passed=$((passed + p)) failed=$((failed + f))
finish
