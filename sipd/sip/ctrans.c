/*
 * ctrans.c: client transactions.
 *
 *             1xx            3xx-6xx (INVITE: ACK), 2xx
 *   CALLING ──────> PROCEEDING ─────────> COMPLETED ── timer D, K ──> gone
 *      │ timer B, F      │ 2xx to INVITE
 *      └──> ETIMEDOUT    └──> ACCEPTED (a proxy's) ── timer M ──> gone
 *
 * Owns the request, later the ACK, to send it again. Found by branch and
 * method; those that wait also by the way they took, so that a broken
 * connection is their news at once. A handler is called last, for it may end
 * all of this. The ua's stack and the registrar have a table each.
 */
#include <errno.h>
#include <string.h>
#include "sipd/sip/ctrans.h"

enum { BRANCHES = 4096, WAYS = 1024 };         /* buckets */

struct ctable {
	struct timers *timers;
	trans_send_h *sendh;
	void *arg;
	struct hash *branches;  /* owns them */
	struct hash *ways;      /* those without a final response */
	unsigned n, waiting;
};

enum state { CALLING, PROCEEDING, COMPLETED, ACCEPTED };

struct ctrans {
	struct le he;           /* in branches */
	struct le we;           /* in ways */
	struct ctable *t;
	struct ctrans **cp;
	ctrans_h *h;
	void *arg, *keep;
	struct mbuf *mb;
	char *headers;          /* for CANCEL */
	struct timer life;      /* B, D, F, K, M */
	struct timer again;     /* A, E */
	uint64_t wait;          /* ns, of the latter */
	struct trans_way way;
	enum state state;
	bool invite, proxy, cancel;
	const char *met;
	char branch[];
};

static void wait_no_more(struct ctrans *c)
{
	if (!c->we.list)
		return;
	list_unlink(&c->we);
	--c->t->waiting;
}

static void ctrans_destructor(void *arg)
{
	struct ctrans *c = arg;

	wait_no_more(c);
	hash_unlink(&c->he);
	--c->t->n;
	timer_stop(&c->life);
	timer_stop(&c->again);
	if (c->cp)
		*c->cp = NULL;
	mem_deref(c->mb);
	mem_deref(c->headers);
	mem_deref(c->keep);
}

static void ctable_destructor(void *arg)
{
	struct ctable *t = arg;

	hash_flush(t->branches);
	mem_deref(t->branches);
	mem_deref(t->ways);
}

static int transmit(struct ctrans *c)
{
	return c->t->sendh(&c->way, c->mb, c->t->arg);
}

static int start(struct ctrans *c, struct timer *t, uint64_t ns, timer_h *h)
{
	return timer_start(c->t->timers, t, ns, h, c);
}

void ctrans_detach(struct ctrans *c)
{
	if (!c)
		return;
	if (c->cp)
		*c->cp = NULL;
	c->cp = NULL;
	c->h = NULL;
}

static void gone_handler(void *arg)
{
	mem_deref(arg);
}

/* No more waiting; for so long it deals with what comes again. */
static void finish(struct ctrans *c, int err, const struct sip_msg *msg,
		   uint64_t life)
{
	ctrans_h *h = c->h;
	void *arg = c->arg, *keep = mem_ref(c->keep);

	wait_no_more(c);
	timer_stop(&c->again);
	ctrans_detach(c);
	if (c->state == ACCEPTED)
		c->h = h;
	if (!life || start(c, &c->life, life, gone_handler))
		mem_deref(c);
	if (h)
		h(err, msg, arg);
	mem_deref(keep);
}

static void timeout_handler(void *arg)
{
	finish(arg, ETIMEDOUT, NULL, 0);
}

static void again_handler(void *arg)
{
	struct ctrans *c = arg;
	int err;

	c->wait = c->state == PROCEEDING ? T2 : 2 * c->wait;
	if (!c->invite && c->wait > T2)
		c->wait = T2;
	err = start(c, &c->again, c->wait, again_handler);
	if (!err)
		err = transmit(c);
	if (err)
		finish(c, err, NULL, 0);
}

/* ---- requests ---- */

static struct ctrans *ctrans_new(struct ctable *t,
				 const struct ctrans_conf *conf)
{
	const size_t branch = strlen(conf->branch) + 1;
	const size_t met = strlen(conf->met) + 1;
	struct ctrans *c = mem_zalloc(sizeof *c + branch + met,
				      ctrans_destructor);

	if (!c)
		return NULL;
	memcpy(c->branch, conf->branch, branch);
	c->met = memcpy(c->branch + branch, conf->met, met);
	c->t = t;
	++t->n;
	++t->waiting;
	hash_append(t->branches, hash_joaat_str(c->branch), &c->he, c);
	hash_append(t->ways, trans_way_hash(&conf->way), &c->we, c);
	c->way = conf->way;
	c->proxy = conf->proxy;
	c->invite = !strcmp(c->met, "INVITE");
	c->mb = mem_ref(conf->mb);
	c->keep = mem_ref(conf->keep);
	return c;
}

int ctrans_alloc(struct ctrans **cp, struct ctable *t,
		 const struct ctrans_conf *conf)
{
	struct ctrans *c = ctrans_new(t, conf);
	int err;

	if (!c)
		return ENOMEM;
	c->wait = T1;
	err = start(c, &c->life, 64 * T1, timeout_handler);
	if (!err && !trans_reliable(c->way.tp))
		err = start(c, &c->again, T1, again_handler);
	if (err) {
		mem_deref(c);
		return err;
	}
	c->h = conf->h;
	c->arg = conf->arg;
	c->cp = cp;
	if (cp)
		*cp = c;
	return 0;
}

static void send_cancel(struct ctrans *c)
{
	struct ctrans_conf conf = {
		.met = "CANCEL", .branch = c->branch, .way = c->way,
		.keep = c->keep,
	};

	/* RFC 3261 section 9.1: if no final response comes, give up */
	(void)start(c, &c->life, 64 * T1, timeout_handler);
	if (trans_followup(&conf.mb, "CANCEL", c->mb, NULL, c->headers))
		return;
	if (!c->t->sendh(&conf.way, conf.mb, c->t->arg))
		(void)ctrans_alloc(NULL, c->t, &conf);
	mem_deref(conf.mb);
}

void ctrans_cancel(struct ctrans *c, const char *headers)
{
	if (!c || !c->invite || c->cancel || c->state > PROCEEDING)
		return;
	c->cancel = true;
	if (headers)
		(void)str_dup(&c->headers, headers);
	if (c->state == PROCEEDING)
		send_cancel(c);
}

/* The ACK takes the request's place, to be sent again with the response. */
static void send_ack(struct ctrans *c, const struct sip_msg *resp)
{
	struct mbuf *ack;

	if (trans_followup(&ack, "ACK", c->mb, resp, NULL))
		return;
	mem_deref(c->mb);
	c->mb = ack;
	(void)transmit(c);
}

/* ---- responses ---- */

static void provisional(struct ctrans *c, const struct sip_msg *msg)
{
	const bool first = c->state == CALLING;

	c->state = PROCEEDING;
	if (c->invite && first) {
		timer_stop(&c->again);
		timer_stop(&c->life);           /* as long as it rings */
		if (c->cancel)
			send_cancel(c);
	}
	if (c->h)
		c->h(0, msg, c->arg);
}

/* RFC 6026 section 7.2: who passes responses on waits for those of others
 * that the request was forked to. */
static void accepted(struct ctrans *c, const struct sip_msg *msg)
{
	c->state = ACCEPTED;
	c->mb = mem_deref(c->mb);
	finish(c, 0, msg, c->proxy ? 64 * T1 : 0);
}

static void completed(struct ctrans *c, const struct sip_msg *msg)
{
	const uint64_t life = c->invite ? 64 * T1 : T4;         /* D, K */

	c->state = COMPLETED;
	if (c->invite)
		send_ack(c, msg);
	finish(c, 0, msg, trans_reliable(c->way.tp) ? 0 : life);
}

static bool key_handler(struct le *le, void *arg)
{
	const struct ctrans *c = le->data;
	const struct sip_msg *msg = arg;

	return !pl_strcmp(&msg->via.branch, c->branch) &&
		!pl_strcmp(&msg->cseq.met, c->met);
}

/* Not the last word about it: more 2xx, the ACK was lost. */
static bool repeated(struct ctrans *c, const struct sip_msg *msg)
{
	if (c->state == ACCEPTED) {
		if (msg->scode / 100 == 2 && c->h)
			c->h(0, msg, c->arg);
		return true;
	}
	if (!c->invite)
		return true;
	if (msg->scode >= 300)
		(void)transmit(c);
	return msg->scode >= 300;
}

bool ctable_recv(struct ctable *t, const struct sip_msg *msg)
{
	bool heard;
	struct ctrans *c;

	if (msg->scode < 100 || msg->scode > 699)
		return true;
	c = list_ledata(hash_lookup(t->branches,
				    hash_joaat_pl(&msg->via.branch),
				    key_handler, (void *)msg));
	if (!c)
		return false;
	if (c->state > PROCEEDING)
		return repeated(c, msg);
	heard = !c->invite || c->h || msg->scode / 100 != 2;
	if (msg->scode < 200)
		provisional(c, msg);
	else if (c->invite && msg->scode < 300)
		accepted(c, msg);
	else
		completed(c, msg);
	return heard;
}

/* ---- broken ways ---- */

struct fail {
	struct list hits;
	const struct trans_way *way;
};

static bool fail_handler(struct le *le, void *arg)
{
	struct ctrans *c = le->data;
	struct fail *f = arg;

	if (!trans_way_cmp(&c->way, f->way))
		return false;
	/* gathered first: handlers may send anew to the same place */
	list_unlink(&c->we);
	list_append(&f->hits, &c->we, c);
	return false;
}

void ctable_fail(struct ctable *t, const struct trans_way *way, int err)
{
	struct fail f = { .way = way };

	(void)hash_lookup(t->ways, trans_way_hash(way), fail_handler, &f);
	while (f.hits.head)
		finish(f.hits.head->data, err, NULL, 0);
}

/* ---- the table ---- */

unsigned ctable_count(const struct ctable *t)
{
	return t->n;
}

unsigned ctable_waiting(const struct ctable *t)
{
	return t->waiting;
}

int ctable_alloc(struct ctable **tp, struct timers *timers,
		 trans_send_h *sendh, void *arg)
{
	struct ctable *t = mem_zalloc(sizeof *t, ctable_destructor);
	int err;

	if (!t)
		return ENOMEM;
	t->timers = timers;
	t->sendh = sendh;
	t->arg = arg;
	err = hash_alloc(&t->branches, BRANCHES);
	if (!err)
		err = hash_alloc(&t->ways, WAYS);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}
