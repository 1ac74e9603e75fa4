/*
 * flow.c: streams over a pair in memory: the header, listeners that come
 * late, half-close, reset, back-pressure, limits.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "tests/unit/fakeflow.h"
#include "tests/unit/unit.h"

enum { BIG = 300000 };

/* One end of a stream, and all that was reported of it. */
struct end {
	struct stream *s;
	uint8_t *rx;
	size_t n;                       /* received */
	size_t sent;                    /* of `total` written */
	size_t total;
	bool consume;
	bool reset_on_read;
	bool fin_after;                 /* all is written */
	int fins, closes, err;
	uint64_t code;
};

struct test {
	struct loop *l;
	struct flow *a, *b;
	struct end out, in;
	unsigned tunnel;
	int accepted;
	bool refuse;
};

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

static void pump(struct end *e)
{
	uint8_t buf[1000];

	while (e->s && e->sent < e->total) {
		size_t n = e->total - e->sent, got;

		if (n > sizeof buf)
			n = sizeof buf;
		for (size_t i = 0; i < n; i++)
			buf[i] = pattern(e->sent + i);
		got = stream_write(e->s, buf, n);
		e->sent += got;
		if (got < n)
			return;
	}
	if (e->fin_after && e->s)
		stream_fin(e->s);
}

static void readh(struct stream *s, const uint8_t *p, size_t n, void *arg)
{
	struct end *e = arg;

	CU_ASSERT_EQUAL(e->fins, 0);
	for (size_t i = 0; i < n; i++)
		if (p[i] != pattern(e->n + i)) {
			CU_FAIL("other bytes");
			break;
		}
	e->n += n;
	if (e->consume)
		stream_consumed(s, n);
	if (e->reset_on_read) {
		stream_reset(s, 7);
		e->s = NULL;
	}
}

static void finh(struct stream *s, void *arg)
{
	struct end *e = arg;
	(void)s;

	++e->fins;
}

static void writeh(struct stream *s, void *arg)
{
	(void)s;
	pump(arg);
}

static void closeh(struct stream *s, int err, uint64_t code, void *arg)
{
	struct end *e = arg;

	CU_ASSERT_PTR_EQUAL(s, e->s);
	++e->closes;
	e->s = NULL;
	e->err = err;
	e->code = code;
}

static const struct stream_handlers handlers = {
	.readh = readh, .finh = finh, .writeh = writeh, .closeh = closeh,
};

static void accepth(struct stream *s, void *arg)
{
	struct test *t = arg;

	++t->accepted;
	if (t->refuse)
		return;
	t->in.s = s;
	stream_handle(s, &handlers, &t->in);
}

static void make_pair(void *arg)
{
	struct test *t = arg;

	CU_ASSERT_EQUAL_FATAL(fakeflow_alloc(&t->a, &t->b, t->l), 0);
}

static void open_out(void *arg)
{
	struct test *t = arg;

	CU_ASSERT_EQUAL_FATAL(stream_open(&t->out.s, t->a, t->tunnel,
					  &handlers, &t->out), 0);
	pump(&t->out);
}

static void listen_in(void *arg)
{
	struct test *t = arg;

	CU_ASSERT_EQUAL(flow_listen(t->b, t->tunnel, accepth, t), 0);
}

static void fin_in(void *arg)
{
	struct test *t = arg;

	stream_fin(t->in.s);
}

static void free_pair(void *arg)
{
	struct test *t = arg;

	mem_deref(t->a);
	mem_deref(t->b);
}

static void setup(struct test *t)
{
	memset(t, 0, sizeof *t);
	t->in.consume = true;
	t->out.consume = true;
	t->out.total = 5;
	CU_ASSERT_EQUAL_FATAL(loop_alloc(&t->l, "t"), 0);
	fake_call(t->l, make_pair, t);
}

static void nothing(void *arg)
{
	(void)arg;
}

/* Let the loop take n turns at least. */
static void turns(struct test *t, int n)
{
	while (n--)
		fake_call(t->l, nothing, NULL);
}

static void teardown(struct test *t)
{
	fake_call(t->l, free_pair, t);
	mem_deref(t->l);
}

static void test_stream(void)
{
	struct test t;

	setup(&t);
	t.out.fin_after = true;
	fake_call(t.l, listen_in, &t);
	fake_call(t.l, open_out, &t);
	turns(&t, 5);
	CU_ASSERT_EQUAL(t.accepted, 1);
	CU_ASSERT_EQUAL(t.in.n, 5);
	CU_ASSERT_EQUAL(t.in.fins, 1);
	CU_ASSERT_EQUAL(t.out.closes + t.in.closes, 0);
	fake_call(t.l, fin_in, &t);
	turns(&t, 5);
	CU_ASSERT_EQUAL(t.out.fins, 1);
	CU_ASSERT_EQUAL(t.out.closes, 1);
	CU_ASSERT_EQUAL(t.in.closes, 1);
	CU_ASSERT_EQUAL(t.out.err, 0);
	CU_ASSERT_EQUAL(t.in.err, 0);
	teardown(&t);
}

/* a two-byte header that comes a byte at a time, and nobody listens yet */
static void test_late_listener(void)
{
	struct test t;

	setup(&t);
	t.tunnel = 300;
	t.out.fin_after = true;
	t.out.total = 100;
	fakeflow_piece(t.a, 1);
	fake_call(t.l, open_out, &t);
	turns(&t, 120);
	CU_ASSERT_EQUAL(t.accepted, 0);
	fake_call(t.l, listen_in, &t);
	CU_ASSERT_EQUAL(t.accepted, 1);
	CU_ASSERT_EQUAL(t.in.n, 100);
	CU_ASSERT_EQUAL(t.in.fins, 1);
	teardown(&t);
	CU_ASSERT_EQUAL(t.in.closes, 1);
	CU_ASSERT_EQUAL(t.in.err, ENOTCONN);
}

static void push_much(void *arg)
{
	static uint8_t mb[1 << 20];
	struct test *t = arg;
	struct stream *s = mem_ref(list_ledata(list_head(&t->b->streaml)));

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	for (size_t at = 0; at < 16 * sizeof mb; at += sizeof mb) {
		for (size_t i = 0; i < sizeof mb; i++)
			mb[i] = pattern(at + i);
		stream_rx(s, mb, sizeof mb);
	}
	mem_deref(s);
}

/* as much as a window holds is there before anybody listens */
static void test_late_and_much(void)
{
	struct test t;

	setup(&t);
	t.out.total = 0;
	fake_call(t.l, open_out, &t);
	turns(&t, 3);
	fake_call(t.l, push_much, &t);
	CU_ASSERT_EQUAL(t.accepted, 0);
	fake_call(t.l, listen_in, &t);
	turns(&t, 3);
	CU_ASSERT_EQUAL(t.in.n, 16 << 20);
	CU_ASSERT_EQUAL(t.out.closes, 0);
	teardown(&t);
}

/* a stream that says nothing is known to the peer nevertheless */
static void test_silent(void)
{
	struct test t;

	setup(&t);
	t.out.total = 0;
	fake_call(t.l, listen_in, &t);
	fake_call(t.l, open_out, &t);
	turns(&t, 3);
	CU_ASSERT_EQUAL(t.accepted, 1);
	teardown(&t);
}

static void test_refused(void)
{
	struct test t;

	setup(&t);
	t.refuse = true;
	fake_call(t.l, listen_in, &t);
	fake_call(t.l, open_out, &t);
	turns(&t, 5);
	CU_ASSERT_EQUAL(t.out.closes, 1);
	CU_ASSERT_EQUAL(t.out.err, ECONNRESET);
	CU_ASSERT_EQUAL(t.out.code, 0);
	teardown(&t);
}

static void test_reset(void)
{
	struct test t;

	setup(&t);
	t.in.reset_on_read = true;
	fake_call(t.l, listen_in, &t);
	fake_call(t.l, open_out, &t);
	turns(&t, 5);
	CU_ASSERT_EQUAL(t.in.closes, 0);
	CU_ASSERT_EQUAL(t.out.closes, 1);
	CU_ASSERT_EQUAL(t.out.err, ECONNRESET);
	CU_ASSERT_EQUAL(t.out.code, 7);
	teardown(&t);
}

static void consume_all(void *arg)
{
	struct test *t = arg;

	t->in.consume = true;
	stream_consumed(t->in.s, t->in.n);
}

static void test_back_pressure(void)
{
	struct test t;

	setup(&t);
	t.in.consume = false;
	t.out.total = BIG;
	t.out.fin_after = true;
	fake_call(t.l, listen_in, &t);
	fake_call(t.l, open_out, &t);
	turns(&t, 50);
	CU_ASSERT(t.in.n <= FAKE_WINDOW);
	CU_ASSERT(t.out.sent <= FAKE_WINDOW + FAKE_BUF);
	CU_ASSERT_EQUAL(t.in.fins, 0);
	fake_call(t.l, consume_all, &t);
	turns(&t, 100);
	CU_ASSERT_EQUAL(t.in.n, BIG);
	CU_ASSERT_EQUAL(t.in.fins, 1);
	teardown(&t);
}

static void down(void *arg)
{
	struct test *t = arg;
	struct stream *s;

	fakeflow_down(t->a, EPIPE);
	CU_ASSERT_EQUAL(stream_open(&s, t->a, 0, &handlers, &t->out), EPIPE);
}

static void test_flow_down(void)
{
	struct test t;

	setup(&t);
	fake_call(t.l, listen_in, &t);
	fake_call(t.l, open_out, &t);
	turns(&t, 3);
	fake_call(t.l, down, &t);
	turns(&t, 3);
	CU_ASSERT_EQUAL(t.out.err, EPIPE);
	CU_ASSERT_EQUAL(t.out.closes, 1);
	CU_ASSERT_EQUAL(t.in.err, ENOTCONN);
	CU_ASSERT_EQUAL(t.in.closes, 1);
	teardown(&t);
}

enum { MANY = FLOW_WAITING_MAX + 10 };

struct many {
	struct test t;
	struct end e[MANY];
};

static void open_many(void *arg)
{
	struct many *m = arg;

	for (int i = 0; i < MANY; i++)
		CU_ASSERT_EQUAL_FATAL(stream_open(&m->e[i].s, m->t.a, 0,
						  &handlers, &m->e[i]), 0);
}

/* more waiting streams than are kept are reset, the others are not */
static void test_waiting_limit(void)
{
	static struct many m;
	int closed = 0;

	memset(&m, 0, sizeof m);
	setup(&m.t);
	fake_call(m.t.l, open_many, &m);
	turns(&m.t, 5);
	for (int i = 0; i < MANY; i++)
		closed += m.e[i].closes;
	CU_ASSERT_EQUAL(closed, MANY - FLOW_WAITING_MAX);
	teardown(&m.t);
}

/* a tunnel number that no m-line can have */
static void raw_header(void *arg)
{
	struct test *t = arg;
	static const uint8_t hdr[8] = { 0xff, 0xff, 0xff, 0xff,
					0xff, 0xff, 0xff, 0xff };
	struct fakestream *fs;

	open_out(t);
	fs = (struct fakestream *)(void *)t->out.s;
	memcpy(fs->buf, hdr, sizeof hdr);
	fs->end = sizeof hdr;
}

static void test_bad_header(void)
{
	struct test t;

	setup(&t);
	t.out.total = 0;
	fake_call(t.l, raw_header, &t);
	turns(&t, 3);
	CU_ASSERT_EQUAL(t.out.closes, 1);
	CU_ASSERT_EQUAL(t.out.code, STREAM_CODE_TUNNEL);
	teardown(&t);
}

static void test_arguments(void)
{
	struct test t;
	struct stream *s;

	setup(&t);
	CU_ASSERT_EQUAL(stream_open(&s, t.a, 5000, &handlers, &t), EINVAL);
	CU_ASSERT_EQUAL(stream_open(NULL, t.a, 0, &handlers, &t), EINVAL);
	CU_ASSERT_EQUAL(flow_listen(NULL, 0, accepth, &t), EINVAL);
	CU_ASSERT_EQUAL(flow_listen(t.a, 5000, accepth, &t), EINVAL);
	CU_ASSERT_EQUAL(flow_listen(t.a, 5, NULL, NULL), 0);
	CU_ASSERT_EQUAL(stream_write(NULL, "x", 1), 0);
	stream_reset(NULL, 0);
	stream_fin(NULL);
	CU_ASSERT_PTR_EQUAL(flow_loop(t.a), t.l);
	teardown(&t);
}

UNIT_SUITE("flow",
	{ "a stream and both ends of it", test_stream },
	{ "a listener that comes late", test_late_listener },
	{ "and has much to take over", test_late_and_much },
	{ "an opener that waits to be spoken to", test_silent },
	{ "a listener that sets no handlers", test_refused },
	{ "reset inside readh", test_reset },
	{ "back-pressure", test_back_pressure },
	{ "the flow goes down", test_flow_down },
	{ "waiting streams are limited", test_waiting_limit },
	{ "a header nobody can mean", test_bad_header },
	{ "arguments", test_arguments })
