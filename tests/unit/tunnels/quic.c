/*
 * quic.c: two workers on loopback, with two identities.
 *
 * The test's thread is the control thread of both; streams live on the
 * workers. A relay in a thread of its own loses packets or is left behind.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include "tests/unit/fakeflow.h"
#include "tests/unit/unit.h"
#include "tunnels/flow/identity.h"
#include "tunnels/flow/quic.h"

enum {
	PATTERN = 65521,
	MANY = 1000,
	SESSIONS = 40,
	WAIT_MS = 20000,
};

#define MB (1ULL << 20)

static uint8_t pattern[2 * PATTERN];
static struct mailbox *control;
static struct identity *ids[3];
static char dir[64];

struct side {
	struct worker *w;
	struct quic *q;
	struct flow *f;
	int secured, ended;
	enum flow_end why;
	uint64_t code;
	char text[300];
	uint8_t got_fp[32];
	int stuns;
	struct sa stun_local, stun_src;
};

/* One end of a stream, on a worker; the counters are looked at from here. */
struct end {
	struct loop *l;
	struct flow *f;
	struct stream *s;
	uint64_t total;                 /* to write, then fin */
	uint64_t skew;                  /* where its pattern starts */
	bool echo_fin;                  /* fin when the peer has */
	bool hold;                      /* do not consume */
	bool by_copy;
	uint64_t reset_at;              /* bytes read, 0: never */
	int prio;
	_Atomic uint64_t tx, rx, held;
	_Atomic int fins, closes, err, bad;
	_Atomic uint64_t code;
	_Atomic uint64_t fin_at;
	struct end *ends;               /* of a listener: who is next */
	_Atomic int accepted;
};

static void control_run(int ms)
{
	struct pollfd pfd = { .fd = mailbox_fd(control), .events = POLLIN };

	(void)poll(&pfd, 1, ms);
	mailbox_run(control);
}

#define WAIT_FOR(cond) \
	do { \
		uint64_t until_ = clock_ns() + WAIT_MS * MSEC; \
		while (!(cond) && clock_ns() < until_) \
			control_run(2); \
		CU_ASSERT(cond); \
	} while (0)

static void stunh(int proto, const struct sa *local, const struct sa *src,
		  const uint8_t *buf, size_t len, void *arg)
{
	struct side *s = arg;

	CU_ASSERT_EQUAL(proto, IPPROTO_UDP);
	if (len == 20 && buf[0] == 0)
		++s->stuns;
	s->stun_local = *local;
	s->stun_src = *src;
}

static void securedh(struct flow *f, void *arg)
{
	struct side *s = arg;

	++s->secured;
	s->f = f;
}

static void endh(enum flow_end why, uint64_t code, const char *text,
		 const uint8_t *got_fp, void *arg)
{
	struct side *s = arg;

	++s->ended;
	s->why = why;
	s->code = code;
	str_ncpy(s->text, text, sizeof s->text);
	memcpy(s->got_fp, got_fp, sizeof s->got_fp);
}

static const struct quic_handlers quic_handlers = { securedh, endh };

static void start_worker(struct side *s)
{
	struct worker_conf conf = { .control = control, .stunh = stunh,
				    .arg = s };

	memset(s, 0, sizeof *s);
	CU_ASSERT_EQUAL_FATAL(worker_alloc(&s->w, &conf), 0);
}

static void start_quic_idle(struct side *s, bool client, int me, int peer,
			    uint8_t seed, uint64_t idle)
{
	struct quic_conf conf = { .client = client, .identity = ids[me],
				  .idle = idle };

	memcpy(conf.peer_fp, identity_fp(ids[peer]), 32);
	memset(conf.seed, seed, sizeof conf.seed);
	CU_ASSERT_EQUAL_FATAL(quic_alloc(&s->q, s->w, &conf, &quic_handlers,
					 s), 0);
}

static void start_quic(struct side *s, bool client, int me, int peer,
		       uint8_t seed)
{
	start_quic_idle(s, client, me, peer, seed, 0);
}

static void local4(const struct side *s, struct sa *sa)
{
	(void)sa_set_str(sa, "127.0.0.1", worker_port(s->w, AF_INET));
}

static void set_path(struct side *s, uint16_t port)
{
	struct sa local, remote;

	local4(s, &local);
	(void)sa_set_str(&remote, "127.0.0.1", port);
	quic_path(s->q, IPPROTO_UDP, &local, &remote);
}

static void join(struct side *a, struct side *b)
{
	set_path(a, worker_port(b->w, AF_INET));
	set_path(b, worker_port(a->w, AF_INET));
}

static void connect_pair(struct side *a, struct side *b)
{
	start_worker(a);
	start_worker(b);
	start_quic(a, true, 0, 1, 1);
	start_quic(b, false, 1, 0, 1);
	join(a, b);
	WAIT_FOR(a->secured && b->secured);
	if (!a->secured || !b->secured)
		CU_FAIL_FATAL("not secured");
}

static void stop(struct side *s)
{
	s->q = mem_deref(s->q);
	s->w = mem_deref(s->w);
	control_run(0);
}

static void stop_pair(struct side *a, struct side *b)
{
	stop(a);
	stop(b);
}

/* -- ends of streams, on the workers ---------------------------------- */

static void check(struct end *e, const uint8_t *p, size_t n)
{
	uint64_t off = atomic_load(&e->rx) + e->skew;

	while (n) {
		size_t at = off % PATTERN, len = 2 * PATTERN - at;

		if (len > n)
			len = n;
		if (memcmp(p, pattern + at, len))
			atomic_store(&e->bad, 1);
		p += len;
		n -= len;
		off += len;
	}
}

static size_t put(struct end *e, size_t n)
{
	const size_t at = (atomic_load(&e->tx) + e->skew) % PATTERN;
	uint8_t *room;
	size_t len;

	if (n > PATTERN)
		n = PATTERN;
	if (e->by_copy)
		return stream_write(e->s, pattern + at, n > 1000 ? 1000 : n);
	len = stream_reserve(e->s, &room);
	if (len > n)
		len = n;
	memcpy(room, pattern + at, len);
	stream_commit(e->s, len);
	return len;
}

static void pump(struct end *e)
{
	uint64_t left;

	while ((left = e->total - atomic_load(&e->tx))) {
		size_t n = put(e, left > PATTERN ? PATTERN : (size_t)left);

		if (!n)
			return;
		atomic_fetch_add(&e->tx, n);
	}
	if (!e->echo_fin)
		stream_fin(e->s);
}

static void readh(struct stream *s, const uint8_t *p, size_t n, void *arg)
{
	struct end *e = arg;

	check(e, p, n);
	atomic_fetch_add(&e->rx, n);
	if (e->hold)
		atomic_fetch_add(&e->held, n);
	else
		stream_consumed(s, n);
	if (e->reset_at && atomic_load(&e->rx) >= e->reset_at) {
		stream_reset(s, 99);
		e->s = NULL;
		atomic_store(&e->closes, 1);
	}
}

static void finh(struct stream *s, void *arg)
{
	struct end *e = arg;

	atomic_fetch_add(&e->fins, 1);
	atomic_store(&e->fin_at, clock_ns());
	if (e->echo_fin)
		stream_fin(s);
}

static void writeh(struct stream *s, void *arg)
{
	(void)s;
	pump(arg);
}

static void closeh(struct stream *s, int err, uint64_t code, void *arg)
{
	struct end *e = arg;

	if (s != e->s)
		atomic_store(&e->bad, 1);
	e->s = NULL;
	atomic_store(&e->err, err);
	atomic_store(&e->code, code);
	atomic_fetch_add(&e->closes, 1);
}

static const struct stream_handlers handlers = {
	.readh = readh, .finh = finh, .writeh = writeh, .closeh = closeh,
};

static void accepth(struct stream *s, void *arg)
{
	struct end *e = arg;
	struct end *in = &e->ends[atomic_fetch_add(&e->accepted, 1)];

	in->s = s;
	stream_handle(s, &handlers, in);
	stream_priority(s, in->prio);
	pump(in);
}

static void listen_on(void *arg)
{
	struct end *e = arg;

	CU_ASSERT_EQUAL(flow_listen(e->f, 3, accepth, e), 0);
}

static void open_on(void *arg)
{
	struct end *e = arg;

	CU_ASSERT_EQUAL(stream_open(&e->s, e->f, 3, &handlers, e), 0);
	stream_priority(e->s, e->prio);
	pump(e);
}

static void listen_side(struct side *s, struct end *l, struct end *ends)
{
	memset(l, 0, sizeof *l);
	l->f = s->f;
	l->ends = ends;
	fake_call(worker_loop(s->w), listen_on, l);
}

static void open_side(struct side *s, struct end *e)
{
	e->f = s->f;
	e->l = worker_loop(s->w);
	fake_call(e->l, open_on, e);
}

static void consume_on(void *arg)
{
	struct end *e = arg;

	e->hold = false;
	stream_consumed(e->s, atomic_exchange(&e->held, 0));
}

static void reset_on(void *arg)
{
	struct end *e = arg;

	stream_reset(e->s, 55);
	e->s = NULL;
}

static void fin_on(void *arg)
{
	struct end *e = arg;

	stream_fin(e->s);
}

/* Both ends of one stream done, every byte as sent. */
static void check_done(const struct end *out, const struct end *in)
{
	CU_ASSERT_EQUAL(atomic_load(&in->rx), out->total);
	CU_ASSERT_EQUAL(atomic_load(&out->rx), in->total);
	CU_ASSERT_EQUAL(atomic_load(&in->err), 0);
	CU_ASSERT_EQUAL(atomic_load(&out->err), 0);
	CU_ASSERT_EQUAL(atomic_load(&in->bad), 0);
	CU_ASSERT_EQUAL(atomic_load(&out->bad), 0);
	CU_ASSERT_EQUAL(atomic_load(&in->fins), 1);
	CU_ASSERT_EQUAL(atomic_load(&out->fins), 1);
}

/* -- a relay -------------------------------------------------------------- */

struct relay {
	int fd;
	uint16_t port;
	struct sockaddr_in a, b;
	unsigned loss;                  /* per 10000 */
	_Atomic bool stop;
	_Atomic unsigned forwarded;
	pthread_t thread;
};

static void *relay_main(void *arg)
{
	struct relay *r = arg;
	struct pollfd pfd = { .fd = r->fd, .events = POLLIN };
	unsigned seed = 12345;
	uint8_t buf[2048];

	while (!atomic_load(&r->stop)) {
		struct sockaddr_in from;
		const struct sockaddr_in *to;
		socklen_t len = sizeof from;
		ssize_t n;

		n = recvfrom(r->fd, buf, sizeof buf, MSG_DONTWAIT,
			     (struct sockaddr *)&from, &len);
		if (n < 0) {
			(void)poll(&pfd, 1, 20);
			continue;
		}
		if ((unsigned)rand_r(&seed) % 10000 < r->loss)
			continue;
		to = from.sin_port == r->a.sin_port ? &r->b : &r->a;
		(void)sendto(r->fd, buf, (size_t)n, 0,
			     (const struct sockaddr *)to, sizeof *to);
		atomic_fetch_add(&r->forwarded, 1);
	}
	return NULL;
}

static void relay_start(struct relay *r, const struct side *a,
			const struct side *b, unsigned loss)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof sin;
	const int size = 4 << 20;

	memset(r, 0, sizeof *r);
	r->loss = loss;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	r->a = r->b = sin;
	r->a.sin_port = htons(worker_port(a->w, AF_INET));
	r->b.sin_port = htons(worker_port(b->w, AF_INET));
	r->fd = socket(AF_INET, SOCK_DGRAM, 0);
	(void)setsockopt(r->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
			 sizeof size);
	CU_ASSERT_EQUAL_FATAL(bind(r->fd, (struct sockaddr *)&sin,
				   sizeof sin), 0);
	(void)getsockname(r->fd, (struct sockaddr *)&sin, &len);
	r->port = ntohs(sin.sin_port);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&r->thread, NULL, relay_main,
					     r), 0);
}

static void relay_stop(struct relay *r)
{
	if (atomic_exchange(&r->stop, true))
		return;
	(void)pthread_join(r->thread, NULL);
	close(r->fd);
}

/* -- tests ---------------------------------------------------------------- */

static void test_secured(void)
{
	struct quic_stats st;
	struct side a, b;

	connect_pair(&a, &b);
	CU_ASSERT_PTR_NOT_NULL(a.f);
	CU_ASSERT_PTR_EQUAL(flow_loop(a.f), worker_loop(a.w));
	quic_stats(a.q, &st);
	CU_ASSERT(st.tx_bytes > 1000);
	CU_ASSERT(st.rx_bytes > 1000);
	CU_ASSERT_EQUAL(st.strays, 0);
	CU_ASSERT_EQUAL(a.ended + b.ended, 0);
	stop_pair(&a, &b);
	CU_ASSERT_EQUAL(a.secured + b.secured, 2);
}

/* the client's first packets come before the server's path is known */
static void test_early(void)
{
	struct side a, b;
	uint64_t t;

	start_worker(&a);
	start_worker(&b);
	start_quic(&a, true, 0, 1, 1);
	start_quic(&b, false, 1, 0, 1);
	set_path(&a, worker_port(b.w, AF_INET));
	for (int i = 0; i < 30; i++)
		control_run(10);
	t = clock_ns();
	set_path(&b, worker_port(a.w, AF_INET));
	WAIT_FOR(a.secured && b.secured);
	CU_ASSERT(clock_ns() - t < 1500 * MSEC);
	stop_pair(&a, &b);
}

static void wrong_key(bool at_client)
{
	struct side a, b, *sees = at_client ? &a : &b;
	struct side *other = at_client ? &b : &a;

	start_worker(&a);
	start_worker(&b);
	start_quic(&a, true, 0, at_client ? 2 : 1, 1);
	start_quic(&b, false, 1, at_client ? 0 : 2, 1);
	join(&a, &b);
	WAIT_FOR(a.ended && b.ended);
	CU_ASSERT_EQUAL(sees->why, FLOW_END_KEY);
	CU_ASSERT_EQUAL(memcmp(sees->got_fp,
			       identity_fp(ids[at_client ? 1 : 0]), 32), 0);
	CU_ASSERT_EQUAL(other->why, FLOW_END_CLOSED);
	CU_ASSERT_STRING_EQUAL(other->text, "the peer refuses our key");
	/* the client knows its peer before it is known itself */
	CU_ASSERT_EQUAL(a.secured, !at_client);
	CU_ASSERT_EQUAL(b.secured, 0);
	stop_pair(&a, &b);
}

static void test_wrong_key(void)
{
	wrong_key(true);
	wrong_key(false);
}

static void test_close(void)
{
	struct side a, b;

	connect_pair(&a, &b);
	quic_close(a.q, 42, "disk \x1b[31mfull\n");
	WAIT_FOR(b.ended);
	CU_ASSERT_EQUAL(b.why, FLOW_END_CLOSED);
	CU_ASSERT_EQUAL(b.code, 42);
	CU_ASSERT_STRING_EQUAL(b.text, "disk ?[31mfull?");
	CU_ASSERT_EQUAL(a.ended, 0);
	stop_pair(&a, &b);

	/* a handle that is just dropped says goodbye too */
	connect_pair(&a, &b);
	a.q = mem_deref(a.q);
	WAIT_FOR(b.ended);
	CU_ASSERT_EQUAL(b.why, FLOW_END_CLOSED);
	CU_ASSERT_EQUAL(b.code, 0);
	stop_pair(&a, &b);
}

static void test_lossy_close(void)
{
	struct relay r;
	struct side a, b;

	start_worker(&a);
	start_worker(&b);
	relay_start(&r, &a, &b, 2000);
	start_quic(&a, true, 0, 1, 1);
	start_quic(&b, false, 1, 0, 1);
	set_path(&a, r.port);
	set_path(&b, r.port);
	WAIT_FOR(a.secured && b.secured);
	quic_close(a.q, 7, "bye");
	WAIT_FOR(b.ended);
	CU_ASSERT_EQUAL(b.why, FLOW_END_CLOSED);
	stop_pair(&a, &b);
	relay_stop(&r);
}

static void test_idle(void)
{
	struct side a, b;

	start_worker(&a);
	start_worker(&b);
	start_quic_idle(&a, true, 0, 1, 1, SEC);
	start_quic_idle(&b, false, 1, 0, 1, SEC);
	join(&a, &b);
	WAIT_FOR(a.secured && b.secured);
	/* no consent: silence */
	quic_consent(a.q, 1);
	quic_consent(b.q, 1);
	WAIT_FOR(a.ended && b.ended);
	CU_ASSERT_EQUAL(a.why, FLOW_END_IDLE);
	CU_ASSERT_EQUAL(b.why, FLOW_END_IDLE);
	stop_pair(&a, &b);
}

static void test_nobody(void)
{
	struct side a, b;

	start_worker(&a);
	start_worker(&b);
	start_quic_idle(&a, true, 0, 1, 1, SEC);
	join(&a, &b);
	WAIT_FOR(a.ended);
	CU_ASSERT_EQUAL(a.why, FLOW_END_HANDSHAKE);
	stop_pair(&a, &b);
}

/* handles that go at any time */
static void test_drop(void)
{
	struct side a, b;

	for (int step = 0; step < 6; step++) {
		start_worker(&a);
		start_worker(&b);
		start_quic(&a, true, 0, 1, 1);
		start_quic(&b, false, 1, 0, 1);
		if (step > 0)
			set_path(&a, worker_port(b.w, AF_INET));
		if (step > 1)
			set_path(&b, worker_port(a.w, AF_INET));
		if (step > 2)
			sys_usleep(500 * (unsigned)step);
		stop_pair(&a, &b);
	}
}

static void random_sizes(struct end *e, unsigned n, bool both, unsigned seed)
{
	static const uint64_t max[] = { 10, 2000, 70000, 700000 };

	for (unsigned i = 0; i < n; i++) {
		e[i].total = (uint64_t)rand_r(&seed) % max[i % 4];
		if (!both)
			e[i].total = i % 2 ? e[i].total : 0;
		e[i].by_copy = i % 3 == 0;
		e[i].prio = (int)(i % 5 == 0);
	}
}

/* Streams both ways at once. No order is promised between streams, so an
 * accepted one may be the other end of any: totals are compared. */
static void many_streams(struct side *a, struct side *b, unsigned n,
			 unsigned seed)
{
	struct end *out = calloc(2 * n, sizeof *out), *in = out + n;
	uint64_t out_tx = 0, out_rx = 0, in_tx = 0, in_rx = 0;
	struct end l;

	random_sizes(out, n, true, seed);
	random_sizes(in, n, true, seed + 1);
	listen_side(b, &l, in);
	for (unsigned i = 0; i < n; i++)
		open_side(a, &out[i]);
	for (unsigned i = 0; i < n; i++) {
		WAIT_FOR(atomic_load(&out[i].closes));
		WAIT_FOR(atomic_load(&in[i].closes));
		CU_ASSERT_EQUAL(atomic_load(&out[i].err), 0);
		CU_ASSERT_EQUAL(atomic_load(&in[i].err), 0);
		CU_ASSERT_EQUAL(atomic_load(&out[i].bad), 0);
		CU_ASSERT_EQUAL(atomic_load(&in[i].bad), 0);
		out_tx += out[i].total;
		out_rx += atomic_load(&out[i].rx);
		in_tx += in[i].total;
		in_rx += atomic_load(&in[i].rx);
	}
	CU_ASSERT_EQUAL(out_tx, in_rx);
	CU_ASSERT_EQUAL(in_tx, out_rx);
	CU_ASSERT_EQUAL(atomic_load(&l.accepted), (int)n);
	free(out);
}

static void test_streams(void)
{
	struct side a, b;

	connect_pair(&a, &b);
	many_streams(&a, &b, 100, 1);
	many_streams(&b, &a, 30, 2);
	stop_pair(&a, &b);
}

static void test_many_streams(void)
{
	struct end *out = calloc(2 * MANY, sizeof *out), *in = out + MANY;
	struct side a, b;
	struct end l;

	for (int i = 0; i < 2 * MANY; i++)
		out[i].total = 3000;
	connect_pair(&a, &b);
	listen_side(&b, &l, in);
	for (int i = 0; i < MANY; i++)
		open_side(&a, &out[i]);
	for (int i = 0; i < 2 * MANY; i++) {
		WAIT_FOR(atomic_load(&out[i].closes));
		CU_ASSERT_EQUAL(atomic_load(&out[i].rx), 3000);
		CU_ASSERT_EQUAL(atomic_load(&out[i].bad), 0);
	}
	stop_pair(&a, &b);
	free(out);
}

static void test_half_close(void)
{
	struct end out = { .total = 100000 }, in = { .total = 50000,
						     .echo_fin = true };
	struct side a, b;
	struct end l;

	connect_pair(&a, &b);
	listen_side(&b, &l, &in);
	out.echo_fin = true;
	open_side(&a, &out);
	WAIT_FOR(atomic_load(&in.rx) == 100000);
	WAIT_FOR(atomic_load(&out.rx) == 50000);
	CU_ASSERT_EQUAL(atomic_load(&in.fins) + atomic_load(&out.fins), 0);
	fake_call(out.l, fin_on, &out);
	WAIT_FOR(atomic_load(&out.closes) && atomic_load(&in.closes));
	check_done(&out, &in);
	stop_pair(&a, &b);
}

/* A reset gives back the window: more than the largest goes through resets
 * of either side. */
static void test_reset(void)
{
	struct side a, b;
	struct end l;

	connect_pair(&a, &b);
	for (int i = 0; i < 24; i++) {
		struct end out = { .total = 40 * MB }, in = { .total = 0 };

		in.echo_fin = true;
		in.hold = true;
		in.reset_at = i % 2 ? 300000 : 0;
		listen_side(&b, &l, &in);
		open_side(&a, &out);
		if (i % 2) {
			WAIT_FOR(atomic_load(&out.closes));
			CU_ASSERT_EQUAL(atomic_load(&out.err), ECONNRESET);
			CU_ASSERT_EQUAL(atomic_load(&out.code), 99);
		}
		else {
			WAIT_FOR(atomic_load(&in.rx) > 12 * MB);
			fake_call(out.l, reset_on, &out);
			WAIT_FOR(atomic_load(&in.closes));
			CU_ASSERT_EQUAL(atomic_load(&in.err), ECONNRESET);
			CU_ASSERT_EQUAL(atomic_load(&in.code), 55);
		}
		CU_ASSERT_EQUAL(atomic_load(&in.bad), 0);
	}
	stop_pair(&a, &b);
}

static void test_back_pressure(void)
{
	struct end out = { .total = 60 * MB }, in = { .hold = true };
	struct end out2 = { .total = MB }, in2 = { .total = 0 };
	struct end ins[2];
	struct side a, b;
	uint64_t stuck;
	struct end l;

	memset(ins, 0, sizeof ins);
	ins[0] = in;
	ins[1] = in2;
	connect_pair(&a, &b);
	listen_side(&b, &l, ins);
	open_side(&a, &out);
	WAIT_FOR(atomic_load(&ins[0].rx) >= MB / 2);
	do {                    /* until nothing comes any more */
		stuck = atomic_load(&ins[0].rx);
		for (int i = 0; i < 30; i++)
			control_run(10);
	} while (atomic_load(&ins[0].rx) != stuck && stuck <= 16 * MB);
	CU_ASSERT(stuck <= 16 * MB);
	CU_ASSERT(atomic_load(&out.tx) < 60 * MB);
	/* another stream is not held up by it */
	open_side(&a, &out2);
	WAIT_FOR(atomic_load(&ins[1].fins));
	CU_ASSERT_EQUAL(atomic_load(&ins[0].rx), stuck);
	fake_call(worker_loop(b.w), consume_on, &ins[0]);
	WAIT_FOR(atomic_load(&ins[0].fins));
	CU_ASSERT_EQUAL(atomic_load(&ins[0].rx), 60 * MB);
	CU_ASSERT_EQUAL(atomic_load(&ins[0].bad), 0);
	WAIT_FOR(atomic_load(&out.closes) && atomic_load(&out2.closes));
	stop_pair(&a, &b);
}

static void test_bulk(void)
{
	struct end out = { .total = 100 * MB }, in = { .total = 20 * MB };
	struct side a, b;
	struct end l;

	connect_pair(&a, &b);
	listen_side(&b, &l, &in);
	open_side(&a, &out);
	WAIT_FOR(atomic_load(&out.closes) && atomic_load(&in.closes));
	check_done(&out, &in);
	stop_pair(&a, &b);
}

static size_t used(void)
{
	const struct mallinfo2 mi = mallinfo2();

	return mi.uordblks + mi.hblkhd;
}

/* Each stream has a buffer of 256 KB, which is kept when it is over. */
static void test_memory(void)
{
	enum { N = 24 };
	struct end out[N], in[N], l;
	struct side a, b;
	size_t before;

	memset(out, 0, sizeof out);
	memset(in, 0, sizeof in);
	connect_pair(&a, &b);
	before = used();
	listen_side(&b, &l, in);
	for (int i = 0; i < N; i++) {
		out[i].total = 200000;
		out[i].echo_fin = true;
		open_side(&a, &out[i]);
	}
	for (int i = 0; i < N; i++)
		WAIT_FOR(atomic_load(&in[i].rx) == out[i].total);
	a.q = mem_deref(a.q);
	b.q = mem_deref(b.q);
	WAIT_FOR(used() < before + MB);
	stop_pair(&a, &b);
}

/* between the same two sockets */
static void test_sessions(void)
{
	static struct side a[SESSIONS], b[SESSIONS];

	start_worker(&a[0]);
	start_worker(&b[0]);
	for (int i = 0; i < SESSIONS; i++) {
		if (i) {
			memset(&a[i], 0, sizeof a[i]);
			memset(&b[i], 0, sizeof b[i]);
			a[i].w = mem_ref(a[0].w);
			b[i].w = mem_ref(b[0].w);
		}
		/* both directions of roles */
		start_quic(&a[i], i % 2, 0, 1, (uint8_t)i);
		start_quic(&b[i], !(i % 2), 1, 0, (uint8_t)i);
	}
	for (int i = 0; i < SESSIONS; i++)
		join(&a[i], &b[i]);
	for (int i = 0; i < SESSIONS; i++)
		WAIT_FOR(a[i].secured && b[i].secured);
	for (int i = 0; i < SESSIONS; i += 8)
		many_streams(&a[i], &b[i], 5, (unsigned)i);
	for (int i = SESSIONS; i--;)
		stop_pair(&a[i], &b[i]);
}

/* from one relay to another under traffic, the first one gone */
static void test_path_move(void)
{
	struct end out = { .total = 30 * MB }, in = { .total = 0 };
	struct side a, b;
	struct relay r[2];
	struct end l;

	start_worker(&a);
	start_worker(&b);
	relay_start(&r[0], &a, &b, 0);
	relay_start(&r[1], &a, &b, 0);
	start_quic(&a, true, 0, 1, 1);
	start_quic(&b, false, 1, 0, 1);
	set_path(&a, r[0].port);
	set_path(&b, r[0].port);
	WAIT_FOR(a.secured && b.secured);
	listen_side(&b, &l, &in);
	open_side(&a, &out);
	WAIT_FOR(atomic_load(&in.rx) > 5 * MB);
	set_path(&a, r[1].port);
	set_path(&b, r[1].port);
	relay_stop(&r[0]);
	WAIT_FOR(atomic_load(&out.closes) && atomic_load(&in.closes));
	check_done(&out, &in);
	CU_ASSERT(atomic_load(&r[1].forwarded) > 1000);
	CU_ASSERT_EQUAL(a.ended + b.ended, 0);
	stop_pair(&a, &b);
	relay_stop(&r[1]);
}

static void test_lossy(void)
{
	struct end out = { .total = 8 * MB }, in = { .total = 2 * MB };
	struct quic_stats st;
	struct side a, b;
	struct relay r;
	struct end l;

	start_worker(&a);
	start_worker(&b);
	relay_start(&r, &a, &b, 200);
	start_quic(&a, true, 0, 1, 1);
	start_quic(&b, false, 1, 0, 1);
	set_path(&a, r.port);
	set_path(&b, r.port);
	WAIT_FOR(a.secured && b.secured);
	listen_side(&b, &l, &in);
	open_side(&a, &out);
	WAIT_FOR(atomic_load(&out.closes) && atomic_load(&in.closes));
	check_done(&out, &in);
	WAIT_FOR((quic_stats(a.q, &st), st.lost > 0));
	CU_ASSERT(st.rtt > 0);
	many_streams(&a, &b, 40, 9);
	stop_pair(&a, &b);
	relay_stop(&r);
}

/* no consent for a while, then again: what waited goes on */
static void test_consent(void)
{
	struct end out = { .total = 20 * MB }, in = { .total = 0 };
	struct side a, b;
	uint64_t rx;
	struct end l;

	connect_pair(&a, &b);
	listen_side(&b, &l, &in);
	quic_consent(a.q, 1);
	open_side(&a, &out);
	for (int i = 0; i < 20; i++)
		control_run(10);
	rx = atomic_load(&in.rx);
	CU_ASSERT_EQUAL(rx, 0);
	quic_consent(a.q, clock_ns() + 30 * SEC);
	WAIT_FOR(atomic_load(&out.closes) && atomic_load(&in.closes));
	check_done(&out, &in);
	stop_pair(&a, &b);
}

/* what is no packet of ours, and what pretends to be */
static void test_noise(void)
{
	struct end out = { .total = 5 * MB }, in = { .total = 0 };
	struct side a, b;
	struct sa to, local;
	unsigned seed = 77;
	uint8_t buf[1500];
	struct end l;

	connect_pair(&a, &b);
	listen_side(&b, &l, &in);
	open_side(&a, &out);
	local4(&a, &local);
	local4(&b, &to);
	for (int i = 0; i < 5000; i++) {
		size_t n = 1 + (size_t)rand_r(&seed) % sizeof buf;

		for (size_t k = 0; k < n; k++)
			buf[k] = (uint8_t)rand_r(&seed);
		if (i % 3 == 0)
			memcpy(buf, "\xc0\0\0\0\1\x10", n < 6 ? n : 6);
		(void)worker_send(a.w, IPPROTO_UDP, &local, &to, buf, n);
	}
	WAIT_FOR(atomic_load(&out.closes) && atomic_load(&in.closes));
	check_done(&out, &in);
	CU_ASSERT_EQUAL(a.ended + b.ended, 0);
	stop_pair(&a, &b);
}

static void test_stun(void)
{
	static const uint8_t msg[20] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 };
	struct side a, b;
	struct sa to, local;

	start_worker(&a);
	start_worker(&b);
	local4(&a, &local);
	local4(&b, &to);
	for (int i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(worker_send(a.w, IPPROTO_UDP, &local, &to, msg,
					    sizeof msg), 0);
	WAIT_FOR(b.stuns == 10);
	CU_ASSERT(sa_cmp(&b.stun_local, &to, SA_ALL));
	CU_ASSERT(sa_cmp(&b.stun_src, &local, SA_ALL));
	/* a flood that control does not look at */
	b.stuns = 0;
	for (int i = 0; i < 5000; i++)
		(void)worker_send(a.w, IPPROTO_UDP, &local, &to, msg, sizeof msg);
	for (int i = 0; i < 20; i++)
		sys_usleep(2000);
	WAIT_FOR(b.stuns >= 100);
	CU_ASSERT(b.stuns < 1000);
	for (int i = 0; i < 20; i++)
		control_run(2);
	if (worker_port(b.w, AF_INET6) && worker_port(a.w, AF_INET6)) {
		(void)sa_set_str(&to, "::1", worker_port(b.w, AF_INET6));
		(void)sa_set_str(&local, "::1", worker_port(a.w, AF_INET6));
		for (int i = 0; i < 100; i++) {
			(void)worker_send(a.w, IPPROTO_UDP, &local, &to, msg, sizeof msg);
			control_run(10);
		}
		CU_ASSERT(sa_cmp(&b.stun_src, &local, SA_ALL));
		CU_ASSERT(sa_cmp(&b.stun_local, &to, SA_ALL));
	}
	/* what was not looked at is nobody's */
	for (int i = 0; i < 50; i++)
		(void)worker_send(a.w, IPPROTO_UDP, &local, &to, msg, sizeof msg);
	mem_deref(a.w);
	mem_deref(b.w);
	control_run(0);
}

static void test_worker(void)
{
	struct worker_conf conf = { .control = control, .stunh = stunh };
	struct side a;
	struct worker *w = NULL;

	start_worker(&a);
	conf.port = worker_port(a.w, AF_INET);
	CU_ASSERT_EQUAL(worker_alloc(&w, &conf), EADDRINUSE);
	CU_ASSERT_EQUAL(worker_alloc(NULL, &conf), EINVAL);
	CU_ASSERT_EQUAL(worker_alloc(&w, NULL), EINVAL);
	if (worker_port(a.w, AF_INET6))
		CU_ASSERT_EQUAL(worker_port(a.w, AF_INET6), conf.port);
	mem_deref(a.w);
	control_run(0);
}

static void test_setup(void)
{
	unsigned seed = 4711;
	char path[96];

	for (size_t i = 0; i < PATTERN; i++)
		pattern[i] = pattern[i + PATTERN] = (uint8_t)rand_r(&seed);
	str_ncpy(dir, "/tmp/quicXXXXXX", sizeof dir);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	CU_ASSERT_EQUAL_FATAL(mailbox_alloc(&control), 0);
	for (int i = 0; i < 3; i++) {
		(void)re_snprintf(path, sizeof path, "%s/%d", dir, i);
		CU_ASSERT_EQUAL_FATAL(identity_load(&ids[i], path), 0);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

static void test_teardown(void)
{
	mailbox_run(control);
	control = mem_deref(control);
	for (int i = 0; i < 3; i++)
		ids[i] = mem_deref(ids[i]);
}

UNIT_SUITE("quic",
	{ "set up identities", test_setup },
	{ "workers and ports", test_worker },
	{ "STUN goes to control", test_stun },
	{ "secured both ways", test_secured },
	{ "the first packet comes too early", test_early },
	{ "a wrong key on either side", test_wrong_key },
	{ "close reasons", test_close },
	{ "close on a bad line", test_lossy_close },
	{ "idle", test_idle },
	{ "nobody there", test_nobody },
	{ "handles dropped at any time", test_drop },
	{ "streams of random sizes both ways", test_streams },
	{ "a thousand streams", test_many_streams },
	{ "half-close", test_half_close },
	{ "reset", test_reset },
	{ "back-pressure", test_back_pressure },
	{ "100 MB", test_bulk },
	{ "without connections no buffers are kept", test_memory },
	{ "many sessions between two sockets", test_sessions },
	{ "the path moves under traffic", test_path_move },
	{ "a lossy line", test_lossy },
	{ "consent comes and goes", test_consent },
	{ "noise", test_noise },
	{ "nothing is left", test_teardown })
