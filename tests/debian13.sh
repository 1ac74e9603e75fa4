#!/bin/sh
# debian13.sh: is all well on Debian 13 too, with its newer libraries? In a
# system of its own (debian.sh; about 800 MB while it lasts, a few minutes):
# every package that etc/packages names is known there, what lies here builds
# without a warning, and the unit tests pass.
set -u
NAME=debian13 SUITE=trixie
. "$(dirname "$0")/debian.sh"

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
