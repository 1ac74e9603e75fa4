/*
 * incoming.c: what a check or an answer from the peer changes.
 *
 *   request: ufrag -> base -> integrity -> unknown attributes -> role
 *            -> answer -> remote candidate -> pair -> triggered check
 *   answer:  transaction -> integrity -> addresses -> valid pair
 *
 * Nothing is allocated or changed before integrity is proven; errors to
 * unproven sources are smaller than what they sent.
 */
#include <string.h>
#include "modules/path/checks.h"
#include "modules/path/consent.h"
#include "modules/path/guess.h"
#include "modules/path/incoming.h"
#include "modules/path/nominate.h"
#include "modules/path/renew.h"

static struct creds *creds_of(const struct agent *a,
			      const struct stun_pkt *m)
{
	if (creds_match(a->cl.creds, &m->username))
		return a->cl.creds;
	return creds_match(a->old, &m->username) ? a->old : NULL;
}

/* pwd NULL: an error that cannot be protected, RFC 8489 section 9.1.3. */
static void refuse(const struct agent *a, int proto, const struct sa *local,
		   const struct sa *src, const struct stun_pkt *m,
		   uint16_t code, const char *pwd)
{
	uint8_t buf[STUN_REQUEST_MAX];
	struct stun_out o;

	stun_begin(&o, buf, sizeof buf, STUN_CLASS_ERROR_RESP, m->tid);
	stun_put_error(&o, code, m);
	if (pwd)
		stun_put_key(&o, pwd);
	stun_put_fingerprint(&o);
	(void)a->conf.sendh(proto, local, src, buf, stun_end(&o),
			    a->conf.arg);
}

static void accept_check(const struct agent *a, int proto,
			 const struct sa *local, const struct sa *src,
			 const struct stun_pkt *m, const struct creds *c)
{
	uint8_t buf[STUN_REQUEST_MAX];
	struct stun_out o;

	stun_begin(&o, buf, sizeof buf, STUN_CLASS_SUCCESS_RESP, m->tid);
	stun_put_mapped(&o, src);
	stun_put_key(&o, c->lpwd);
	stun_put_fingerprint(&o);
	(void)a->conf.sendh(proto, local, src, buf, stun_end(&o),
			    a->conf.arg);
}

/* What is under way speaks of the old role; sent once more it would turn the
 * peer's again. So it starts anew, and late answers still count. */
void incoming_role(struct agent *a, bool controlling)
{
	struct le *le;

	LIST_FOREACH(&a->cl.pairl, le) {
		struct candpair *p = le->data;

		p->nominating = p->nominated = false;
		if (!p->pending)
			continue;
		p->pending = false;
		check_trigger(a, p);
	}
	checklist_role(&a->cl, controlling);
}

static void forged(const struct agent *a, const struct sa *src)
{
	if (a->conf.forgedh)
		a->conf.forgedh(src, a->conf.arg);
}

/* The code to refuse with, 0 if the check is in order. pwdp is set once the
 * sender is proven. */
static uint16_t judge(struct agent *a, const struct stun_pkt *m,
		      const struct creds *c, const char **pwdp)
{
	if (!m->mi)
		return 400;
	if (!stun_key_ok(m, c->lpwd))
		return 401;
	*pwdp = c->lpwd;
	if (m->unknownc)
		return 420;
	if (!m->has_prio)
		return 400;
	/* RFC 8445 section 7.3.1.1: who has the larger number stays */
	if (a->cl.controlling ? m->controlling : m->controlled) {
		if ((a->tie >= m->tie) == a->cl.controlling)
			return 487;
		incoming_role(a, !a->cl.controlling);
	}
	return 0;
}

/* The pair that a check has come on, RFC 8445 sections 7.3.1.3 and .4 */
static struct candpair *pair_of(struct agent *a, int proto,
				const struct sa *local, const struct sa *src,
				const struct stun_pkt *m, uint64_t now)
{
	uint32_t early = a->cl.creds->rufrag ? 0 :
		creds_peer_hash(&m->username);
	struct candpair *p = checklist_way(&a->cl, proto, local, src);
	struct rcand *r;
	struct lcand *l;

	if (p) {
		/* why does the peer ask what it knows? */
		if (p->state == PAIR_SUCCEEDED && !p->selected)
			consent_probe(a, now);
		return p;
	}
	r = checklist_remote(&a->cl, proto, src);
	l = checklist_base(&a->cl, proto, local, r);
	if (!l)                 /* guess_base had no memory for it */
		return NULL;
	if (!r) {
		r = checklist_add_prflx(&a->cl, candpair_other(l->c.transp),
					src, m->prio, early);
		if (!r)
			return NULL;
		/* the peer has moved: does what we use still work? */
		consent_probe(a, now);
	}
	return checklist_pair(&a->cl, l, r);
}

/* A pair that works need not be checked again, unless we look for one. */
static bool worth_checking(const struct agent *a, const struct candpair *p,
			   uint64_t now)
{
	if (p->state != PAIR_SUCCEEDED || ice_silent(p, now))
		return true;
	return (!a->selected || a->suspect_since) && !p->pending &&
		now >= p->heard + ICE_RTO;
}

void incoming_request(struct agent *a, int proto, const struct sa *local,
		      const struct sa *src, const struct stun_pkt *m,
		      uint64_t now)
{
	struct creds *c = creds_of(a, m);
	const char *pwd = NULL;
	struct candpair *p;
	const bool known = checklist_base(&a->cl, proto, local, NULL);
	uint16_t code;

	if (!c || (!known && !guess_expects(a, proto, local)))
		return;
	code = judge(a, m, c, &pwd);
	if (code) {
		if (!pwd)
			forged(a, src);
		refuse(a, proto, local, src, m, code, pwd);
		return;
	}
	if (renew_mute(a, local, now))
		return;
	accept_check(a, proto, local, src, m, c);
	if (c != a->cl.creds)
		return;
	if (!known)
		guess_base(a, local);
	p = pair_of(a, proto, local, src, m, now);
	if (!p)
		return;
	if (worth_checking(a, p, now))
		check_trigger(a, p);
	nominate_asked(a, p, now);
	if (m->use_cand && !a->cl.controlling)
		nominate_by_peer(a, p, m->nomination, now);
}

static struct candpair *find_txn(const struct agent *a, const uint8_t *tid,
				 struct pair_txn **tp)
{
	struct le *le;

	LIST_FOREACH(&a->cl.pairl, le) {
		struct candpair *p = le->data;

		for (int i = 0; i < 2; i++) {
			*tp = &p->txn[i];
			if ((*tp)->sent && !memcmp((*tp)->tid, tid,
						   sizeof (*tp)->tid))
				return p;
		}
	}
	return NULL;
}

/* RFC 8445 section 7.2.5.1 */
static void role_conflict(struct agent *a, struct candpair *p,
			  bool controlling)
{
	p->pending = false;
	if (controlling == a->cl.controlling) {
		a->tie = ice_random(a);
		incoming_role(a, !controlling);
	}
	check_trigger(a, p);
}

static void note_answer(struct agent *a, struct candpair *p,
			const struct pair_txn *t, const struct sa *mapped,
			uint64_t now)
{
	bool last = t == &p->txn[0];

	renew_heard(a, p, mapped, now);
	/* RFC 6298: no sample from what was sent twice */
	if (last && p->txc == 1)
		candpair_rtt(p, now - t->sent);
	else
		p->rtt_most = now - t->sent;
	if (last)
		p->pending = false;
	p->unanswered = p->pending ? p->txn[0].sent : 0;
	p->heard = now;
	p->state = PAIR_SUCCEEDED;
	p->mapped = *mapped;
}

static void success(struct agent *a, struct candpair *p, struct pair_txn *t,
		    const struct stun_pkt *m, uint64_t now)
{
	bool nominated = t->nominate && p->nominating && a->cl.controlling;

	note_answer(a, p, t, &m->mapped, now);
	t->sent = 0;
	if (p == a->selected)
		consent_heard(a, now);
	else if (!a->selected)
		a->deadline = max(a->deadline, now + ICE_CONSENT_END);
	nominate_valid(a, p, now);
	if (nominated) {
		p->nominating = false;
		nominate_select(a, p, now);
	}
}

void incoming_answer(struct agent *a, int proto, const struct sa *local,
		     const struct sa *src, const struct stun_pkt *m,
		     uint64_t now)
{
	struct pair_txn *t;
	struct candpair *p = find_txn(a, m->tid + 4, &t);

	if (!p)
		return;
	if (!stun_key_ok(m, p->creds->rpwd)) {
		forged(a, src);
		return;
	}
	/* Not from where the request went: RFC 8445 section 7.2.5.2.1 fails
	 * the pair. It is ignored instead: whoever can replay an answer from
	 * elsewhere must not be able to end a pair that works. */
	if (!candpair_is(p, proto, local, src))
		return;
	if (m->cls == STUN_CLASS_ERROR_RESP) {
		if (m->ecode == 487)
			role_conflict(a, p, t->controlling);
	}
	else if (sa_isset(&m->mapped, SA_ALL))
		success(a, p, t, m, now);
}
