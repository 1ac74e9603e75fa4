/*
 * ask.c: no to what was asked of a tunnel, or to its version, and the name of
 * who asks.
 */
#include <errno.h>
#include <string.h>
#include <re.h>
#include "tunnels/ask.h"

int ask_refuse(const struct tunnel_ask *ask, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (ask->why)
		(void)re_vsnprintf(ask->why, ask->why_size, fmt, ap);
	va_end(ap);
	return err;
}

int ask_version(const struct tunnel_ask *ask, const struct desc_media *remote,
		const char *what)
{
	char v[8];

	if (!desc_param_get(remote, "v", v, sizeof v) && !strcmp(v, "1"))
		return 0;
	return ask_refuse(ask, EBADMSG, "The %s offered is of another version"
			  " than ours, 1.", what);
}

int ask_peer(char **peer, const struct tunnel_ask *ask)
{
	return str_dup(peer, ask->peer ? ask->peer : "The peer");
}
