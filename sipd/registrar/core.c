/*
 * core.c: answers of our own, and the question whose a URI is.
 *
 * Called by register.c and proxy.c. A request that is answered here leaves no
 * state behind; only what is forwarded has a transaction.
 */
#include <string.h>
#include "sipd/sip/response.h"
#include "sipd/registrar/core.h"

static bool domain_is(const struct core *c, const struct uri *uri)
{
	for (unsigned i = 0; i < c->domainc; i++)
		if (!pl_strcasecmp(&uri->host, c->domainv[i]))
			return true;
	return false;
}

bool core_is_ours(const struct core *c, const struct uri *uri)
{
	struct sa sa;

	if (domain_is(c, uri))
		return true;
	return !sa_set(&sa, &uri->host, uri->port) &&
		transport_isladdr(c->tr, &sa);
}

struct trans_way core_way_back(const struct core *c,
			       const struct sip_msg *msg,
			       const struct flow *flow)
{
	struct trans_way way = transport_way(c->tr, flow);

	if (msg->tp == SIP_TRANSP_UDP)  /* else it is the connection */
		response_addr(&way.dst, msg);
	return way;
}

void core_reply(struct core *c, const struct sip_msg *msg,
		const struct flow *flow, uint16_t scode, const char *reason,
		const char *extra, ...)
{
	const struct trans_way way = core_way_back(c, msg, flow);
	va_list ap;

	if (message_is(msg, "ACK"))
		return;
	va_start(ap, extra);
	(void)stable_answer(c->stable, msg, &way, scode, reason, extra ?
			    "%vContent-Length: 0\r\n\r\n" : NULL, extra,
			    &ap);
	va_end(ap);
}

void core_refuse(struct core *c, const struct sip_msg *msg,
		 const struct flow *flow, uint16_t scode, const char *reason,
		 const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	(void)re_vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)           /* it may quote the request */
		if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ')
			*p = '\'';
	++c->stats.refused;
	core_reply(c, msg, flow, scode, reason,
		   "Warning: 399 dialtone \"%s\"\r\n", text);
}

static void challenge(struct core *c, const struct sip_msg *msg,
		      const struct flow *flow, const struct pl *user,
		      bool proxy, bool stale)
{
	const struct auth_offer offer = {
		c->auth, user, &msg->src, proxy, stale
	};

	++c->stats.challenges;
	core_reply(c, msg, flow, proxy ? 407 : 401,
		   proxy ? "Proxy Authentication Required" : "Unauthorized",
		   "%H", auth_print, &offer);
}

bool core_authenticate(struct core *c, const struct sip_msg *msg,
		       const struct flow *flow, const struct pl *user,
		       bool proxy)
{
	const struct user *who = NULL;

	switch (auth_check(c->auth, msg, proxy, &who)) {

	case AUTH_OK:
		if (!pl_strcmp(user, user_name(who))) {
			quota_exempt(c->quota, &msg->src);
			return true;
		}
		++c->stats.denied;
		core_reply(c, msg, flow, 403, "Forbidden",
			   "Warning: 399 dialtone \"these credentials are"
			   " another user's\"\r\n");
		break;

	case AUTH_CHALLENGE:
		challenge(c, msg, flow, user, proxy, false);
		break;

	case AUTH_STALE:
		challenge(c, msg, flow, user, proxy, true);
		break;

	case AUTH_WRONG:
		++c->stats.denied;
		core_reply(c, msg, flow, 403, "Forbidden",
			   "Warning: 399 dialtone \"wrong user name or"
			   " password\"\r\n");
		break;

	case AUTH_LIMIT:
		++c->stats.denied;
		core_reply(c, msg, flow, 503, "Too Many Failed Attempts",
			   "Retry-After: %u\r\nWarning: 399 dialtone \"too"
			   " many wrong passwords from this address\"\r\n",
			   QUOTA_GUESS_TIME);
		break;
	}
	return false;
}
