/*
 * strans.c: server transactions.
 *
 *              1xx            3xx-6xx             ACK
 *   TRYING ─────────> PROCEEDING ────> COMPLETED ─────> CONFIRMED ──> gone
 *                         │ 2xx           timer H, J ───────────────> gone
 *                         └──────────> ACCEPTED (INVITE) ── timer L ─> gone
 *
 * Owns the last response of each, for retransmissions. The table holds one
 * reference, whoever answers another.
 */
#include <string.h>
#include "sipd/sip/trans.h"
#include "sipd/registrar/message.h"
#include "sipd/registrar/strans.h"

enum { BUCKETS = 8192 };

struct stable {
	struct timers *timers;
	struct transport *tr;
	struct hash *ht;
	unsigned n;
};

enum state { TRYING, PROCEEDING, COMPLETED, CONFIRMED, ACCEPTED, GONE };

struct strans {
	struct le he;
	struct stable *t;
	enum state state;
	bool invite;
	bool reliable;
	struct flow flow;       /* of responses */
	struct mbuf *mb;        /* the last response */
	struct timer life;
	struct timer again;     /* G */
	uint64_t interval;
	strans_cancel_h *cancelh;
	void *arg;
	char key[];
};

static void stable_destructor(void *arg)
{
	struct stable *t = arg;

	hash_flush(t->ht);
	mem_deref(t->ht);
}

int stable_alloc(struct stable **tp, struct timers *timers,
		 struct transport *tr)
{
	struct stable *t = mem_zalloc(sizeof *t, stable_destructor);
	int err;

	if (!t)
		return ENOMEM;
	t->timers = timers;
	t->tr = tr;
	err = hash_alloc(&t->ht, BUCKETS);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

static void strans_destructor(void *arg)
{
	struct strans *s = arg;

	timer_stop(&s->life);
	timer_stop(&s->again);
	hash_unlink(&s->he);
	mem_deref(s->mb);
}

void strans_drop(struct strans *s)
{
	if (s->state == GONE)
		return;
	s->state = GONE;
	timer_stop(&s->life);
	timer_stop(&s->again);
	hash_unlink(&s->he);
	--s->t->n;
	mem_deref(s);
}

static void life_handler(void *arg)
{
	strans_drop(arg);
}

static struct strans *find(const struct stable *t, const struct sip_msg *msg,
			   const struct pl *met)
{
	struct le *le = list_head(hash_list(t->ht,
					    hash_joaat_pl(&msg->via.branch)));

	for (; le; le = le->next) {
		struct strans *s = le->data;

		if (trans_key_is(s->key, msg, met))
			return s;
	}
	return NULL;
}

static void send_last(struct strans *s)
{
	if (s->mb)
		(void)transport_send(s->t->tr, &s->flow, s->mb);
}

static void ack(struct strans *s)
{
	if (s->state != COMPLETED)
		return;
	timer_stop(&s->again);
	s->state = CONFIRMED;
	s->mb = mem_deref(s->mb);
	if (s->reliable || timer_start(s->t->timers, &s->life, T4,
				       life_handler, s))
		strans_drop(s);
}

static void cancel(struct strans *s, const struct sip_msg *msg)
{
	strans_cancel_h *cancelh = s->cancelh;
	struct mbuf *mb = NULL;

	if (!message_reply(&mb, msg, rand_u64(), 200, "OK", NULL))
		(void)transport_send(s->t->tr, &s->flow, mb);
	mem_deref(mb);
	if (s->state > PROCEEDING || !cancelh)
		return;
	s->cancelh = NULL;
	cancelh(s->arg);
}

bool stable_recv(struct stable *t, const struct sip_msg *msg)
{
	static const struct pl invite = PL("INVITE");
	const bool acks = message_is(msg, "ACK");
	const bool cancels = message_is(msg, "CANCEL");
	struct strans *s = find(t, msg, acks || cancels ? &invite : &msg->met);

	if (!s)
		return false;
	if (acks) {
		/* the ACK for a 2xx is end to end, RFC 6026 section 7.1 */
		if (s->state == ACCEPTED)
			return false;
		ack(s);
	}
	else if (cancels) {
		cancel(s, msg);
	}
	else if (s->state == PROCEEDING || s->state == COMPLETED) {
		send_last(s);
	}
	return true;
}

int strans_alloc(struct strans **sp, struct stable *t,
		 const struct sip_msg *msg, const struct flow *flow,
		 strans_cancel_h *cancelh, void *arg)
{
	struct strans *s = mem_zalloc(sizeof *s + trans_key_size(msg),
				      strans_destructor);

	if (!s)
		return ENOMEM;
	s->t = t;
	s->invite = message_is(msg, "INVITE");
	s->reliable = msg->tp != SIP_TRANSP_UDP;
	s->cancelh = cancelh;
	s->arg = arg;
	message_reply_flow(&s->flow, msg, flow);
	trans_key_write(s->key, msg);
	hash_append(t->ht, hash_joaat_pl(&msg->via.branch), &s->he, s);
	++t->n;
	*sp = mem_ref(s);
	return 0;
}

static void retransmit_handler(void *arg)
{
	struct strans *s = arg;

	send_last(s);
	s->interval = MIN(2 * s->interval, T2);
	(void)timer_start(s->t->timers, &s->again, s->interval,
			  retransmit_handler, s);
}

static int complete(struct strans *s)
{
	struct timers *timers = s->t->timers;

	s->state = COMPLETED;
	if (s->invite && !s->reliable) {
		s->interval = T1;
		(void)timer_start(timers, &s->again, T1, retransmit_handler,
				  s);
	}
	if (!s->invite && s->reliable) {
		strans_drop(s);
		return 0;
	}
	return timer_start(timers, &s->life, 64 * T1, life_handler, s);
}

/* Absorb retransmitted INVITEs, pass every 2xx; nothing is repeated here. */
static int accept_invite(struct strans *s)
{
	s->state = ACCEPTED;
	s->mb = mem_deref(s->mb);
	return timer_start(s->t->timers, &s->life, 64 * T1, life_handler, s);
}

int strans_reply(struct strans *s, uint16_t scode, struct mbuf *mb)
{
	int err;

	if (s->state == ACCEPTED && scode / 100 == 2)
		return transport_send(s->t->tr, &s->flow, mb);
	if (s->state > PROCEEDING)
		return EALREADY;
	mem_deref(s->mb);
	s->mb = mem_ref(mb);
	err = transport_send(s->t->tr, &s->flow, mb);
	if (scode < 200) {
		s->state = PROCEEDING;
		return err;
	}
	s->cancelh = NULL;
	if (s->invite && scode < 300)
		return accept_invite(s);
	return complete(s);
}

unsigned stable_count(const struct stable *t)
{
	return t->n;
}
