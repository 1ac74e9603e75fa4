/*
 * ask.c: no to what was asked of a tunnel, and the name of who asks.
 */
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

int ask_peer(char **peer, const struct tunnel_ask *ask)
{
	return str_dup(peer, ask->peer ? ask->peer : "The peer");
}
