/*
 * stack.c: transport and transactions of an account, put together.
 *
 *   transp --> message --> transaction? --no--> checks --> ua
 *
 * The checks are those of RFC 3261 section 8.2 that need no knowledge of
 * calls.
 */
#include <errno.h>
#include <string.h>
#include "sdp/base/outside.h"
#include "sipd/ua/stack.h"

enum {
	NO_TCP_TIME      = 600, /* s */
	TRANSACTIONS_MAX = 262144,      /* 4,000 calls a second for 32 s */
};

static void stack_destructor(void *arg)
{
	struct stack *s = arg;

	mem_deref(s->ctable);
	mem_deref(s->uastrans);
	mem_deref(s->transp);
	mem_deref(s->resolver);
	mem_deref(s->user);
	if (s->password)
		explicit_bzero(s->password, strlen(s->password));
	mem_deref(s->password);
	mem_deref(s->contact);
}

/* 0, or the status to refuse it with. */
static uint16_t request_fault(const struct sip_msg *msg, const char **phrase)
{
	*phrase = "Bad Request";
	if (!pl_isset(&msg->to.auri) || !pl_isset(&msg->from.auri) ||
	    !pl_isset(&msg->from.tag) || !pl_isset(&msg->callid) ||
	    pl_cmp(&msg->cseq.met, &msg->met) ||
	    msg->cseq.num > INT32_MAX)
		return 400;
	for (size_t i = 0; i < msg->maxfwd.l; i++)
		if (msg->maxfwd.p[i] < '0' || msg->maxfwd.p[i] > '9')
			return 400;
	if (pl_strcasecmp(&msg->uri.scheme, "sip") &&
	    pl_strcasecmp(&msg->uri.scheme, "sips")) {
		*phrase = "Unsupported URI Scheme";
		return 416;
	}
	return 0;
}

static void request_handler(struct stack *s, const struct sip_msg *msg)
{
	const char *phrase;
	uint16_t scode;

	/* without these nobody could be answered */
	if (!pl_isset(&msg->via.sentby) || !pl_isset(&msg->via.branch))
		return;
	scode = request_fault(msg, &phrase);
	if (scode && pl_strcmp(&msg->met, "ACK"))
		(void)uastrans_answer(s->uastrans, msg, scode, phrase, NULL);
	if (scode || uastrans_request(s->uastrans, msg))
		return;
	if (uastrans_full(s->uastrans) && !pl_isset(&msg->to.tag))
		(void)uastrans_answer(s->uastrans, msg, 503,
				      "Service Unavailable", "Retry-After:"
				      " %u\r\nContent-Length: 0\r\n\r\n",
				      QUOTA_RETRY);
	else
		s->reqh(msg, s->arg);
}

static void msg_handler(const struct sip_msg *msg, void *arg)
{
	struct stack *s = arg;

	mem_ref(s);
	if (msg->req)
		request_handler(s, msg);
	else if (!ctable_recv(s->ctable, msg))
		s->resph(msg, s->arg);
	mem_deref(s);
}

static void tell_ears(const struct stack *s, const struct trans_way *way)
{
	struct le *le = s->earl.head;

	while (le) {
		const struct stack_ear *ear = le->data;

		le = le->next;
		ear->h(way, ear->arg);
	}
}

static void fail_handler(const void *sock, enum sip_transp tp,
			 const struct sa *dst, int err, const char *why,
			 void *arg)
{
	const struct trans_way way = { tp, *dst, (uintptr_t)sock };
	struct stack *s = arg;

	mem_ref(s);
	if (why[0])
		(void)re_snprintf(s->why, sizeof s->why,
				  "TLS certificate: %s", why);
	ctable_fail(s->ctable, &way, err);
	tell_ears(s, &way);
	if (s->lossh)
		s->lossh(sock, dst, err, s->arg);
	s->why[0] = '\0';
	mem_deref(s);
}

static void stun_handler(const struct sa *src, const struct mbuf *mb,
			 void *arg)
{
	struct stack *s = arg;

	s->stunh(src, mb, s->arg);
}

/* Again, or what follows: to the address, for the connection may be another
 * by now. */
static int send_handler(const struct trans_way *way, struct mbuf *mb,
			void *arg)
{
	const struct hop hop = { .tp = way->tp, .dst = way->dst };
	struct stack *s = arg;

	return transp_send(s->transp, &hop, mb, NULL);
}

int stack_alloc(struct stack **sp, struct timers *timers,
		const struct transp_conf *conf)
{
	struct stack *s = mem_zalloc(sizeof *s, stack_destructor);
	struct transp_conf tc = *conf;
	int err;

	if (!s)
		return ENOMEM;
	tc.msgh = msg_handler;
	tc.failh = fail_handler;
	tc.stunh = stun_handler;
	tc.arg = s;
	s->timers = timers;
	s->quota = conf->quota;
	err = transp_alloc(&s->transp, timers, &tc);
	if (!err)
		err = ctable_alloc(&s->ctable, timers, send_handler, s);
	if (!err)
		err = uastrans_set_alloc(&s->uastrans, timers, s->transp,
					 UA_SOFTWARE, conf->transactions
					 ? conf->transactions
					 : TRANSACTIONS_MAX);
	if (!err)
		err = resolver_alloc(&s->resolver, timers, NULL, 0);
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}

static int launch(struct ctrans **cp, struct stack *s, const struct hop *hop,
		  struct ctrans_conf *conf)
{
	const void *sock;
	int err = transp_send(s->transp, hop, conf->mb, &sock);

	if (err)
		return err;
	conf->way = (struct trans_way){ hop->tp, hop->dst, (uintptr_t)sock };
	return ctrans_alloc(cp, s->ctable, conf);
}

int stack_request(struct ctrans **cp, struct stack *s,
		  const struct stack_request *req, ctrans_h *h, void *arg)
{
	struct mbuf *mb = mbuf_alloc(mbuf_get_left(req->rest) + 256);
	char branch[TRANS_BRANCH];
	struct outside *outside = NULL;
	struct ctrans_conf conf = {
		.met = req->met, .branch = branch, .mb = mb, .h = h,
		.arg = arg,
	};
	int err;

	if (!mb)
		return ENOMEM;
	trans_branch(branch, "");
	err  = mbuf_printf(mb, "%s %s SIP/2.0\r\n", req->met, req->uri);
	err |= trans_via(mb, req->hop->tp, req->laddr, branch);
	err |= mbuf_write_mem(mb, mbuf_buf(req->rest),
			      mbuf_get_left(req->rest));
	mb->pos = 0;
	if (!err)
		err = outside_alloc(&outside, &req->hop->dst);
	conf.keep = outside;
	if (!err)
		err = launch(cp, s, req->hop, &conf);
	mem_deref(outside);
	mem_deref(mb);
	return err;
}

void stack_flush(struct stack *s)
{
	s->lossh = NULL;        /* a way may be failing just now */
	list_flush(&s->pendingl);
	transp_flush(s->transp);
}

int stack_contact(struct re_printf *pf, const struct contact *c)
{
	return re_hprintf(pf, "<sip:%s%s%J%s>", c->s->contact,
			  c->s->contact[0] ? "@" : "", c->addr,
			  sip_transp_param(c->tp));
}

static const struct known_hop *hop_find(const struct stack *s,
					const struct sa *dst)
{
	for (size_t i = 0; i < HOPS_KNOWN; i++)
		if (s->hopv[i].used && sa_cmp(&s->hopv[i].dst, dst, SA_ALL))
			return &s->hopv[i];
	return NULL;
}

/* Its place, or that of the one longest unused. */
static struct known_hop *hop_place(struct stack *s, const struct sa *dst)
{
	struct known_hop *h = (struct known_hop *)hop_find(s, dst);

	if (!h) {
		h = &s->hopv[0];
		for (size_t i = 1; i < HOPS_KNOWN; i++)
			if (s->hopv[i].used < h->used)
				h = &s->hopv[i];
		memset(h, 0, sizeof *h);
		h->dst = *dst;
	}
	h->used = clock_ns();
	return h;
}

bool stack_no_tcp(const struct stack *s, const struct sa *dst)
{
	const struct known_hop *h = hop_find(s, dst);

	return h && h->no_tcp > clock_ns();
}

void stack_set_no_tcp(struct stack *s, const struct sa *dst)
{
	hop_place(s, dst)->no_tcp = clock_ns() + NO_TCP_TIME * SEC;
}

const char *stack_name(const struct stack *s, const struct sa *dst)
{
	const struct known_hop *h = hop_find(s, dst);

	return h && h->name[0] ? h->name : NULL;
}

void stack_set_name(struct stack *s, const struct sa *dst, const char *name)
{
	struct known_hop *h = hop_place(s, dst);

	str_ncpy(h->name, name, sizeof h->name);
}

bool stack_is_server(const struct stack *s, const struct sa *addr)
{
	for (size_t i = 0; i < s->serverc && i < SERVERS_KNOWN; i++)
		if (sa_cmp(&s->serverv[i], addr, SA_ADDR))
			return true;
	return false;
}

void stack_set_server(struct stack *s, const struct sa *addr)
{
	if (!stack_is_server(s, addr))
		s->serverv[s->serverc++ % SERVERS_KNOWN] = *addr;
}
