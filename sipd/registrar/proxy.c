/*
 * proxy.c: where a request goes, or why not.
 *
 *   retransmission, ACK, CANCEL ──> their transaction
 *   REGISTER to us ───────────────> register.c
 *   Route with a token of ours ───> that flow (within a dialog)
 *   to one of our users ──────────> his bindings, if the sender is who he says
 *   anything else ────────────────> refused: this is no open relay
 *
 * Owns nothing. Called by registrar.c for each request.
 */
#include <string.h>
#include "sipd/registrar/fork.h"
#include "sipd/registrar/onward.h"
#include "sipd/registrar/proxy.h"
#include "sipd/registrar/register.h"
#include "sipd/registrar/seen.h"

enum {
	TRANSACTIONS_MAX = 131072,      /* under way: about 1000 calls/s */
	RETRY_AFTER      = 5,           /* s, beyond that */
};

static const char *const allow =
	"Allow: INVITE, ACK, CANCEL, BYE, REGISTER, OPTIONS, MESSAGE, INFO,"
	" PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY\r\n";

/* What the Route header says, RFC 3261 section 16.4 and 16.12. */
struct routing {
	struct core *c;
	unsigned own;           /* values to remove from its top */
	bool foreign;           /* the next is somebody else's */
	bool token;             /* route is valid */
	bool forged;
	struct route route;
};

static bool route_handler(const struct sip_hdr *hdr,
			  const struct sip_msg *msg, void *arg)
{
	struct routing *ro = arg;
	struct sip_addr addr;
	(void)msg;

	if (sip_addr_decode(&addr, &hdr->val) ||
	    !core_is_ours(ro->c, &addr.uri)) {
		ro->foreign = true;
		return true;
	}
	++ro->own;
	if (pl_isset(&addr.uri.user)) {
		ro->token = route_decode(&ro->route, &addr.uri.user,
					 ro->c->key);
		ro->forged = !ro->token;
	}
	return false;
}

/* A user who has a new connection is reached by that one. */
static void route_resolve(const struct core *c, struct route *r)
{
	const struct list *l = r->user ?
		bindings_by_hash(c->bindings, r->user) : NULL;
	const struct binding *bi = list_ledata(list_head(l));

	if (bi && !bindings_has_flow(l, &r->flow))
		r->flow = bi->flow;
}

/* bindings_hash of the user, if the flow is one of his bindings. */
static uint32_t flow_user(const struct core *c, const struct pl *user,
			  const struct flow *flow)
{
	const struct list *l = bindings_of(c->bindings, user);

	return l && bindings_has_flow(l, flow) ? bindings_hash(user) : 0;
}

static void forward_in_dialog(struct core *c, const struct sip_msg *msg,
			      const struct flow *flow, struct routing *ro)
{
	struct fork_target target = { .user = 0 };
	struct fork *f = NULL;
	char *uri = NULL;

	route_resolve(c, &ro->route);
	if (message_is(msg, "ACK")) {
		onward_ack(c, msg, &ro->route.flow, ro->own);
		return;
	}
	if (!transport_alive(c->tr, &ro->route.flow)) {
		core_refuse(c, msg, flow, 430, "Flow Failed",
			    "the other side's connection is gone");
		return;
	}
	target.flow = ro->route.flow;
	if (pl_strdup(&uri, &msg->ruri) ||
	    fork_alloc(&f, c, msg, flow, 0, ro->own))
		goto out;
	target.uri = uri;
	if (fork_add(f, &target)) {
		mem_deref(f);
		goto out;
	}
	fork_start(f, "the other side's connection is gone");
 out:
	mem_deref(uri);
}

static void forward_to_user(struct core *c, const struct sip_msg *msg,
			    const struct flow *flow, unsigned routes,
			    const struct list *l)
{
	const uint32_t user = bindings_hash(&msg->uri.user);
	struct fork *f = NULL;
	char what[128];
	int err = 0;

	if (fork_alloc(&f, c, msg, flow,
		       flow_user(c, &msg->from.uri.user, flow), routes))
		return;
	for (struct le *le = list_head(l); le && !err; le = le->next) {
		const struct binding *bi = le->data;
		const struct fork_target target = {
			bi->flow, bi->uri, bi->instance, user
		};

		err = fork_add(f, &target);
	}
	re_snprintf(what, sizeof what, "%r does not answer", &msg->uri.user);
	fork_start(f, what);
}

/* RFC 3261 section 11: about ourselves. */
static void answer_server(struct core *c, const struct sip_msg *msg,
			  const struct flow *flow)
{
	if (message_is(msg, "OPTIONS"))
		core_reply(c, msg, flow, 200, "OK", "%sSupported: outbound"
			   "\r\n%H", allow, seen_print, msg);
	else
		core_reply(c, msg, flow, 405, "Method Not Allowed", "%s",
			   allow);
}

static void request_to_user(struct core *c, const struct sip_msg *msg,
			    const struct flow *flow, unsigned routes)
{
	const struct pl *callee = &msg->uri.user;
	const struct list *l;

	if (core_is_ours(c, &msg->from.uri) &&
	    !core_authenticate(c, msg, flow, &msg->from.uri.user, true))
		return;
	if (!users_find(c->users, callee)) {
		core_refuse(c, msg, flow, 404, "Not Found",
			    "there is no user %r here", callee);
		return;
	}
	l = bindings_of(c->bindings, callee);
	if (!l) {
		core_refuse(c, msg, flow, 480, "Temporarily Unavailable",
			    "%r is not online", callee);
		return;
	}
	forward_to_user(c, msg, flow, routes, l);
}

/* New calls must not fill the memory; those under way go on. */
static bool overloaded(struct core *c, const struct sip_msg *msg,
		       const struct flow *flow)
{
	const unsigned max = pl_isset(&msg->to.tag) ? 2 * TRANSACTIONS_MAX
		: TRANSACTIONS_MAX;

	if (stable_count(c->stable) < max || message_is(msg, "ACK"))
		return false;
	++c->stats.refused;
	core_reply(c, msg, flow, 503, "Service Unavailable",
		   "Retry-After: %u\r\n", RETRY_AFTER);
	return true;
}

/* RFC 3261 section 16.3: what is refused before anything is looked up. */
static bool refused(struct core *c, const struct sip_msg *msg,
		    const struct flow *flow)
{
	const struct sip_hdr *hdr;

	if (pl_strcasecmp(&msg->uri.scheme, "sip")) {
		core_refuse(c, msg, flow, 416, "Unsupported URI Scheme",
			    "only sip: addresses are served");
		return true;
	}
	if (pl_isset(&msg->maxfwd) && !pl_u32(&msg->maxfwd)) {
		core_reply(c, msg, flow, 483, "Too Many Hops", NULL);
		return true;
	}
	if (onward_loops(c, msg)) {
		core_reply(c, msg, flow, 482, "Loop Detected", NULL);
		return true;
	}
	hdr = sip_msg_hdr(msg, SIP_HDR_PROXY_REQUIRE);
	if (hdr)
		core_reply(c, msg, flow, 420, "Bad Extension",
			   "Unsupported: %r\r\n", &hdr->val);
	return hdr != NULL;
}

static void route_request(struct core *c, const struct sip_msg *msg,
			  const struct flow *flow)
{
	struct routing ro = { .c = c };

	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_ROUTE, route_handler, &ro);
	if (ro.token && pl_isset(&msg->to.tag)) {
		forward_in_dialog(c, msg, flow, &ro);
		return;
	}
	if (message_is(msg, "ACK"))
		return;         /* for an answer of ours, or lost */
	if (ro.foreign) {
		core_refuse(c, msg, flow, 403, "Forbidden",
			    "requests are not routed to other proxies");
	}
	else if (ro.forged && pl_isset(&msg->to.tag)) {
		/* not 403, which would be the callee's word, nor 481, which
		 * would end a session that does without us (RFC 5626) */
		core_refuse(c, msg, flow, 430, "Flow Failed",
			    "this Route is none of ours, or of before the"
			    " last restart");
	}
	else if (!core_is_ours(c, &msg->uri)) {
		core_refuse(c, msg, flow, 403, "Forbidden",
			    "%r is not served here and nothing is relayed to"
			    " other domains", &msg->uri.host);
	}
	else if (message_is(msg, "REGISTER")) {
		register_request(c, msg, flow);
	}
	else if (!pl_isset(&msg->uri.user)) {
		answer_server(c, msg, flow);
	}
	else {
		request_to_user(c, msg, flow, ro.own);
	}
}

void proxy_request(struct core *c, const struct sip_msg *msg,
		   const struct flow *flow)
{
	const char *bad = message_fault(msg);

	if (bad) {
		if (pl_isset(&msg->via.sentby))
			core_reply(c, msg, flow, 400, bad, NULL);
		return;
	}
	if (stable_recv(c->stable, msg))
		return;
	if (message_is(msg, "CANCEL")) {
		core_reply(c, msg, flow, 481, "Transaction Does Not Exist",
			   NULL);
		return;
	}
	if (message_is(msg, "ACK") ||
	    (!overloaded(c, msg, flow) && !refused(c, msg, flow)))
		route_request(c, msg, flow);
}
