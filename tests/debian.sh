# debian.sh: sourced by the scripts that make a Debian of their own below
# /var/tmp, as root. They set NAME and SUITE before, and call bootstrap.
#
#   this machine --debootstrap--> [ $root: /src is a copy of the sources ]
#
# The mirror is the one that this machine uses, or $MIRROR. Ends with
# "NAME: N passed, N failed" and leaves nothing behind.
cd "$(dirname "$0")/.." || exit 1
if [ -z "${DEBIAN_INSIDE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "$NAME needs root" >&2; exit 1; }
	# what is mounted and what runs in there ends with us
	DEBIAN_INSIDE=1 exec nice unshare --mount --pid --fork \
		--kill-child --mount-proc "tests/${0##*/}"
fi
top=$(mktemp -d "/var/tmp/dialtone-$NAME.XXXXXX") || exit 1
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
	echo "$NAME: $passed passed, $failed failed"
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

# bootstrap [PACKAGE,...]
bootstrap() {
	# with no mirror named debootstrap takes its own
	# shellcheck disable=SC2046
	debootstrap --variant=minbase ${1:+--include=$1} "$SUITE" "$root" \
		${MIRROR:-$(mirror)} &&
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
