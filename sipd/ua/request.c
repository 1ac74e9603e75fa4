/*
 * request.c: from "INVITE bob" to an answer, by whatever way there is.
 *
 *   resolve --> target 1 --503, silence, refused--> target 2 ... --> end
 *                 |  ^
 *                 |  +-- 401, 407: once more with credentials
 *                 +-- large and UDP: TCP to the same address first
 *
 * Used for every request an account makes; calls and registrations see one
 * question and one end.
 */
#include <errno.h>
#include <string.h>
#include "sipd/sip/sipconn.h"
#include "sipd/ua/request.h"
#include "sipd/ua/siptext.h"

enum {
	UDP_MAX      = 1300,    /* bytes; RFC 3261 section 18.1.1 */
	PROBE_TIME   = 2000,    /* ms for TCP instead of UDP to connect */
	SILENCE_TIME = 4000,    /* ms until the next target is tried */
	VIA_ROOM     = 160,
};

struct request {
	struct le le;
	struct request **rp;
	struct stack *s;
	struct dialog *dlg;
	struct resolve *query;
	struct ctrans *ct;
	struct timer silence;
	char *met, *headers, *params, *ctype;
	struct mbuf *body;
	char *auth;             /* lines of the last attempt */
	struct target v[RESOLVE_MAX + 1];
	size_t n, i;            /* v[i] is being tried */
	char name[128];         /* host of the next hop, for TLS */
	void *flow;             /* a connection to use for v[0], or NULL */
	request_h *h;
	void *arg;
	/* what comes after; callees stand above their callers */
	ctrans_h *resph;
	timer_h *late;
	void (*go)(struct request *r, int err);
	uint32_t cseq;
	unsigned challenges, kinds;     /* 1: 401, 2: 407 */
	int err;
	enum login login;
	bool contact, early, cancelled, stale;
	bool heard;             /* somebody rings; 100 is the next hop's */
	bool probe;             /* TCP instead of UDP to v[i] */
	bool resolved;          /* v is from the DNS, not the flow */
	char why[160];
};

static void request_destructor(void *arg)
{
	struct request *r = arg;

	list_unlink(&r->le);
	timer_stop(&r->silence);
	if (r->rp)
		*r->rp = NULL;
	ctrans_detach(r->ct);
	mem_deref(r->query);
	mem_deref(r->flow);
	mem_deref(r->dlg);
	mem_deref(r->met);
	mem_deref(r->headers);
	mem_deref(r->params);
	mem_deref(r->ctype);
	mem_deref(r->body);
	mem_deref(r->auth);
	mem_deref(r->s);
}

const char *request_sentence(int err)
{
	switch (err) {
	case ETIMEDOUT:    return "no answer";
	case ECONNREFUSED: return "nothing answers at that address";
	case EHOSTUNREACH: return "the name is not known to the DNS";
	case ENETUNREACH:  return "there is no route to that address";
	case EACCES:       return "the TLS certificate is not trusted";
	case EPROTO:       return "what answers there does not speak SIP";
	case EPROTONOSUPPORT: return "transport not supported";
	default:           return "the connection failed";
	}
}

/* The last thing done with a request. */
static void finish(struct request *r, int err, const struct sip_msg *msg)
{
	request_h *h = r->h;

	timer_stop(&r->silence);
	if (r->early) {         /* never from within request_send */
		r->err = err;
		(void)timer_start(r->s->timers, &r->silence, 0,
				  r->late, r);
		return;
	}
	if (r->rp)
		*r->rp = NULL;
	r->rp = NULL;
	list_unlink(&r->le);    /* h may end the whole account */
	if (err && !r->why[0])
		str_ncpy(r->why, request_sentence(err), sizeof r->why);
	if (h)
		h(err, msg, r, r->arg);
	mem_deref(r);
}

static void late_handler(void *arg)
{
	struct request *r = arg;

	finish(r, r->err, NULL);
}

/* What callers tell apart. */
static int sort_error(int err)
{
	switch (err) {
	case ETIMEDOUT:
	case EACCES:
	case EPROTO:
	case ENOMEM:
	case EPROTONOSUPPORT:
		return err;
	case EBADMSG:
	case EMSGSIZE:
		return EPROTO;
	default:
		return ECONNREFUSED;
	}
}

static bool may_login(const struct request *r, const struct sa *dst)
{
	return r->s->password && (r->login == LOGIN_SERVER ||
				  stack_is_server(r->s, dst));
}

static int auth_lines(struct request *r, const struct sa *dst)
{
	struct mbuf *mb;
	int err;

	r->auth = mem_deref(r->auth);
	if (r->login == LOGIN_SERVER)
		stack_set_server(r->s, dst);
	if (!r->s->digest.n || !may_login(r, dst))
		return 0;
	mb = mbuf_alloc(512);
	if (!mb)
		return ENOMEM;
	err = digest_client_encode(mb, &r->s->digest, r->s->user,
				   r->s->password, r->met, r->dlg->target);
	mb->pos = 0;
	if (!err && mb->end)
		err = mbuf_strdup(mb, &r->auth, mb->end);
	mem_deref(mb);
	return err;
}

static int compose(struct mbuf *mb, struct request *r,
		   const struct contact *c)
{
	struct call_body b = { .ctype = r->ctype };
	int err;

	if (r->body) {
		b.p = (const char *)r->body->buf;
		b.n = r->body->end;
	}
	err  = mbuf_printf(mb, "Max-Forwards: 70\r\n%HCSeq: %u %s\r\n",
			   dialog_print, r->dlg, r->cseq, r->met);
	if (r->contact)
		err |= mbuf_printf(mb, "Contact: %H%s\r\n", stack_contact, c,
				   r->params ? r->params : "");
	err |= mbuf_printf(mb, "%s%sUser-Agent: " UA_SOFTWARE "\r\n%H",
			   r->headers ? r->headers : "",
			   r->auth ? r->auth : "", siptext_body_print, &b);
	mb->pos = 0;
	return err;
}

static void hop_fill(struct request *r, struct hop *hop,
		     const struct target *t)
{
	const char *known = stack_name(r->s, &t->dst);
	struct sa sa;

	memset(hop, 0, sizeof *hop);
	hop->tp = t->tp;
	hop->dst = t->dst;
	hop->name = r->name;
	/* a route by address, to a server that proved its name before */
	if (known && !sa_set_str(&sa, r->name, 0))
		hop->name = known;
	if (!r->resolved)
		hop->sock = r->flow;
}

static bool large(const struct request *r, const struct mbuf *mb)
{
	return mb->end + strlen(r->met) + strlen(r->dlg->target) + VIA_ROOM
		> UDP_MAX;
}

/* One target more, or the same one again. */
static int attempt(struct request *r)
{
	const struct target *t = &r->v[r->i];
	struct mbuf *mb = mbuf_alloc(1024);
	struct sa laddr;
	struct hop hop;
	struct contact c = { r->s, &laddr, t->tp };
	const struct stack_request req = {
		&hop, &laddr, r->met, r->dlg->target, mb
	};
	int err;

	if (!mb)
		return ENOMEM;
	hop_fill(r, &hop, t);
	r->probe = false;
	err = transp_local(r->s->transp, &laddr, &hop);
	if (!err)
		err = auth_lines(r, &t->dst);
	if (!err)
		err = compose(mb, r, &c);
	if (!err && t->tp == SIP_TRANSP_UDP && large(r, mb) &&
	    !stack_no_tcp(r->s, &t->dst)) {
		r->probe = true;
		hop.tp = SIP_TRANSP_TCP;
		hop.timeout = PROBE_TIME;
		hop.sock = NULL;
	}
	if (!err)
		err = stack_request(&r->ct, r->s, &req, r->resph, r);
	mem_deref(mb);
	return err;
}

/* The attempt came to nothing: the same target by UDP, or the next one. */
static void step(struct request *r)
{
	if (r->probe)
		stack_set_no_tcp(r->s, &r->v[r->i].dst);
	else
		++r->i;
}

/* Who is slow may hear of it by both ways: were it the same request, it would
 * take the second for a loop (RFC 3261 section 8.2.2.2). */
static void silence_handler(void *arg)
{
	struct request *r = arg;

	ctrans_cancel(r->ct, NULL);
	ctrans_detach(r->ct);
	r->ct = NULL;
	r->cseq = dialog_next_cseq(r->dlg);
	step(r);
	r->go(r, ETIMEDOUT);
}

static void resolve_handler(int err, const struct target *v, size_t n,
			    void *arg)
{
	struct request *r = arg;

	r->query = mem_deref(r->query);
	if (err) {
		if (err == ETIMEDOUT)
			str_ncpy(r->why, "no DNS server answers",
				 sizeof r->why);
		finish(r, err == ETIMEDOUT ? EHOSTUNREACH : err, NULL);
		return;
	}
	memcpy(r->v, v, n * sizeof *v);
	r->n = n;
	r->i = 0;
	r->go(r, ECONNREFUSED);
}

static int query(struct request *r)
{
	struct pl pl;
	struct uri uri;
	int err;

	r->resolved = true;
	pl_set_str(&pl, r->dlg->next);
	err = uri_decode(&uri, &pl) ? EINVAL : 0;
	if (!err)
		err = pl_strcpy(&uri.host, r->name, sizeof r->name);
	return err ? err : resolve(&r->query, r->s->resolver, &uri,
				   resolve_handler, r);
}

/* Try what is left; err is what the last attempt said. */
static void go(struct request *r, int err)
{
	for (; r->i < r->n; step(r)) {
		err = attempt(r);
		if (err)
			continue;
		if (r->probe || !r->resolved || r->i + 1 < r->n)
			(void)timer_start(r->s->timers, &r->silence,
					  SILENCE_TIME * MSEC,
					  silence_handler, r);
		return;
	}
	if (!r->resolved) {
		r->n = r->i = 0;
		err = query(r);
		if (!err)
			return;
	}
	finish(r, sort_error(err), NULL);
}

/* Is another attempt worth while? Servers that send a fresh nonce each time
 * would have us try for ever. */
static bool challenged(struct request *r, const struct sip_msg *msg)
{
	unsigned kind = msg->scode == 401 ? 1 : 2, allowed;

	if ((msg->scode != 401 && msg->scode != 407) ||
	    !may_login(r, &msg->src) ||
	    digest_client_response(&r->s->digest, msg))
		return false;
	r->kinds |= kind;
	r->stale |= digest_client_stale(&r->s->digest);
	allowed = 1 + (r->kinds == 3) + r->stale;
	return r->challenges++ < allowed;
}

static void response_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct request *r = arg;
	struct sa sa;

	timer_stop(&r->silence);
	if (!err && msg->tp == SIP_TRANSP_TLS && r->resolved &&
	    sa_set_str(&sa, r->name, 0))
		stack_set_name(r->s, &msg->src, r->name);
	if (!err && msg->scode < 200) {
		r->heard |= msg->scode > 100;
		if (r->h)
			r->h(0, msg, r, r->arg);
	}
	else if (r->cancelled || r->heard) {
		finish(r, err ? sort_error(err) : 0, msg);
	}
	else if (!err && challenged(r, msg)) {
		r->cseq = dialog_next_cseq(r->dlg);
		go(r, 0);
	}
	else if (err || (msg->scode == 503 && r->i + 1 < r->n)) {
		str_ncpy(r->why, r->s->why, sizeof r->why);
		step(r);
		go(r, err ? err : ECONNREFUSED);
	}
	else {
		finish(r, 0, msg);
	}
}

static int fill(struct request *r, const struct request_conf *conf)
{
	const struct call_body *b = conf->body;
	int err = str_dup(&r->met, conf->met);

	if (conf->headers)
		err |= str_dup(&r->headers, conf->headers);
	if (conf->params)
		err |= str_dup(&r->params, conf->params);
	if (b && b->ctype) {
		err |= str_dup(&r->ctype, b->ctype);
		r->body = mbuf_alloc(b->n ? b->n : 1);
		err |= r->body ? mbuf_write_mem(r->body,
						(const uint8_t *)b->p, b->n)
			: ENOMEM;
	}
	if (conf->flow && (conf->flow->tp == SIP_TRANSP_UDP ||
			   sipconn_open(conf->flow->sock))) {
		r->flow = mem_ref(conf->flow->sock);
		r->v[0].tp = conf->flow->tp;
		r->v[0].dst = conf->flow->dst;
		r->n = 1;
	}
	return err;
}

int request_send(struct request **rp, struct stack *s,
		 const struct request_conf *conf, request_h *h, void *arg)
{
	struct request *r = mem_zalloc(sizeof *r, request_destructor);
	int err;

	if (!r)
		return ENOMEM;
	r->s = mem_ref(s);
	r->dlg = mem_ref(conf->dlg);
	r->contact = conf->contact;
	r->login = conf->login;
	r->resph = response_handler;
	r->late = late_handler;
	r->go = go;
	r->cseq = dialog_next_cseq(r->dlg);
	err = fill(r, conf);
	if (err) {
		mem_deref(r);
		return err;
	}
	r->h = h;
	r->arg = arg;
	r->rp = rp;
	if (rp)
		*rp = r;
	list_append(&s->pendingl, &r->le, r);
	r->early = true;
	go(r, 0);
	r->early = false;
	return 0;
}

void request_cancel(struct request *r, const char *headers)
{
	if (!r || r->cancelled)
		return;
	r->cancelled = true;
	timer_stop(&r->silence);
	if (r->ct) {
		ctrans_cancel(r->ct, headers);
		return;
	}
	r->query = mem_deref(r->query);
	r->err = ECONNABORTED;
	(void)timer_start(r->s->timers, &r->silence, 0, late_handler, r);
}

uint32_t request_cseq(const struct request *r)
{
	return r->cseq;
}

const char *request_auth(const struct request *r)
{
	return r->auth;
}

const char *request_why(const struct request *r)
{
	return r->why;
}
