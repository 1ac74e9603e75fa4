/*
 * checks.c: connectivity checks on their way out.
 *
 *   triggered queue --+
 *                     +--every Ta--> check_start --> transmit
 *   waiting pairs ----+                  ^              |
 *                                        +--- rto, 2 rto, ...
 *
 * The triggered queue goes first, then pairs on the same subnet, then by
 * priority. Retransmissions are not paced: with RTO = Ta x N they come no
 * faster than the checks did (RFC 8445 section 14.3).
 */
#include <errno.h>
#include <string.h>
#include <openssl/rand.h>
#include "modules/path/checks.h"
#include "modules/path/netif.h"

static void put_username(struct stun_out *o, const struct creds *c)
{
	char buf[DESC_UFRAG_MAX + CREDS_UFRAG_LEN + 2];
	int n = re_snprintf(buf, sizeof buf, "%s:%s", c->rufrag, c->lufrag);

	if (n < 0)
		o->overflow = true;
	else
		stun_put(o, STUN_ATTR_USERNAME, buf, (size_t)n);
}

/* The priority of the peer-reflexive candidate that this check may make,
 * RFC 8445 section 7.1.1 */
static uint32_t prflx_prio(const struct candpair *p)
{
	return cand_prio(CAND_PRFLX, (uint16_t)(p->local->c.prio >> 8));
}

static size_t request(uint8_t *buf, size_t size, const struct agent *a,
		      const struct candpair *p)
{
	const struct pair_txn *t = &p->txn[0];
	uint8_t tid[STUN_TID_SIZE];
	struct stun_out o;

	memcpy(tid, &a->conf.handle, 4);
	memcpy(tid + 4, t->tid, sizeof t->tid);
	stun_begin(&o, buf, size, STUN_CLASS_REQUEST, tid);
	put_username(&o, p->creds);
	stun_put_u32(&o, STUN_ATTR_PRIORITY, prflx_prio(p));
	stun_put_u64(&o, t->controlling ? STUN_ATTR_CONTROLLING
		     : STUN_ATTR_CONTROLLED, a->tie);
	if (t->nominate)
		stun_put(&o, STUN_ATTR_USE_CAND, NULL, 0);
	if (t->nominate && a->renomination)
		stun_put_u32(&o, STUN_ATTR_NOMINATION, p->nomination);
	stun_put_key(&o, p->creds->rpwd);
	stun_put_fingerprint(&o);
	return stun_end(&o);
}

void check_fail(struct candpair *p)
{
	p->state = PAIR_FAILED;
	p->pending = false;
	p->nominating = false;
	p->trig = 0;
}

static bool transmit(struct agent *a, struct candpair *p, uint64_t now)
{
	uint8_t buf[STUN_REQUEST_MAX];
	size_t n = request(buf, sizeof buf, a, p);
	int err;

	p->txc++;
	p->resend = now + p->rto;
	if (!p->unanswered)
		p->unanswered = now;
	err = n ? a->conf.sendh(&p->local->c.base, &p->remote->c.addr, buf, n,
				a->conf.arg) : EMSGSIZE;
	/* the selected pair is given up by consent only */
	if (!netif_hopeless(err) || p->selected)
		return true;
	check_fail(p);
	return false;
}

static bool open_pair(const struct candpair *p)
{
	return p->state == PAIR_WAITING || p->state == PAIR_IN_PROGRESS;
}

static uint64_t rto_first(const struct agent *a, const struct candpair *p)
{
	unsigned n = 0;
	struct le *le;

	if (p->srtt)
		return min(max(2 * p->srtt, ICE_RTO_MIN), ICE_RTO_MAX);
	LIST_FOREACH(&a->cl.pairl, le)
		n += open_pair(le->data);
	return max(ICE_RTO, n * ICE_TA);
}

/* The pair in use is nominated again by each request for consent: should a
 * change of roles or a loss have left the peer with another, this heals it. */
static bool nominates(const struct agent *a, const struct candpair *p)
{
	return a->cl.controlling && (p->nominating || p->selected);
}

bool check_start(struct agent *a, struct candpair *p, uint64_t now)
{
	struct pair_txn *t = &p->txn[0];

	p->trig = 0;
	if (!p->creds->rpwd)
		return false;
	p->txn[1] = *t;
	if (RAND_bytes(t->tid, sizeof t->tid) != 1) {
		check_fail(p);
		return false;
	}
	t->sent = now;
	t->controlling = a->cl.controlling;
	t->nominate = nominates(a, p);
	if (p->state != PAIR_SUCCEEDED)
		p->state = PAIR_IN_PROGRESS;
	if (!p->pending)
		p->unanswered = 0;
	p->pending = true;
	p->txc = 0;
	p->rto = rto_first(a, p);
	return transmit(a, p, now);
}

void check_trigger(struct agent *a, struct candpair *p)
{
	if (p->trig)
		return;
	if (p->state == PAIR_FAILED)
		p->state = PAIR_WAITING;
	p->trig = ++a->trig_last;
}

/* While a good pair is in use, worse kinds are not asked for. */
static bool wanted(const struct agent *a, const struct candpair *p)
{
	const struct candpair *sel = a->selected;

	return !sel || a->suspect_since || sel->creds != a->cl.creds ||
		candpair_tier(p) <= candpair_tier(sel);
}

static struct candpair *triggered(const struct agent *a)
{
	struct candpair *first = NULL;
	struct le *le;

	LIST_FOREACH(&a->cl.pairl, le) {
		struct candpair *p = le->data;

		if (p->trig && p->creds->rpwd &&
		    (!first || p->trig < first->trig))
			first = p;
	}
	return first;
}

static struct candpair *waiting(const struct agent *a)
{
	struct candpair *first = NULL;
	struct le *le;

	if (!a->cl.creds->rpwd)
		return NULL;
	LIST_FOREACH(&a->cl.pairl, le) {
		struct candpair *p = le->data;

		if (p->state != PAIR_WAITING || !wanted(a, p))
			continue;
		if (p->likely)
			return p;
		if (!first)
			first = p;
	}
	return first;
}

static struct candpair *next_check(const struct agent *a)
{
	struct candpair *p = triggered(a);

	return p ? p : waiting(a);
}

/* RFC 8445 section 7.3.1.4 cancels a check in progress and starts anew. Here
 * the same transaction is sent once more, at once: should the way be longer
 * than the peer's retransmission interval, the answer is still known. */
static bool check_again(struct agent *a, struct candpair *p, uint64_t now)
{
	p->trig = 0;
	p->rto = rto_first(a, p);
	return transmit(a, p, now);
}

static void give_up_or_resend(struct agent *a, struct candpair *p,
			      uint64_t now)
{
	uint64_t limit = a->selected ? ICE_GIVE_UP_UPGRADE : ICE_GIVE_UP;

	if (!p->selected && now >= p->unanswered + limit) {
		check_fail(p);
		return;
	}
	p->rto = min(2 * p->rto, ICE_RTO_MAX);
	(void)transmit(a, p, now);
}

void checks_run(struct agent *a, uint64_t now)
{
	struct candpair *p;
	struct le *le;

	LIST_FOREACH(&a->cl.pairl, le) {
		p = le->data;
		if (p->pending && now >= p->resend)
			give_up_or_resend(a, p, now);
	}
	/* one that fails at once has cost the network nothing: the next */
	while (now >= a->pace_at && (p = next_check(a))) {
		if (p->pending ? check_again(a, p, now)
		    : check_start(a, p, now))
			a->pace_at = now + ICE_TA;
	}
}

uint64_t checks_next(const struct agent *a)
{
	uint64_t next = next_check(a) ? a->pace_at : UINT64_MAX;
	struct le *le;

	LIST_FOREACH(&a->cl.pairl, le) {
		const struct candpair *p = le->data;

		if (p->pending)
			next = min(next, p->resend);
	}
	return next;
}
