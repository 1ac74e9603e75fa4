/*
 * register.c: REGISTER, answered.
 *
 *   authenticate ──> read all Contacts ──> check ──> change ──> list them
 *
 * Nothing is changed before everything was found in order (RFC 3261 section
 * 10.3). A binding is reached by the flow its REGISTER came on, whatever its
 * Contact says: that is what lets calls through NATs. Called by proxy.c.
 */
#include <string.h>
#include "sipd/registrar/register.h"

enum {
	URI_MAX      = 400,     /* it must fit into a start line */
	INSTANCE_MAX = 128,
	EXPIRES_MIN  = 60,      /* s */
	FLOW_TIMER   = 120,     /* s between a client's keepalives */
};

struct reading {
	const struct core *c;
	const struct sip_msg *msg;
	const struct flow *flow;
	struct binding_update v[BINDINGS_PER_USER];
	unsigned n;
	bool star;
	bool outbound;          /* at least one Contact has a reg-id */
	uint16_t scode;         /* what is wrong, 0: nothing */
	const char *reason;
	const char *text;
};

static bool fault(struct reading *rd, uint16_t scode, const char *reason,
		  const char *text)
{
	rd->scode = scode;
	rd->reason = reason;
	rd->text = text;
	return true;            /* ends the iteration */
}

/* It will stand in a Request-URI and between angle brackets. */
static bool uri_ok(const struct pl *uri)
{
	for (size_t i = 0; i < uri->l; i++) {
		const unsigned char ch = (unsigned char)uri->p[i];

		if (ch <= ' ' || ch >= 127 || strchr("<>\"", ch))
			return false;
	}
	return uri->l <= URI_MAX;
}

/* Without its quotes, which libre may have taken off already. */
static bool instance_decode(struct pl *instance, const struct pl *params)
{
	struct pl pl;

	if (msg_param_decode(params, "+sip.instance", &pl))
		return false;
	if (pl.l >= 2 && pl.p[0] == '"' && pl.p[pl.l - 1] == '"') {
		pl_advance(&pl, 1);
		--pl.l;
	}
	for (size_t i = 0; i < pl.l; i++)
		if (pl.p[i] == '"' || (unsigned char)pl.p[i] <= ' ')
			return false;
	if (!pl.l || pl.l > INSTANCE_MAX)
		return false;
	*instance = pl;
	return true;
}

/* The parameter, the header, or the most we give, in this order. */
static uint32_t expires_of(const struct reading *rd, const struct pl *params)
{
	const uint32_t max = rd->c->expires_max;
	struct pl pl;
	uint32_t expires = max;

	if (!msg_param_decode(params, "expires", &pl))
		expires = pl_u32(&pl);
	else if (pl_isset(&rd->msg->expires))
		expires = pl_u32(&rd->msg->expires);
	return MIN(expires, max);
}

/* RFC 5626 section 4.1 */
static void outbound_decode(struct reading *rd, struct binding_update *up,
			    const struct pl *params)
{
	struct pl pl;

	if (!instance_decode(&up->instance, params))
		return;
	if (msg_param_decode(params, "reg-id", &pl))
		return;
	up->reg_id = pl_u32(&pl);
	rd->outbound = rd->outbound || up->reg_id;
}

static bool contact_handler(const struct sip_hdr *hdr,
			    const struct sip_msg *msg, void *arg)
{
	struct reading *rd = arg;
	struct binding_update *up = &rd->v[rd->n];
	struct sip_addr addr;

	if (!pl_strcmp(&hdr->val, "*")) {
		rd->star = true;
		return false;
	}
	if (rd->n == BINDINGS_PER_USER)
		return fault(rd, 403, "Forbidden", "too many Contacts");
	if (sip_addr_decode(&addr, &hdr->val) || !uri_ok(&addr.auri) ||
	    pl_strcasecmp(&addr.uri.scheme, "sip"))
		return fault(rd, 400, "Bad Contact", "a Contact must be a"
			     " sip: URI of at most 400 letters");
	memset(up, 0, sizeof *up);
	up->user = msg->to.uri.user;
	up->uri = addr.auri;
	up->callid = msg->callid;
	up->cseq = msg->cseq.num;
	up->flow = *rd->flow;
	up->expires = expires_of(rd, &addr.params);
	outbound_decode(rd, up, &addr.params);
	if (up->expires && up->expires < EXPIRES_MIN &&
	    up->expires < rd->c->expires_max)
		return fault(rd, 423, "Interval Too Brief", NULL);
	++rd->n;
	return false;
}

static void contacts_read(struct reading *rd)
{
	(void)sip_msg_hdr_apply(rd->msg, true, SIP_HDR_CONTACT,
				contact_handler, rd);
	if (rd->scode || !rd->star)
		return;
	/* RFC 3261 section 10.3 step 6 */
	if (rd->n || !pl_isset(&rd->msg->expires) ||
	    pl_u32(&rd->msg->expires))
		fault(rd, 400, "Bad Contact", "Contact: * needs Expires: 0"
		      " and stands alone");
}

static void contacts_check(struct reading *rd)
{
	for (unsigned i = 0; i < rd->n && !rd->scode; i++) {
		const int err = binding_check(rd->c->bindings, &rd->v[i]);

		if (err == EPROTO)
			fault(rd, 500, "CSeq Out Of Order", "a later"
			      " REGISTER of this Call-ID was here before");
		else if (err)
			fault(rd, 503, "Service Unavailable",
			      "the registrar is full");
	}
}

static void contacts_apply(struct core *c, struct reading *rd)
{
	int err = 0;

	if (rd->star)
		err = bindings_clear(c->bindings, &rd->msg->to.uri.user,
				     &rd->msg->callid, rd->msg->cseq.num);
	for (unsigned i = 0; i < rd->n && !err; i++)
		err = binding_set(c->bindings, &rd->v[i]);
	if (err == EPROTO)
		fault(rd, 500, "CSeq Out Of Order", "a later REGISTER of"
		      " this Call-ID was here before");
	else if (err)
		fault(rd, 500, "Server Internal Error", "out of memory");
}

static int contacts_print(struct re_printf *pf, const struct list *l)
{
	const uint64_t now = clock_ns();
	int err = 0;

	for (const struct le *le = list_head(l); le; le = le->next) {
		const struct binding *bi = le->data;
		const uint64_t left = bi->expires > now ? bi->expires - now
							: 0;

		err |= re_hprintf(pf, "Contact: <%s>;expires=%u", bi->uri,
				  (unsigned)((left + SEC - 1) / SEC));
		if (bi->instance)
			err |= re_hprintf(pf, ";+sip.instance=\"%s\"",
					  bi->instance);
		if (bi->reg_id)
			err |= re_hprintf(pf, ";reg-id=%u", bi->reg_id);
		err |= re_hprintf(pf, "\r\n");
	}
	return err;
}

static void answer(struct core *c, const struct reading *rd)
{
	const struct list *l = bindings_of(c->bindings,
					   &rd->msg->to.uri.user);
	char outbound[64] = "";

	/* RFC 5626 section 6 */
	if (rd->outbound)
		re_snprintf(outbound, sizeof outbound, "Require: outbound\r\n"
			    "Flow-Timer: %u\r\n", FLOW_TIMER);
	++c->stats.registers;
	core_reply(c, rd->msg, rd->flow, 200, "OK",
		   "%H%sSupported: outbound\r\n", contacts_print, l,
		   outbound);
}

static bool require_handler(const struct sip_hdr *hdr,
			    const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return pl_strcasecmp(&hdr->val, "outbound") != 0;
}

void register_request(struct core *c, const struct sip_msg *msg,
		      const struct flow *flow)
{
	struct reading rd = { .c = c, .msg = msg, .flow = flow };
	const struct sip_hdr *hdr;

	hdr = sip_msg_hdr_apply(msg, true, SIP_HDR_REQUIRE, require_handler,
				NULL);
	if (hdr) {
		core_reply(c, msg, flow, 420, "Bad Extension",
			   "Unsupported: %r\r\n", &hdr->val);
		return;
	}
	if (!core_is_ours(c, &msg->to.uri) || !pl_isset(&msg->to.uri.user)) {
		core_refuse(c, msg, flow, 404, "Not Found",
			    "%r is no address of this registrar",
			    &msg->to.auri);
		return;
	}
	if (!core_authenticate(c, msg, flow, &msg->to.uri.user, false))
		return;
	contacts_read(&rd);
	contacts_check(&rd);
	if (!rd.scode)
		contacts_apply(c, &rd);
	if (rd.scode == 423)
		core_reply(c, msg, flow, rd.scode, rd.reason,
			   "Min-Expires: %u\r\n", EXPIRES_MIN);
	else if (rd.scode)
		core_refuse(c, msg, flow, rd.scode, rd.reason, "%s", rd.text);
	else
		answer(c, &rd);
}
