/*
 * turnfinder.c: ways to a relay in fake time: the next when one is silent or
 * fails, answers from elsewhere, an allocation that is lost and made again.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/finder.h"
#include "modules/path/turnmsg.h"
#include "sdp/base/clock.h"
#include "tests/unit/unit.h"

enum { LINKS = 16 };

struct relay_link {
	struct rig *r;
	size_t way;
	struct relay_link_handlers h;
	void *arg;
	struct sa local;
	uint8_t msg[TURN_MSG_MAX];
	size_t len;
	unsigned sent, lasts;
	struct sa relayed;
};

struct rig {
	struct finder *f;
	struct relay *relay;
	struct relay_ops ops;
	uint64_t now;
	struct relay_link *link[LINKS]; /* in the order of their opening */
	unsigned opened, closed, cands, actives, dones, gone, wakes;
	bool refuse;                    /* opening fails */
	struct cand cand, active;
	struct sa gone_base, fresh_base;
	struct turn_auth auth;
	struct sa server;
};

static void link_destructor(void *arg)
{
	struct relay_link *l = arg;

	++l->r->closed;
	for (unsigned i = 0; i < l->r->opened; i++)
		if (l->r->link[i] == l)
			l->r->link[i] = NULL;
}

static int openh(struct relay_link **lp, const struct relay *relay,
		 size_t way, const struct sa *elsewhere,
		 const struct relay_link_handlers *h, void *harg, void *arg)
{
	struct rig *r = arg;
	struct relay_link *l;

	CU_ASSERT_PTR_EQUAL(relay, r->relay);
	(void)elsewhere;
	if (r->refuse || r->opened == LINKS)
		return ENETUNREACH;
	l = mem_zalloc(sizeof *l, link_destructor);
	if (!l)
		return ENOMEM;
	l->r = r;
	l->way = way;
	l->h = *h;
	l->arg = harg;
	(void)sa_set_str(&l->local, "10.0.0.1", (uint16_t)(1000 + r->opened));
	r->link[r->opened++] = l;
	*lp = l;
	return 0;
}

static void sendh(struct relay_link *l, const uint8_t *buf, size_t len)
{
	memcpy(l->msg, buf, len);
	l->len = len;
	++l->sent;
}

static void relayedh(struct relay_link *l, const struct sa *relayed)
{
	l->relayed = *relayed;
}

static void bindh(struct relay_link *l, uint16_t channel,
		  const struct sa *peer)
{
	(void)l;
	(void)channel;
	(void)peer;
}

static void lasth(struct relay_link *l, const uint8_t *buf, size_t len)
{
	(void)buf;
	CU_ASSERT(len > 0);
	++l->lasts;
}

static void candh(const struct cand *c, void *arg)
{
	struct rig *r = arg;

	if (c->transp == CAND_TCP_ACTIVE) {
		r->active = *c;
		++r->actives;
		return;
	}
	r->cand = *c;
	++r->cands;
}

static void doneh(void *arg)
{
	++((struct rig *)arg)->dones;
}

static void goneh(const struct sa *base, void *arg)
{
	struct rig *r = arg;

	r->gone_base = *base;
	++r->gone;
}

static void freshh(const struct sa *base, void *arg)
{
	((struct rig *)arg)->fresh_base = *base;
}

static void wakeh(void *arg)
{
	++((struct rig *)arg)->wakes;
}

static void env_of(struct finder_env *env, struct rig *r)
{
	*env = (struct finder_env){
		.relayv = &r->relay, .relayc = 1, .relay_ops = &r->ops,
		.handle = 3, .goneh = goneh, .freshh = freshh,
		.wakeh = wakeh, .arg = r,
	};
}

static void rig_open(struct rig *r, bool refuse)
{
	struct finder_env env;

	memset(r, 0, sizeof *r);
	r->now = SEC;
	r->refuse = refuse;
	r->relay = mem_zalloc(sizeof *r->relay, NULL);
	r->relay->name = (char *)(uintptr_t)"relay.test";
	r->relay->user = (char *)(uintptr_t)"al";
	r->relay->password = (char *)(uintptr_t)"pw";
	r->relay->wayc = 3;
	r->relay->wayv[1].transp = RELAY_TCP;
	r->relay->wayv[2].transp = RELAY_TLS;
	r->ops = (struct relay_ops){ openh, sendh, relayedh, bindh, lasth,
				     r };
	str_ncpy(r->auth.user, "al", sizeof r->auth.user);
	str_ncpy(r->auth.password, "pw", sizeof r->auth.password);
	(void)sa_set_str(&r->server, "198.51.100.1", 3478);
	env_of(&env, r);
	CU_ASSERT_EQUAL_FATAL(turn_finder.start(&r->f, &env, r->now, candh,
						doneh, r), 0);
}

static void rig_close(struct rig *r)
{
	mem_deref(r->f);
	CU_ASSERT_EQUAL(r->opened, r->closed);
	mem_deref(r->relay);
}

static void run_to(struct rig *r, uint64_t t)
{
	unsigned turns = 0;

	while (turn_finder.next(r->f) <= t && turns++ < 10000) {
		r->now = max(r->now, turn_finder.next(r->f));
		turn_finder.tick(r->f, r->now);
	}
	CU_ASSERT(turns < 10000);
	r->now = t;
}

static void up(struct rig *r, unsigned i)
{
	struct relay_link *l = r->link[i];

	CU_ASSERT_FATAL(l != NULL);
	l->h.uph(&l->local, &r->server, l->arg);
	turn_finder.tick(r->f, r->now);
	CU_ASSERT_FATAL(r->link[i] != NULL);
}

/* The server's answer by link i, told to have come from src to local. */
static bool answer(struct rig *r, unsigned i, uint16_t code,
		   const struct sa *local, const struct sa *src)
{
	const uint8_t ec[4] = { 0, 0, (uint8_t)(code / 100),
				(uint8_t)(code % 100) };
	uint8_t buf[TURN_MSG_MAX];
	struct stun_pkt req, m;
	struct stun_out o;
	struct sa relayed;

	CU_ASSERT_EQUAL_FATAL(stun_parse(&req, r->link[i]->msg,
					 r->link[i]->len), 0);
	stun_begin_method(&o, buf, sizeof buf, req.method, code
			  ? STUN_CLASS_ERROR_RESP : STUN_CLASS_SUCCESS_RESP,
			  req.tid);
	if (code) {
		stun_put(&o, STUN_ATTR_ERR_CODE, ec, sizeof ec);
		stun_put(&o, STUN_ATTR_REALM, "realm", 5);
		stun_put(&o, STUN_ATTR_NONCE, "nonce", 5);
	}
	else {
		(void)sa_set_str(&relayed, "192.0.2.1",
				 (uint16_t)(49152 + i));
		stun_put_xor(&o, STUN_ATTR_XOR_RELAY_ADDR, &relayed);
		(void)sa_set_str(&relayed, "203.0.113.5", 6000);
		stun_put_mapped(&o, &relayed);
		stun_put_long_key(&o, &r->auth.key);
	}
	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, buf, stun_end(&o)), 0);
	return turn_finder.recv(r->f, IPPROTO_UDP, local, src, &m, r->now);
}

static void allocate(struct rig *r, unsigned i)
{
	struct turn_msg t;

	memset(&t, 0, sizeof t);
	pl_set_str(&t.realm, "realm");
	pl_set_str(&t.nonce, "nonce");
	CU_ASSERT_EQUAL(turn_auth_follow(&r->auth, &t), 0);
	up(r, i);
	CU_ASSERT(answer(r, i, 401, &r->link[i]->local, &r->server));
	CU_ASSERT(answer(r, i, 0, &r->link[i]->local, &r->server));
}

static void test_ways(void)
{
	struct rig r;
	struct sa seen;

	rig_open(&r, false);
	run_to(&r, r.now);
	CU_ASSERT_EQUAL(r.opened, 1);
	up(&r, 0);
	/* UDP is silent: TCP after 250 ms, TLS after 250 more */
	run_to(&r, r.now + 240 * MSEC);
	CU_ASSERT_EQUAL(r.opened, 1);
	run_to(&r, r.now + 10 * MSEC);
	CU_ASSERT(r.opened == 2 && r.link[1]->way == 1);
	/* TCP is refused: TLS at once */
	r.link[1]->h.downh("refused", r.link[1]->arg);
	CU_ASSERT(r.wakes == 2);
	turn_finder.tick(r.f, r.now);
	run_to(&r, r.now);
	CU_ASSERT(r.opened == 3 && r.link[2]->way == 2);
	allocate(&r, 2);
	CU_ASSERT(r.cands == 1 && r.dones == 1);
	CU_ASSERT_EQUAL(r.cand.type, CAND_RELAY);
	CU_ASSERT(sa_cmp(&r.cand.base, &r.cand.addr, SA_ALL));
	CU_ASSERT(sa_cmp(&r.cand.base, &r.link[2]->relayed, SA_ALL));
	CU_ASSERT_STRING_EQUAL(turn_finder.whose(r.f, &r.cand.base),
			       "relay.test");
	CU_ASSERT_PTR_NULL(turn_finder.problem(r.f));
	/* the first is of no more use */
	CU_ASSERT_PTR_NULL(r.link[0]);
	/* connections of ours will come from where that one did */
	CU_ASSERT_EQUAL(r.actives, 1);
	CU_ASSERT_EQUAL(r.active.type, CAND_SRFLX);
	(void)sa_set_str(&seen, "203.0.113.5", 9);
	CU_ASSERT(sa_cmp(&r.active.addr, &seen, SA_ALL));
	(void)sa_set_str(&seen, "10.0.0.1", 9);
	CU_ASSERT(sa_cmp(&r.active.base, &seen, SA_ALL));
	rig_close(&r);

	/* where UDP gets out nobody needs to know */
	rig_open(&r, false);
	run_to(&r, r.now);
	allocate(&r, 0);
	CU_ASSERT(r.cands == 1 && !r.actives);
	rig_close(&r);
}

/* The way that led there is tried at once the next time, UDP too. */
static void test_remembers(void)
{
	struct finder_env env;
	struct rig r;

	rig_open(&r, false);
	run_to(&r, r.now + 500 * MSEC);
	CU_ASSERT_EQUAL(r.opened, 3);
	allocate(&r, 2);
	r.f = mem_deref(r.f);
	CU_ASSERT_EQUAL(r.closed, 3);
	env_of(&env, &r);
	CU_ASSERT_EQUAL_FATAL(turn_finder.start(&r.f, &env, r.now, candh,
						doneh, &r), 0);
	run_to(&r, r.now);
	CU_ASSERT_EQUAL(r.opened, 5);
	CU_ASSERT(r.link[3]->way == 0 && r.link[4]->way == 2);
	/* TCP not before its turn */
	run_to(&r, r.now + 240 * MSEC);
	CU_ASSERT_EQUAL(r.opened, 5);
	rig_close(&r);
}

/* relay = only: no address of ours is told, whatever leads there. */
static void test_private(void)
{
	struct finder_env env;
	struct rig r;

	rig_open(&r, false);
	r.f = mem_deref(r.f);
	env_of(&env, &r);
	env.private = true;
	CU_ASSERT_EQUAL_FATAL(turn_finder.start(&r.f, &env, r.now, candh,
						doneh, &r), 0);
	run_to(&r, r.now + 500 * MSEC);
	CU_ASSERT_EQUAL(r.opened, 3);
	allocate(&r, 2);
	CU_ASSERT(r.cands == 1 && !r.actives);
	CU_ASSERT(!sa_isset(&r.cand.rel, SA_ADDR));
	rig_close(&r);
}

static void test_elsewhere(void)
{
	struct sa wrong, other;
	struct rig r;

	rig_open(&r, false);
	run_to(&r, r.now);
	up(&r, 0);
	(void)sa_set_str(&wrong, "198.51.100.2", 3478);
	(void)sa_set_str(&other, "10.0.0.1", 40000);
	/* from another source, or to another socket of ours */
	CU_ASSERT(!answer(&r, 0, 401, &r.link[0]->local, &wrong));
	CU_ASSERT(!answer(&r, 0, 401, &other, &r.server));
	CU_ASSERT_EQUAL(r.link[0]->sent, 1);
	CU_ASSERT(answer(&r, 0, 401, &r.link[0]->local, &r.server));
	CU_ASSERT_EQUAL(r.link[0]->sent, 2);
	CU_ASSERT(!answer(&r, 0, 0, &r.link[0]->local, &wrong));
	CU_ASSERT(!answer(&r, 0, 0, &other, &r.server));
	CU_ASSERT_EQUAL(r.cands, 0);
	rig_close(&r);
}

static void test_lost(void)
{
	struct finder_env env;
	struct rig r;

	rig_open(&r, false);
	run_to(&r, r.now);
	allocate(&r, 0);
	CU_ASSERT_EQUAL(r.cands, 1);
	/* told again when ICE restarts */
	env_of(&env, &r);
	turn_finder.again(r.f, &env, r.now);
	CU_ASSERT_EQUAL(r.cands, 2);
	CU_ASSERT(answer(&r, 0, 0, &r.link[0]->local, &r.server));
	/* the server does not answer any more */
	turn_finder.probe(r.f, r.now);
	run_to(&r, r.now + 5 * SEC);
	CU_ASSERT_EQUAL(r.gone, 1);
	CU_ASSERT(sa_cmp(&r.gone_base, &r.cand.base, SA_ALL));
	CU_ASSERT(r.opened > 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r.link[1]);
	allocate(&r, 1);
	CU_ASSERT_EQUAL(r.cands, 3);
	CU_ASSERT_EQUAL(r.dones, 1);
	rig_close(&r);
}

/* Another allocation is asked for; what is sent from its link, if any. */
static void fresh(struct rig *r, const struct sa *in_use)
{
	struct finder_env env;
	struct sa base;

	env_of(&env, r);
	CU_ASSERT_EQUAL(turn_finder.fresh(r->f, &env, in_use, &base, r->now),
			EINPROGRESS);
	run_to(r, r->now);
}

/* A second one by the same way, told when it is there; the first goes when
 * the third is asked for. */
static void test_fresh(void)
{
	struct finder_env env;
	struct sa one, two, three;
	struct rig r;

	rig_open(&r, false);
	run_to(&r, r.now);
	allocate(&r, 0);
	one = r.cand.base;
	fresh(&r, &one);
	CU_ASSERT_FATAL(r.opened == 2 && r.link[1]->way == 0);
	fresh(&r, &one);                /* it is under way */
	CU_ASSERT_EQUAL(r.opened, 2);
	allocate(&r, 1);
	two = r.cand.base;
	CU_ASSERT(sa_cmp(&r.fresh_base, &two, SA_ALL));
	CU_ASSERT(r.link[0] && !r.gone);
	CU_ASSERT_PTR_NOT_NULL(turn_finder.whose(r.f, &one));
	CU_ASSERT_PTR_NOT_NULL(turn_finder.whose(r.f, &two));
	fresh(&r, &two);
	CU_ASSERT(!r.link[0] && r.gone == 1 && r.opened == 3);
	CU_ASSERT(sa_cmp(&r.gone_base, &one, SA_ALL));
	allocate(&r, 2);
	three = r.cand.base;
	/* the path has not moved to it: another, in its place */
	fresh(&r, &two);
	CU_ASSERT(r.gone == 2 && sa_cmp(&r.gone_base, &three, SA_ALL));
	CU_ASSERT(r.opened == 4 && !r.link[2]);
	env_of(&env, &r);
	CU_ASSERT_EQUAL(turn_finder.fresh(r.f, &env, &one, &three, r.now),
			ENOENT);
	rig_close(&r);
}

/* That it fails takes nothing away, and is not tried again by itself. */
static void test_fresh_fails(void)
{
	struct sa one, two;
	struct rig r;

	rig_open(&r, false);
	run_to(&r, r.now);
	allocate(&r, 0);
	one = r.cand.base;
	r.refuse = true;
	fresh(&r, &one);
	r.refuse = false;
	run_to(&r, r.now + 5 * SEC);
	CU_ASSERT_EQUAL(r.opened, 1);
	fresh(&r, &one);
	r.link[1]->h.downh("cut", r.link[1]->arg);
	run_to(&r, r.now);
	turn_finder.tick(r.f, r.now);
	CU_ASSERT(r.opened == 2 && !r.link[1] && !r.gone);
	/* what was left ends alone */
	fresh(&r, &one);
	allocate(&r, 2);
	two = r.cand.base;
	r.link[0]->h.downh("cut", r.link[0]->arg);
	turn_finder.tick(r.f, r.now);
	CU_ASSERT(r.gone == 1 && sa_cmp(&r.gone_base, &one, SA_ALL));
	CU_ASSERT(turn_finder.whose(r.f, &two) != NULL && r.opened == 3);
	/* and both at once: all ways are tried again */
	fresh(&r, &two);
	allocate(&r, 3);
	r.link[3]->h.downh("cut", r.link[3]->arg);
	turn_finder.tick(r.f, r.now);
	run_to(&r, r.now);
	CU_ASSERT(r.gone == 3 && r.opened == 5 && r.cands == 3);
	rig_close(&r);
}

/* What it was asked beside is gone before it has begun: nor does it later. */
static void test_fresh_too_late(void)
{
	struct finder_env env;
	struct sa one, base;
	struct rig r;

	rig_open(&r, false);
	run_to(&r, r.now);
	allocate(&r, 0);
	one = r.cand.base;
	env_of(&env, &r);
	CU_ASSERT_EQUAL(turn_finder.fresh(r.f, &env, &one, &base, r.now),
			EINPROGRESS);
	r.link[0]->h.downh("cut", r.link[0]->arg);
	turn_finder.tick(r.f, r.now);
	run_to(&r, r.now);
	CU_ASSERT(r.gone == 1 && r.opened == 2);
	rig_close(&r);
}

static void test_nothing(void)
{
	struct rig r;

	rig_open(&r, true);
	run_to(&r, r.now + 3 * SEC);
	CU_ASSERT(!r.opened && r.dones == 1 && !r.cands);
	CU_ASSERT_PTR_NOT_NULL(turn_finder.problem(r.f));
	/* it is tried again, and then less often */
	r.refuse = false;
	run_to(&r, r.now + 10 * SEC);
	CU_ASSERT(r.opened >= 1);
	rig_close(&r);
}

static void test_refused(void)
{
	struct rig r;

	rig_open(&r, false);
	run_to(&r, r.now);
	up(&r, 0);
	CU_ASSERT(answer(&r, 0, 401, &r.link[0]->local, &r.server));
	CU_ASSERT(answer(&r, 0, 401, &r.link[0]->local, &r.server));
	CU_ASSERT_STRING_EQUAL(turn_finder.problem(r.f), "the relay"
			       " relay.test refuses the user name or the"
			       " password");
	CU_ASSERT_EQUAL(r.dones, 1);
	/* no other way is tried, and none for a minute */
	run_to(&r, r.now + 50 * SEC);
	CU_ASSERT_EQUAL(r.opened, 1);
	rig_close(&r);
}

UNIT_SUITE("turnfinder",
	{ "one way after the other", test_ways },
	{ "the way of the last time", test_remembers },
	{ "only relayed", test_private },
	{ "answers from elsewhere", test_elsewhere },
	{ "lost, and made again", test_lost },
	{ "one more", test_fresh },
	{ "one more fails", test_fresh_fails },
	{ "one more comes too late", test_fresh_too_late },
	{ "nothing can be reached", test_nothing },
	{ "wrong credentials", test_refused })
