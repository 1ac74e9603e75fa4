/*
 * ends.c: what ends the connections of a forward: the tunnel is dropped, the
 * flow is lost, or the peer does not keep to the rules.
 */
#include "tests/unit/tunnels/forward/forwarding.h"
#include "tunnels/forward/fwwire.h"
#include "tunnels/record.h"

/* A port that nobody listens on, a moment ago at least. */
static uint16_t free_port(void)
{
	int fd = server();
	uint16_t port = port_of(fd);

	close(fd);
	return port;
}

static void test_deref(void)
{
	struct forwarding f;
	int lfd = server(), c[8], s[8];

	forwarding_to(&f, "-L", port_of(lfd));
	for (int i = 0; i < 8; i++) {
		c[i] = client(f.port);
		s[i] = accept(lfd, NULL, NULL);
		put(c[i], "x");
		expect(s[i], "x");
	}
	rig_close(&f.r);
	for (int i = 0; i < 8; i++) {
		expect_reset(c[i]);
		expect_reset(s[i]);
		close(c[i]);
		close(s[i]);
	}
	/* its port is free again */
	forwarding_to(&f, "-L", port_of(lfd));
	rig_close(&f.r);
	close(lfd);
}

static void down_handler(void *arg)
{
	fakeflow_down(arg, ETIMEDOUT);
}

static void test_lost(void)
{
	struct forwarding f;
	int lfd = server(), c, s;

	forwarding_to(&f, "-L", port_of(lfd));
	pass_one(&f, lfd, &c, &s);
	fake_call(f.r.loop, down_handler, f.r.a.flow);
	rig_wait(&f.r);
	CU_ASSERT_EQUAL(f.r.a.err, ETIMEDOUT);
	expect_reset(c);
	expect_reset(s);
	close(c);
	close(s);
	close(lfd);
	rig_close(&f.r);
}

/* A peer that does not keep to the rules: records by hand, to the one side
 * or the other. */
struct liar {
	struct flow *flow;
	struct mbuf *mb;
	struct stream *s;
	int err;
	uint64_t code;
	bool over;
};

static void liar_close(struct stream *s, int err, uint64_t code, void *arg)
{
	struct liar *l = arg;

	(void)s;
	rig_lock();
	l->s = NULL;
	l->err = err;
	l->code = code;
	l->over = true;
	rig_unlock();
}

static void lie_handler(void *arg)
{
	static const struct stream_handlers h = { .closeh = liar_close };
	struct liar *l = arg;

	CU_ASSERT_EQUAL(stream_open(&l->s, l->flow, 0, &h, l), 0);
	(void)stream_write(l->s, l->mb->buf, l->mb->end);
}

static struct liar *liar_now;

static bool lie_over(struct rig *r)
{
	(void)r;
	return liar_now->over;
}

/* Tell it; returns what the stream was reset with. */
static int lie(struct rig *r, struct flow *flow, uint8_t type,
	       const void *body, size_t n)
{
	struct liar l = { .flow = flow, .mb = mbuf_alloc(64) };
	uint8_t hdr[RECORD_HDR];

	liar_now = &l;
	record_header(hdr, type, (uint32_t)n);
	(void)mbuf_write_mem(l.mb, hdr, sizeof hdr);
	if (n)
		(void)mbuf_write_mem(l.mb, body, n);
	fake_call(r->loop, lie_handler, &l);
	CU_ASSERT(rig_until(r, lie_over));
	CU_ASSERT_EQUAL(l.err, ECONNRESET);
	mem_deref(l.mb);
	return record_code_errno(l.code);
}

static int lie_connect(struct rig *r, struct flow *flow,
		       enum fwwire_target target, uint32_t id,
		       const char *host, uint16_t port)
{
	struct mbuf *mb = mbuf_alloc(64);
	struct fwwire w = { .type = FWW_CONNECT, .target = target, .id = id,
			    .port = port };
	int err;

	str_ncpy(w.host, host, sizeof w.host);
	(void)fwwire_encode(mb, &w);
	err = lie(r, flow, FWW_CONNECT, mb->buf, mb->end);
	mem_deref(mb);
	return err;
}

static void test_liar(void)
{
	static const uint8_t junk[64] = { 0xff, 1, 2, 3 };
	struct forwarding f;
	uint16_t port = free_port();

	forwarding_to(&f, "-L", port);
	/* to the callee: what its rules do not name */
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.a.flow, FWW_TCP, 0,
				    "127.0.0.2", 80), EACCES);
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.a.flow, FWW_TCP, 1,
				    "0.0.0.0", 80), EACCES);
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.a.flow, FWW_TCP, 0,
				    "127.0.0.1", port), ECONNREFUSED);
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.a.flow, FWW_TCP, 0, "", 80),
			EINVAL);
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.a.flow, FWW_LISTENER, 0, "",
				    0), EINVAL);
	/* to the caller: anything but one of its own -R */
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.b.flow, FWW_TCP, 0,
				    "127.0.0.1", port), EACCES);
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.b.flow, FWW_LISTENER, 0, "",
				    0), EACCES);
	CU_ASSERT_EQUAL(lie_connect(&f.r, f.r.b.flow, FWW_LISTENER,
				    4000000000, "", 0), EACCES);
	/* a second stream of orders; nonsense */
	CU_ASSERT_NOT_EQUAL(lie(&f.r, f.r.a.flow, FWW_HELLO, "\1", 1), 0);
	CU_ASSERT_EQUAL(lie(&f.r, f.r.a.flow, FWW_CONNECT, junk, 64),
			ENOTSUP);
	CU_ASSERT_EQUAL(lie(&f.r, f.r.a.flow, FWW_CONNECT, junk, 6),
			EBADMSG);
	CU_ASSERT_EQUAL(lie(&f.r, f.r.a.flow, 77, junk, 3), ENOTSUP);
	CU_ASSERT_EQUAL(lie(&f.r, f.r.a.flow, 0, junk, 3), EBADMSG);
	CU_ASSERT_EQUAL(lie(&f.r, f.r.a.flow, FWW_ANSWER, junk, 64),
			EBADMSG);
	CU_ASSERT_FALSE(f.r.a.done);
	CU_ASSERT_FALSE(f.r.b.done);
	rig_close(&f.r);
}

UNIT_SUITE("forward/ends",
	{ "deref", test_deref },
	{ "lost", test_lost },
	{ "liar", test_liar })
