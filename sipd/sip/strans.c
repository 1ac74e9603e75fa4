/*
 * strans.c: server transactions.
 *
 *   INVITE  PROCEEDING ── 2xx ──> ACCEPTED ── timer L ──> gone
 *           PROCEEDING ── 3xx-6xx ──> COMPLETED ── ACK ──> CONFIRMED ──> gone
 *   other   PROCEEDING ── 2xx-6xx ──> COMPLETED ── timer J ──> gone
 *
 * After the final response only that and a short key are kept, not the
 * request: thousands linger for 32 s each. A user agent's 2xx is repeated here
 * until the ACK, which is the call's; what a proxy passes on is not. The
 * registrar's fork.c has a table, and each user agent by uastrans.c.
 */
#include <errno.h>
#include <string.h>
#include "sipd/sip/response.h"
#include "sipd/sip/strans.h"

enum {
	BUCKETS     = 8192,
	TRYING_TIME = 200,      /* ms; section 17.2.1 */
};

static const struct pl invite = PL("INVITE");

struct stable {
	struct timers *timers;
	const char *software;
	trans_send_h *sendh;
	void *arg;
	struct hash *keys;      /* owns them */
	unsigned n;
	uint32_t salt;          /* of tags without a transaction */
};

enum state { PROCEEDING, COMPLETED, CONFIRMED, ACCEPTED };

struct strans {
	struct le he;
	struct stable *t;
	struct strans **sp;
	const struct strans_handlers *h;
	void *arg, *keep;
	struct sip_msg *msg;    /* until the final response */
	struct mbuf *mb;        /* the last response */
	struct timer life;      /* H, I, J, L */
	struct timer again;     /* 100, G */
	uint64_t wait;          /* ns, of the latter */
	uint64_t tag;
	struct trans_way way;
	enum state state;
	bool invite, cancelled;
	bool waiting;           /* for strans_acked */
	char key[];
};

static void strans_destructor(void *arg)
{
	struct strans *s = arg;

	hash_unlink(&s->he);
	--s->t->n;
	timer_stop(&s->life);
	timer_stop(&s->again);
	if (s->sp)
		*s->sp = NULL;
	mem_deref(s->msg);
	mem_deref(s->mb);
	mem_deref(s->keep);
}

static void stable_destructor(void *arg)
{
	struct stable *t = arg;

	hash_flush(t->keys);
	mem_deref(t->keys);
}

static int start(struct strans *s, struct timer *t, uint64_t ns, timer_h *h)
{
	return timer_start(s->t->timers, t, ns, h, s);
}

static int transmit(struct strans *s)
{
	return s->t->sendh(&s->way, s->mb, s->t->arg);
}

void strans_detach(struct strans *s)
{
	if (!s)
		return;
	if (s->sp)
		*s->sp = NULL;
	s->sp = NULL;
	s->h = NULL;
}

void strans_move(struct strans *s, struct strans **sp)
{
	if (s->sp)
		*s->sp = NULL;
	s->sp = sp;
	*sp = s;
}

void strans_drop(struct strans *s)
{
	mem_deref(s);
}

void strans_acked(struct strans *s)
{
	if (!s || !s->waiting)
		return;
	s->waiting = false;
	timer_stop(&s->again);
	if (s->state == PROCEEDING)
		timer_stop(&s->life);
	else
		s->mb = mem_deref(s->mb);       /* only absorb */
}

static void life_handler(void *arg)
{
	struct strans *s = arg;
	const struct strans_handlers *h = s->waiting ? s->h : NULL;
	void *harg = s->arg;

	if (s->state == PROCEEDING)             /* a reliable 1xx was lost */
		strans_acked(s);
	else
		mem_deref(s);
	if (h && h->lossh)
		h->lossh(harg);
}

static void again_handler(void *arg)
{
	struct strans *s = arg;

	s->wait *= 2;
	/* reliable 1xx: doubled without end (RFC 3262 section 3) */
	if (s->state != PROCEEDING && s->wait > T2)
		s->wait = T2;
	(void)start(s, &s->again, s->wait, again_handler);
	(void)transmit(s);
}

/* ---- responses ---- */

static void repeat_it(struct strans *s)
{
	s->wait = T1;
	(void)start(s, &s->again, T1, again_handler);
}

/* The last thing done with it. */
static void linger(struct strans *s, uint64_t ns)
{
	if (start(s, &s->life, ns, life_handler))
		mem_deref(s);
}

static void provisional(struct strans *s, bool repeat)
{
	timer_stop(&s->again);
	s->waiting = repeat;
	if (!repeat)
		return;
	repeat_it(s);
	(void)start(s, &s->life, 64 * T1, life_handler);
}

/* RFC 6026 section 7.1. The end that acknowledges is the other user agent, so
 * reliable transports do not help. */
static void accepted(struct strans *s, bool repeat)
{
	s->state = ACCEPTED;
	s->waiting = repeat;
	if (repeat)
		repeat_it(s);
	else
		s->mb = mem_deref(s->mb);
	linger(s, 64 * T1);
}

static void completed(struct strans *s)
{
	const bool reliable = trans_reliable(s->way.tp);

	s->state = COMPLETED;
	s->waiting = false;
	if (reliable && !s->invite) {
		mem_deref(s);
		return;
	}
	if (!reliable && s->invite)
		repeat_it(s);
	linger(s, 64 * T1);
}

int strans_send(struct strans *s, bool repeat, uint16_t scode,
		struct mbuf *mb)
{
	int err;

	if (s && s->state == ACCEPTED && scode / 100 == 2)
		return s->t->sendh(&s->way, mb, s->t->arg);
	if (!s || s->state != PROCEEDING)
		return EALREADY;
	mem_deref(s->mb);
	s->mb = mem_ref(mb);
	err = transmit(s);
	if (scode < 200) {
		provisional(s, repeat);
		return err;
	}
	s->msg = mem_deref(s->msg);
	timer_stop(&s->again);
	if (s->invite && scode < 300)
		accepted(s, repeat);
	else
		completed(s);
	return err;
}

int strans_reply(struct strans *s, bool repeat, uint16_t scode,
		 const char *phrase, const char *fmt, ...)
{
	struct mbuf *mb;
	va_list ap;
	int err;

	if (!s || !s->msg)
		return EALREADY;
	va_start(ap, fmt);
	err = response_make(&mb, s->msg, s->tag, s->t->software, scode,
			    phrase, fmt ? "%v" : NULL, fmt, &ap);
	va_end(ap);
	if (err)
		return err;
	err = strans_send(s, repeat, scode, mb);
	mem_deref(mb);
	return err;
}

static uint64_t tag_of(const struct stable *t, const struct sip_msg *msg)
{
	return (uint64_t)(hash_joaat_pl(&msg->callid) ^ t->salt) << 32 |
		(hash_joaat_pl(&msg->via.branch) ^ t->salt);
}

int stable_answer(const struct stable *t, const struct sip_msg *msg,
		  const struct trans_way *way, uint16_t scode,
		  const char *phrase, const char *fmt, ...)
{
	struct mbuf *mb;
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = response_make(&mb, msg, tag_of(t, msg), t->software, scode,
			    phrase, fmt ? "%v" : NULL, fmt, &ap);
	va_end(ap);
	if (err)
		return err;
	err = t->sendh(way, mb, t->arg);
	mem_deref(mb);
	return err;
}

/* ---- requests ---- */

static void trying_handler(void *arg)
{
	(void)strans_reply(arg, false, 100, "Trying", NULL);
}

int strans_alloc(struct strans **sp, struct stable *t,
		 const struct strans_conf *conf)
{
	const struct sip_msg *msg = conf->msg;
	struct strans *s = mem_zalloc(sizeof *s + trans_key_size(msg),
				      strans_destructor);

	if (!s)
		return ENOMEM;
	s->t = t;
	++t->n;
	trans_key_write(s->key, msg);
	hash_append(t->keys, hash_joaat_pl(&msg->via.branch), &s->he, s);
	s->msg = mem_ref((void *)msg);
	s->keep = mem_ref(conf->keep);
	s->tag = msg->tag;
	s->way = conf->way;
	s->invite = !pl_cmp(&msg->met, &invite);
	if (s->invite)
		(void)start(s, &s->again, TRYING_TIME * MSEC, trying_handler);
	s->h = conf->h;
	s->arg = conf->arg;
	strans_move(s, sp);
	return 0;
}

const struct sip_msg *strans_msg(const struct strans *s)
{
	return s ? s->msg : NULL;
}

static struct strans *find(const struct stable *t, const struct sip_msg *msg,
			   const struct pl *met)
{
	struct le *le = list_head(hash_list(t->keys,
					hash_joaat_pl(&msg->via.branch)));

	for (; le; le = le->next) {
		struct strans *s = le->data;

		if (trans_key_is(s->key, msg, met))
			return s;
	}
	return NULL;
}

/* False: it is for the dialog. */
static bool ack(struct strans *s)
{
	if (s->state == ACCEPTED)
		return false;
	if (s->state != COMPLETED)
		return true;
	timer_stop(&s->again);
	s->state = CONFIRMED;
	s->mb = mem_deref(s->mb);
	if (trans_reliable(s->way.tp))
		mem_deref(s);
	else
		linger(s, T4);
	return true;
}

/* Section 9.2: the same To tag. A repetition is answered anew. */
static void cancel(struct strans *s, const struct sip_msg *msg)
{
	struct trans_way way = s->way;
	struct mbuf *mb;

	if (!trans_reliable(way.tp))
		response_addr(&way.dst, msg);
	if (!response_make(&mb, msg, s->tag, s->t->software, 200, "OK",
			   NULL)) {
		(void)s->t->sendh(&way, mb, s->t->arg);
		mem_deref(mb);
	}
	if (s->state != PROCEEDING || s->cancelled || !s->h)
		return;
	s->cancelled = true;
	s->h->cancelh(msg, s->arg);
}

bool stable_recv(struct stable *t, const struct sip_msg *msg)
{
	const bool acks = !pl_strcmp(&msg->met, "ACK");
	const bool cancels = !pl_strcmp(&msg->met, "CANCEL");
	struct strans *s = find(t, msg, acks || cancels ? &invite : &msg->met);

	if (!s)
		return false;
	if (acks)
		return ack(s);
	if (cancels)
		cancel(s, msg);
	else if (s->mb)
		(void)transmit(s);
	return true;
}

unsigned stable_count(const struct stable *t)
{
	return t->n;
}

int stable_alloc(struct stable **tp, struct timers *timers,
		 const char *software, trans_send_h *sendh, void *arg)
{
	struct stable *t = mem_zalloc(sizeof *t, stable_destructor);
	int err;

	if (!t)
		return ENOMEM;
	t->timers = timers;
	t->software = software;
	t->sendh = sendh;
	t->arg = arg;
	t->salt = rand_u32();
	err = hash_alloc(&t->keys, BUCKETS);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}
