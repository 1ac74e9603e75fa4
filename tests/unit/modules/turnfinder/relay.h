/*
 * relay.h: for the tests of modules/path/turnfinder.c, turngroup.c and
 * turnattempt.c: a finder in fake time, and one relay to which three ways
 * lead, by UDP, TCP and TLS.
 *
 *   [finder] --openh, sendh--> link[0], link[1]...: answered when told to
 */
#ifndef DIALTONE_TURNFINDER_RELAY_H
#define DIALTONE_TURNFINDER_RELAY_H

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

static inline void link_destructor(void *arg)
{
	struct relay_link *l = arg;

	++l->r->closed;
	for (unsigned i = 0; i < l->r->opened; i++)
		if (l->r->link[i] == l)
			l->r->link[i] = NULL;
}

static inline int openh(struct relay_link **lp, const struct relay *relay,
			size_t way, const struct sa *elsewhere,
			const struct relay_link_handlers *h, void *harg,
			void *arg)
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

static inline void sendh(struct relay_link *l, const uint8_t *buf, size_t len)
{
	memcpy(l->msg, buf, len);
	l->len = len;
	++l->sent;
}

static inline void relayedh(struct relay_link *l, const struct sa *relayed)
{
	l->relayed = *relayed;
}

static inline void bindh(struct relay_link *l, uint16_t channel,
			 const struct sa *peer)
{
	(void)l;
	(void)channel;
	(void)peer;
}

static inline void lasth(struct relay_link *l, const uint8_t *buf, size_t len)
{
	(void)buf;
	CU_ASSERT(len > 0);
	++l->lasts;
}

static inline void candh(const struct cand *c, void *arg)
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

static inline void doneh(void *arg)
{
	++((struct rig *)arg)->dones;
}

static inline void goneh(const struct sa *base, void *arg)
{
	struct rig *r = arg;

	r->gone_base = *base;
	++r->gone;
}

static inline void freshh(const struct sa *base, void *arg)
{
	((struct rig *)arg)->fresh_base = *base;
}

static inline void wakeh(void *arg)
{
	++((struct rig *)arg)->wakes;
}

static inline void env_of(struct finder_env *env, struct rig *r)
{
	*env = (struct finder_env){
		.relayv = &r->relay, .relayc = 1, .relay_ops = &r->ops,
		.handle = 3, .goneh = goneh, .freshh = freshh,
		.wakeh = wakeh, .arg = r,
	};
}

static inline void rig_open(struct rig *r, bool refuse)
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

static inline void rig_close(struct rig *r)
{
	mem_deref(r->f);
	CU_ASSERT_EQUAL(r->opened, r->closed);
	mem_deref(r->relay);
}

static inline void run_to(struct rig *r, uint64_t t)
{
	unsigned turns = 0;

	while (turn_finder.next(r->f) <= t && turns++ < 10000) {
		r->now = max(r->now, turn_finder.next(r->f));
		turn_finder.tick(r->f, r->now);
	}
	CU_ASSERT(turns < 10000);
	r->now = t;
}

static inline void up(struct rig *r, unsigned i)
{
	struct relay_link *l = r->link[i];

	CU_ASSERT_FATAL(l != NULL);
	l->h.uph(&l->local, &r->server, l->arg);
	turn_finder.tick(r->f, r->now);
	CU_ASSERT_FATAL(r->link[i] != NULL);
}

/* The server's answer by link i, told to have come from src to local. */
static inline bool answer(struct rig *r, unsigned i, uint16_t code,
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

static inline void allocate(struct rig *r, unsigned i)
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

#endif
