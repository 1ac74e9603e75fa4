/*
 * uastrans.c: server transactions (RFC 3261 section 17.2, RFC 6026).
 *
 *   INVITE  proceeding --2xx--> accepted                  (ACK is the call's)
 *           proceeding --3xx-6xx--> completed --ACK--> confirmed
 *   other   proceeding --2xx-6xx--> completed
 *
 * After the final response only that and a short key are kept, not the
 * request: thousands linger for 32 s each.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "sipd/sip/response.h"
#include "sipd/sip/trans.h"
#include "sipd/ua/uastrans.h"

enum {
	BUCKETS = 8192,
	TRYING_TIME = 200,      /* ms; section 17.2.1 */
};

static const struct pl invite = PL("INVITE");

enum state { PROCEEDING, ACCEPTED, COMPLETED, CONFIRMED };

struct uastrans_set {
	struct hash *ids;
	struct hash *merges;
	unsigned n, max;
	struct timers *timers;
	struct transp *transp;
	char *software;
};

struct uastrans {
	struct le he;           /* in ids, which owns it */
	struct le me;           /* in merges */
	struct uastrans_set *set;
	struct uastrans **stp;
	struct uastrans_handlers h;
	void *arg;
	struct sip_msg *msg;    /* until the final response */
	struct mbuf *mb;        /* the last response */
	void *sock;
	struct timer end, again;
	struct sa dst;
	uint64_t merge;         /* digest of Call-ID, From tag, CSeq */
	uint64_t wait;          /* ns, of timer G */
	enum sip_transp tp;
	enum state state;
	bool invite, waiting;   /* for uastrans_acked */
	char key[];
};

static void uastrans_destructor(void *arg)
{
	struct uastrans *st = arg;

	hash_unlink(&st->he);
	hash_unlink(&st->me);
	--st->set->n;
	timer_stop(&st->end);
	timer_stop(&st->again);
	if (st->stp)
		*st->stp = NULL;
	mem_deref(st->msg);
	mem_deref(st->mb);
	mem_deref(st->sock);
}

static void set_destructor(void *arg)
{
	struct uastrans_set *set = arg;

	hash_flush(set->ids);
	mem_deref(set->ids);
	mem_deref(set->merges);
	mem_deref(set->software);
}

static void start(struct uastrans *st, struct timer *t, uint64_t ns,
		  timer_h *h)
{
	(void)timer_start(st->set->timers, t, ns, h, st);
}

static int transmit(struct uastrans *st)
{
	struct hop hop = { .tp = st->tp, .dst = st->dst, .sock = st->sock };

	st->mb->pos = 0;
	return transp_send(st->set->transp, &hop, st->mb, NULL);
}

void uastrans_detach(struct uastrans *st)
{
	if (!st)
		return;
	if (st->stp)
		*st->stp = NULL;
	st->stp = NULL;
	memset(&st->h, 0, sizeof st->h);
}

void uastrans_move(struct uastrans *st, struct uastrans **stp)
{
	if (st->stp)
		*st->stp = NULL;
	st->stp = stp;
	*stp = st;
}

static void end_handler(void *arg)
{
	struct uastrans *st = arg;
	void (*lossh)(void *) = st->waiting ? st->h.lossh : NULL;
	void *harg = st->arg;

	if (st->state == PROCEEDING) {          /* a reliable 1xx was lost */
		uastrans_acked(st);
	}
	else {
		uastrans_detach(st);
		mem_deref(st);
	}
	if (lossh)
		lossh(harg);
}

static void again_handler(void *arg)
{
	struct uastrans *st = arg;

	st->wait *= 2;
	/* reliable 1xx: doubled without end (RFC 3262 section 3) */
	if (st->state != PROCEEDING && st->wait > T2)
		st->wait = T2;
	start(st, &st->again, st->wait, again_handler);
	(void)transmit(st);
}

void uastrans_acked(struct uastrans *st)
{
	if (!st || !st->waiting)
		return;
	st->waiting = false;
	timer_stop(&st->again);
	if (st->state == PROCEEDING)
		timer_stop(&st->end);
	else
		st->mb = mem_deref(st->mb);     /* Accepted: only absorb */
}

/* ---- responses ---- */

static void repeat(struct uastrans *st)
{
	st->wait = T1;
	start(st, &st->again, T1, again_handler);
}

static void completed(struct uastrans *st, uint16_t scode)
{
	st->msg = mem_deref(st->msg);
	timer_stop(&st->again);
	start(st, &st->end, 64 * T1, end_handler);
	if (st->invite && scode < 300) {
		/* the end that acknowledges is the other user agent, so
		 * reliable transports do not help */
		st->state = ACCEPTED;
		st->waiting = true;
		repeat(st);
		return;
	}
	st->state = COMPLETED;
	st->waiting = false;
	if (transp_reliable(st->tp) && !st->invite) {
		uastrans_detach(st);
		mem_deref(st);
	}
	else if (!transp_reliable(st->tp) && st->invite) {
		repeat(st);
	}
}

static int vreply(struct uastrans *st, bool reliable, uint16_t scode,
		  const char *phrase, const char *fmt, va_list ap)
{
	struct mbuf *mb;
	int err;

	if (!st || !st->msg)
		return EALREADY;
	err = response_make(&mb, &st->dst, st->msg, st->set->software,
			    scode, phrase, fmt, ap);
	if (err)
		return err;
	mem_deref(st->mb);
	st->mb = mb;
	err = transmit(st);
	if (scode >= 200) {
		completed(st, scode);
		return err;
	}
	timer_stop(&st->again);
	st->waiting = reliable;
	if (reliable) {
		repeat(st);
		start(st, &st->end, 64 * T1, end_handler);
	}
	return err;
}

int uastrans_reply(struct uastrans *st, bool reliable, uint16_t scode,
		   const char *phrase, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = vreply(st, reliable, scode, phrase, fmt, ap);
	va_end(ap);
	return err;
}

/* ---- requests ---- */

static uint64_t mix(uint64_t h, const struct pl *pl)
{
	for (size_t i = 0; i < pl->l; i++)
		h = (h ^ (uint8_t)pl->p[i]) * 1099511628211ULL;
	return (h ^ 0xff) * 1099511628211ULL;
}

/* Section 8.2.2.2: the same request by another way */
static uint64_t merge_digest(const struct sip_msg *msg)
{
	uint64_t h = mix(14695981039346656037ULL, &msg->callid);

	h = mix(h, &msg->from.tag);
	h = mix(h, &msg->met);
	return h ^ ((uint64_t)msg->cseq.num << 32);
}

static struct uastrans *find(const struct uastrans_set *set,
			     const struct sip_msg *msg, const struct pl *met)
{
	struct le *le = list_head(hash_list(set->ids,
					hash_joaat_pl(&msg->via.branch)));

	for (; le; le = le->next) {
		struct uastrans *st = le->data;

		if (trans_key_is(st->key, msg, met))
			return st;
	}
	return NULL;
}

static bool merged(const struct uastrans_set *set, const struct sip_msg *msg)
{
	uint64_t h = merge_digest(msg);
	struct le *le = list_head(hash_list(set->merges, (uint32_t)h));

	for (; le; le = le->next) {
		struct uastrans *st = le->data;

		if (st->merge == h)
			return true;
	}
	return false;
}

static void trying_handler(void *arg)
{
	(void)uastrans_reply(arg, false, 100, "Trying", NULL);
}

int uastrans_alloc(struct uastrans **stp, struct uastrans_set *set,
		   const struct sip_msg *msg,
		   const struct uastrans_handlers *h,
		   void *arg)
{
	struct uastrans *st = mem_zalloc(sizeof *st + trans_key_size(msg),
					 uastrans_destructor);

	if (!st)
		return ENOMEM;
	st->set = set;
	++set->n;
	trans_key_write(st->key, msg);
	st->msg = mem_ref((void *)msg);
	st->sock = mem_ref(msg->sock);
	st->tp = msg->tp;
	st->invite = !pl_cmp(&msg->met, &invite);
	hash_append(set->ids, hash_joaat_pl(&msg->via.branch), &st->he, st);
	if (!pl_isset(&msg->to.tag)) {
		st->merge = merge_digest(msg);
		hash_append(set->merges, (uint32_t)st->merge, &st->me, st);
	}
	if (st->invite)
		start(st, &st->again, TRYING_TIME * MSEC, trying_handler);
	if (h)
		st->h = *h;
	st->arg = arg;
	st->stp = stp;
	*stp = st;
	return 0;
}

bool uastrans_full(const struct uastrans_set *set)
{
	return set->n >= set->max;
}

const struct sip_msg *uastrans_msg(const struct uastrans *st)
{
	return st ? st->msg : NULL;
}

/* Without a transaction (section 8.2.7): a retransmission is answered anew. */
static int vanswer(struct uastrans_set *set, const struct sip_msg *msg,
		   uint16_t scode, const char *phrase, const char *fmt,
		   va_list ap)
{
	struct hop hop = { .tp = msg->tp, .sock = msg->sock };
	struct mbuf *mb;
	int err;

	err = response_make(&mb, &hop.dst, msg, set->software, scode, phrase,
			    fmt, ap);
	if (err)
		return err;
	err = transp_send(set->transp, &hop, mb, NULL);
	mem_deref(mb);
	return err;
}

int uastrans_answer(struct uastrans_set *set, const struct sip_msg *msg,
		    uint16_t scode, const char *phrase, const char *fmt, ...)
{
	struct uastrans *st = NULL;
	va_list ap;
	int err;

	err = uastrans_full(set) ? 0 :
		uastrans_alloc(&st, set, msg, NULL, NULL);
	if (err)
		return err;
	va_start(ap, fmt);
	err = st ? vreply(st, false, scode, phrase, fmt, ap)
		: vanswer(set, msg, scode, phrase, fmt, ap);
	va_end(ap);
	uastrans_detach(st);
	return err;
}

static void confirm(struct uastrans *st)
{
	timer_stop(&st->again);
	st->state = CONFIRMED;
	if (transp_reliable(st->tp))
		mem_deref(st);
	else
		start(st, &st->end, T4, end_handler);
}

static bool ack(struct uastrans_set *set, const struct sip_msg *msg)
{
	struct uastrans *st = find(set, msg, &invite);

	if (!st || st->state == ACCEPTED)
		return false;                   /* for the dialog */
	if (st->state == COMPLETED)
		confirm(st);
	return true;
}

static void cancel(struct uastrans_set *set, const struct sip_msg *msg)
{
	struct uastrans *st = find(set, msg, &invite);

	if (!st) {
		(void)uastrans_answer(set, msg, 481,
				      "Call/Transaction Does Not Exist", NULL);
		return;
	}
	if (st->msg)            /* section 9.2: the same To tag */
		((struct sip_msg *)msg)->tag = st->msg->tag;
	(void)uastrans_answer(set, msg, 200, "OK", NULL);
	if (st->state == PROCEEDING && st->h.cancelh)
		st->h.cancelh(msg, st->arg);
}

bool uastrans_request(struct uastrans_set *set, const struct sip_msg *msg)
{
	struct uastrans *st;

	if (!pl_strcmp(&msg->met, "ACK"))
		return ack(set, msg);
	st = find(set, msg, &msg->met);
	if (st) {
		if (st->mb && st->state != CONFIRMED)
			(void)transmit(st);
		return true;
	}
	if (!pl_strcmp(&msg->met, "CANCEL")) {
		cancel(set, msg);
		return true;
	}
	if (!pl_isset(&msg->to.tag) && merged(set, msg)) {
		(void)uastrans_answer(set, msg, 482, "Loop Detected", NULL);
		return true;
	}
	return false;
}

int uastrans_set_alloc(struct uastrans_set **sp, struct timers *timers,
		       struct transp *transp, const char *software,
		       unsigned max)
{
	struct uastrans_set *set = mem_zalloc(sizeof *set, set_destructor);
	int err;

	if (!set)
		return ENOMEM;
	set->timers = timers;
	set->max = max;
	set->transp = transp;
	err  = hash_alloc(&set->ids, BUCKETS);
	err |= hash_alloc(&set->merges, BUCKETS);
	if (software)
		err |= str_dup(&set->software, software);
	if (err)
		mem_deref(set);
	else
		*sp = set;
	return err ? ENOMEM : 0;
}
