/*
 * Tests modules/path/finders.c in fake time: which finders run, when all are
 * done, and a finder that is dropped within its own call. A host with one
 * address, one STUN server that answers when it is told to, one relay to
 * which no way leads.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/finders.h"
#include "modules/path/path.h"
#include "sdp/base/clock.h"
#include "tests/unit/unit.h"

enum { HANDLE = 7, PORT = 5000 };

struct rig {
	struct finders *fs;
	struct finder_env env;
	struct netif netif;
	struct sa server;
	struct path_mapping map;
	struct relay *relay;
	struct relay_ops ops;
	uint64_t now;
	unsigned hosts, mapped, seen, dones, asked;
	bool again;                     /* gather when STUN's is told */
	uint8_t tid[STUN_TID_SIZE];
};

static int on_send(int proto, const struct sa *local, const struct sa *dst,
		   const uint8_t *buf, size_t len, void *arg)
{
	struct rig *r = arg;

	CU_ASSERT_EQUAL(proto, IPPROTO_UDP);
	CU_ASSERT(sa_port(local) == PORT && sa_cmp(dst, &r->server, SA_ALL));
	CU_ASSERT_FATAL(len >= STUN_HEADER_SIZE);
	memcpy(r->tid, buf + 8, sizeof r->tid);
	r->asked++;
	return 0;
}

static int no_link(struct relay_link **lp, const struct relay *relay,
		   size_t way, const struct sa *elsewhere,
		   const struct relay_link_handlers *h, void *harg, void *arg)
{
	(void)lp;
	(void)relay;
	(void)way;
	(void)elsewhere;
	(void)h;
	(void)harg;
	(void)arg;
	return ENETUNREACH;
}

static void on_cand(const struct cand *c, void *arg)
{
	struct rig *r = arg;

	r->hosts += c->type == CAND_HOST;
	if (c->type != CAND_SRFLX)
		return;
	if (sa_cmp(&c->addr, &r->map.external, SA_ALL)) {
		r->mapped++;
		return;
	}
	r->seen++;
	if (r->again)
		CU_ASSERT_EQUAL(finders_gather(r->fs, &r->env, r->now), 0);
}

static void on_done(void *arg)
{
	((struct rig *)arg)->dones++;
}

static void begin(struct rig *r)
{
	memset(r, 0, sizeof *r);
	r->now = SEC;
	sa_set_in(&r->server, 0xc6336401, 3478);
	sa_set_in(&r->netif.addr, 0xc0a8010a, 0);
	sa_set_in(&r->map.base, 0xc0a8010a, PORT);
	sa_set_in(&r->map.external, 0xcb007105, 4711);
	r->relay = mem_zalloc(sizeof *r->relay, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r->relay);
	r->relay->wayc = 1;
	r->ops.openh = no_link;
	r->env = (struct finder_env){
		.netv = &r->netif, .netc = 1, .port4 = PORT,
		.mapv = &r->map, .relayv = &r->relay, .relay_ops = &r->ops,
		.relays = true, .handle = HANDLE, .sendh = on_send, .arg = r,
	};
	CU_ASSERT_EQUAL_FATAL(finders_alloc(&r->fs, on_cand, on_done, r), 0);
}

static void finish(struct rig *r)
{
	r->fs = mem_deref(r->fs);
	r->relay = mem_deref(r->relay);
}

static void gather(struct rig *r)
{
	CU_ASSERT_EQUAL_FATAL(finders_gather(r->fs, &r->env, r->now), 0);
}

/* Let that much time pass. */
static void run(struct rig *r, uint64_t time)
{
	const uint64_t end = r->now + time;

	while (finders_next(r->fs) <= end) {
		r->now = max(r->now, finders_next(r->fs));
		finders_tick(r->fs, r->now);
	}
	r->now = end;
}

/* The server sees us as 203.0.113.6; true: somebody took that. */
static bool answer(struct rig *r)
{
	struct sa base = r->map.base, mapped;
	uint8_t buf[64];
	struct stun_out o;
	struct stun_pkt m;

	sa_set_in(&mapped, 0xcb007106, 40000);
	stun_begin(&o, buf, sizeof buf, STUN_CLASS_SUCCESS_RESP, r->tid);
	stun_put_mapped(&o, &mapped);
	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, buf, stun_end(&o)), 0);
	return finders_recv(r->fs, IPPROTO_UDP, &base, &r->server, &m,
			    r->now);
}

/* Nothing to wait for: done within the call, once. */
static void test_at_once(void)
{
	struct rig r;

	begin(&r);
	gather(&r);
	CU_ASSERT(r.hosts == 1 && r.dones == 1 && !finders_waiting(r.fs));
	CU_ASSERT_EQUAL(finders_next(r.fs), UINT64_MAX);
	gather(&r);
	CU_ASSERT(r.hosts == 2 && r.dones == 2);
	finish(&r);
}

/* Relays alone, none at all, both. */
static void test_wanted(void)
{
	for (int i = 0; i < 3; i++) {
		struct rig r;

		begin(&r);
		r.env.relayc = 1;
		r.env.private = i == 0;
		r.env.relays = i != 1;
		gather(&r);
		CU_ASSERT_EQUAL(r.hosts, i == 0 ? 0 : 1);
		CU_ASSERT_EQUAL(finders_waiting(r.fs), r.env.relays);
		run(&r, 3 * SEC);
		CU_ASSERT(r.dones == 1 && !finders_waiting(r.fs));
		CU_ASSERT_EQUAL(finders_problem(r.fs) != NULL, r.env.relays);
		finish(&r);
	}
}

/* A server that is silent: the end of waiting, also for one that starts anew
 * meanwhile. */
static void test_silent(void)
{
	struct rig r;

	begin(&r);
	r.env.stunv = &r.server;
	r.env.stunc = 1;
	gather(&r);
	run(&r, SEC);
	CU_ASSERT(r.dones == 0 && finders_waiting(r.fs));
	gather(&r);
	run(&r, SEC);
	CU_ASSERT(r.dones == 0 && finders_waiting(r.fs));
	run(&r, SEC);
	CU_ASSERT(r.dones == 1 && !finders_waiting(r.fs));
	finish(&r);
}

/* Once a pair is found the server is left alone; when the path is silent it is
 * asked again. */
static void test_found(void)
{
	struct rig r;
	unsigned asked;

	begin(&r);
	r.env.stunv = &r.server;
	r.env.stunc = 1;
	gather(&r);
	CU_ASSERT(answer(&r));
	CU_ASSERT(r.seen == 1 && !answer(&r));
	run(&r, SEC);
	CU_ASSERT_EQUAL(r.dones, 1);
	finders_found(r.fs);
	asked = r.asked;
	run(&r, 100 * SEC);
	CU_ASSERT_EQUAL(r.asked, asked);
	finders_look_again(r.fs, &r.env, r.now);
	CU_ASSERT_EQUAL(r.asked, asked + 1);
	CU_ASSERT(finders_waiting(r.fs) && answer(&r));
	CU_ASSERT_EQUAL(r.seen, 2);
	finish(&r);
}

/* A gateway that answers late. */
static void test_late(void)
{
	struct rig r;

	begin(&r);
	gather(&r);
	r.env.mapc = 1;
	finders_start(r.fs, &portmap_finder, &r.env, r.now);
	CU_ASSERT(r.mapped == 1 && r.hosts == 1 && r.dones == 2);
	finish(&r);
}

/* The candidate that a finder tells leads to a restart, which drops it. */
static void test_dropped_within(void)
{
	struct rig r;

	begin(&r);
	r.env.stunv = &r.server;
	r.env.stunc = 1;
	gather(&r);
	r.again = true;
	CU_ASSERT(answer(&r));
	r.again = false;
	CU_ASSERT(r.hosts == 2 && r.asked == 2 && r.seen == 1);
	CU_ASSERT(answer(&r));
	CU_ASSERT_EQUAL(r.seen, 2);
	finish(&r);
}

UNIT_SUITE("finders",
	{ "at once", test_at_once },
	{ "wanted", test_wanted },
	{ "silent", test_silent },
	{ "found", test_found },
	{ "late", test_late },
	{ "dropped within", test_dropped_within })
