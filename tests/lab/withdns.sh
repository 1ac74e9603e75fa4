#!/bin/sh
# withdns.sh PREFIX COMMAND...: run it with PREFIX.resolv as resolv.conf and
# PREFIX.hosts as hosts; for a host whose name service differs. Called by at()
# of world.sh, in a mount namespace of its own.
prefix=$1
shift
mount --bind "$prefix.resolv" /etc/resolv.conf
mount --bind "$prefix.hosts" /etc/hosts
exec "$@"
