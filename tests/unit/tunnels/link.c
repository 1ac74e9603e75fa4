/*
 * link.c: a worker's links: which one a packet goes by, from either thread;
 * what they bring is handed on as a socket's; what is gone takes nothing.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include "sdp/base/clock.h"
#include "tests/unit/unit.h"
#include "tunnels/flow/workerimpl.h"

#define WAIT (10 * SEC)

struct wire {
	struct link l;
	struct sa to;
	uint8_t buf[64];
	size_t len;
	unsigned writes;
	bool full;
};

struct rig {
	struct mailbox *control;
	struct worker *w;
	struct wire *wire;
	struct udp_to to;
	struct worker_wait wait;
	_Atomic unsigned rooms, steps;
	unsigned stuns;         /* control: what has come */
	int proto;
	struct sa local, src;
};

static int wire_write(struct link *l, const struct sa *remote,
		      const uint8_t *buf, size_t len, size_t seg,
		      size_t *done)
{
	struct wire *wire = (struct wire *)(void *)l;
	(void)seg;

	if (wire->full) {
		*done = 0;
		return EAGAIN;
	}
	wire->to = *remote;
	wire->len = min(len, sizeof wire->buf);
	memcpy(wire->buf, buf, wire->len);
	++wire->writes;
	*done = len;
	return 0;
}

static const struct link_ops wire_ops = { wire_write };

static void stunh(int proto, const struct sa *local, const struct sa *src,
		  const uint8_t *buf, size_t len, void *arg)
{
	struct rig *r = arg;
	(void)buf;

	CU_ASSERT_EQUAL(len, 20);
	r->proto = proto;
	r->local = *local;
	r->src = *src;
	++r->stuns;
}

static void control_run(struct rig *r)
{
	struct pollfd pfd = {
		.fd = mailbox_fd(r->control), .events = POLLIN,
	};

	(void)poll(&pfd, 1, 2);
	mailbox_run(r->control);
}

#define WAIT_FOR(r, cond) \
	do { \
		uint64_t until_ = clock_ns() + WAIT; \
		while (!(cond) && clock_ns() < until_) \
			control_run(r); \
		CU_ASSERT(cond); \
	} while (0)

/* Run h on the worker, and wait until it has. */
static void on_worker(struct rig *r, mail_h *h)
{
	unsigned steps = atomic_load(&r->steps);

	CU_ASSERT_EQUAL_FATAL(loop_post(worker_loop(r->w), h, r), 0);
	WAIT_FOR(r, atomic_load(&r->steps) > steps);
}

static void sa_of(struct sa *sa, const char *addr, uint16_t port)
{
	CU_ASSERT_EQUAL_FATAL(sa_set_str(sa, addr, port), 0);
}

static void open_rig(struct rig *r)
{
	struct worker_conf conf = { .stunh = stunh, .arg = r };

	memset(r, 0, sizeof *r);
	CU_ASSERT_EQUAL_FATAL(mailbox_alloc(&r->control), 0);
	conf.control = r->control;
	CU_ASSERT_EQUAL_FATAL(worker_alloc(&r->w, &conf), 0);
}

static void close_rig(struct rig *r)
{
	mem_deref(r->w);
	mailbox_run(r->control);
	mem_deref(r->control);
}

static void step_add(void *arg)
{
	struct rig *r = arg;
	struct sa local;

	r->wire = mem_zalloc(sizeof *r->wire, NULL);
	sa_of(&local, "192.0.2.1", 49152);
	link_init(&r->wire->l, &wire_ops, IPPROTO_UDP, &local, NULL);
	worker_link_add(r->w, &r->wire->l);
	atomic_fetch_add(&r->steps, 1);
}

static void step_del(void *arg)
{
	struct rig *r = arg;

	worker_link_del(&r->wire->l);
	r->wire = mem_deref(r->wire);
	atomic_fetch_add(&r->steps, 1);
}

static void step_nothing(void *arg)
{
	struct rig *r = arg;

	atomic_fetch_add(&r->steps, 1);
}

static void step_rx(void *arg)
{
	static uint8_t buf[UDP_ROOM + 20];
	struct rig *r = arg;
	struct udp_rx rx = {
		.buf = buf + UDP_ROOM, .len = 20, .seg = 20,
		.proto = IPPROTO_UDP, .local = r->wire->l.local,
	};

	sa_of(&rx.src, "203.0.113.5", 5000);
	worker_rx(r->w, &rx);
	worker_rx_end(r->w);
	atomic_fetch_add(&r->steps, 1);
}

static void test_control(void)
{
	struct rig r;
	struct sa local, dst, other;

	open_rig(&r);
	on_worker(&r, step_add);
	sa_of(&local, "192.0.2.1", 49152);
	sa_of(&other, "192.0.2.1", 49153);
	sa_of(&dst, "203.0.113.5", 5000);
	CU_ASSERT_EQUAL(worker_send(r.w, IPPROTO_UDP, &other, &dst,
				    (const uint8_t *)"no", 2), 0);
	CU_ASSERT_EQUAL(worker_send(r.w, IPPROTO_TCP, &local, &dst,
				    (const uint8_t *)"no", 2), 0);
	CU_ASSERT_EQUAL(worker_send(r.w, IPPROTO_UDP, &local, &dst,
				    (const uint8_t *)"yes", 3), 0);
	on_worker(&r, step_nothing);
	CU_ASSERT_EQUAL(r.wire->writes, 1);
	CU_ASSERT_EQUAL(r.wire->len, 3);
	CU_ASSERT(sa_cmp(&r.wire->to, &dst, SA_ALL));
	on_worker(&r, step_rx);
	WAIT_FOR(&r, r.stuns == 1);
	CU_ASSERT_EQUAL(r.proto, IPPROTO_UDP);
	CU_ASSERT(sa_cmp(&r.local, &local, SA_ALL));
	CU_ASSERT(sa_cmp(&r.src, &dst, SA_ALL));
	/* dropped while it is in the table: the worker lets it go */
	r.wire = mem_deref(r.wire);
	close_rig(&r);
}

static void room_handler(void *arg)
{
	struct rig *r = arg;

	atomic_fetch_add(&r->rooms, 1);
}

static void step_write(void *arg)
{
	struct rig *r = arg;
	const uint8_t pkt[9] = "datagrams";
	struct sa local, dst;
	size_t done;

	sa_of(&local, "192.0.2.1", 49152);
	sa_of(&dst, "203.0.113.5", 5000);
	worker_route(r->w, &r->to, IPPROTO_UDP, &local, &dst);
	CU_ASSERT_PTR_EQUAL(r->to.link, &r->wire->l);
	r->wire->full = true;
	CU_ASSERT_EQUAL(worker_write(r->w, &r->to, pkt, 9, 5, &done),
			EAGAIN);
	CU_ASSERT_EQUAL(done, 0);
	worker_wait(r->w, &r->wait, &r->to, room_handler, r);
	r->wire->full = false;
	link_room(&r->wire->l);
	CU_ASSERT_EQUAL(atomic_load(&r->rooms), 1);
	CU_ASSERT_EQUAL(worker_write(r->w, &r->to, pkt, 9, 5, &done), 0);
	CU_ASSERT_EQUAL(done, 9);
	/* who waits when it goes is told, and then it takes nothing */
	worker_wait(r->w, &r->wait, &r->to, room_handler, r);
	atomic_fetch_add(&r->steps, 1);
}

static void step_gone(void *arg)
{
	struct rig *r = arg;
	const uint8_t pkt[1] = { 0 };
	size_t done = 0;

	CU_ASSERT_EQUAL(atomic_load(&r->rooms), 2);
	CU_ASSERT_EQUAL(worker_write(r->w, &r->to, pkt, 1, 1, &done),
			ENOTCONN);
	CU_ASSERT_EQUAL(done, 1);
	worker_unroute(&r->to);
	CU_ASSERT_PTR_NULL(r->to.link);
	atomic_fetch_add(&r->steps, 1);
}

static void test_worker(void)
{
	struct rig r;

	open_rig(&r);
	on_worker(&r, step_add);
	on_worker(&r, step_write);
	on_worker(&r, step_del);
	on_worker(&r, step_gone);
	close_rig(&r);
}

static void test_find(void)
{
	struct link one, other, own;
	struct list l = LIST_INIT;
	struct sa a, b, any, peer, stranger;

	memset(&one, 0, sizeof one);
	memset(&other, 0, sizeof other);
	memset(&own, 0, sizeof own);
	sa_of(&a, "192.0.2.1", 1000);
	sa_of(&b, "192.0.2.1", 2000);
	sa_of(&any, "0.0.0.0", 2000);
	sa_of(&peer, "203.0.113.5", 5000);
	sa_of(&stranger, "203.0.113.6", 5000);
	link_init(&own, &wire_ops, IPPROTO_TCP, &a, &peer);
	link_init(&one, &wire_ops, IPPROTO_TCP, &a, NULL);
	link_init(&other, &wire_ops, IPPROTO_UDP, &any, NULL);
	list_append(&l, &own.le, &own);
	list_append(&l, &one.le, &one);
	list_append(&l, &other.le, &other);
	CU_ASSERT_PTR_EQUAL(link_find(&l, IPPROTO_TCP, &a, &peer), &own);
	CU_ASSERT_PTR_EQUAL(link_find(&l, IPPROTO_TCP, &a, &stranger), &one);
	CU_ASSERT_PTR_NULL(link_find(&l, IPPROTO_UDP, &a, &peer));
	CU_ASSERT_PTR_EQUAL(link_find(&l, IPPROTO_UDP, &b, &peer), &other);
	CU_ASSERT_PTR_NULL(link_find(&l, IPPROTO_TCP, &b, &peer));
	sa_of(&a, "2001:db8::1", 2000);
	CU_ASSERT_PTR_NULL(link_find(&l, IPPROTO_UDP, &a, &peer));
}

UNIT_SUITE("link",
	{ "which link", test_find },
	{ "from the control thread", test_control },
	{ "on the worker", test_worker })
