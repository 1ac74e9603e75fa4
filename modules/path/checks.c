/*
 * checks.c: connectivity checks on their way out.
 *
 *   triggered queue --+
 *                     +--every Ta--> check_start --> transmit
 *   waiting pairs ----+                  ^              |
 *                                        +--- rto, 2 rto, ...
 *
 * The triggered queue goes first, then pairs on the same subnet, then by
 * priority, but private addresses of another site late; TCP when UDP has had
 * its head start, and what would go out and in again by the NAT that both are
 * behind when the way inside has had its. Retransmissions are not paced: with
 * RTO = Ta x N they come no faster than the checks did (RFC 8445 section
 * 14.3).
 */
#include <errno.h>
#include <limits.h>
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
	stun_put_u32(&o, STUN_ATTR_PRIORITY, candpair_prflx_prio(p));
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

size_t check_bare(uint8_t *buf, size_t size, const struct agent *a)
{
	uint8_t tid[STUN_TID_SIZE];
	struct stun_out o;

	if (RAND_bytes(tid, sizeof tid) != 1)
		return 0;
	memcpy(tid, &a->conf.handle, 4);
	stun_begin(&o, buf, size, STUN_CLASS_REQUEST, tid);
	put_username(&o, a->cl.creds);
	stun_put_u32(&o, STUN_ATTR_PRIORITY, cand_prio(CAND_PRFLX, 0));
	stun_put_u64(&o, a->cl.controlling ? STUN_ATTR_CONTROLLING
		     : STUN_ATTR_CONTROLLED, a->tie);
	stun_put_key(&o, a->cl.creds->rpwd);
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
	err = n ? a->conf.sendh(candpair_proto(p), &p->local->c.base,
				&p->remote->c.addr, buf, n, a->conf.arg) :
		EMSGSIZE;
	/* the selected pair is given up by consent only */
	if (!netif_hopeless(err) || p->selected)
		return true;
	check_fail(p);
	return false;
}

static bool is_tcp(const struct candpair *p)
{
	return p->local->c.transp != CAND_UDP;
}

static bool open_pair(const struct candpair *p)
{
	return !is_tcp(p) &&
		(p->state == PAIR_WAITING || p->state == PAIR_IN_PROGRESS);
}

static uint64_t rto_first(const struct agent *a, const struct candpair *p)
{
	unsigned n = 0;
	struct le *le;

	if (is_tcp(p))
		return ICE_TCP_RTO;
	if (p->srtt)
		return min(max(2 * p->srtt, ICE_RTO_MIN), ICE_RTO_MAX);
	if (p->heard)
		return min(max(2 * p->rtt_most, ICE_RTO), ICE_RTO_MAX);
	LIST_FOREACH(&a->cl.pairl, le)
		n += open_pair(le->data);
	return max(ICE_RTO_FIRST, n * ICE_TA_FIRST);
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

		if (p->trig && !p->pending && p->creds->rpwd &&
		    (!first || p->trig < first->trig))
			first = p;
	}
	return first;
}

/* The peer is behind the NAT that we are behind ourselves. Many do not let
 * packets back in, and some take them for an attack. */
static bool hairpin(const struct agent *a, const struct candpair *p)
{
	struct le *le;

	if (p->local->c.type != CAND_HOST || p->remote->c.type == CAND_HOST)
		return false;
	LIST_FOREACH(&a->cl.locall, le) {
		const struct lcand *l = le->data;

		if (l->c.type == CAND_SRFLX &&
		    sa_cmp(&l->c.addr, &p->remote->c.addr, SA_ADDR))
			return true;
	}
	return false;
}

/* How an address looks from outside: 0 if it does not. */
static uint32_t outside(const struct cand *c)
{
	if (c->transp != CAND_UDP || sa_af(&c->addr) != AF_INET ||
	    (c->type != CAND_HOST && c->type != CAND_SRFLX))
		return 0;
	return netif_inside(&c->addr) ? 0 : sa_in(&c->addr);
}

/* Both are known from outside, by nothing in common: what is private there is
 * not reached from here, most likely, though both may number their networks
 * alike. */
static bool apart(const struct agent *a)
{
	bool known = false;
	struct le *le, *re;

	LIST_FOREACH(&a->cl.locall, le) {
		const uint32_t l = outside(&((struct lcand *)le->data)->c);

		LIST_FOREACH(&a->cl.remotel, re) {
			const struct rcand *r = re->data;
			const uint32_t o = l ? outside(&r->c) : 0;

			if (o && o == l)
				return false;
			known |= o;
		}
	}
	return known;
}

/* The order of first checks: less is earlier, within one by priority. */
static unsigned order(const struct candpair *p, bool far)
{
	const struct cand *r = &p->remote->c;

	if (candpair_tier(p) > TIER_DIRECT)
		return 3;
	if (far && sa_af(&r->addr) == AF_INET && netif_inside(&r->addr))
		return 2;
	return !p->likely;
}

/* When the first check of a waiting pair may go. */
static uint64_t begins(const struct agent *a, const struct candpair *p)
{
	uint64_t after = is_tcp(p) ? ICE_TCP_AFTER : 0;

	if (hairpin(a, p))
		after += ICE_HAIRPIN_AFTER;
	return a->begun + after;
}

/* *later: when to ask again if there is none now. */
static struct candpair *waiting(const struct agent *a, uint64_t now,
				uint64_t *later)
{
	struct candpair *first = NULL;
	unsigned least = UINT_MAX;
	struct le *le;
	bool far;

	if (!a->cl.creds->rpwd)
		return NULL;
	far = apart(a);
	LIST_FOREACH(&a->cl.pairl, le) {
		struct candpair *p = le->data;
		uint64_t at;

		if (p->state != PAIR_WAITING || !wanted(a, p))
			continue;
		at = begins(a, p);
		if (at > now) {
			*later = min(*later, at);
			continue;
		}
		if (order(p, far) < least) {
			least = order(p, far);
			first = p;
		}
	}
	return first;
}

static struct candpair *next_check(const struct agent *a, uint64_t now,
				   uint64_t *later)
{
	struct candpair *p = triggered(a);

	return p ? p : waiting(a, now, later);
}

/* When a check in progress is sent again. The peer's has come on it since:
 * soon, unless it was sent a moment ago and the two have crossed. */
static uint64_t resend_at(const struct candpair *p)
{
	uint64_t soon = p->resend - p->rto + ICE_TA_FIRST;

	return p->trig ? min(soon, p->resend) : p->resend;
}

/* RFC 8445 section 7.3.1.4 cancels a check in progress and starts anew. Here
 * the same transaction is sent once more, unpaced as any retransmission:
 * should the way be longer than the peer's retransmission interval, the answer
 * is still known. */
static void again(struct agent *a, struct candpair *p, uint64_t now)
{
	p->trig = 0;
	p->rto = rto_first(a, p);
	(void)transmit(a, p, now);
}

/* This pair would be of a better kind than what we have to make do with. */
static bool hoped_for(const struct agent *a, const struct candpair *p)
{
	const struct candpair *sel = a->selected;

	return sel && candpair_tier(sel) > TIER_DIRECT &&
		candpair_tier(p) < candpair_tier(sel);
}

static uint64_t give_up_at(const struct agent *a, const struct candpair *p)
{
	uint64_t at = p->unanswered +
		(a->selected ? ICE_GIVE_UP_UPGRADE : ICE_GIVE_UP);

	if (hoped_for(a, p))
		at = max(at, max(a->fresh_at, a->moved_at) +
			 ICE_UPGRADE_FIRST);
	return at;
}

/* However long an outage was, its end is noticed soon. With many pairs they
 * take turns. */
static uint64_t rto_max(const struct agent *a, const struct candpair *p)
{
	uint64_t turn = a->cl.pairc * ICE_TA;

	if (a->selected && (p->selected || a->suspect_since))
		return min(max(ICE_RTO_NEED, turn), ICE_RTO_MAX);
	return hoped_for(a, p) ? ICE_UPGRADE_RTO : ICE_RTO_MAX;
}

static void give_up_or_resend(struct agent *a, struct candpair *p,
			      uint64_t now)
{
	if (!p->selected && now >= give_up_at(a, p)) {
		check_fail(p);
		return;
	}
	p->rto = min(2 * p->rto, rto_max(a, p));
	(void)transmit(a, p, now);
}

/* The way that works is most often among the first. */
static uint64_t pace(struct agent *a)
{
	if (!a->quick)
		return ICE_TA;
	a->quick--;
	return ICE_TA_FIRST;
}

void checks_run(struct agent *a, uint64_t now)
{
	uint64_t later = UINT64_MAX;
	struct candpair *p;
	struct le *le;

	LIST_FOREACH(&a->cl.pairl, le) {
		p = le->data;
		if (!p->pending || now < resend_at(p))
			continue;
		if (p->trig)
			again(a, p, now);
		else
			give_up_or_resend(a, p, now);
	}
	/* one that fails at once has cost the network nothing: the next */
	while (now >= a->pace_at && (p = next_check(a, now, &later))) {
		if (check_start(a, p, now))
			a->pace_at = now + pace(a);
	}
}

uint64_t checks_next(const struct agent *a)
{
	uint64_t next = UINT64_MAX;
	struct le *le;

	/* who waits for pace_at anyway has no other time to wait for */
	if (next_check(a, a->pace_at, &next))
		next = a->pace_at;

	LIST_FOREACH(&a->cl.pairl, le) {
		const struct candpair *p = le->data;

		if (p->pending)
			next = min(next, resend_at(p));
	}
	return next;
}
