/*
 * agent.c: the agent's door: what comes in from path.c (or a test) is handed
 * to the part that knows, and afterwards all that is due is done.
 * Owns candidates, pairs and credentials. Order within a tick: consent,
 * checks, nomination.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/checks.h"
#include "modules/path/consent.h"
#include "modules/path/guess.h"
#include "modules/path/incoming.h"
#include "modules/path/nominate.h"
#include "modules/path/renew.h"
#include "modules/path/upgrade.h"

static void agent_destructor(void *arg)
{
	struct agent *a = arg;

	checklist_reset(&a->cl, NULL);
	mem_deref(a->old);
}

int agent_alloc(struct agent **ap, const struct agent_conf *conf)
{
	struct agent *a;
	int err;

	if (!ap || !conf || !conf->sendh)
		return EINVAL;
	a = mem_zalloc(sizeof *a, agent_destructor);
	if (!a)
		return ENOMEM;
	a->conf = *conf;
	a->cl.controlling = conf->controlling;
	a->random = conf->seed;
	sa_init(&a->fresh, AF_UNSPEC);
	a->tie = ice_random(a);
	err = creds_alloc(&a->cl.creds);
	if (err)
		mem_deref(a);
	else
		*ap = a;
	return err;
}

void agent_guess(struct agent *a, bool allowed)
{
	a->guess.ours = allowed;
}

void agent_guess_soon(struct agent *a)
{
	a->guess.soon = true;
}

void agent_guess_stop(struct agent *a)
{
	guess_stop(a);
}

void agent_relays(struct agent *a, bool on)
{
	a->cl.no_relay = !on;
}

const char *agent_ufrag(const struct agent *a)
{
	return a->cl.creds->lufrag;
}

const char *agent_pwd(const struct agent *a)
{
	return a->cl.creds->lpwd;
}

const char *agent_ufrag_old(const struct agent *a)
{
	return a->old ? a->old->lufrag : NULL;
}

static void run(struct agent *a, uint64_t now)
{
	if (a->failed)
		return;
	consent_run(a, now);
	if (a->failed)
		return;
	upgrade_run(a, now);
	renew_run(a, now);
	nominate_run(a, now);
	checks_run(a, now);
	guess_run(a, now);
}

int agent_local(struct agent *a, const struct cand *c, uint64_t now)
{
	int err = checklist_add_local(&a->cl, c);

	if (!err) {
		/* another network, perhaps: what failed before may work */
		upgrade_now(a, now);
		run(a, now);
	}
	return err;
}

void agent_fresh(struct agent *a, const struct sa *base, uint64_t now)
{
	a->fresh = *base;
	(void)checklist_add_base(&a->cl, base, true);
	run(a, now);
}

void agent_fresh_relay(struct agent *a, const struct sa *base, uint64_t now)
{
	a->fresh = *base;
	run(a, now);
}

void agent_local_gone(struct agent *a, const struct sa *base, uint64_t now)
{
	renew_gone(a, base, now);
	if (checklist_drop_local(&a->cl, base)) {
		a->selected = NULL;
		a->suspect_since = 0;
		a->events &= ~(unsigned)AGENT_FOUND;
		consent_suspect(a, now);
	}
	run(a, now);
}

void agent_gathered(struct agent *a, uint64_t now)
{
	a->gathered = true;
	run(a, now);
}

size_t agent_bases(const struct agent *a, struct sa *basev, size_t size)
{
	size_t n = 0;
	struct le *le;

	LIST_FOREACH(&a->cl.locall, le) {
		const struct lcand *l = le->data;

		if (l->c.type == CAND_HOST && l->c.transp == CAND_UDP &&
		    n < size)
			basev[n++] = l->c.base;
	}
	return n;
}

enum agent_remote_is agent_remote_is(const struct agent *a,
				     const char *ufrag)
{
	const struct creds *c = a->cl.creds, *old = a->old;

	if (c->rufrag && !strcmp(c->rufrag, ufrag))
		return AGENT_REMOTE_SAME;
	if (old && !strcmp(old->rufrag, ufrag))
		return AGENT_REMOTE_STALE;
	return c->rufrag ? AGENT_REMOTE_RESTART : AGENT_REMOTE_NEW;
}

static int remote_new(struct agent *a, const struct desc *d, uint64_t now)
{
	struct creds *c = a->cl.creds;
	int err = creds_remote(c, d->ufrag, d->pwd);

	if (err)
		return err;
	a->deadline = now + ICE_GIVE_UP;
	a->begun = now;
	a->quick = ICE_QUICK;
	a->renomination = d->renomination;
	a->guess.theirs = d->guess;
	guess_reset(a);
	checklist_drop_early(&a->cl, creds_hash(c->rufrag));
	/* RFC 8445 section 6.1.1: a lite peer never controls a full one */
	if (d->ice_lite && !a->cl.controlling)
		incoming_role(a, true);
	return 0;
}

/* What the peer told as IPv4 we reach by another address. */
static void synthesise(struct agent *a, const struct cand *c)
{
	struct cand six = *c;

	if (!nat64_map(&six.addr, &a->nat64, &c->addr))
		return;
	sa_init(&six.rel, AF_UNSPEC);
	six.prio--;
	(void)checklist_add_remote(&a->cl, &six);
}

void agent_nat64(struct agent *a, const struct nat64 *n, uint64_t now)
{
	struct le *le, *next;

	memset(&a->nat64, 0, sizeof a->nat64);
	if (n)
		a->nat64 = *n;
	/* what is added goes to the end, and maps to nothing; where there
	 * are too many it may push this one out */
	for (le = a->cl.remotel.head; le; le = next) {
		struct rcand *r = mem_ref(le->data);

		if (r->c.type != CAND_PRFLX)
			synthesise(a, &r->c);
		next = le->next;
		mem_deref(r);
	}
	run(a, now);
}

static void remote_cand(struct agent *a, const struct cand *c)
{
	(void)checklist_add_remote(&a->cl, c);
	synthesise(a, c);
}

/* Only what can be checked; peer-reflexive candidates are found, not told. */
static void remote_cands(struct agent *a, const struct desc *d)
{
	for (size_t i = 0; i < d->candc && i < DESC_CAND_MAX; i++) {
		const struct cand *c = &d->candv[i];

		if (c->type != CAND_PRFLX &&
		    sa_isset(&c->addr, SA_ALL) && !sa_is_any(&c->addr))
			remote_cand(a, c);
	}
}

int agent_remote(struct agent *a, const struct desc *d, uint64_t now)
{
	int err = 0;

	if (!str_isset(d->ufrag) || !str_isset(d->pwd))
		return EPROTO;
	switch (agent_remote_is(a, d->ufrag)) {
	case AGENT_REMOTE_STALE:
		return 0;
	case AGENT_REMOTE_RESTART:
		return EAGAIN;
	case AGENT_REMOTE_NEW:
		err = remote_new(a, d, now);
		break;
	case AGENT_REMOTE_SAME:
		break;
	}
	if (err)
		return err;
	a->complete = d->complete;
	remote_cands(a, d);
	run(a, now);
	return 0;
}

/* Forget what the checks have shown, but not the pair in use. */
static void forget(struct agent *a)
{
	a->valid = a->complete = a->gathered = false;
	a->choose_at = a->deadline = 0;
	if (a->failed || !a->selected)
		a->consent_end = a->suspect_since = 0;
	a->failed = false;
	a->events &= ~(unsigned)(AGENT_NO_PAIR | AGENT_EXPIRED);
}

int agent_restart(struct agent *a)
{
	struct creds *c;
	int err = creds_alloc(&c);

	if (err)
		return err;
	/* one that no peer answered leaves no trace */
	if (a->cl.creds->rufrag) {
		mem_deref(a->old);
		a->old = mem_ref(a->cl.creds);
	}
	checklist_reset(&a->cl, c);
	mem_deref(c);
	forget(a);
	return 0;
}

void agent_recv(struct agent *a, int proto, const struct sa *local,
		const struct sa *src, const struct stun_pkt *m, uint64_t now)
{
	if (a->failed || m->method != STUN_METHOD_BINDING)
		return;
	switch (m->cls) {
	case STUN_CLASS_REQUEST:
		incoming_request(a, proto, local, src, m, now);
		break;
	case STUN_CLASS_SUCCESS_RESP:
	case STUN_CLASS_ERROR_RESP:
		incoming_answer(a, proto, local, src, m, now);
		break;
	case STUN_CLASS_INDICATION:
		return;
	}
	run(a, now);
}

void agent_lost(struct agent *a, int proto, const struct sa *local,
		const struct sa *remote, uint64_t now)
{
	struct le *le, *next;

	if (a->failed)
		return;
	for (le = a->cl.pairl.head; le; le = next) {
		struct candpair *p = le->data;

		next = le->next;
		if (!candpair_is(p, proto, local, remote))
			continue;
		if (p->selected)
			consent_suspect(a, now);
		else if (cand_passive(&p->local->c))
			/* nobody will come from that port again */
			checklist_drop_pair(&a->cl, p);
		else
			check_fail(p);
	}
	run(a, now);
}

void agent_tick(struct agent *a, uint64_t now)
{
	run(a, now);
}

uint64_t agent_next(const struct agent *a)
{
	if (a->failed)
		return UINT64_MAX;
	return min(min(min(consent_next(a), upgrade_next(a)),
		       min(checks_next(a), nominate_next(a))),
		   min(guess_next(a), renew_next(a)));
}

unsigned agent_events(struct agent *a)
{
	unsigned events = a->events;

	a->events = 0;
	return events;
}

/* The local candidate of a valid pair is the one the peer sees, RFC 8445
 * section 7.2.5.3.1 */
static void local_seen(const struct agent *a, const struct candpair *p,
		       struct cand *c)
{
	struct le *le;

	*c = p->local->c;
	if (sa_cmp(&p->mapped, &c->addr, SA_ALL))
		return;
	LIST_FOREACH(&a->cl.locall, le) {
		const struct lcand *l = le->data;

		if (cand_proto(&l->c) == cand_proto(c) &&
		    sa_cmp(&l->c.addr, &p->mapped, SA_ALL) &&
		    sa_cmp(&l->c.base, &p->local->c.base, SA_ALL)) {
			*c = l->c;
			return;
		}
	}
	c->type = CAND_PRFLX;
	c->prio = candpair_prflx_prio(p);
	c->rel = c->base;
	c->addr = p->mapped;
	cand_foundation(c, NULL);
}

bool agent_selected(const struct agent *a, struct cand *local,
		    struct cand *remote)
{
	if (!a->selected)
		return false;
	local_seen(a, a->selected, local);
	*remote = a->selected->remote->c;
	return true;
}

uint64_t agent_consent(const struct agent *a)
{
	return a->consent_end;
}

static int pair_debug(struct re_printf *pf, const struct candpair *p)
{
	int err = re_hprintf(pf, "%s %-11s %-6s %s %s %J -> %s %J",
			     p->selected ? "*" : " ",
			     candpair_state_name(p->state),
			     candpair_tier_name(candpair_tier(p)),
			     cand_transp_name(max(p->local->c.transp,
						  p->remote->c.transp)),
			     cand_type_name(p->local->c.type),
			     &p->local->c.base,
			     cand_type_name(p->remote->c.type),
			     &p->remote->c.addr);

	if (sa_isset(&p->mapped, SA_ADDR) &&
	    !sa_cmp(&p->mapped, &p->local->c.base, SA_ALL))
		err |= re_hprintf(pf, " seen as %J", &p->mapped);
	if (p->srtt)
		err |= re_hprintf(pf, " rtt %llu us",
				  (unsigned long long)(p->srtt / 1000));
	return err | re_hprintf(pf, "\n");
}

int agent_debug(struct re_printf *pf, const struct agent *a)
{
	int err = 0;
	struct le *le;

	if (!a)
		return 0;
	LIST_FOREACH(&a->cl.pairl, le)
		err |= pair_debug(pf, le->data);
	return err;
}
