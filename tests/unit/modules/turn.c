/*
 * turn.c: an allocation in fake time, before a server of the test's own:
 * credentials, families, permissions, channels, refresh, and answers that
 * somebody else has sent.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/turn.h"
#include "sdp/base/clock.h"
#include "tests/unit/unit.h"

enum { SENT_MAX = 64 };

/* What the turn has sent, and what it was told. */
struct rig {
	struct turn *t;
	uint64_t now;
	uint8_t msg[SENT_MAX][TURN_MSG_MAX];
	size_t len[SENT_MAX];
	unsigned sent, binds, datas;
	uint16_t channel;
	struct sa bound;
	size_t data_len;
	struct turn_auth auth;          /* as the server knows it */
	unsigned forged;
};

static void sendh(const uint8_t *buf, size_t len, void *arg)
{
	struct rig *r = arg;
	const unsigned i = r->sent++ % SENT_MAX;

	memcpy(r->msg[i], buf, len);
	r->len[i] = len;
}

static void bindh(uint16_t channel, const struct sa *peer, void *arg)
{
	struct rig *r = arg;

	r->channel = channel;
	r->bound = *peer;
	++r->binds;
}

static void datah(const struct sa *relayed, const struct sa *peer,
		  const uint8_t *buf, size_t len, void *arg)
{
	struct rig *r = arg;
	(void)relayed;
	(void)buf;

	CU_ASSERT(sa_cmp(peer, &r->bound, SA_ALL));
	r->data_len = len;
	++r->datas;
}

static void forgedh(void *arg)
{
	++((struct rig *)arg)->forged;
}

static void rig_open(struct rig *r, const char *password)
{
	const struct turn_conf conf = {
		.user = "al", .password = password, .handle = 7,
		.sendh = sendh, .bindh = bindh, .datah = datah,
		.forgedh = forgedh, .arg = r,
	};

	memset(r, 0, sizeof *r);
	r->now = SEC;
	str_ncpy(r->auth.user, "al", sizeof r->auth.user);
	str_ncpy(r->auth.password, "pw", sizeof r->auth.password);
	CU_ASSERT_EQUAL_FATAL(turn_alloc(&r->t, &conf, r->now), 0);
}

static void last(const struct rig *r, struct stun_pkt *m, struct turn_msg *t)
{
	const unsigned i = (r->sent - 1) % SENT_MAX;

	CU_ASSERT_FATAL(r->sent > 0);
	CU_ASSERT_EQUAL_FATAL(stun_parse(m, r->msg[i], r->len[i]), 0);
	CU_ASSERT_EQUAL_FATAL(turn_msg_parse(t, m), 0);
}

struct answer {
	uint16_t code;                  /* 0: success */
	const char *nonce;
	bool protect, other_key;
	const char *relayed4, *relayed6, *alternate;
	uint32_t lifetime;
	const uint8_t *tid;             /* NULL: of the last request */
};

static void put_sa(struct stun_out *o, uint16_t type, const char *addr)
{
	struct sa sa;

	if (!addr)
		return;
	CU_ASSERT_EQUAL_FATAL(sa_set_str(&sa, addr, 49152), 0);
	stun_put_xor(o, type, &sa);
}

/* Answer the last request. */
static bool answer(struct rig *r, const struct answer *a)
{
	uint8_t buf[TURN_MSG_MAX], code[4] = { 0 };
	struct stun_pkt m, req;
	struct turn_msg t;
	struct stun_out o;
	struct stun_key key = r->auth.key;

	last(r, &req, &t);
	stun_begin_method(&o, buf, sizeof buf, req.method,
			  a->code ? STUN_CLASS_ERROR_RESP
			  : STUN_CLASS_SUCCESS_RESP, a->tid ? a->tid
			  : req.tid);
	code[2] = (uint8_t)(a->code / 100);
	code[3] = (uint8_t)(a->code % 100);
	if (a->code)
		stun_put(&o, STUN_ATTR_ERR_CODE, code, sizeof code);
	if (a->nonce) {
		stun_put(&o, STUN_ATTR_REALM, "realm", 5);
		stun_put(&o, STUN_ATTR_NONCE, a->nonce, strlen(a->nonce));
	}
	put_sa(&o, STUN_ATTR_XOR_RELAY_ADDR, a->relayed4);
	put_sa(&o, STUN_ATTR_XOR_RELAY_ADDR, a->relayed6);
	if (a->alternate)
		stun_put(&o, STUN_ATTR_ALT_SERVER,
			 "\x00\x01\x0d\x96\xc0\x00\x02\x07", 8);
	if (a->lifetime)
		stun_put_u32(&o, STUN_ATTR_LIFETIME, a->lifetime);
	key.key[0] ^= a->other_key;
	if (a->protect)
		stun_put_long_key(&o, &key);
	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, buf, stun_end(&o)), 0);
	return turn_recv(r->t, &m, r->now);
}

/* 401 with a realm, as the server says it first. */
static void challenge(struct rig *r, const char *nonce)
{
	struct turn_msg t;

	memset(&t, 0, sizeof t);
	pl_set_str(&t.realm, "realm");
	pl_set_str(&t.nonce, nonce);
	CU_ASSERT_EQUAL(turn_auth_follow(&r->auth, &t), 0);
	CU_ASSERT(answer(r, &(struct answer){ .code = 401, .nonce = nonce }));
}

static bool proven(const struct rig *r)
{
	struct stun_pkt m;
	struct turn_msg t;

	last(r, &m, &t);
	return turn_auth_ok(&r->auth, &m, &t);
}

static void make_ready(struct rig *r)
{
	rig_open(r, "pw");
	challenge(r, "nonce1");
	CU_ASSERT(answer(r, &(struct answer){
		.protect = true, .relayed4 = "192.0.2.1",
		.relayed6 = "2001:db8::1", .lifetime = 600 }));
	CU_ASSERT_EQUAL_FATAL(turn_state(r->t), TURN_READY);
}

static void run_to(struct rig *r, uint64_t t)
{
	unsigned turns = 0;

	while (turn_next(r->t) <= t && turns++ < 10000) {
		r->now = max(r->now, turn_next(r->t));
		turn_tick(r->t, r->now);
	}
	CU_ASSERT(turns < 10000);
	r->now = t;
}

static void test_allocate(void)
{
	struct stun_pkt m;
	struct turn_msg t;
	struct rig r;

	rig_open(&r, "pw");
	CU_ASSERT_EQUAL(r.sent, 1);
	last(&r, &m, &t);
	CU_ASSERT_EQUAL(m.method, STUN_METHOD_ALLOCATE);
	CU_ASSERT(!m.mi && !pl_isset(&m.username));
	challenge(&r, "nonce1");
	CU_ASSERT_EQUAL(r.sent, 2);
	CU_ASSERT(proven(&r));
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_ASKING);
	CU_ASSERT(answer(&r, &(struct answer){
		.protect = true, .relayed4 = "192.0.2.1", .lifetime = 600 }));
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_READY);
	CU_ASSERT_PTR_NOT_NULL(turn_relayed(r.t, AF_INET));
	CU_ASSERT_PTR_NULL(turn_relayed(r.t, AF_INET6));
	/* refreshed a minute before its end, and given back in the end */
	run_to(&r, r.now + 539 * SEC);
	last(&r, &m, &t);
	CU_ASSERT_EQUAL(m.method, STUN_METHOD_BINDING);
	run_to(&r, r.now + SEC);
	--r.sent;               /* what keeps NATs open was due, too */
	last(&r, &m, &t);
	CU_ASSERT_EQUAL(m.method, STUN_METHOD_REFRESH);
	CU_ASSERT(answer(&r, &(struct answer){ .protect = true,
		.lifetime = 600 }));
	r.len[0] = turn_last(r.t, r.msg[0], sizeof r.msg[0]);
	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, r.msg[0], r.len[0]), 0);
	CU_ASSERT_EQUAL_FATAL(turn_msg_parse(&t, &m), 0);
	CU_ASSERT(m.method == STUN_METHOD_REFRESH && t.has_lifetime &&
		  !t.lifetime && turn_auth_ok(&r.auth, &m, &t));
	mem_deref(r.t);
}

static void test_stale(void)
{
	struct rig r;
	unsigned n;

	make_ready(&r);
	turn_probe(r.t, r.now);
	n = r.sent;
	str_ncpy(r.auth.nonce, "nonce2", sizeof r.auth.nonce);
	CU_ASSERT(answer(&r, &(struct answer){ .code = 438,
		.nonce = "nonce2" }));
	CU_ASSERT_EQUAL(r.sent, n + 1);
	CU_ASSERT(proven(&r));
	CU_ASSERT(answer(&r, &(struct answer){ .protect = true,
		.lifetime = 600 }));
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_READY);
	/* a server that is never content is not asked for ever */
	turn_probe(r.t, r.now);
	for (unsigned i = 0; i < 20 && turn_state(r.t) == TURN_READY; i++)
		CU_ASSERT(answer(&r, &(struct answer){ .code = 438,
			.nonce = "again" }));
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_OVER);
	CU_ASSERT_EQUAL(turn_end(r.t), TURN_LOST);
	mem_deref(r.t);
}

static void test_wrong_password(void)
{
	struct rig r;

	rig_open(&r, "other");
	challenge(&r, "nonce1");
	CU_ASSERT(!proven(&r));
	CU_ASSERT(answer(&r, &(struct answer){ .code = 401,
		.nonce = "nonce1" }));
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_OVER);
	CU_ASSERT_EQUAL(turn_end(r.t), TURN_REFUSED);
	CU_ASSERT_STRING_EQUAL(turn_why(r.t),
			       "refuses the user name or the password");
	mem_deref(r.t);
}

static void test_errors(void)
{
	static const struct {
		uint16_t code;
		enum turn_end end;
	} v[] = {
		{ 300, TURN_ELSEWHERE }, { 403, TURN_REFUSED },
		{ 437, TURN_LOST }, { 441, TURN_REFUSED },
		{ 442, TURN_REFUSED }, { 486, TURN_LATER },
		{ 508, TURN_LATER }, { 599, TURN_LATER },
		{ 499, TURN_REFUSED },
	};
	struct rig r;

	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		rig_open(&r, "pw");
		challenge(&r, "nonce1");
		/* without proof it is nothing */
		CU_ASSERT(answer(&r, &(struct answer){ .code = v[i].code }));
		CU_ASSERT_EQUAL(turn_state(r.t), TURN_ASKING);
		CU_ASSERT(answer(&r, &(struct answer){ .code = v[i].code,
			.protect = true, .alternate = "" }));
		CU_ASSERT_EQUAL(turn_state(r.t), TURN_OVER);
		CU_ASSERT_EQUAL(turn_end(r.t), v[i].end);
		mem_deref(r.t);
	}
}

static void test_families(void)
{
	struct rig r;

	rig_open(&r, "pw");
	challenge(&r, "nonce1");
	CU_ASSERT(answer(&r, &(struct answer){ .code = 440,
		.protect = true }));
	CU_ASSERT(answer(&r, &(struct answer){ .code = 440,
		.protect = true }));
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_ASKING);
	CU_ASSERT(answer(&r, &(struct answer){ .protect = true,
		.relayed6 = "2001:db8::1" }));
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_READY);
	CU_ASSERT_PTR_NULL(turn_relayed(r.t, AF_INET));
	mem_deref(r.t);
	rig_open(&r, "pw");
	challenge(&r, "nonce1");
	for (int i = 0; i < 3; i++)
		CU_ASSERT(answer(&r, &(struct answer){ .code = 440,
			.protect = true }));
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_OVER);
	mem_deref(r.t);
}

static void test_silence(void)
{
	struct rig r;

	rig_open(&r, "pw");
	run_to(&r, r.now + 7 * SEC);
	CU_ASSERT(r.sent >= 4 && r.sent <= 7);
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_ASKING);
	run_to(&r, r.now + 2 * SEC);
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_OVER);
	CU_ASSERT_EQUAL(turn_end(r.t), TURN_LOST);
	mem_deref(r.t);
	make_ready(&r);
	turn_probe(r.t, r.now);
	run_to(&r, r.now + 5 * SEC);
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_OVER);
	CU_ASSERT_EQUAL(turn_end(r.t), TURN_LOST);
	mem_deref(r.t);
}

/* Wrong transaction, no key, another key: nothing moves. */
static void test_spoofed(void)
{
	static const uint8_t tid[STUN_TID_SIZE] = "\7\0\0\0guessing";
	struct rig r;

	rig_open(&r, "pw");
	CU_ASSERT(!answer(&r, &(struct answer){ .code = 300, .tid = tid,
		.alternate = "" }));
	/* before there is a key: no success without one */
	CU_ASSERT(answer(&r, &(struct answer){ .relayed4 = "192.0.2.66" }));
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_ASKING);
	challenge(&r, "nonce1");
	CU_ASSERT(answer(&r, &(struct answer){ .relayed4 = "192.0.2.66" }));
	CU_ASSERT(answer(&r, &(struct answer){ .relayed4 = "192.0.2.66",
		.protect = true, .other_key = true }));
	CU_ASSERT(answer(&r, &(struct answer){ .code = 401, .nonce = "x",
		.protect = true, .other_key = true }));
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_ASKING);
	CU_ASSERT(answer(&r, &(struct answer){ .protect = true,
		.relayed4 = "192.0.2.1", .lifetime = 600 }));
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_READY);
	/* the allocation is not ended by a stranger */
	turn_probe(r.t, r.now);
	CU_ASSERT(answer(&r, &(struct answer){ .code = 437 }));
	CU_ASSERT(answer(&r, &(struct answer){ .code = 437, .protect = true,
		.other_key = true }));
	CU_ASSERT(!answer(&r, &(struct answer){ .code = 437, .protect = true,
		.tid = tid }));
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_READY);
	CU_ASSERT(answer(&r, &(struct answer){ .code = 437,
		.protect = true }));
	CU_ASSERT_EQUAL(turn_state(r.t), TURN_OVER);
	/* those that bore the number of a request */
	CU_ASSERT_EQUAL(r.forged, 6);
	mem_deref(r.t);
}

static void test_peers(void)
{
	const uint8_t check[100] = { 0 };
	struct stun_pkt m;
	struct turn_msg t;
	struct sa peer, other;
	struct rig r;
	unsigned n;

	make_ready(&r);
	CU_ASSERT_EQUAL_FATAL(sa_set_str(&peer, "203.0.113.5", 5000), 0);
	CU_ASSERT_EQUAL_FATAL(sa_set_str(&other, "203.0.113.5", 5001), 0);
	/* one permission for an address */
	n = r.sent;
	turn_permit(r.t, &peer, r.now);
	turn_permit(r.t, &other, r.now);
	CU_ASSERT_EQUAL(r.sent, n + 1);
	last(&r, &m, &t);
	CU_ASSERT_EQUAL(m.method, STUN_METHOD_CREATEPERM);
	CU_ASSERT(answer(&r, &(struct answer){ .protect = true }));
	/* one channel for an address and port; the last check is kept */
	CU_ASSERT_EQUAL(turn_to(r.t, &peer, check, 90, r.now), EAGAIN);
	CU_ASSERT_EQUAL(turn_to(r.t, &peer, check, 100, r.now), EAGAIN);
	CU_ASSERT_EQUAL(r.sent, n + 2);
	CU_ASSERT_EQUAL(r.binds, 1);
	CU_ASSERT(r.channel >= 0x4000 && r.channel <= 0x4fff);
	last(&r, &m, &t);
	CU_ASSERT_EQUAL(m.method, STUN_METHOD_CHANBIND);
	CU_ASSERT(answer(&r, &(struct answer){ .protect = true,
		.other_key = true }));
	CU_ASSERT_EQUAL(r.datas, 0);
	CU_ASSERT(answer(&r, &(struct answer){ .protect = true }));
	CU_ASSERT(r.datas == 1 && r.data_len == 100);
	CU_ASSERT_EQUAL(turn_to(r.t, &peer, check, 90, r.now), 0);
	/* a peer that the server forbids */
	CU_ASSERT_EQUAL(turn_to(r.t, &other, check, 90, r.now), EAGAIN);
	CU_ASSERT(answer(&r, &(struct answer){ .code = 403,
		.protect = true }));
	CU_ASSERT_EQUAL(turn_to(r.t, &other, check, 90, r.now), EACCES);
	/* both are renewed before they end, as long as they are used */
	(void)turn_to(r.t, &peer, check, 90, r.now + 239 * SEC);
	run_to(&r, r.now + 241 * SEC);
	CU_ASSERT(r.binds == 3);
	mem_deref(r.t);
}

UNIT_SUITE("turn",
	{ "allocate, refresh, give back", test_allocate },
	{ "a stale nonce", test_stale },
	{ "a wrong password", test_wrong_password },
	{ "what errors mean, if they are proven", test_errors },
	{ "one family less", test_families },
	{ "a server that is silent", test_silence },
	{ "answers of somebody else", test_spoofed },
	{ "permissions and channels", test_peers })
