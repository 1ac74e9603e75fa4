/*
 * checkfind.c: what was found is kept until all is known, and told in one
 * order, with a conclusion. Called by the other check*.c.
 */
#include <stdarg.h>
#include <string.h>
#include "sipd/checkimpl.h"
#include "sipd/events.h"

static const char *const what_name[CHECK_WHATS] = {
	"udp", "address", "mapping", "filtering", "ports", "hairpin", "ipv6",
	"portmap", "relay", "sip-alg", "dns", "tls-443", "verdict",
	"lifetime"
};

void check_find(struct check *ck, enum check_what what, const char *value,
		const char *fmt, ...)
{
	struct check_finding *f = &ck->v[what];
	va_list ap;

	(void)str_ncpy(f->value, value, sizeof f->value);
	va_start(ap, fmt);
	(void)re_vsnprintf(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
}

enum verdict { UNKNOWN, UNSEEN, BLOCKED, OPEN, MAPPED, HARD, EASY };

static const struct check_finding verdictv[] = {
	[UNKNOWN] = { "unknown", "without a STUN server the outside cannot be"
		      " seen: set stun= in [nat]" },
	[UNSEEN]  = { "unknown", "no STUN server answers, though the registrar"
		      " does by UDP: check stun= in [nat]" },
	[BLOCKED] = { "blocked", "no UDP: sessions need a relay or TCP" },
	[OPEN]    = { "open", "direct with everybody" },
	[MAPPED]  = { "open", "direct with everybody: the router lets our"
		      " port in" },
	[HARD]    = { "hard", "every destination sees another port: direct"
		      " only with peers that are easy to reach; have the"
		      " router do PCP or UPnP, or use IPv6" },
	[EASY]    = { "easy", "direct with everybody but those behind a hard"
		      " NAT" },
};

/* A SIP server has answered by it. */
static bool udp_passes(const struct check *ck)
{
	const char *sip = ck->v[CHECK_SIP_ALG].value;

	return !strcmp(sip, "no") || !strcmp(sip, "yes") ||
		!strcmp(sip, "not seen");
}

static enum verdict conclude(const struct check *ck)
{
	const struct nat *nat = &ck->nat;

	if (!ck->asked)
		return UNKNOWN;
	if (!nat->udp)
		return udp_passes(ck) ? UNSEEN : BLOCKED;
	if (nat->mapping == NAT_NONE && nat->filtering < NAT_ADDRESS)
		return OPEN;
	if (ck->mapped)
		return MAPPED;
	return nat->mapping > NAT_INDEPENDENT ? HARD : EASY;
}

/* What has been told is not told again. */
static void emit(struct check *ck, enum check_what what)
{
	struct check_finding *f = &ck->v[what];
	struct odict *o;

	if (!*f->value || event_alloc(&o, "check", ck->tag))
		return;
	event_str(o, "what", what_name[what]);
	event_str(o, "value", f->value);
	event_str(o, "text", f->text);
	conn_event(ck->conn, o);
	mem_deref(o);
	*f->value = '\0';
}

static void tell(struct check *ck)
{
	for (int i = 0; i < CHECK_WHATS; i++)
		emit(ck, (enum check_what)i);
}

/* Last in whatever calls it, as the next. */
void check_end(struct check *ck)
{
	tell(ck);
	conn_end(ck->conn, ck->tag);
	mem_deref(ck);
}

void check_done(struct check *ck)
{
	if (--ck->waiting)
		return;
	ck->v[CHECK_VERDICT] = verdictv[conclude(ck)];
	if (!ck->nexth) {
		check_end(ck);
		return;
	}
	tell(ck);
	ck->nexth(ck);
}
