/*
 * fork.c: the response context of a proxied request.
 *
 *   strans <── fork ──┬── branch ──> ctrans    started
 *                     ├── branch ──> ctrans
 *                     └── branch               waiting: another flow of an
 *                                              instance that is being tried
 *
 * A started branch belongs to its client transaction and keeps the fork; a
 * waiting one belongs to the fork. So the fork ends with its last transaction.
 * Called by proxy.c.
 */
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/registrar/fork.h"
#include "sipd/registrar/onward.h"

enum {
	TIMER_C = 300,          /* s of silence while ringing */
	RANK_NONE = 1000,
};

struct fork {
	struct core *c;
	struct strans *st;      /* with the request until the final one */
	struct flow flow;
	uint32_t in_user;
	unsigned routes;
	bool invite;
	bool final;             /* sent */
	bool timeout;           /* some branch heard nothing */
	ctrans_h *branchh;      /* of every branch: it may start the next */
	struct list branchl;
	unsigned pending;
	unsigned rank;          /* of best */
	struct sip_msg *best;
	struct mbuf *challenges;        /* of all branches */
	char *what;
};

struct branch {
	struct le le;
	struct fork *f;
	struct ctrans *ct;      /* NULL once done */
	bool started;
	bool done;
	struct flow flow;
	char *uri;
	char *instance;
	uint32_t user;
	struct timer timer_c;
};

static void branch_destructor(void *arg)
{
	struct branch *b = arg;

	timer_stop(&b->timer_c);
	list_unlink(&b->le);
	mem_deref(b->uri);
	mem_deref(b->instance);
	if (b->started)
		mem_deref(b->f);
}

/* Left are waiting branches only, which are ours. */
static void fork_destructor(void *arg)
{
	struct fork *f = arg;

	list_flush(&f->branchl);
	if (!f->final)
		strans_drop(f->st);
	strans_detach(f->st);
	mem_deref(f->best);
	mem_deref(f->challenges);
	mem_deref(f->what);
}

/* ---- the way up ---- */

static void release(struct fork *f)
{
	struct le *le = f->branchl.head;

	f->final = true;
	f->best = mem_deref(f->best);
	f->challenges = mem_deref(f->challenges);
	while (le) {
		struct branch *b = le->data;

		le = le->next;
		if (!b->started)
			mem_deref(b);
	}
}

static void cancel_others(struct fork *f)
{
	for (struct le *le = f->branchl.head; le; le = le->next) {
		const struct branch *b = le->data;

		ctrans_cancel(b->ct, NULL);
	}
}

static void pass_up(struct fork *f, const struct sip_msg *rsp,
		    const struct mbuf *challenges)
{
	struct mbuf *mb = NULL;

	if (!message_forward_response(&mb, rsp, challenges))
		(void)strans_send(f->st, false, rsp->scode, mb);
	mem_deref(mb);
}

static void answer(struct fork *f, uint16_t scode, const char *reason,
		   const char *text)
{
	(void)strans_reply(f->st, false, scode, reason,
			   text ? "Warning: 399 dialtone \"%s\"\r\n"
			   "Content-Length: 0\r\n\r\n" : NULL, text);
}

/* RFC 3261 section 16.7 step 6: 6xx, then the lowest class; within 4xx what
 * the caller can do something about. A 503 is passed on as it is: it speaks
 * of one user, with a Retry-After that the caller should see. */
static unsigned rank_of(uint16_t scode)
{
	static const struct {
		uint16_t scode;
		unsigned rank;
	} rankv[] = {
		{ 401, 400 }, { 407, 400 }, { 415, 410 }, { 420, 410 },
		{ 484, 410 }, { 408, 490 }, { 430, 495 }, { 480, 480 },
		{ 487, 470 }, { 503, 590 },
	};

	for (size_t i = 0; i < RE_ARRAY_SIZE(rankv); i++)
		if (rankv[i].scode == scode)
			return rankv[i].rank;
	return scode >= 600 ? 0 : scode / 100 * 100 + 50;
}

static bool challenge_handler(const struct sip_hdr *hdr,
			      const struct sip_msg *msg, void *arg)
{
	(void)msg;
	return mbuf_printf(arg, "%r: %r\r\n", &hdr->name, &hdr->val) != 0;
}

/* RFC 3261 section 16.7 step 7: the caller must see every realm. */
static void keep_challenges(struct fork *f, const struct sip_msg *rsp)
{
	if (!f->challenges)
		f->challenges = mbuf_alloc(256);
	if (!f->challenges)
		return;
	sip_msg_hdr_apply(rsp, true, SIP_HDR_WWW_AUTHENTICATE,
			  challenge_handler, f->challenges);
	sip_msg_hdr_apply(rsp, true, SIP_HDR_PROXY_AUTHENTICATE,
			  challenge_handler, f->challenges);
}

static void keep_best(struct fork *f, const struct sip_msg *rsp)
{
	const unsigned rank = rank_of(rsp->scode);

	if (rsp->scode == 401 || rsp->scode == 407)
		keep_challenges(f, rsp);
	if (rank >= f->rank)
		return;
	f->rank = rank;
	mem_deref(f->best);
	f->best = mem_ref((void *)rsp);
}

/* All branches are through. RFC 4320: no 408 to anything but INVITE. */
static void conclude(struct fork *f)
{
	if (f->best && (f->best->scode == 401 || f->best->scode == 407))
		pass_up(f, f->best, f->challenges);
	else if (f->best)
		pass_up(f, f->best, NULL);
	else if (!f->timeout)
		answer(f, 480, "Temporarily Unavailable", f->what);
	else if (f->invite)
		answer(f, 408, "Request Timeout", f->what);
	else
		strans_drop(f->st);
	release(f);
}

/* ---- the way down ---- */

static void timer_c_handler(void *arg)
{
	struct branch *b = arg;

	if (!b->done)
		ctrans_cancel(b->ct, NULL);
}

static int branch_send(struct branch *b, struct mbuf *mb, const char *branch)
{
	struct fork *f = b->f;
	char met[METHOD_SIZE];
	const struct ctrans_conf conf = {
		.met = met, .branch = branch,
		.way = transport_way(f->c->tr, &b->flow), .mb = mb,
		.proxy = true, .keep = b, .h = f->branchh, .arg = b,
	};
	int err = transport_send(f->c->tr, &b->flow, mb);

	if (err)
		return err;
	(void)pl_strcpy(&strans_msg(f->st)->met, met, sizeof met);
	err = ctrans_alloc(&b->ct, f->c->ctable, &conf);
	if (err)
		return err;
	b->started = true;
	mem_ref(f);
	mem_deref(b);           /* the transaction's now */
	++f->pending;
	if (f->invite)
		(void)timer_start(f->c->timers, &b->timer_c, TIMER_C * SEC,
				  timer_c_handler, b);
	return 0;
}

static int branch_start(struct branch *b)
{
	struct fork *f = b->f;
	const struct sip_msg *msg = strans_msg(f->st);
	char branch[TRANS_BRANCH];
	struct message_forward fw = {
		.msg = msg, .uri = b->uri, .branch = branch,
		.routes = f->routes,
	};
	struct mbuf *mb = NULL, *record = NULL;
	int err = 0;

	onward_branch(branch, f->c, msg);
	if (onward_records(msg)) {
		const struct route in = { f->flow, f->in_user };
		const struct route out = { b->flow, b->user };

		err = onward_record(&record, f->c, &in, &out);
	}
	fw.record = record;
	if (!err)
		err = onward_request(&mb, f->c, &fw, &b->flow);
	if (!err)
		err = branch_send(b, mb, branch);
	mem_deref(record);
	mem_deref(mb);
	return err;
}

/* Is a branch of that instance (not NULL) under way? */
static bool instance_busy(const struct fork *f, const char *instance)
{
	for (const struct le *le = f->branchl.head; le; le = le->next) {
		const struct branch *b = le->data;

		if (b->started && !b->done && b->instance &&
		    !strcmp(b->instance, instance))
			return true;
	}
	return false;
}

/* Start what waits: all without an instance, one of each. A branch that
 * cannot even be sent is dropped, and the next of its instance tried. */
static void start_waiting(struct fork *f)
{
	struct le *le = f->branchl.head;

	while (le) {
		struct branch *b = le->data;

		le = le->next;
		if (b->started ||
		    (b->instance && instance_busy(f, b->instance)))
			continue;
		if (branch_start(b))
			mem_deref(b);
	}
}

/* RFC 5626 section 5.3: a dead flow, another of the instance may live. */
static bool flow_failed(int err, const struct sip_msg *rsp)
{
	return err ? true : rsp->scode == 430;
}

static void drop_siblings(struct fork *f, const char *instance)
{
	struct le *le = f->branchl.head;

	while (instance && le) {
		struct branch *b = le->data;

		le = le->next;
		if (!b->started && b->instance &&
		    !strcmp(b->instance, instance))
			mem_deref(b);
	}
}

static void branch_done(struct branch *b, int err, const struct sip_msg *rsp)
{
	struct fork *f = b->f;

	timer_stop(&b->timer_c);
	b->done = true;
	--f->pending;
	if (f->final)
		return;
	f->timeout = f->timeout || err == ETIMEDOUT;
	if (rsp)
		keep_best(f, rsp);
	if (flow_failed(err, rsp))
		start_waiting(f);
	else
		drop_siblings(f, b->instance);
	if (rsp && rsp->scode >= 600)
		cancel_others(f);
	if (!f->pending)
		conclude(f);
}

static void branch_accepted(struct branch *b, const struct sip_msg *rsp)
{
	struct fork *f = b->f;

	timer_stop(&b->timer_c);
	if (!b->done)
		--f->pending;
	b->done = true;
	if (f->final && !f->invite)
		return;
	pass_up(f, rsp, NULL);
	if (f->final)
		return;
	cancel_others(f);
	release(f);
}

static void branch_ringing(struct branch *b, const struct sip_msg *rsp)
{
	struct fork *f = b->f;

	if (f->invite && rsp->scode > 100)
		(void)timer_start(f->c->timers, &b->timer_c, TIMER_C * SEC,
				  timer_c_handler, b);
	if (rsp->scode > 100 && !f->final)
		pass_up(f, rsp, NULL);
}

static void branch_handler(int err, const struct sip_msg *rsp, void *arg)
{
	struct branch *b = arg;
	struct fork *f = mem_ref(b->f);

	mem_ref(b);
	if (!err && rsp->scode < 200)
		branch_ringing(b, rsp);
	else if (!err && rsp->scode < 300)
		branch_accepted(b, rsp);
	else if (!b->done)
		branch_done(b, err, rsp);
	mem_deref(b);
	mem_deref(f);
}

/* ---- the caller's side ---- */

static void cancel_handler(const struct sip_msg *cancel, void *arg)
{
	struct fork *f = arg;
	struct le *le = f->branchl.head;
	(void)cancel;

	while (le) {            /* none of these any more */
		struct branch *b = le->data;

		le = le->next;
		if (!b->started)
			mem_deref(b);
	}
	cancel_others(f);
}

static const struct strans_handlers handlers = { .cancelh = cancel_handler };

int fork_alloc(struct fork **fp, struct core *c, const struct sip_msg *msg,
	       const struct flow *flow, uint32_t in_user, unsigned routes)
{
	struct fork *f = mem_zalloc(sizeof *f, fork_destructor);
	const struct strans_conf conf = {
		.msg = msg, .way = core_way_back(c, msg, flow),
		.h = &handlers, .arg = f,
	};
	int err;

	if (!f)
		return ENOMEM;
	f->c = c;
	f->flow = *flow;
	f->in_user = in_user;
	f->routes = routes;
	f->invite = message_is(msg, "INVITE");
	f->rank = RANK_NONE;
	f->branchh = branch_handler;
	err = strans_alloc(&f->st, c->stable, &conf);
	if (err)
		mem_deref(f);
	else
		*fp = f;
	return err;
}

int fork_add(struct fork *f, const struct fork_target *target)
{
	struct branch *b = mem_zalloc(sizeof *b, branch_destructor);
	int err;

	if (!b)
		return ENOMEM;
	b->f = f;
	b->flow = target->flow;
	b->user = target->user;
	err = str_dup(&b->uri, target->uri);
	if (!err && target->instance)
		err = str_dup(&b->instance, target->instance);
	if (err)
		mem_deref(b);
	else
		list_append(&f->branchl, &b->le, b);
	return err;
}

void fork_start(struct fork *f, const char *what)
{
	struct core_stats *stats = &f->c->stats;

	if (what)
		(void)str_dup(&f->what, what);
	if (f->invite)
		answer(f, 100, "Trying", NULL);
	start_waiting(f);
	if (f->invite)
		++stats->invites;
	else
		++stats->others;
	if (f->pending > 1)
		++stats->forks;
	if (!f->pending)
		conclude(f);
	mem_deref(f);
}
