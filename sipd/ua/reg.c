/*
 * reg.c: REGISTER (RFC 3261 section 10), kept alive as RFC 5626 has it.
 *
 *   registering --200--> registered --80 % of expires--> refreshed ...
 *        ^                    |
 *        |                    +-- the flow is lost: at once
 *        +-- failed: after 30 s doubled for each failure up to 30 min, a
 *            random half of it less (section 4.5), Retry-After if longer
 * The flow is kept open by CRLF on streams and by STUN or CRLF on UDP.
 */
#include <errno.h>
#include <string.h>
#include "sdp/base/outside.h"
#include "sipd/ua/reg.h"
#include "sipd/ua/request.h"
#include "sipd/ua/siptext.h"
#include "sipd/ua/stunping.h"

enum {
	BASE_TIME  = 30,        /* s; RFC 5626 section 4.5 */
	MAX_TIME   = 1800,
	SOON       = 300,       /* ms; several addresses change at a time */
	PING_UDP   = 25,        /* s; below what NATs forget in */
	PING_TCP   = 110,
	PONG_TIME  = 10,        /* s; section 4.4.1 */
	PROBE_TIME = 2,         /* s; when it is doubted */
	EXPIRES_MIN = 10,
	EXPIRES_MAX = 86400,
};

struct reg {
	struct stack *s;
	struct reg_conf conf;
	char *instance;
	struct dialog *dlg;
	struct request *req;
	struct timer timer;     /* the next REGISTER */
	struct timer ping;
	struct hop flow;        /* where the answer came from */
	struct outside *outside;        /* the same */
	struct stunping stun;
	enum ua_state state;
	uint32_t expires;       /* asked for */
	uint32_t flow_time;     /* s between pings, at most; 0: not said */
	unsigned fails;
	bool outbound;          /* the registrar takes part (RFC 5626) */
	bool bound, removing, raised;
};

static void reg_destructor(void *arg)
{
	struct reg *r = arg;

	timer_stop(&r->timer);
	timer_stop(&r->ping);
	mem_deref(r->req);
	mem_deref(r->dlg);
	mem_deref(r->instance);
	mem_deref(r->flow.sock);
	mem_deref(r->outside);
	mem_deref(r->s);
}

static void state_set(struct reg *r, enum ua_state st, uint16_t scode,
		      const char *why)
{
	r->state = st;
	if (!r->removing && r->conf.stateh)
		r->conf.stateh(st, scode, why, r->conf.arg);
}

/* ---- the flow ---- */

static void ping_handler(void *arg);

static void ping_in(struct reg *r, uint64_t ns)
{
	(void)timer_start(r->s->timers, &r->ping, ns, ping_handler, r);
}

static void ping_start(struct reg *r)
{
	uint32_t s = r->flow.tp == SIP_TRANSP_UDP ? PING_UDP : PING_TCP;

	/* for how long the server waits; it knows nothing of our NAT */
	if (r->flow_time && r->flow_time < s)
		s = r->flow_time;
	/* 80 to 100 % of it, so that clients do not march in step */
	ping_in(r, s * (800 + rand_u16() % 201) * MSEC);
}

static void register_handler(void *arg);

static void lost(struct reg *r)
{
	timer_stop(&r->ping);
	r->flow.sock = mem_deref(r->flow.sock);
	r->flow.tp = SIP_TRANSP_NONE;
	if (r->removing || r->req)
		return;
	(void)timer_start(r->s->timers, &r->timer, SOON * MSEC,
			  register_handler, r);
}

static void ping_handler(void *arg)
{
	struct reg *r = arg;
	bool doubt = false;     /* the last one was not answered */
	int err;

	if (r->flow.tp == SIP_TRANSP_UDP && r->outbound) {
		if (stunping_unanswered(&r->stun)) {
			lost(r);
			return;
		}
		doubt = stunping_open(&r->stun);
		err = stunping_send(&r->stun, r->s->transp, &r->flow);
	}
	else {
		err = transp_ping(r->s->transp, &r->flow,
				  r->outbound ? PONG_TIME : 0);
	}
	if (err)
		lost(r);
	else if (doubt)
		ping_in(r, PROBE_TIME * SEC);
	else
		ping_start(r);
}

void reg_probe(struct reg *r)
{
	if (r->flow.tp == SIP_TRANSP_NONE || !r->outbound || r->removing)
		return;
	if (r->flow.tp != SIP_TRANSP_UDP) {
		if (transp_ping(r->s->transp, &r->flow, PROBE_TIME))
			lost(r);
		return;
	}
	(void)stunping_send(&r->stun, r->s->transp, &r->flow);
	ping_in(r, PROBE_TIME * SEC);
}

static void flow_set(struct reg *r, const struct sip_msg *msg)
{
	if (r->flow.sock == msg->sock && r->ping.heap)
		return;
	mem_deref(r->flow.sock);
	memset(&r->flow, 0, sizeof r->flow);
	r->flow.tp = msg->tp;
	r->flow.dst = msg->src;
	r->outside = mem_deref(r->outside);
	(void)outside_alloc(&r->outside, &msg->src);
	r->flow.sock = mem_ref(msg->sock);
	memset(&r->stun, 0, sizeof r->stun);
	ping_start(r);
}

void reg_loss(struct reg *r, const void *sock, const struct sa *dst)
{
	if (sock ? sock == r->flow.sock
		 : r->flow.tp == SIP_TRANSP_UDP &&
		   sa_cmp(dst, &r->flow.dst, SA_ALL))
		lost(r);
}

void reg_stun(struct reg *r, const struct sa *src, const struct mbuf *mb)
{
	/* another address behind the NAT: the binding leads nowhere */
	if (r->flow.tp == SIP_TRANSP_UDP &&
	    sa_cmp(src, &r->flow.dst, SA_ALL) &&
	    stunping_recv(&r->stun, mb))
		lost(r);
}

/* ---- REGISTER ---- */

struct own {
	const char *user;
	struct sa addr;
	uint32_t expires;
	bool found;
};

/* Which of the bindings in the answer is ours, and for how long? */
static bool contact_handler(const struct sip_hdr *hdr,
			    const struct sip_msg *msg, void *arg)
{
	struct own *own = arg;
	struct sip_addr addr;
	struct pl exp;
	struct sa sa;
	(void)msg;

	if (siptext_addr(&addr, &hdr->val) ||
	    pl_strcmp(&addr.uri.user, own->user) ||
	    sa_set(&sa, &addr.uri.host, addr.uri.port) ||
	    !sa_cmp(&sa, &own->addr, SA_ADDR) ||
	    (addr.uri.port && addr.uri.port != sa_port(&own->addr)))
		return false;
	own->found = true;
	if (!msg_param_decode(&addr.params, "expires", &exp))
		own->expires = pl_u32(&exp);
	return true;
}

static uint32_t granted(struct reg *r, const struct sip_msg *msg)
{
	struct hop hop = { .tp = msg->tp, .dst = msg->src };
	struct own own = { .user = r->s->contact, .expires = r->expires };

	(void)siptext_number(&own.expires, msg, SIP_HDR_EXPIRES);
	if (!transp_local(r->s->transp, &own.addr, &hop))
		(void)sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT,
					contact_handler, &own);
	if (own.expires < EXPIRES_MIN)
		return EXPIRES_MIN;
	return own.expires < EXPIRES_MAX ? own.expires : EXPIRES_MAX;
}

static void accepted(struct reg *r, const struct sip_msg *msg)
{
	uint32_t expires = granted(r, msg);

	r->fails = 0;
	r->raised = false;
	r->bound = true;
	r->outbound = sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE,
					    "outbound");
	r->flow_time = 0;
	if (siptext_number(&r->flow_time, msg, SIP_HDR_FLOW_TIMER) &&
	    (r->flow_time < 10 || r->flow_time > 3600))
		r->flow_time = 0;
	flow_set(r, msg);
	(void)timer_start(r->s->timers, &r->timer, expires * 800 * MSEC,
			  register_handler, r);
	state_set(r, UA_REGISTERED, msg->scode, "");
}

static void failed(struct reg *r, uint16_t scode, uint32_t retry_after,
		   const char *why)
{
	uint64_t wait = BASE_TIME;
	unsigned n = r->fails++;

	while (n-- && wait < MAX_TIME)
		wait *= 2;
	if (wait > MAX_TIME)
		wait = MAX_TIME;
	wait = wait * (500 + rand_u16() % 501);         /* ms */
	if (wait < retry_after * 1000ULL)
		wait = retry_after * 1000ULL;
	(void)timer_start(r->s->timers, &r->timer, wait * MSEC,
			  register_handler, r);
	state_set(r, UA_FAILED, scode, why);
}

static void response_handler(int err, const struct sip_msg *msg,
			     const struct request *req, void *arg)
{
	struct reg *r = arg;
	struct call_end end = { 0 };
	uint32_t min;

	if (msg && msg->scode < 200)
		return;
	if (r->removing)
		return;
	if (err) {
		failed(r, 0, 0, request_why(req));
	}
	/* an answer, then. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	else if (msg->scode < 300) {
		accepted(r, msg);
	}
	else if (msg->scode == 423 && !r->raised &&
		 siptext_number(&min, msg, SIP_HDR_MIN_EXPIRES) &&
		 min > r->expires && min <= EXPIRES_MAX) {
		r->raised = true;
		r->expires = min;
		register_handler(r);
	}
	else {
		siptext_end(&end, msg);
		failed(r, end.scode, end.retry_after, end.text);
	}
}

static int send_register(struct reg *r, uint32_t expires)
{
	char headers[128], params[256] = "";
	struct request_conf conf = {
		.met = "REGISTER", .dlg = r->dlg, .headers = headers,
		.contact = true, .params = params, .login = LOGIN_SERVER,
	};

	if (r->instance)
		(void)re_snprintf(params, sizeof params,
				  ";reg-id=1;+sip.instance=\"<%s>\"",
				  r->instance);
	(void)re_snprintf(headers, sizeof headers, "Expires: %u\r\n"
			  "Supported: path, outbound\r\n", expires);
	return request_send(&r->req, r->s, &conf, response_handler, r);
}

static void register_handler(void *arg)
{
	struct reg *r = arg;
	int err;

	if (r->req || r->removing)
		return;
	if (r->state != UA_REGISTERED)
		state_set(r, UA_REGISTERING, 0, "");
	err = send_register(r, r->expires);
	if (err)
		failed(r, 0, 0, "the request cannot be made");
}

void reg_again(struct reg *r)
{
	if (r->removing)
		return;
	r->req = mem_deref(r->req);
	(void)timer_start(r->s->timers, &r->timer, SOON * MSEC,
			  register_handler, r);
}

bool reg_remove(struct reg *r)
{
	timer_stop(&r->timer);
	timer_stop(&r->ping);
	r->removing = true;
	r->req = mem_deref(r->req);
	return r->bound && !send_register(r, 0);
}

bool reg_quiet(const struct reg *r)
{
	return !r->req;
}

enum ua_state reg_state(const struct reg *r)
{
	return r->state;
}

/* The Request-URI is the domain (RFC 3261 section 10.2). */
static int domain(char **uri, const char *aor)
{
	struct uri u;
	struct pl pl;

	pl_set_str(&pl, aor);
	if (uri_decode(&u, &pl))
		return EINVAL;
	return re_sdprintf(uri, u.af == AF_INET6 ? "sip:[%r]" : "sip:%r",
			   &u.host);
}

int reg_alloc(struct reg **rp, struct stack *s, const struct reg_conf *conf)
{
	struct reg *r = mem_zalloc(sizeof *r, reg_destructor);
	int err;

	if (!r)
		return ENOMEM;
	r->s = mem_ref(s);
	r->conf = *conf;
	r->conf.aor = r->conf.route = r->conf.next = NULL;
	r->expires = conf->expires;
	r->flow.tp = SIP_TRANSP_NONE;
	err = dialog_alloc(&r->dlg, conf->aor, conf->aor, conf->route,
			   conf->next);
	if (!err && conf->instance)
		err = str_dup(&r->instance, conf->instance);
	if (!err) {
		r->dlg->target = mem_deref(r->dlg->target);
		err = domain(&r->dlg->target, conf->aor);
	}
	if (!err)
		err = timer_start(s->timers, &r->timer, 0, register_handler,
				  r);
	if (err)
		mem_deref(r);
	else
		*rp = r;
	return err;
}
