#!/bin/sh
# as_user.sh COMMAND...: run it as the user who called sudo, so that nothing
# in the checkout comes to belong to root; as ourselves if there is none.
set -eu
if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ]; then
	exec setpriv --reuid "$SUDO_USER" --regid "$(id -g "$SUDO_USER")" \
		--init-groups "$@"
fi
exec "$@"
