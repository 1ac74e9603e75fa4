/*
 * side.h: for the tests of tunnels/flow/dtls*.c: two workers on loopback, with
 * two identities, and numbered packets between them.
 */
#ifndef DIALTONE_DTLS_SIDE_H
#define DIALTONE_DTLS_SIDE_H

#include <errno.h>
#include <stdatomic.h>
#include "tests/unit/tunnels/relay.h"
#include "tests/unit/tunnels/twoends.h"
#include "tunnels/flow/dtls.h"

enum {
	NUMBERS = 400000,
	CHUNK = 1000,
	HEAD = 8,                       /* number, length */
};

struct side {
	struct worker *w;
	struct dtls *q;
	struct dgram *d;
	int secured, ended;
	enum flow_end why;
	uint64_t code;
	char text[300];
	uint8_t got_fp[32];

	/* on the worker, counters looked at from here */
	_Atomic unsigned rx, dup, bad, rooms;
	_Atomic size_t mtu;
	uint8_t *seen;
	unsigned from, to;              /* numbers to put */
	size_t size;
	bool steady;                    /* a few in each turn */
	struct timer timer;
	_Atomic bool sent;
	uint8_t salt;
};

static inline void stunh(int proto, const struct sa *local,
			 const struct sa *src, const uint8_t *buf, size_t len,
			 void *arg)
{
	(void)proto;
	(void)local;
	(void)src;
	(void)buf;
	(void)len;
	(void)arg;
}

static inline void make(uint8_t *p, uint32_t no, size_t n, uint8_t salt)
{
	const uint32_t len = (uint32_t)n;

	memset(p, (int)(no + salt) & 0xff, n);
	memcpy(p, &no, 4);
	memcpy(p + 4, &len, 4);
}

static inline void recvh(struct iovec *v, size_t n, void *arg)
{
	struct side *s = arg;
	uint32_t no, len;

	CU_ASSERT(n >= 1 && n <= DGRAM_BATCH);
	for (size_t i = 0; i < n; i++) {
		uint8_t *p = v[i].iov_base;

		if (v[i].iov_len < HEAD) {
			atomic_fetch_add(&s->bad, 1);
			continue;
		}
		memcpy(&no, p, 4);
		memcpy(&len, p + 4, 4);
		if (no >= NUMBERS || len != v[i].iov_len ||
		    (len > HEAD && p[len - 1] !=
		     (uint8_t)((no + s->salt) & 0xff))) {
			atomic_fetch_add(&s->bad, 1);
			continue;
		}
		if (s->seen[no]++)
			atomic_fetch_add(&s->dup, 1);
		else
			atomic_fetch_add(&s->rx, 1);
		/* what is promised to be ours */
		memset(p - DGRAM_ROOM, 0xee, DGRAM_ROOM + len);
	}
}

static inline void mtuh(size_t mtu, void *arg)
{
	struct side *s = arg;

	atomic_store(&s->mtu, mtu);
}

static inline void put_some(void *arg)
{
	struct side *s = arg;
	uint8_t p[2048];
	unsigned n = 0;

	while (s->from < s->to && n++ < (s->steady ? 20 : NUMBERS)) {
		const size_t max = dgram_mtu(s->d);
		const size_t len = s->size && s->size < max ? s->size : max;
		int err;

		make(p, s->from, len, s->salt);
		err = dgram_put(s->d, p, len);
		if (err == EAGAIN)
			return;
		if (err) {
			CU_ASSERT_EQUAL(err, 0);
			return;
		}
		++s->from;
	}
	if (s->from < s->to)
		(void)timer_start(s->timer.heap ? s->timer.heap :
				  loop_timers(worker_loop(s->w)), &s->timer,
				  MSEC, put_some, s);
	else
		atomic_store(&s->sent, true);
}

static inline void writeh(void *arg)
{
	struct side *s = arg;

	atomic_fetch_add(&s->rooms, 1);
	put_some(s);
}

static inline void set_handlers(void *arg)
{
	static const struct dgram_handlers h = {
		.recvh = recvh, .writeh = writeh, .mtuh = mtuh
	};
	struct side *s = arg;

	atomic_store(&s->mtu, dgram_mtu(s->d));
	dgram_handle(s->d, &h, s);
}

static inline void unset_handlers(void *arg)
{
	struct side *s = arg;

	timer_stop(&s->timer);
	if (s->d)
		dgram_handle(s->d, NULL, NULL);
}

/* Numbers from..to of `size` bytes each, 0: as large as fits. */
static inline void start_put(struct side *s, unsigned from, unsigned to,
			     size_t size, bool steady)
{
	s->from = from;
	s->to = to;
	s->size = size;
	s->steady = steady;
	atomic_store(&s->sent, false);
	fake_call(worker_loop(s->w), put_some, s);
}

static inline void securedh(struct dgram *d, void *arg)
{
	struct side *s = arg;

	++s->secured;
	s->d = d;
	fake_call(worker_loop(s->w), set_handlers, s);
}

static inline void endh(enum flow_end why, uint64_t code, const char *text,
			const uint8_t *got_fp, void *arg)
{
	struct side *s = arg;

	++s->ended;
	s->why = why;
	s->code = code;
	str_ncpy(s->text, text, sizeof s->text);
	memcpy(s->got_fp, got_fp, sizeof s->got_fp);
}

static const struct dtls_handlers dtls_handlers = { securedh, endh };

static inline void start_worker(struct side *s)
{
	struct worker_conf conf = { .control = control, .stunh = stunh,
				    .arg = s };

	memset(s, 0, sizeof *s);
	s->seen = calloc(1, NUMBERS);
	CU_ASSERT_EQUAL_FATAL(worker_alloc(&s->w, &conf), 0);
}

static inline struct dtls_conf make_conf(bool client, int me, int peer,
					 uint8_t seed)
{
	struct dtls_conf conf = { .client = client, .identity = ids[me] };

	memcpy(conf.peer_fp, identity_fp(ids[peer]), 32);
	memset(conf.seed, seed, sizeof conf.seed);
	return conf;
}

static inline void start_dtls(struct side *s, const struct dtls_conf *conf)
{
	CU_ASSERT_EQUAL_FATAL(dtls_alloc(&s->q, s->w, conf, &dtls_handlers,
					 s), 0);
}

static inline void set_path(struct side *s, uint16_t port)
{
	struct sa local, remote;

	path_to(s->w, port, &local, &remote);
	dtls_path(s->q, IPPROTO_UDP, &local, &remote);
	dtls_consent(s->q, clock_ns() + CONSENT);
}

static inline uint16_t port_of(const struct side *s)
{
	return worker_port(s->w, AF_INET);
}

static inline void wait_secured(struct side *a, struct side *b)
{
	WAIT_FOR(a->secured && b->secured);
	if (!a->secured || !b->secured)
		CU_FAIL_FATAL("not secured");
}

static inline void stop(struct side *s)
{
	if (s->w)
		fake_call(worker_loop(s->w), unset_handlers, s);
	s->q = mem_deref(s->q);
	s->w = mem_deref(s->w);
	control_run(0);
	free(s->seen);
	s->seen = NULL;
}

static inline void stop_pair(struct side *a, struct side *b)
{
	stop(a);
	stop(b);
}

static inline void connect_by(struct side *a, struct side *b,
			      const struct dtls_conf *ca,
			      const struct dtls_conf *cb)
{
	start_worker(a);
	start_worker(b);
	start_dtls(a, ca);
	start_dtls(b, cb);
	set_path(a, port_of(b));
	set_path(b, port_of(a));
	wait_secured(a, b);
}

static inline void connect_pair(struct side *a, struct side *b)
{
	const struct dtls_conf ca = make_conf(true, 0, 1, 7);
	const struct dtls_conf cb = make_conf(false, 1, 0, 7);

	connect_by(a, b, &ca, &cb);
}

static inline uint64_t bad(const struct side *s)
{
	struct dtls_stats st;

	memset(&st, 0, sizeof st);
	dtls_stats(s->q, &st);
	return st.bad;
}

/* Numbers from..to both ways, where none is lost: no more at a time than the
 * sockets hold, however late who reads them comes. */
static inline void pass(struct side *a, struct side *b, unsigned from,
			unsigned to, size_t size_a, size_t size_b)
{
	for (unsigned end; from < to; from = end) {
		end = to - from < CHUNK ? to : from + CHUNK;
		start_put(a, from, end, size_a, true);
		start_put(b, from, end, size_b, true);
		WAIT_FOR(atomic_load(&a->rx) == end &&
			 atomic_load(&b->rx) == end);
	}
}

static inline void exchange(struct side *a, struct side *b, unsigned n)
{
	pass(a, b, 0, n, 0, 100);
	CU_ASSERT_EQUAL(atomic_load(&a->bad) + atomic_load(&b->bad), 0);
	CU_ASSERT_EQUAL(atomic_load(&a->dup) + atomic_load(&b->dup), 0);
}

static inline void connect_over_by(struct relay *r, struct side *a,
				   struct side *b, const struct dtls_conf *ca,
				   const struct dtls_conf *cb)
{
	start_worker(a);
	start_worker(b);
	relay_run(r, port_of(a), port_of(b));
	start_dtls(a, ca);
	start_dtls(b, cb);
	set_path(a, r->port[0]);
	set_path(b, r->port[1]);
	wait_secured(a, b);
}

static inline void connect_over(struct relay *r, struct side *a,
				struct side *b)
{
	const struct dtls_conf ca = make_conf(true, 0, 1, 7);
	const struct dtls_conf cb = make_conf(false, 1, 0, 7);

	connect_over_by(r, a, b, &ca, &cb);
}

#endif
