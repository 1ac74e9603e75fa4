/*
 * turnuri.c: addresses of relays and proxies, from the configuration.
 */
#include <errno.h>
#include <string.h>
#include "sipd/turnuri.h"

enum { PORT = 3478, PORT_TLS = 5349 };

/* HOST, HOST:PORT, [IPV6] or [IPV6]:PORT. */
static int host_port(char *host, size_t size, uint16_t *port,
		     const struct pl *pl)
{
	struct pl h = PL_INIT, p = PL_INIT;
	uint32_t n = 0;
	struct sa sa;

	if (!pl->l)
		return EINVAL;
	if (*pl->p == '[') {
		if (re_regex(pl->p, pl->l, "\\[[0-9a-fA-F:.]+\\][:]*[0-9]*",
			     &h, NULL, &p) ||
		    h.l + 2 + (p.l ? p.l + 1 : 0) != pl->l ||
		    sa_set(&sa, &h, 0))
			return EINVAL;
	}
	else {
		if (re_regex(pl->p, pl->l, "[a-zA-Z0-9._\\-]+[:]*[0-9]*", &h,
			     NULL, &p) ||
		    h.p != pl->p || h.l + (p.l ? p.l + 1 : 0) != pl->l)
			return EINVAL;
	}
	if (p.l)
		n = pl_u32(&p);
	if (p.l > 5 || n > 65535 || (p.l && !n))
		return EINVAL;
	*port = (uint16_t)n;
	return pl_strcpy(&h, host, size) ? EINVAL : 0;
}

int turnuri_decode(struct turnuri *u, const char *text)
{
	struct pl rest, query = PL_INIT;
	const char *q;

	memset(u, 0, sizeof *u);
	if (!strncasecmp(text, "turn:", 5))
		pl_set_str(&rest, text + 5);
	else if (!strncasecmp(text, "turns:", 6))
		pl_set_str(&rest, text + 6);
	else
		return EINVAL;
	u->tls = text[4] != ':';
	u->tcp = true;
	u->udp = !u->tls;
	q = strchr(rest.p, '?');
	if (q) {
		rest.l = (size_t)(q - rest.p);
		pl_set_str(&query, q + 1);
		if (!pl_strcasecmp(&query, "transport=udp") && !u->tls)
			u->tcp = false;
		else if (!pl_strcasecmp(&query, "transport=tcp"))
			u->udp = false;
		else
			return EINVAL;
	}
	return host_port(u->host, sizeof u->host, &u->port, &rest);
}

uint16_t turnuri_port(const struct turnuri *u)
{
	if (u->port)
		return u->port;
	return u->tls ? PORT_TLS : PORT;
}

int proxyuri_decode(struct proxyuri *u, const char *text)
{
	struct pl rest;
	const char *at;
	size_t n;

	memset(u, 0, sizeof *u);
	if (strncasecmp(text, "http://", 7))
		return EINVAL;
	pl_set_str(&rest, text + 7);
	at = strrchr(rest.p, '@');
	if (at) {
		n = (size_t)(at - rest.p);
		if (n >= sizeof u->login || !memchr(rest.p, ':', n))
			return EINVAL;
		memcpy(u->login, rest.p, n);
		pl_set_str(&rest, at + 1);
	}
	if (rest.l && rest.p[rest.l - 1] == '/')
		rest.l--;
	if (host_port(u->host, sizeof u->host, &u->port, &rest))
		return EINVAL;
	return u->port ? 0 : EINVAL;
}
