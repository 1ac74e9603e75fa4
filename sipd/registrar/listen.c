/*
 * listen.c: where the registrar listens, from words to concrete addresses.
 *
 * Replies must leave from the address the request came to, so each interface
 * address gets a socket of its own. Owns nothing; called by transport.c.
 */
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/registrar/listen.h"

static const struct {
	const char *name;
	enum sip_transp tp;
	uint16_t port;
} tpv[] = {
	{ "udp:", SIP_TRANSP_UDP, SIP_PORT },
	{ "tcp:", SIP_TRANSP_TCP, SIP_PORT },
	{ "tls:", SIP_TRANSP_TLS, SIP_PORT_TLS },
};

/* "192.0.2.1", "[2001:db8::1]:5060"; libre's takes any letters for a port. */
static int address_decode(struct sa *sa, struct pl pl, uint16_t port)
{
	const char *close = pl_strrchr(&pl, ']');
	const char *colon = pl_strrchr(&pl, ':');
	struct pl host = pl, num = { NULL, 0 };

	if (colon && colon > close) {
		host.l = (size_t)(colon - pl.p);
		num.p = colon + 1;
		num.l = pl.l - host.l - 1;
		if (!num.l || num.l > 5 || pl_u32(&num) > 65535)
			return EINVAL;
		for (size_t i = 0; i < num.l; i++)
			if (num.p[i] < '0' || num.p[i] > '9')
				return EINVAL;
		port = (uint16_t)pl_u32(&num);
	}
	if (close) {
		if (host.p[0] != '[' || host.p + host.l != close + 1)
			return EINVAL;
		pl_advance(&host, 1);
		--host.l;
	}
	return sa_set(sa, &host, port);
}

static int entry_decode(struct listen_addr *la, struct pl pl)
{
	for (size_t i = 0; i < RE_ARRAY_SIZE(tpv); i++) {
		if (pl.l < 4 || strncasecmp(pl.p, tpv[i].name, 4))
			continue;
		la->tp = tpv[i].tp;
		pl_advance(&pl, 4);
		return address_decode(&la->sa, pl, tpv[i].port);
	}
	return EINVAL;
}

int listen_decode(struct listen_addr v[LISTEN_MAX], unsigned *n,
		  const char *list, char *why, size_t why_size)
{
	struct pl pl;

	*n = 0;
	while (list && *list) {
		pl.p = list + strspn(list, " ,");
		pl.l = strcspn(pl.p, " ,");
		list = pl.p + pl.l;
		if (!pl.l)
			break;
		if (*n == LISTEN_MAX) {
			re_snprintf(why, why_size, "listen: more than %u"
				    " addresses", LISTEN_MAX);
			return E2BIG;
		}
		if (entry_decode(&v[*n], pl)) {
			re_snprintf(why, why_size, "listen: \"%r\" is not"
				    " udp:, tcp: or tls: with ADDRESS:PORT,"
				    " as udp:0.0.0.0:5060", &pl);
			return EINVAL;
		}
		if (sa_is_any(&v[*n].sa) && !sa_port(&v[*n].sa)) {
			re_snprintf(why, why_size, "listen: \"%r\" needs a"
				    " port, as udp:0.0.0.0:5060", &pl);
			return EINVAL;
		}
		++*n;
	}
	if (*n)
		return 0;
	re_snprintf(why, why_size, "listen: no address given, try"
		    " udp:0.0.0.0:5060,tcp:0.0.0.0:5060");
	return EINVAL;
}

struct applying {
	const struct listen_addr *la;
	listen_addr_h *h;
	void *arg;
	int err;
};

static bool if_handler(const char *ifname, const struct sa *sa, void *arg)
{
	struct applying *ap = arg;
	struct sa addr = *sa;
	(void)ifname;

	if (sa_af(sa) != sa_af(&ap->la->sa) || sa_is_linklocal(sa))
		return false;
	sa_set_port(&addr, sa_port(&ap->la->sa));
	ap->err = ap->h(ap->la->tp, &addr, ap->arg);
	return ap->err != 0;
}

int listen_apply(const struct listen_addr *la, listen_addr_h *h, void *arg)
{
	struct applying ap = { la, h, arg, 0 };
	int err;

	if (!sa_is_any(&la->sa))
		return h(la->tp, &la->sa, arg);
	err = net_getifaddrs(if_handler, &ap);
	return ap.err ? ap.err : err;
}
