/*
 * ctrans.c: client transactions.
 *
 *             1xx            3xx-6xx (ACK)
 *   CALLING ──────> PROCEEDING ──────────> COMPLETED ── timer D, K ──> gone
 *      │ timer B, F      │ 2xx to INVITE
 *      └──> ETIMEDOUT    └──> ACCEPTED (more 2xx pass) ── timer M ──> gone
 *
 * Owns the request for retransmissions, and a reference to whoever waits for
 * the answer. fork.c starts them, the registrar feeds the responses in.
 */
#include <string.h>
#include "sipd/sip/trans.h"
#include "sipd/registrar/ctrans.h"

enum {
	BUCKETS = 8192,
};

struct ctable {
	struct timers *timers;
	struct transport *tr;
	struct hash *ht;        /* by branch, owns them */
	struct hash *waiting;   /* by flow, those without a final answer */
	unsigned n;
};

enum state { CALLING, PROCEEDING, COMPLETED, ACCEPTED, GONE };

struct ctrans {
	struct le he;
	struct le we;           /* in waiting */
	struct ctable *t;
	enum state state;
	bool invite;
	bool reliable;
	bool cancelled;
	char branch[BRANCH_SIZE];
	char met[METHOD_SIZE];
	struct flow flow;
	struct mbuf *mb;        /* the request; later the ACK */
	struct timer life;      /* B, D, F, K, M */
	struct timer again;     /* A, E */
	uint64_t interval;
	ctrans_h *h;
	void *arg;
};

static void ctable_destructor(void *arg)
{
	struct ctable *t = arg;

	hash_flush(t->ht);
	mem_deref(t->ht);
	mem_deref(t->waiting);
}

int ctable_alloc(struct ctable **tp, struct timers *timers,
		 struct transport *tr)
{
	struct ctable *t = mem_zalloc(sizeof *t, ctable_destructor);
	int err;

	if (!t)
		return ENOMEM;
	t->timers = timers;
	t->tr = tr;
	err = hash_alloc(&t->ht, BUCKETS);
	if (!err)
		err = hash_alloc(&t->waiting, BUCKETS);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

void ctrans_branch(char branch[BRANCH_SIZE], uint32_t loop)
{
	re_snprintf(branch, BRANCH_SIZE, "z9hG4bK%016llx%08x", rand_u64(),
		    loop);
}

static void ctrans_destructor(void *arg)
{
	struct ctrans *c = arg;

	timer_stop(&c->life);
	timer_stop(&c->again);
	hash_unlink(&c->he);
	hash_unlink(&c->we);
	mem_deref(c->mb);
	mem_deref(c->arg);
}

static void ctrans_end(struct ctrans *c)
{
	if (c->state == GONE)
		return;
	c->state = GONE;
	--c->t->n;
	hash_unlink(&c->he);
	hash_unlink(&c->we);
	mem_deref(c);
}

/* The last words to whoever waits, if they were not said yet. */
static void ctrans_fail(struct ctrans *c, int err)
{
	const bool waiting = c->state == CALLING || c->state == PROCEEDING;

	mem_ref(c);
	if (waiting && c->h)
		c->h(err, NULL, c->arg);
	ctrans_end(c);
	mem_deref(c);
}

static void life_handler(void *arg)
{
	ctrans_fail(arg, ETIMEDOUT);
}

static void retransmit_handler(void *arg)
{
	struct ctrans *c = arg;
	int err;

	if (c->state == PROCEEDING)
		c->interval = T2;
	else
		c->interval = c->invite ? 2 * c->interval :
			MIN(2 * c->interval, T2);
	err = transport_send(c->t->tr, &c->flow, c->mb);
	if (!err)
		err = timer_start(c->t->timers, &c->again, c->interval,
				  retransmit_handler, c);
	if (err)
		ctrans_fail(c, err);
}

int ctrans_alloc(struct ctrans **cp, struct ctable *t,
		 const struct ctrans_conf *conf)
{
	enum sip_transp tp = SIP_TRANSP_UDP;
	struct ctrans *c;
	int err;

	if (!transport_laddr(t->tr, &conf->flow, &tp))
		return ENOTCONN;
	err = transport_send(t->tr, &conf->flow, conf->mb);
	if (err)
		return err;
	c = mem_zalloc(sizeof *c, ctrans_destructor);
	if (!c)
		return ENOMEM;
	c->t = t;
	c->invite = conf->invite;
	c->reliable = tp != SIP_TRANSP_UDP;
	str_ncpy(c->branch, conf->branch, sizeof c->branch);
	str_ncpy(c->met, conf->met, sizeof c->met);
	c->flow = conf->flow;
	c->mb = mem_ref(conf->mb);
	c->h = conf->h;
	c->interval = T1;
	err = timer_start(t->timers, &c->life, 64 * T1, life_handler, c);
	if (!err && !c->reliable)
		err = timer_start(t->timers, &c->again, T1,
				  retransmit_handler, c);
	if (err) {
		mem_deref(c);
		return err;
	}
	c->arg = mem_ref(conf->arg);
	hash_append(t->ht, hash_joaat_str(c->branch), &c->he, c);
	hash_append(t->waiting, sa_hash(&c->flow.peer, SA_ALL), &c->we, c);
	++t->n;
	if (cp)
		*cp = c;
	return 0;
}

static void send_cancel(struct ctrans *c)
{
	struct ctrans_conf conf = {
		.flow = c->flow, .branch = c->branch, .met = "CANCEL",
	};

	/* RFC 3261 section 9.1: give up if no final response comes */
	(void)timer_start(c->t->timers, &c->life, 64 * T1, life_handler, c);
	if (trans_followup(&conf.mb, "CANCEL", c->mb, NULL, NULL))
		return;
	(void)ctrans_alloc(NULL, c->t, &conf);
	mem_deref(conf.mb);
}

void ctrans_cancel(struct ctrans *c)
{
	if (!c->invite || c->cancelled || c->state > PROCEEDING)
		return;
	c->cancelled = true;
	if (c->state == PROCEEDING)
		send_cancel(c);
}

static void provisional(struct ctrans *c, const struct sip_msg *msg)
{
	const bool first = c->state == CALLING;

	c->state = PROCEEDING;
	if (c->invite && first) {
		timer_stop(&c->again);
		timer_stop(&c->life);
		if (c->cancelled)
			send_cancel(c);
	}
	if (c->h)
		c->h(0, msg, c->arg);
}

/* The ACK takes the request's place, to be sent again with the response. */
static void send_ack(struct ctrans *c, const struct sip_msg *msg)
{
	struct mbuf *mb = NULL;

	if (trans_followup(&mb, "ACK", c->mb, msg, NULL))
		return;
	mem_deref(c->mb);
	c->mb = mb;
	(void)transport_send(c->t->tr, &c->flow, mb);
}

static void final(struct ctrans *c, const struct sip_msg *msg)
{
	const uint64_t life = !c->invite ? T4 :
		msg->scode < 300 || !c->reliable ? 64 * T1 : 0;

	timer_stop(&c->again);
	timer_stop(&c->life);
	hash_unlink(&c->we);
	if (c->invite && msg->scode < 300) {
		c->state = ACCEPTED;
		c->mb = mem_deref(c->mb);
	}
	else {
		c->state = COMPLETED;
		if (c->invite)
			send_ack(c, msg);
	}
	if (c->h)
		c->h(0, msg, c->arg);
	if (!life || (!c->invite && c->reliable) ||
	    timer_start(c->t->timers, &c->life, life, life_handler, c))
		ctrans_end(c);
}

static void response(struct ctrans *c, const struct sip_msg *msg)
{
	switch (c->state) {

	case CALLING:
	case PROCEEDING:
		if (msg->scode < 200)
			provisional(c, msg);
		else
			final(c, msg);
		break;

	case COMPLETED:
		if (c->invite && msg->scode >= 300)
			(void)transport_send(c->t->tr, &c->flow, c->mb);
		break;

	case ACCEPTED:
		if (msg->scode / 100 == 2 && c->h)
			c->h(0, msg, c->arg);
		break;

	case GONE:
		break;
	}
}

static bool key_handler(struct le *le, void *arg)
{
	const struct ctrans *c = le->data;
	const struct sip_msg *msg = arg;

	return !pl_strcmp(&msg->via.branch, c->branch) &&
		!pl_strcmp(&msg->cseq.met, c->met);
}

void ctable_recv(struct ctable *t, const struct sip_msg *msg)
{
	struct ctrans *c;

	if (msg->scode < 100 || msg->scode > 699)
		return;
	c = list_ledata(hash_lookup(t->ht, hash_joaat_pl(&msg->via.branch),
				    key_handler, (void *)msg));
	if (!c)
		return;
	mem_ref(c);
	response(c, msg);
	mem_deref(c);
}

static bool flow_handler(struct le *le, void *arg)
{
	const struct ctrans *c = le->data;

	return flow_cmp(&c->flow, arg);
}

/* One at a time: who is told may begin others. */
void ctable_flow_closed(struct ctable *t, const struct flow *flow)
{
	struct le *le;

	while ((le = hash_lookup(t->waiting, sa_hash(&flow->peer, SA_ALL),
				 flow_handler, (void *)flow)) != NULL)
		ctrans_fail(le->data, ENOTCONN);
}

unsigned ctable_count(const struct ctable *t)
{
	return t->n;
}
