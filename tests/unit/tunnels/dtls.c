/*
 * dtls.c: two workers on loopback, with two identities.
 *
 * The test's thread is the control thread of both; packets live on the
 * workers. A relay in a thread of its own loses, repeats, swaps and damages
 * datagrams. The plain peer is OpenSSL as anybody else would use it.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include "tests/unit/fakeflow.h"
#include "tests/unit/libcfail.h"
#include "tunnels/flow/dtls.h"
#include "tunnels/flow/identity.h"

enum {
	WAIT_MS = 20000,
	NUMBERS = 400000,
	SESSIONS = 20,
	HEAD = 8,                       /* number, length */
};

static struct mailbox *control;
static struct identity *ids[3];
static char folder[64];

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
	(void)proto;
	(void)local;
	(void)src;
	(void)buf;
	(void)len;
	(void)arg;
}

/* -- packets, on the worker ------------------------------------------- */

static void make(uint8_t *p, uint32_t no, size_t n, uint8_t salt)
{
	const uint32_t len = (uint32_t)n;

	memset(p, (int)(no + salt) & 0xff, n);
	memcpy(p, &no, 4);
	memcpy(p + 4, &len, 4);
}

static void recvh(struct iovec *v, size_t n, void *arg)
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

static void mtuh(size_t mtu, void *arg)
{
	struct side *s = arg;

	atomic_store(&s->mtu, mtu);
}

static void put_some(void *arg)
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

static void writeh(void *arg)
{
	struct side *s = arg;

	atomic_fetch_add(&s->rooms, 1);
	put_some(s);
}

static void set_handlers(void *arg)
{
	static const struct dgram_handlers h = {
		.recvh = recvh, .writeh = writeh, .mtuh = mtuh
	};
	struct side *s = arg;

	atomic_store(&s->mtu, dgram_mtu(s->d));
	dgram_handle(s->d, &h, s);
}

static void unset_handlers(void *arg)
{
	struct side *s = arg;

	timer_stop(&s->timer);
	if (s->d)
		dgram_handle(s->d, NULL, NULL);
}

/* Numbers from..to of `size` bytes each, 0: as large as fits. */
static void start_put(struct side *s, unsigned from, unsigned to, size_t size,
		      bool steady)
{
	s->from = from;
	s->to = to;
	s->size = size;
	s->steady = steady;
	atomic_store(&s->sent, false);
	fake_call(worker_loop(s->w), put_some, s);
}

/* -- sides ------------------------------------------------------------ */

static void securedh(struct dgram *d, void *arg)
{
	struct side *s = arg;

	++s->secured;
	s->d = d;
	fake_call(worker_loop(s->w), set_handlers, s);
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

static const struct dtls_handlers dtls_handlers = { securedh, endh };

static void start_worker(struct side *s)
{
	struct worker_conf conf = { .control = control, .stunh = stunh,
				    .arg = s };

	memset(s, 0, sizeof *s);
	s->seen = calloc(1, NUMBERS);
	CU_ASSERT_EQUAL_FATAL(worker_alloc(&s->w, &conf), 0);
}

static struct dtls_conf make_conf(bool client, int me, int peer, uint8_t seed)
{
	struct dtls_conf conf = { .client = client, .identity = ids[me] };

	memcpy(conf.peer_fp, identity_fp(ids[peer]), 32);
	memset(conf.seed, seed, sizeof conf.seed);
	return conf;
}

static void start_dtls(struct side *s, const struct dtls_conf *conf)
{
	CU_ASSERT_EQUAL_FATAL(dtls_alloc(&s->q, s->w, conf, &dtls_handlers,
					 s), 0);
}

static void set_path(struct side *s, uint16_t port)
{
	struct sa local, remote;

	(void)sa_set_str(&local, "127.0.0.1", worker_port(s->w, AF_INET));
	(void)sa_set_str(&remote, "127.0.0.1", port);
	dtls_path(s->q, IPPROTO_UDP, &local, &remote);
}

static uint16_t port_of(const struct side *s)
{
	return worker_port(s->w, AF_INET);
}

static void wait_secured(struct side *a, struct side *b)
{
	WAIT_FOR(a->secured && b->secured);
	if (!a->secured || !b->secured)
		CU_FAIL_FATAL("not secured");
}

static void stop(struct side *s)
{
	if (s->w)
		fake_call(worker_loop(s->w), unset_handlers, s);
	s->q = mem_deref(s->q);
	s->w = mem_deref(s->w);
	control_run(0);
	free(s->seen);
	s->seen = NULL;
}

static void stop_pair(struct side *a, struct side *b)
{
	stop(a);
	stop(b);
}

static void connect_by(struct side *a, struct side *b,
		       const struct dtls_conf *ca, const struct dtls_conf *cb)
{
	start_worker(a);
	start_worker(b);
	start_dtls(a, ca);
	start_dtls(b, cb);
	set_path(a, port_of(b));
	set_path(b, port_of(a));
	wait_secured(a, b);
}

static void connect_pair(struct side *a, struct side *b)
{
	const struct dtls_conf ca = make_conf(true, 0, 1, 7);
	const struct dtls_conf cb = make_conf(false, 1, 0, 7);

	connect_by(a, b, &ca, &cb);
}

static uint64_t keys(const struct side *s)
{
	struct dtls_stats st;

	memset(&st, 0, sizeof st);
	dtls_stats(s->q, &st);
	return st.keys;
}

static uint64_t bad(const struct side *s)
{
	struct dtls_stats st;

	memset(&st, 0, sizeof st);
	dtls_stats(s->q, &st);
	return st.bad;
}

/* -- tests ------------------------------------------------------------ */

static void exchange(struct side *a, struct side *b, unsigned n)
{
	start_put(a, 0, n, 0, true);
	start_put(b, 0, n, 100, true);
	WAIT_FOR(atomic_load(&a->rx) == n && atomic_load(&b->rx) == n);
	CU_ASSERT_EQUAL(atomic_load(&a->bad) + atomic_load(&b->bad), 0);
	CU_ASSERT_EQUAL(atomic_load(&a->dup) + atomic_load(&b->dup), 0);
}

static void test_pair(void)
{
	struct side a, b;

	connect_pair(&a, &b);
	exchange(&a, &b, 3000);
	CU_ASSERT_EQUAL(dtls_rekey(b.q), EPERM);
	dtls_close(a.q);
	WAIT_FOR(b.ended);
	CU_ASSERT_EQUAL(b.why, FLOW_END_CLOSED);
	CU_ASSERT_EQUAL(a.ended, 0);
	CU_ASSERT_EQUAL(bad(&a) + bad(&b), 0);
	stop_pair(&a, &b);
}

static void test_ciphers(void)
{
	for (int i = 0; i < 3; i++) {
		struct dtls_conf ca = make_conf(true, 0, 1, 7);
		struct dtls_conf cb = make_conf(false, 1, 0, 7);
		struct side a, b;

		ca.no_aes = i == 0 || i == 2;
		cb.no_aes = i == 1 || i == 2;
		connect_by(&a, &b, &ca, &cb);
		exchange(&a, &b, 1000);
		stop_pair(&a, &b);
	}
}

static void test_by_ssl(void)
{
	for (int i = 0; i < 3; i++) {
		struct dtls_conf ca = make_conf(true, 0, 1, 7);
		struct dtls_conf cb = make_conf(false, 1, 0, 7);
		struct side a, b;

		ca.by_ssl = i == 0 || i == 2;
		cb.by_ssl = i == 1 || i == 2;
		connect_by(&a, &b, &ca, &cb);
		exchange(&a, &b, 1000);
		dtls_close(i ? a.q : b.q);
		WAIT_FOR(i ? b.ended : a.ended);
		CU_ASSERT_EQUAL(i ? b.why : a.why, FLOW_END_CLOSED);
		stop_pair(&a, &b);
	}
}

static void test_wrong_key(void)
{
	for (int i = 0; i < 2; i++) {
		const struct dtls_conf ca = make_conf(true, 0, i ? 1 : 2, 7);
		const struct dtls_conf cb = make_conf(false, 1, i ? 2 : 0, 7);
		struct side a, b, *who = i ? &b : &a, *other = i ? &a : &b;

		start_worker(&a);
		start_worker(&b);
		start_dtls(&a, &ca);
		start_dtls(&b, &cb);
		set_path(&a, port_of(&b));
		set_path(&b, port_of(&a));
		WAIT_FOR(a.ended && b.ended);
		CU_ASSERT_EQUAL(who->why, FLOW_END_KEY);
		CU_ASSERT_EQUAL(memcmp(who->got_fp, identity_fp(ids[!i]), 32),
				0);
		CU_ASSERT_EQUAL(other->why, FLOW_END_CLOSED);
		CU_ASSERT_STRING_EQUAL(other->text,
				       "the peer refuses our key");
		CU_ASSERT_EQUAL(a.secured + b.secured, 0);
		stop_pair(&a, &b);
	}
}

/* Key I, with the certificate of another behind its own. */
static struct identity *with_chain(int i)
{
	struct identity *id = NULL;
	const uint8_t *der;
	char file[96];
	EVP_PKEY *key;
	unsigned n;
	FILE *f;

	(void)re_snprintf(file, sizeof file, "/tmp/dtls-chain.%d",
			  (int)getpid());
	f = fopen(file, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	(void)fchmod(fileno(f), 0600);
	der = identity_key(ids[i], &n);
	key = d2i_AutoPrivateKey(NULL, &der, (long)n);
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	EVP_PKEY_free(key);
	for (int k = 0; k < 2; k++) {
		X509 *x;

		der = identity_cert(ids[k ? 2 : i], &n);
		x = d2i_X509(NULL, &der, (long)n);
		PEM_write_X509(f, x);
		X509_free(x);
	}
	fclose(f);
	CU_ASSERT_EQUAL(identity_load(&id, file), 0);
	(void)unlink(file);
	return id;
}

static void has_chain(const struct side *s, const struct identity *id)
{
	const uint8_t *got = NULL, *der;
	size_t n = dtls_chain(s->q, &got), at = 0;
	unsigned len;

	for (unsigned i = 0; id && (der = identity_chain(id, i, &len)); i++) {
		CU_ASSERT_FATAL(at + len <= n);
		CU_ASSERT_EQUAL(memcmp(got + at, der, len), 0);
		at += len;
	}
	CU_ASSERT_EQUAL(at, n);
}

/* Both see all that the other shows, if they ask for it. */
static void test_chain(void)
{
	struct dtls_conf ca = make_conf(true, 0, 1, 7);
	struct dtls_conf cb = make_conf(false, 1, 0, 7);
	struct identity *ia = with_chain(0), *ib = with_chain(1);
	struct side a, b;

	CU_ASSERT_FATAL(ia && ib);
	for (int i = 0; i < 3; i++) {
		ca.identity = ia;
		cb.identity = ib;
		ca.chain = i != 1;
		cb.chain = i != 2;
		start_worker(&a);
		start_worker(&b);
		start_dtls(&a, &ca);
		start_dtls(&b, &cb);
		set_path(&a, port_of(&b));
		set_path(&b, port_of(&a));
		WAIT_FOR(a.secured && b.secured);
		has_chain(&a, ca.chain ? ib : NULL);
		has_chain(&b, cb.chain ? ia : NULL);
		stop_pair(&a, &b);
	}
	mem_deref(ia);
	mem_deref(ib);
}

/* Packets flow all the time, on a link that loses none. */
static void test_rekey(void)
{
	struct side a, b;
	const unsigned n = 60000;

	connect_pair(&a, &b);
	start_put(&a, 0, n, 200, true);
	start_put(&b, 0, n, 0, true);
	for (unsigned k = 2; k < 6; k++) {
		CU_ASSERT_EQUAL(dtls_rekey(a.q), 0);
		/* again, while one is under way: nothing */
		CU_ASSERT_EQUAL(dtls_rekey(a.q), 0);
		if (k == 2)
			WAIT_FOR(keys(&a) == k && keys(&b) == k);
	}
	WAIT_FOR(atomic_load(&a.rx) == n && atomic_load(&b.rx) == n);
	CU_ASSERT_EQUAL(keys(&a), 2);
	CU_ASSERT_EQUAL(atomic_load(&a.bad) + atomic_load(&b.bad), 0);
	CU_ASSERT_EQUAL(atomic_load(&a.dup) + atomic_load(&b.dup), 0);
	CU_ASSERT_EQUAL(bad(&a) + bad(&b), 0);
	stop_pair(&a, &b);
}

/* By themselves: after so many records, of whoever's, and after a time. */
static void test_rekey_due(void)
{
	for (int by = 0; by < 3; by++) {
		struct dtls_conf ca = make_conf(true, 0, 1, 7);
		struct dtls_conf cb = make_conf(false, 1, 0, 7);
		struct side a, b, *s = by == 1 ? &b : &a;
		const unsigned n = 8000;

		ca.keepalive = cb.keepalive = 50 * MSEC;
		if (by < 2)
			ca.rekey_records = 5000;
		else
			ca.rekey_time = 500 * MSEC;
		connect_by(&a, &b, &ca, &cb);
		CU_ASSERT_EQUAL(keys(&a), 1);
		if (by < 2) {
			start_put(s, 0, n, 200, true);
			WAIT_FOR(atomic_load(&(s == &a ? &b : &a)->rx) == n);
		}
		WAIT_FOR(keys(&a) == 2 && keys(&b) == 2);
		CU_ASSERT_EQUAL(bad(&a) + bad(&b), 0);
		stop_pair(&a, &b);
	}
}

/* All of them are told apart by tag and key alone; half of the clients are on
 * each side. */
static void test_one_tuple(void)
{
	static struct side a[SESSIONS], b[SESSIONS];

	for (int i = 0; i < SESSIONS; i++) {
		struct dtls_conf ca = make_conf(i % 2, 0, 1, (uint8_t)i);
		struct dtls_conf cb = make_conf(!(i % 2), 1, 0, (uint8_t)i);

		if (!i) {
			start_worker(&a[0]);
			start_worker(&b[0]);
		}
		else {
			memset(&a[i], 0, sizeof a[i]);
			memset(&b[i], 0, sizeof b[i]);
			a[i].w = mem_ref(a[0].w);
			b[i].w = mem_ref(b[0].w);
			a[i].seen = calloc(1, NUMBERS);
			b[i].seen = calloc(1, NUMBERS);
		}
		a[i].salt = b[i].salt = (uint8_t)(17 * i);
		start_dtls(&a[i], &ca);
		start_dtls(&b[i], &cb);
	}
	for (int i = 0; i < SESSIONS; i++) {
		set_path(&a[i], port_of(&b[0]));
		set_path(&b[i], port_of(&a[0]));
	}
	for (int i = 0; i < SESSIONS; i++)
		wait_secured(&a[i], &b[i]);
	for (int i = 0; i < SESSIONS; i++) {
		start_put(&a[i], 0, 500, 0, true);
		start_put(&b[i], 0, 500, 300, true);
	}
	for (int i = 0; i < SESSIONS; i++) {
		WAIT_FOR(atomic_load(&a[i].rx) == 500 &&
			 atomic_load(&b[i].rx) == 500);
		CU_ASSERT_EQUAL(atomic_load(&a[i].bad) +
				atomic_load(&b[i].bad), 0);
		CU_ASSERT_EQUAL(bad(&a[i]) + bad(&b[i]), 0);
	}
	/* the end of one is nobody else's */
	dtls_close(a[3].q);
	WAIT_FOR(b[3].ended);
	start_put(&a[4], 500, 600, 100, false);
	WAIT_FOR(atomic_load(&b[4].rx) == 600);
	for (int i = 0; i < SESSIONS; i++)
		CU_ASSERT_EQUAL(b[i].ended, i == 3);
	for (int i = SESSIONS - 1; i >= 0; i--)
		stop_pair(&a[i], &b[i]);
}

/* -- a relay between them ---------------------------------------------- */

enum { TAPE = 256, DATAGRAM = 2048 };

struct relay {
	int fd[2];                      /* a's, b's */
	uint16_t port[2], to[2];
	pthread_t thread;
	_Atomic bool stop, replay;
	_Atomic unsigned drop, dup, swap, forge;        /* every n-th */
	_Atomic unsigned lose_first;    /* so many of each direction */
	_Atomic size_t max;
	bool by_ssl;
	unsigned count[2];
	size_t held_len[2];
	uint8_t held[2][DATAGRAM];
	unsigned taped;
	struct {
		int dir;
		size_t len;
		uint8_t buf[DATAGRAM];
	} tape[TAPE];
};

static int open_socket(uint16_t *port)
{
	struct sa sa;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;

	(void)sa_set_str(&sa, "127.0.0.1", 0);
	if (fd < 0 || bind(fd, &sa.u.sa, sa.len))
		return -1;
	sa.len = sizeof sa.u;
	(void)getsockname(fd, &sa.u.sa, &sa.len);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	*port = sa_port(&sa);
	return fd;
}

static void relay_send(struct relay *r, int dir, const uint8_t *p, size_t n)
{
	struct sa sa;

	(void)sa_set_str(&sa, "127.0.0.1", r->to[!dir]);
	(void)sendto(r->fd[!dir], p, n, 0, &sa.u.sa, sa.len);
}

static bool every(_Atomic unsigned *n, unsigned count)
{
	const unsigned v = atomic_load(n);

	return v && count % v == 0;
}

static void relay_forge(struct relay *r, int dir, const uint8_t *p, size_t n)
{
	uint8_t copy[DATAGRAM];

	memcpy(copy, p, n);
	copy[n - 1 - r->count[dir] % (n - 11)] ^= 0x10;
	relay_send(r, dir, copy, n);
}

static void relay_one(struct relay *r, int dir, uint8_t *p, size_t n)
{
	const unsigned count = ++r->count[dir];

	if (count <= atomic_load(&r->lose_first) ||
	    n > atomic_load(&r->max) || every(&r->drop, count))
		return;
	if (p[0] == 23) {
		const unsigned t = r->taped++ % TAPE;

		r->tape[t].dir = dir;
		r->tape[t].len = n;
		memcpy(r->tape[t].buf, p, n);
		if (every(&r->forge, count))
			relay_forge(r, dir, p, n);
	}
	if (every(&r->swap, count) && !r->held_len[dir]) {
		memcpy(r->held[dir], p, n);
		r->held_len[dir] = n;
		return;
	}
	relay_send(r, dir, p, n);
	if (every(&r->dup, count))
		relay_send(r, dir, p, n);
	if (r->held_len[dir])
		relay_send(r, dir, r->held[dir], r->held_len[dir]);
	r->held_len[dir] = 0;
}

static void *relay_main(void *arg)
{
	struct relay *r = arg;
	struct pollfd p[2] = { { r->fd[0], POLLIN, 0 },
			       { r->fd[1], POLLIN, 0 } };
	uint8_t buf[DATAGRAM];

	while (!atomic_load(&r->stop)) {
		(void)poll(p, 2, 2);
		for (int i = 0; i < 2; i++) {
			ssize_t n;

			while ((n = recv(r->fd[i], buf, sizeof buf,
					 MSG_DONTWAIT)) > 0)
				relay_one(r, i, buf, (size_t)n);
		}
		for (unsigned i = 0; atomic_load(&r->replay) &&
		     i < TAPE && i < r->taped; i++)
			relay_send(r, r->tape[i].dir, r->tape[i].buf,
				   r->tape[i].len);
		atomic_store(&r->replay, false);
	}
	return NULL;
}

static struct relay *relay_open(void)
{
	struct relay *r = calloc(1, sizeof *r);

	for (int i = 0; i < 2; i++) {
		r->fd[i] = open_socket(&r->port[i]);
		CU_ASSERT_FATAL(r->fd[i] >= 0);
	}
	r->max = DATAGRAM;
	return r;
}

static void relay_start(struct relay *r, struct side *a, struct side *b)
{
	struct dtls_conf ca = make_conf(true, 0, 1, 7);
	struct dtls_conf cb = make_conf(false, 1, 0, 7);

	ca.by_ssl = cb.by_ssl = r->by_ssl;
	start_worker(a);
	start_worker(b);
	r->to[0] = port_of(a);
	r->to[1] = port_of(b);
	(void)pthread_create(&r->thread, NULL, relay_main, r);
	start_dtls(a, &ca);
	start_dtls(b, &cb);
	set_path(a, r->port[0]);
	set_path(b, r->port[1]);
	wait_secured(a, b);
}

static void relay_close(struct relay *r)
{
	atomic_store(&r->stop, true);
	(void)pthread_join(r->thread, NULL);
	(void)close(r->fd[0]);
	(void)close(r->fd[1]);
	free(r);
}

static void pause_ms(unsigned ms)
{
	const uint64_t until = clock_ns() + ms * MSEC;

	while (clock_ns() < until)
		control_run(5);
}

/* The handshake gets through whatever is lost of it. */
static void test_handshake_loss(void)
{
	for (unsigned i = 1; i < 13; i++) {
		struct relay *r = relay_open();
		struct side a, b;

		if (i % 6 < 3)
			r->lose_first = i % 6 + 1;
		else
			r->drop = i % 6;
		r->by_ssl = i > 6;
		relay_start(r, &a, &b);
		start_put(&a, 0, 400, 100, true);
		start_put(&b, 0, 400, 100, true);
		WAIT_FOR(a.sent && b.sent);
		pause_ms(50);
		CU_ASSERT(a.rx > 50 && b.rx > 50);
		CU_ASSERT_EQUAL(a.bad + b.bad + a.dup + b.dup, 0);
		stop_pair(&a, &b);
		relay_close(r);
	}
}

/* Repeated and swapped ones: each once. Replayed ones: not again. Damaged
 * ones: not at all, and the true one nevertheless. */
static void test_bad_network(void)
{
	const unsigned n = 4000;
	struct relay *r = relay_open();
	struct side a, b;
	uint64_t before;

	relay_start(r, &a, &b);
	r->dup = 3;
	r->swap = 5;
	r->forge = 7;
	start_put(&a, 0, n, 0, true);
	start_put(&b, 0, n, 100, true);
	WAIT_FOR(a.rx + b.rx >= 2 * n - 2);
	CU_ASSERT_EQUAL(a.bad + b.bad + a.dup + b.dup, 0);
	before = bad(&a) + bad(&b);
	CU_ASSERT(before > n / 7);
	r->replay = true;
	WAIT_FOR(bad(&a) + bad(&b) >= before + TAPE);
	CU_ASSERT_EQUAL(a.dup + b.dup + a.ended + b.ended, 0);
	stop_pair(&a, &b);
	relay_close(r);
}

static void test_rekey_lossy(void)
{
	struct relay *r = relay_open();
	struct side a, b;

	relay_start(r, &a, &b);
	r->drop = 4;
	start_put(&a, 0, 30000, 100, true);
	start_put(&b, 0, 30000, 100, true);
	CU_ASSERT_EQUAL(dtls_rekey(a.q), 0);
	WAIT_FOR(keys(&a) == 2 && keys(&b) == 2);
	WAIT_FOR(a.sent && b.sent);
	pause_ms(50);
	/* what the relay lost, and nothing else */
	CU_ASSERT(a.rx > 22000 && b.rx > 22000);
	CU_ASSERT_EQUAL(a.bad + b.bad + a.dup + b.dup, 0);
	stop_pair(&a, &b);
	relay_close(r);
}

/* Nobody else can end it: a warning and a fatal alert of epoch 0, as anybody
 * may send it, and of epoch 1 without the key, from where the peer is. */
static void test_forged_end(void)
{
	static const uint8_t alertv[][2] = { { 1, 0 }, { 2, 40 }, { 2, 0 } };
	struct relay *r = relay_open();
	struct side a, b;

	relay_start(r, &a, &b);
	exchange(&a, &b, 100);
	for (unsigned i = 0; i < 6; i++) {
		uint8_t rec[13 + 8 + 2 + 16] = { 21, 0xfe, 0xfd, 0, 0 };
		const size_t len = i < 3 ? 2 : 8 + 2 + 16;

		rec[4] = i >= 3;
		rec[9] = 1;
		rec[12] = (uint8_t)len;
		memcpy(rec + 13 + (i < 3 ? 0 : 8), alertv[i % 3], 2);
		relay_send(r, 0, rec, 13 + len);
		relay_send(r, 1, rec, 13 + len);
	}
	pause_ms(50);
	CU_ASSERT_EQUAL(a.ended + b.ended, 0);
	start_put(&a, 100, 200, 100, true);
	WAIT_FOR(b.rx == 200);
	stop_pair(&a, &b);
	relay_close(r);
}

/* No datagram of the handshake, whatever certificates are in it, is longer
 * than any path takes; the first that is lost comes again after 150 ms. */
static void test_handshake_small(void)
{
	struct dtls_conf ca = make_conf(true, 0, 1, 7);
	struct dtls_conf cb = make_conf(false, 1, 0, 7);
	struct identity *ia = with_chain(0), *ib = with_chain(1);
	struct relay *r = relay_open();
	struct side a, b;
	uint64_t t;

	CU_ASSERT_FATAL(ia && ib);
	ca.identity = ia;
	cb.identity = ib;
	ca.chain = cb.chain = true;
	r->max = 1200;
	r->lose_first = 1;
	start_worker(&a);
	start_worker(&b);
	r->to[0] = port_of(&a);
	r->to[1] = port_of(&b);
	(void)pthread_create(&r->thread, NULL, relay_main, r);
	start_dtls(&a, &ca);
	start_dtls(&b, &cb);
	t = clock_ns();
	set_path(&a, r->port[0]);
	set_path(&b, r->port[1]);
	wait_secured(&a, &b);
	t = clock_ns() - t;
	/* at once, and again, each way */
	CU_ASSERT(t >= 150 * MSEC);
	has_chain(&a, ib);
	has_chain(&b, ia);
	stop_pair(&a, &b);
	relay_close(r);
	mem_deref(ia);
	mem_deref(ib);
}

static void test_mtu(void)
{
	struct relay *r = relay_open();
	struct side a, b;
	unsigned got;

	relay_start(r, &a, &b);
	WAIT_FOR(a.mtu == 1472 - 37 && b.mtu == 1472 - 37);
	stop_pair(&a, &b);
	atomic_store(&r->stop, true);
	(void)pthread_join(r->thread, NULL);

	/* 1300 pass: found to within a few bytes */
	r->stop = false;
	r->max = 1300;
	relay_start(r, &a, &b);
	WAIT_FOR(a.mtu > 1300 - 37 - 12 && b.mtu > 1300 - 37 - 12);
	CU_ASSERT(a.mtu <= 1300 - 37);

	/* the path shrinks under traffic: packets get through again */
	start_put(&a, 0, NUMBERS, 0, true);
	pause_ms(100);
	r->max = 1240;
	WAIT_FOR(a.mtu <= 1240 - 37);
	got = b.rx;
	WAIT_FOR(b.rx > got + 100);
	CU_ASSERT_EQUAL(a.ended + b.ended, 0);
	stop_pair(&a, &b);
	relay_close(r);
}

static void test_idle(void)
{
	struct dtls_conf ca = make_conf(true, 0, 1, 7);
	struct dtls_conf cb = make_conf(false, 1, 0, 7);
	struct side a, b;
	struct dtls_stats st;

	ca.keepalive = cb.keepalive = 50 * MSEC;
	ca.idle = cb.idle = 300 * MSEC;
	connect_by(&a, &b, &ca, &cb);
	pause_ms(700);
	CU_ASSERT_EQUAL(a.ended + b.ended, 0);
	dtls_stats(a.q, &st);
	CU_ASSERT(st.tx_packets >= 6 && st.tx_packets < 60);
	/* b may not send any more */
	dtls_consent(b.q, 1);
	WAIT_FOR(a.ended);
	CU_ASSERT_EQUAL(a.why, FLOW_END_IDLE);
	stop_pair(&a, &b);
}

/* A new path on the fly: from direct to the relay. */
static void test_move(void)
{
	struct relay *r = relay_open();
	struct side a, b;

	connect_pair(&a, &b);
	start_put(&a, 0, 20000, 100, true);
	r->to[0] = port_of(&a);
	r->to[1] = port_of(&b);
	(void)pthread_create(&r->thread, NULL, relay_main, r);
	pause_ms(100);
	set_path(&b, r->port[1]);
	pause_ms(20);
	set_path(&a, r->port[0]);
	WAIT_FOR(b.rx == 20000);
	CU_ASSERT(r->count[0] > 1000);
	CU_ASSERT_EQUAL(a.bad + b.bad + a.dup + b.dup, 0);
	stop_pair(&a, &b);
	relay_close(r);
}

/* -- a plain OpenSSL peer ---------------------------------------------- */

struct plain {
	int fd;
	uint16_t port;
	SSL_CTX *ctx;
	SSL *ssl;
	unsigned rx;
	bool over;
};

static int any_cert(X509_STORE_CTX *xs, void *arg)
{
	(void)xs;
	(void)arg;
	return 1;
}

static void plain_open(struct plain *p, bool client, uint16_t to,
		       const char *ciphers)
{
	unsigned clen, klen;
	const uint8_t *cert = identity_cert(ids[1], &clen);
	const uint8_t *key = identity_key(ids[1], &klen);
	EVP_PKEY *pk = d2i_AutoPrivateKey(NULL, &key, klen);
	struct sa sa;
	BIO *bio;

	memset(p, 0, sizeof *p);
	p->fd = open_socket(&p->port);
	(void)sa_set_str(&sa, "127.0.0.1", to);
	CU_ASSERT_EQUAL_FATAL(connect(p->fd, &sa.u.sa, sa.len), 0);
	p->ctx = SSL_CTX_new(DTLS_method());
	(void)SSL_CTX_use_PrivateKey(p->ctx, pk);
	(void)SSL_CTX_use_certificate_ASN1(p->ctx, (int)clen, cert);
	EVP_PKEY_free(pk);
	SSL_CTX_set_verify(p->ctx, SSL_VERIFY_PEER |
			   SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(p->ctx, any_cert, NULL);
	CU_ASSERT(SSL_CTX_set_cipher_list(p->ctx, ciphers));
	p->ssl = SSL_new(p->ctx);
	bio = BIO_new_dgram(p->fd, BIO_NOCLOSE);
	(void)BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &sa.u.sa);
	(void)BIO_socket_nbio(p->fd, 1);
	SSL_set_bio(p->ssl, bio, bio);
	if (client)
		SSL_set_connect_state(p->ssl);
	else
		SSL_set_accept_state(p->ssl);
}

static bool plain_handshake(struct plain *p)
{
	int rc = SSL_do_handshake(p->ssl);

	if (rc != 1)
		(void)DTLSv1_handle_timeout(p->ssl);
	ERR_clear_error();
	return rc == 1;
}

static unsigned plain_read(struct plain *p)
{
	uint8_t buf[2048];
	uint32_t no, len;
	int n;

	while ((n = SSL_read(p->ssl, buf, sizeof buf)) > 0) {
		memcpy(&no, buf, 4);
		memcpy(&len, buf + 4, 4);
		CU_ASSERT_EQUAL((int)len, n);
		CU_ASSERT_EQUAL(buf[n - 1], (uint8_t)no);
		++p->rx;
	}
	p->over = SSL_get_shutdown(p->ssl) & SSL_RECEIVED_SHUTDOWN;
	ERR_clear_error();
	return p->rx;
}

static void plain_close(struct plain *p)
{
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	(void)close(p->fd);
}

static void interop(bool client, bool we_close, const char *ciphers)
{
	const struct dtls_conf conf = make_conf(client, 0, 1, 7);
	struct plain p;
	struct side a;
	uint8_t buf[1200];

	start_worker(&a);
	plain_open(&p, !client, port_of(&a), ciphers);
	start_dtls(&a, &conf);
	set_path(&a, p.port);
	WAIT_FOR(plain_handshake(&p) && a.secured);
	if (!a.secured)
		CU_FAIL_FATAL("not secured");
	start_put(&a, 0, 1000, 0, true);
	for (uint32_t i = 0; i < 1000; i++) {
		make(buf, i, 100 + i, 0);
		CU_ASSERT_EQUAL(SSL_write(p.ssl, buf, (int)(100 + i)),
				(int)(100 + i));
		(void)plain_read(&p);
	}
	WAIT_FOR(plain_read(&p) == 1000 && a.rx == 1000);
	CU_ASSERT_EQUAL(a.bad + a.dup + a.ended, 0);
	/* nothing that a plain peer would not know */
	CU_ASSERT_EQUAL(a.mtu, 1232 - (strstr(ciphers, "CHACHA") ? 29 : 37));
	if (we_close) {
		dtls_close(a.q);
		WAIT_FOR((plain_read(&p), p.over));
	}
	else {
		(void)SSL_shutdown(p.ssl);
		WAIT_FOR(a.ended);
		CU_ASSERT_EQUAL(a.why, FLOW_END_CLOSED);
	}
	stop(&a);
	plain_close(&p);
}

static void test_interop(void)
{
	interop(true, true, "ECDHE-ECDSA-AES128-GCM-SHA256");
	interop(true, false, "ECDHE-ECDSA-CHACHA20-POLY1305");
	interop(false, true, "ECDHE-ECDSA-CHACHA20-POLY1305");
	interop(false, false, "ECDHE-ECDSA-AES128-GCM-SHA256");
}

/* -- without memory ---------------------------------------------------- */

/*
 * OpenSSL's 4000 allocations in each handshake: a part of them, or with
 * LIBC_STEP=0 each (40 s); ours fail in every case above (unitfail.h).
 */
struct arm {
	long at;
	bool failed;
	unsigned long count;
};

static void arm_handler(void *arg)
{
	const struct arm *m = arg;

	libc_fail_at(m->at);
}

static void disarm_handler(void *arg)
{
	struct arm *m = arg;

	m->failed = libc_done;
	m->count = libc_count;
	libc_left = 0;
}

/* One allocation of the client's worker, or of the server's, fails: then that
 * side tells an end, or the handshake gets through all the same. false: there
 * is none of this number. */
static bool shake_without(long at, bool client)
{
	const struct dtls_conf ca = make_conf(true, 0, 1, 7);
	const struct dtls_conf cb = make_conf(false, 1, 0, 7);
	struct side a, b, *s = client ? &a : &b;
	struct arm m = { .at = at };

	start_worker(&a);
	start_worker(&b);
	fake_call(worker_loop(s->w), arm_handler, &m);
	start_dtls(&a, &ca);
	start_dtls(&b, &cb);
	set_path(&a, port_of(&b));
	set_path(&b, port_of(&a));
	WAIT_FOR((a.secured && b.secured) || a.ended || b.ended);
	fake_call(worker_loop(s->w), disarm_handler, &m);
	if (!a.ended && !b.ended) {
		start_put(&a, 0, 50, 100, false);
		WAIT_FOR(b.rx == 50 || b.ended);
	}
	stop_pair(&a, &b);
	return m.failed;
}

static void test_no_memory(void)
{
	const char *s = getenv("LIBC_STEP");
	const long part = s ? atol(s) : 1;

	for (int client = 0; client < 2; client++) {
		long n = 1;

		while (shake_without(n, client))
			n += 1 + part * n / 16;
		CU_ASSERT(n > 1000 || !LIBCFAIL);
	}
}

static unsigned long allocations(const struct side *s)
{
	struct arm m = { .at = 0 };

	fake_call(worker_loop(s->w), disarm_handler, &m);
	return m.count;
}

/* Records take no memory, once it is known how many there are at a time. */
static void test_records(void)
{
	unsigned long before[2] = { 0, 0 };
	struct side a, b;

	connect_pair(&a, &b);
	for (unsigned i = 0; i < 3; i++) {
		before[0] = allocations(&a);
		before[1] = allocations(&b);
		start_put(&a, i * 20000, (i + 1) * 20000, 0, true);
		start_put(&b, i * 20000, (i + 1) * 20000, 100, true);
		WAIT_FOR(a.rx == (i + 1) * 20000 && b.rx == (i + 1) * 20000);
	}
	CU_ASSERT_EQUAL(allocations(&a), before[0]);
	CU_ASSERT_EQUAL(allocations(&b), before[1]);
	stop_pair(&a, &b);
}

static bool have_ids(void)
{
	char file[96];

	(void)strcpy(folder, "/tmp/dtls-unit-XXXXXX");
	if (!mkdtemp(folder) || mailbox_alloc(&control))
		return false;
	for (int i = 0; i < 3; i++) {
		(void)re_snprintf(file, sizeof file, "%s/%d", folder, i);
		if (identity_load(&ids[i], file))
			return false;
		(void)unlink(file);
	}
	(void)rmdir(folder);
	return true;
}

static void test_setup(void)
{
	CU_ASSERT_FATAL(have_ids());
}

static void test_teardown(void)
{
	for (int i = 0; i < 3; i++)
		ids[i] = mem_deref(ids[i]);
	control = mem_deref(control);
}

UNIT_SUITE("dtls",
	   { "set up keys", test_setup },
	   { "packets both ways, close", test_pair },
	   { "ChaCha20 where there is no AES", test_ciphers },
	   { "records by the SSL object", test_by_ssl },
	   { "another key than expected", test_wrong_key },
	   { "chain", test_chain },
	   { "new keys under traffic", test_rekey },
	   { "new keys when they are due", test_rekey_due },
	   { "many sessions between the same sockets", test_one_tuple },
	   { "handshake over a network that loses", test_handshake_loss },
	   { "repeated, swapped, forged, replayed", test_bad_network },
	   { "new keys over a network that loses", test_rekey_lossy },
	   { "an end that somebody else tells", test_forged_end },
	   { "a handshake in small datagrams", test_handshake_small },
	   { "path MTU: found, and shrinking", test_mtu },
	   { "keepalive and idle", test_idle },
	   { "another path", test_move },
	   { "a plain OpenSSL peer", test_interop },
	   { "a handshake without memory", test_no_memory },
	   { "records take no memory", test_records },
	   { "keys are put away", test_teardown })
