/*
 * cand.c: one ICE candidate between struct and text.
 *
 *   foundation component transport priority address port typ TYPE
 *       [raddr A] [rport P] [tcptype T] [tls yes] [name value]...
 *
 * The text comes from the network. Used by desc*.c and by the ICE agent.
 */
#include <string.h>
#include "sdp/addr.h"
#include "sdp/cand.h"
#include "sdp/words.h"

static const struct {
	const char *name;
	uint8_t pref;           /* RFC 8445 section 5.1.2.2 */
	uint8_t tcp_pref;       /* RFC 6544 section 4.2: less than UDP's */
} typev[] = {
	[CAND_HOST]  = { "host",  126, 90 },
	[CAND_SRFLX] = { "srflx", 100, 70 },
	[CAND_PRFLX] = { "prflx", 110, 80 },
	[CAND_RELAY] = { "relay", 0,   0 },
};

enum { TYPEC = sizeof typev / sizeof typev[0] };

static const char *const tcptypev[] = {
	[CAND_UDP]         = NULL,
	[CAND_TCP_ACTIVE]  = "active",
	[CAND_TCP_PASSIVE] = "passive",
	[CAND_TCP_SO]      = "so",
	[CAND_TLS_PASSIVE] = "passive",
};

enum { TCPTYPEC = sizeof tcptypev / sizeof tcptypev[0] };

const char *cand_type_name(enum cand_type type)
{
	return (unsigned)type < TYPEC ? typev[type].name : "?";
}

int cand_proto(const struct cand *c)
{
	return c->transp == CAND_UDP ? IPPROTO_UDP : IPPROTO_TCP;
}

bool cand_passive(const struct cand *c)
{
	return c->transp == CAND_TCP_PASSIVE || c->transp == CAND_TLS_PASSIVE;
}

const char *cand_transp_name(enum cand_transp transp)
{
	return transp == CAND_UDP ? "UDP" :
		transp == CAND_TLS_PASSIVE ? "TLS" : "TCP";
}

static uint32_t prio(uint8_t type_pref, uint16_t local_pref)
{
	enum { COMPONENT = 1 };

	return (uint32_t)type_pref << 24 | (uint32_t)local_pref << 8 |
	       (256 - COMPONENT);
}

uint32_t cand_prio(enum cand_type type, uint16_t local_pref)
{
	return prio(typev[type].pref, local_pref);
}

/* RFC 6544 section 4.2: behind a NAT simultaneous open goes first */
uint32_t cand_prio_tcp(enum cand_type type, enum cand_transp transp,
		       uint16_t other_pref)
{
	static const uint8_t direction[][2] = {
		[CAND_UDP]         = { 0, 0 },
		[CAND_TCP_ACTIVE]  = { 6, 4 },
		[CAND_TCP_PASSIVE] = { 4, 2 },
		[CAND_TCP_SO]      = { 2, 6 },
		[CAND_TLS_PASSIVE] = { 1, 1 },  /* where all else fails */
	};
	const bool nat = type == CAND_SRFLX || type == CAND_RELAY;

	return prio(typev[type].tcp_pref,
		    (uint16_t)(direction[transp][nat] << 13 |
			       (other_pref & 0x1fff)));
}

/* FNV-1a: a name for equal things, no secret is kept by it. */
static uint64_t fnv(uint64_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		h = (h ^ *p++) * 0x100000001b3ULL;
	return h;
}

static uint64_t fnv_ip(uint64_t h, const struct sa *sa)
{
	switch (sa ? sa_af(sa) : AF_UNSPEC) {
	case AF_INET:
		return fnv(h, &sa->u.in.sin_addr, sizeof sa->u.in.sin_addr);
	case AF_INET6:
		return fnv(h, &sa->u.in6.sin6_addr,
			   sizeof sa->u.in6.sin6_addr);
	default:
		return fnv(h, "", 1);
	}
}

void cand_foundation(struct cand *c, const struct sa *server)
{
	const uint8_t kind[2] = { c->type, c->transp };
	uint64_t h = fnv(0xcbf29ce484222325ULL, kind, sizeof kind);

	/* addresses without ports: RFC 8445 section 5.1.1.3 */
	h = fnv_ip(h, sa_isset(&c->base, SA_ADDR) ? &c->base : &c->addr);
	h = fnv_ip(h, server);
	(void)re_snprintf(c->foundation, sizeof c->foundation, "%016llx",
			  (unsigned long long)h);
}

/* raddr and rport must be there for all but host; a base that is to stay
 * private is said as "any", port 9 (RFC 8839 section 5.1). */
static int print_rel(struct re_printf *pf, const struct cand *c)
{
	char buf[ADDR_TEXT_SIZE];

	if (sa_isset(&c->rel, SA_ADDR))
		return re_hprintf(pf, " raddr %s rport %u",
				  addr_print(buf, &c->rel), sa_port(&c->rel));
	if (c->type == CAND_HOST)
		return 0;
	return re_hprintf(pf, " raddr %s rport 9",
			  sa_af(&c->addr) == AF_INET6 ? "::" : "0.0.0.0");
}

int cand_print(struct re_printf *pf, const struct cand *c)
{
	char buf[ADDR_TEXT_SIZE];
	int err;

	if (!c)
		return 0;
	err = re_hprintf(pf, "%s 1 %s %u %s %u typ %s", c->foundation,
			 c->transp == CAND_UDP ? "UDP" : "TCP", c->prio,
			 addr_print(buf, &c->addr), sa_port(&c->addr),
			 cand_type_name(c->type));
	err |= print_rel(pf, c);
	if (c->transp != CAND_UDP)
		err |= re_hprintf(pf, " tcptype %s", tcptypev[c->transp]);
	if (c->transp == CAND_TLS_PASSIVE)
		err |= re_hprintf(pf, " tls yes");
	return err;
}

static bool next_is(struct pl *s, const char *name)
{
	struct pl w;

	return words_next(s, &w) && !pl_strcasecmp(&w, name);
}

static bool next_number(struct pl *s, uint32_t *np, size_t maxdigits,
			uint32_t max)
{
	struct pl w;

	return words_next(s, &w) && words_number(&w, np, maxdigits, max);
}

/* Where no check may be sent: any, multicast, broadcast, IPv4 in IPv6 (RFC
 * 8445 section 5.1.1.1), port 0. */
static bool useless(const struct sa *sa)
{
	const struct in6_addr *a6 = &sa->u.in6.sin6_addr;

	if (sa_is_any(sa) || !sa_port(sa))
		return true;
	if (sa_af(sa) == AF_INET)
		return sa_in(sa) >> 28 == 14 || !~sa_in(sa);
	return IN6_IS_ADDR_MULTICAST(a6) || IN6_IS_ADDR_V4MAPPED(a6) ||
	       IN6_IS_ADDR_V4COMPAT(a6);
}

static int type_decode(struct cand *c, struct pl *s)
{
	struct pl w;

	if (!next_is(s, "typ") || !words_next(s, &w))
		return EBADMSG;
	for (int i = 0; i < TYPEC; i++) {
		if (pl_strcasecmp(&w, typev[i].name))
			continue;
		c->type = (enum cand_type)i;
		return 0;
	}
	return ENOTSUP;
}

static int tcptype_decode(struct cand *c, const struct pl *val)
{
	for (int i = CAND_TCP_ACTIVE; i < TCPTYPEC; i++) {
		if (pl_strcasecmp(val, tcptypev[i]))
			continue;
		c->transp = (enum cand_transp)i;
		return 0;
	}
	return ENOTSUP;
}

/* raddr, rport, tcptype, tls in any order, among names we do not know. */
static int ext_decode(struct cand *c, struct pl *s, bool tcp)
{
	struct pl name, val, raddr = PL_INIT;
	uint32_t rport = 0;
	bool typed = false, tls = false;
	int err = 0;

	while (!err && words_next(s, &name)) {
		if (!words_next(s, &val))
			return EBADMSG;
		if (!pl_strcasecmp(&name, "raddr"))
			raddr = val;
		else if (!pl_strcasecmp(&name, "rport"))
			err = words_number(&val, &rport, 5, 65535) ?
				0 : EBADMSG;
		else if (tcp && !pl_strcasecmp(&name, "tcptype")) {
			err = tcptype_decode(c, &val);
			typed = true;
		}
		else if (!pl_strcasecmp(&name, "tls"))
			tls = !pl_strcasecmp(&val, "yes");
	}
	if (err || (tcp && !typed))
		return err ? err : ENOTSUP;
	if (tls && c->transp == CAND_TCP_PASSIVE)
		c->transp = CAND_TLS_PASSIVE;
	/* of diagnostic use only: a raddr that tells nothing is left out */
	(void)addr_decode(&c->rel, &raddr, (uint16_t)rport);
	if (sa_is_any(&c->rel))
		sa_init(&c->rel, AF_UNSPEC);
	return 0;
}

/* foundation .. port; component and transport of no use here are noted, so
 * that what is malformed further on is still seen. */
static int head_decode(struct cand *c, struct pl *s, bool *tcp, bool *skip)
{
	struct pl found, transp, addr;
	uint32_t comp, port;
	int err;

	/* ice-char = ALPHA / DIGIT / "+" / "/" */
	if (!words_next(s, &found) ||
	    !words_chars(&found, 1, CAND_FOUNDATION_MAX, "+/"))
		return EBADMSG;
	(void)words_copy(c->foundation, sizeof c->foundation, &found);
	if (!next_number(s, &comp, 3, 256) || !comp ||
	    !words_next(s, &transp) ||
	    !next_number(s, &c->prio, 10, 0x7fffffff) || !c->prio ||
	    !words_next(s, &addr) || !next_number(s, &port, 5, 65535))
		return EBADMSG;
	*tcp = !pl_strcasecmp(&transp, "TCP");
	*skip = comp != 1 || (!*tcp && pl_strcasecmp(&transp, "UDP"));
	err = addr_decode(&c->addr, &addr, (uint16_t)port);
	if (err == EBADMSG)
		return err;
	*skip |= err || useless(&c->addr);
	return 0;
}

int cand_decode(struct cand *c, const struct pl *val)
{
	struct cand tmp;
	struct pl s;
	bool tcp, skip;
	int err, err2;

	if (!c || !pl_isset(val))
		return EBADMSG;
	memset(&tmp, 0, sizeof tmp);
	sa_init(&tmp.base, AF_UNSPEC);
	sa_init(&tmp.rel, AF_UNSPEC);
	s = *val;
	err = head_decode(&tmp, &s, &tcp, &skip);
	if (err)
		return err;
	err = type_decode(&tmp, &s);
	if (err == EBADMSG)
		return err;
	err2 = ext_decode(&tmp, &s, tcp);
	if (err2 == EBADMSG)
		return err2;
	if (err || err2 || skip)
		return ENOTSUP;
	*c = tmp;
	return 0;
}
