/*
 * Tests modules/path/paths.c and path.c: whole paths on real sockets of the
 * loopback interface, a STUN server beside them, handlers that free the path
 * under themselves, many paths on one socket.
 */
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "modules/path/path.h"
#include "modules/path/stun.h"
#include "tests/unit/fail.h"

struct end;

/* Two sockets and what shares them. */
struct site {
	struct timers *timers;
	struct paths *ps;
	int fd[2];              /* IPv4, IPv6; -1: none */
	struct sa sa[2];
	unsigned sent;
	bool mute;              /* drop what would be sent */
};

/* One path and what it said. */
struct end {
	struct site *site;
	struct path *p;
	struct desc *d;         /* ours, as told */
	unsigned candc, gathered, found, consents, failed;
	enum path_fail why;
	uint64_t found_at, until;
	struct cand local, remote;
	int free_in;            /* handler number that frees the path */
};

enum { IN_CAND = 1, IN_GATHERED, IN_FOUND, IN_CONSENT };

static int udp_socket(int af, struct sa *sa)
{
	int fd = socket(af, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof sa->u;

	if (fd < 0)
		return -1;
	sa_set_str(sa, af == AF_INET ? "127.0.0.1" : "::1", 0);
	if (bind(fd, &sa->u.sa, sa->len) ||
	    getsockname(fd, &sa->u.sa, &len)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int site_send(int proto, const struct sa *local,
		     const struct sa *dst, const uint8_t *buf, size_t len,
		     void *arg)
{
	struct site *s = arg;
	int i = sa_af(dst) == AF_INET6;

	s->sent++;
	CU_ASSERT_EQUAL(proto, IPPROTO_UDP);
	CU_ASSERT(sa_cmp(local, &s->sa[i], SA_ALL));
	if (s->mute)
		return 0;
	return sendto(s->fd[i], buf, len, 0, &dst->u.sa, dst->len) < 0
		? errno : 0;
}

static void site_open(struct site *s, struct timers *timers,
		      const struct sa *stun)
{
	struct paths_conf conf = {
		.timers = timers, .interfaces = "lo", .sendh = site_send,
		.arg = s,
	};

	memset(s, 0, sizeof *s);
	s->timers = timers;
	s->fd[0] = udp_socket(AF_INET, &s->sa[0]);
	s->fd[1] = udp_socket(AF_INET6, &s->sa[1]);
	CU_ASSERT_FATAL(s->fd[0] >= 0);
	conf.port4 = sa_port(&s->sa[0]);
	conf.port6 = s->fd[1] < 0 ? 0 : sa_port(&s->sa[1]);
	if (stun) {
		conf.stunv[0] = *stun;
		conf.stunc = 1;
	}
	CU_ASSERT_EQUAL_FATAL(paths_alloc(&s->ps, &conf), 0);
}

static void site_close(struct site *s)
{
	mem_deref(s->ps);
	for (int i = 0; i < 2; i++)
		if (s->fd[i] >= 0)
			close(s->fd[i]);
}

static void site_read(struct site *s)
{
	for (int i = 0; i < 2; i++) {
		uint8_t buf[2048];
		struct sa src;
		ssize_t n;

		for (;;) {
			socklen_t len = sizeof src.u;

			sa_init(&src, AF_UNSPEC);
			n = s->fd[i] < 0 ? -1 :
				recvfrom(s->fd[i], buf, sizeof buf, 0,
					 &src.u.sa, &len);
			if (n < 0)
				break;
			src.len = len;
			paths_recv(s->ps, IPPROTO_UDP, &s->sa[i], &src, buf,
				   (size_t)n);
		}
	}
}

/* Run everything for at most t, or until *enough. */
static void run(struct site *sitev, size_t n, uint64_t t, const bool *enough)
{
	uint64_t end = clock_ns() + t, now;

	while ((now = clock_ns()) < end && !(enough && *enough)) {
		struct pollfd pfd[8];
		uint64_t next = min(end, timers_next(sitev->timers));
		int ms = next > now ? (int)((next - now) / MSEC) + 1 : 0;
		nfds_t c = 0;

		for (size_t i = 0; i < 2 * n; i++)
			pfd[c++] = (struct pollfd){
				sitev[i / 2].fd[i % 2], POLLIN, 0 };
		(void)poll(pfd, c, ms);
		for (size_t i = 0; i < n; i++)
			site_read(&sitev[i]);
		timers_run(sitev->timers, clock_ns());
	}
}

static bool all_found;
static struct end *pair[2];

static bool freed(struct end *e, int in)
{
	if (e->free_in != in)
		return false;
	e->p = mem_deref(e->p);
	return true;
}

static void on_cand(const struct cand *c, void *arg)
{
	struct end *e = arg;

	CU_ASSERT_PTR_NOT_NULL(e->p);
	e->candc++;
	CU_ASSERT_EQUAL(desc_cand_add(e->d, c), 0);
	(void)freed(e, IN_CAND);
}

static void on_gathered(void *arg)
{
	struct end *e = arg;

	CU_ASSERT_PTR_NOT_NULL(e->p);
	e->gathered++;
	e->d->complete = true;
	(void)freed(e, IN_GATHERED);
}

static void on_found(const struct cand *local, const struct cand *remote,
		     void *arg)
{
	struct end *e = arg;

	CU_ASSERT_PTR_NOT_NULL(e->p);
	e->found++;
	e->found_at = clock_ns();
	e->local = *local;
	e->remote = *remote;
	all_found = pair[0] && pair[0]->found && pair[1]->found;
	(void)freed(e, IN_FOUND);
}

static void on_consent(uint64_t until, void *arg)
{
	struct end *e = arg;

	CU_ASSERT_PTR_NOT_NULL(e->p);
	e->consents++;
	e->until = until;
	(void)freed(e, IN_CONSENT);
}

static void on_fail(enum path_fail why, void *arg)
{
	struct end *e = arg;

	e->failed++;
	e->why = why;
}

static const struct path_handlers handlers = {
	.candh = on_cand, .gatheredh = on_gathered, .foundh = on_found,
	.consenth = on_consent, .failh = on_fail,
};

static void end_open(struct end *e, struct site *s, bool controlling)
{
	memset(e, 0, sizeof *e);
	e->site = s;
	CU_ASSERT_EQUAL_FATAL(desc_alloc(&e->d), 0);
	e->d->renomination = true;
	CU_ASSERT_EQUAL_FATAL(path_alloc(&e->p, s->ps, controlling,
					 &handlers, e), 0);
	str_ncpy(e->d->ufrag, path_ufrag(e->p), sizeof e->d->ufrag);
	str_ncpy(e->d->pwd, path_pwd(e->p), sizeof e->d->pwd);
}

static void end_close(struct end *e)
{
	mem_deref(e->p);
	mem_deref(e->d);
}

static void meet(struct end *a, struct end *b)
{
	all_found = false;
	pair[0] = a;
	pair[1] = b;
	CU_ASSERT_EQUAL(path_gather(a->p), 0);
	CU_ASSERT_EQUAL(path_gather(b->p), 0);
	CU_ASSERT_EQUAL(path_remote(b->p, a->d), 0);
	CU_ASSERT_EQUAL(path_remote(a->p, b->d), 0);
}

static struct timers *timers_new(void)
{
	struct timers *t;

	CU_ASSERT_EQUAL_FATAL(timers_alloc(&t), 0);
	return t;
}

static void test_loopback(void)
{
	struct timers *t = timers_new();
	struct site s[2];
	struct end a, b;
	uint64_t start;

	site_open(&s[0], t, NULL);
	site_open(&s[1], t, NULL);
	end_open(&a, &s[0], true);
	end_open(&b, &s[1], false);
	start = clock_ns();
	meet(&a, &b);
	/* hosts only: gathered within the call */
	CU_ASSERT(a.gathered == 1 && b.gathered == 1 && a.candc >= 1);
	run(s, 2, SEC, &all_found);
	CU_ASSERT_FATAL(all_found);
	CU_ASSERT(max(a.found_at, b.found_at) - start < 50 * MSEC);
	printf("paths: found in %u us\n",
	       (unsigned)((max(a.found_at, b.found_at) - start) / 1000));
	CU_ASSERT(sa_cmp(&a.remote.addr, &b.local.addr, SA_ALL));
	CU_ASSERT(sa_cmp(&b.remote.addr, &a.local.addr, SA_ALL));
	CU_ASSERT(a.until > start + 29 * SEC && a.until < start + 31 * SEC);
	CU_ASSERT(path_rtt(a.p) > 0 && path_rtt(a.p) < SEC);
	CU_ASSERT(a.gathered == 1 && a.failed == 0);
	end_close(&a);
	end_close(&b);
	CU_ASSERT(timers_next(t) == UINT64_MAX);
	site_close(&s[0]);
	site_close(&s[1]);
	mem_deref(t);
}

/* The two ends of a call within one process share a socket. */
static void test_self(void)
{
	struct timers *t = timers_new();
	struct site s;
	struct end a, b;

	site_open(&s, t, NULL);
	end_open(&a, &s, true);
	end_open(&b, &s, false);
	meet(&a, &b);
	run(&s, 1, SEC, &all_found);
	CU_ASSERT(all_found);
	end_close(&a);
	end_close(&b);
	site_close(&s);
	mem_deref(t);
}

static void test_freed_in_handlers(void)
{
	for (int in = IN_CAND; in <= IN_CONSENT; in++) {
		struct timers *t = timers_new();
		struct site s[2];
		struct end a, b;

		site_open(&s[0], t, NULL);
		site_open(&s[1], t, NULL);
		end_open(&a, &s[0], true);
		end_open(&b, &s[1], false);
		pair[0] = NULL;
		b.free_in = in;
		CU_ASSERT_EQUAL(path_gather(a.p), 0);
		CU_ASSERT_EQUAL(path_gather(b.p), 0);
		if (b.p) {
			CU_ASSERT_EQUAL(path_remote(a.p, b.d), 0);
			CU_ASSERT_EQUAL(path_remote(b.p, a.d), 0);
			run(s, 2, 200 * MSEC, NULL);
		}
		CU_ASSERT_PTR_NULL(b.p);
		end_close(&a);
		end_close(&b);
		site_close(&s[0]);
		site_close(&s[1]);
		mem_deref(t);
	}
}

static void test_restart(void)
{
	struct timers *t = timers_new();
	struct site s[2];
	struct end a, b;

	site_open(&s[0], t, NULL);
	site_open(&s[1], t, NULL);
	end_open(&a, &s[0], true);
	end_open(&b, &s[1], false);
	meet(&a, &b);
	run(s, 2, SEC, &all_found);
	CU_ASSERT_FATAL(all_found);
	for (int i = 0; i < 3; i++) {
		char old[64];

		a.d->candc = b.d->candc = 0;
		a.found = b.found = 0;
		all_found = false;
		str_ncpy(old, b.d->ufrag, sizeof old);
		CU_ASSERT_EQUAL(path_restart(a.p), 0);
		CU_ASSERT(strcmp(path_ufrag(a.p), a.d->ufrag));
		str_ncpy(a.d->ufrag, path_ufrag(a.p), sizeof a.d->ufrag);
		str_ncpy(a.d->pwd, path_pwd(a.p), sizeof a.d->pwd);
		run(s, 2, 20 * MSEC, NULL);
		CU_ASSERT_EQUAL(path_remote(b.p, a.d), 0);
		CU_ASSERT(strcmp(path_ufrag(b.p), old));
		str_ncpy(b.d->ufrag, path_ufrag(b.p), sizeof b.d->ufrag);
		str_ncpy(b.d->pwd, path_pwd(b.p), sizeof b.d->pwd);
		CU_ASSERT_EQUAL(path_remote(a.p, b.d), 0);
		run(s, 2, SEC, &all_found);
		CU_ASSERT(a.found == 1 && b.found == 1);
	}
	CU_ASSERT(a.gathered == 4 && b.gathered == 4);
	end_close(&a);
	end_close(&b);
	site_close(&s[0]);
	site_close(&s[1]);
	mem_deref(t);
}

/* A STUN server that sees everybody as 203.0.113.5. */
static void stun_serve(int fd, uint16_t error)
{
	uint8_t buf[256], out[256];
	struct sa src, mapped;
	socklen_t len = sizeof src.u;
	struct stun_out o;
	struct stun_pkt m;
	ssize_t n = recvfrom(fd, buf, sizeof buf, 0, &src.u.sa, &len);

	if (n < 0 || stun_parse(&m, buf, (size_t)n))
		return;
	src.len = len;
	sa_set_str(&mapped, "203.0.113.5", sa_port(&src));
	stun_begin(&o, out, sizeof out, error ? STUN_CLASS_ERROR_RESP
		   : STUN_CLASS_SUCCESS_RESP, m.tid);
	if (error)
		stun_put_error(&o, error, &m);
	else
		stun_put_mapped(&o, &mapped);
	(void)sendto(fd, out, stun_end(&o), 0, &src.u.sa, src.len);
}

/* Milliseconds that gathering takes; answer: 0 mapped, > 0 error, < 0 none */
static unsigned gather_ms(int answer, struct end *a, struct site *s,
			  struct timers *t)
{
	struct sa stun;
	int fd = udp_socket(AF_INET, &stun);
	uint64_t start = clock_ns();

	CU_ASSERT_FATAL(fd >= 0);
	site_open(s, t, &stun);
	end_open(a, s, true);
	CU_ASSERT_EQUAL(path_gather(a->p), 0);
	CU_ASSERT_EQUAL(a->gathered, 0);
	while (!a->gathered && clock_ns() < start + 3 * SEC) {
		if (answer >= 0)
			stun_serve(fd, (uint16_t)answer);
		run(s, 1, 5 * MSEC, NULL);
	}
	close(fd);
	return (unsigned)((clock_ns() - start) / MSEC);
}

static void test_stun(void)
{
	static const struct { int answer; unsigned lo, hi, srflx; } v[] = {
		{ 0, 0, 300, 1 }, { 300, 0, 300, 0 }, { 438, 0, 300, 0 },
		{ -1, 1400, 1900, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct timers *t = timers_new();
		unsigned srflx = 0, ms;
		struct site s;
		struct end a;

		ms = gather_ms(v[i].answer, &a, &s, t);
		CU_ASSERT(a.gathered == 1);
		CU_ASSERT(ms >= v[i].lo && ms <= v[i].hi);
		for (size_t k = 0; k < a.d->candc; k++)
			srflx += a.d->candv[k].type == CAND_SRFLX;
		CU_ASSERT_EQUAL(srflx, v[i].srflx);
		end_close(&a);
		site_close(&s);
		mem_deref(t);
	}
}

/* Servers that DNS brings later, and a change of addresses that is none. */
static void test_later(void)
{
	struct timers *t = timers_new();
	struct sa stun;
	int fd = udp_socket(AF_INET, &stun);
	struct site s;
	struct end a;
	unsigned before;

	site_open(&s, t, NULL);
	end_open(&a, &s, true);
	CU_ASSERT_EQUAL(path_gather(a.p), 0);
	before = a.candc;
	paths_changed(s.ps);
	CU_ASSERT(a.candc == before && a.gathered == 1);
	paths_stun_set(s.ps, &stun, 1);
	for (int i = 0; i < 20 && a.candc == before; i++) {
		stun_serve(fd, 0);
		run(&s, 1, 5 * MSEC, NULL);
	}
	CU_ASSERT(a.candc == before + 1 && a.gathered == 1);
	close(fd);
	end_close(&a);
	site_close(&s);
	mem_deref(t);
}

/* In a namespace of its own, where addresses may come and go; 77: none. */
static int inside_changed(void)
{
	struct timers *t;
	struct site s;
	struct end a;
	unsigned n;
	int bad = 0;

	if (unshare(CLONE_NEWNET) || system("ip link set lo up 2>/dev/null"))
		return 77;
	t = timers_new();
	site_open(&s, t, NULL);
	s.mute = true;
	end_open(&a, &s, true);
	bad |= path_gather(a.p);
	n = a.candc;
	bad |= system("ip addr add 127.0.0.77/32 dev lo");
	paths_changed(s.ps);
	bad |= a.candc != n + 1;
	bad |= system("ip addr del 127.0.0.77/32 dev lo");
	paths_changed(s.ps);
	bad |= a.candc != n + 1;
	/* gone means gone: it is news when it comes back */
	bad |= system("ip addr add 127.0.0.77/32 dev lo");
	paths_changed(s.ps);
	bad |= a.candc != n + 2 || a.gathered != 1;
	end_close(&a);
	site_close(&s);
	mem_deref(t);
	return bad ? 1 : 0;
}

static void test_changed(void)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid)
		_exit(inside_changed());
	CU_ASSERT_FATAL(pid > 0 && waitpid(pid, &status, 0) == pid);
	CU_ASSERT(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		printf("skipped: paths: no network namespace to be had\n");
	else
		CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
}

/* What is for nobody, or nothing, gets no answer. */
static void test_silence(void)
{
	struct timers *t = timers_new();
	uint8_t buf[STUN_REQUEST_MAX];
	static const uint8_t tid[STUN_TID_SIZE];
	uint32_t seed = 1;
	struct stun_out o;
	struct site s;
	struct end a;
	size_t n;

	site_open(&s, t, NULL);
	end_open(&a, &s, true);
	CU_ASSERT_EQUAL(path_gather(a.p), 0);
	s.sent = 0;
	stun_begin(&o, buf, sizeof buf, STUN_CLASS_REQUEST, tid);
	stun_put(&o, STUN_ATTR_USERNAME, "ABCDEFGH:ABCD", 13);
	stun_put_key(&o, path_pwd(a.p));
	stun_put_fingerprint(&o);
	n = stun_end(&o);
	paths_recv(s.ps, IPPROTO_UDP, &s.sa[0], &s.sa[0], buf, n);
	for (int i = 0; i < 100000; i++) {
		uint8_t junk[STUN_REQUEST_MAX];

		memcpy(junk, buf, n);
		for (int k = 0; k < 8; k++) {
			seed = seed * 1664525 + 1013904223;
			junk[(seed >> 8) % n] = (uint8_t)(seed >> 24);
		}
		paths_recv(s.ps, IPPROTO_UDP, &s.sa[0], &s.sa[0], junk,
			   seed % (n + 1));
		paths_recv(s.ps, IPPROTO_UDP, &s.sa[0], &s.sa[0], junk, n);
	}
	CU_ASSERT_EQUAL(s.sent, 0);
	end_close(&a);
	site_close(&s);
	mem_deref(t);
}

/* Many calls on two sockets; what one idle path costs. */
static void test_many(void)
{
	enum { N = 300 };
	struct timers *t = timers_new();
	struct end *v = mem_zalloc(2 * N * sizeof *v, NULL);
	struct site s[2];
	size_t before, bytes, desc = 0;
	unsigned found = 0;

	site_open(&s[0], t, NULL);
	site_open(&s[1], t, NULL);
	pair[0] = NULL;
	before = mallinfo2().uordblks;
	for (int i = 0; i < N; i++) {
		size_t d = mallinfo2().uordblks;

		end_open(&v[2 * i], &s[0], true);
		end_open(&v[2 * i + 1], &s[1], false);
		desc = max(desc, mallinfo2().uordblks - d);
		meet(&v[2 * i], &v[2 * i + 1]);
		run(s, 2, MSEC, NULL);
	}
	run(s, 2, 200 * MSEC, NULL);
	for (int i = 0; i < 2 * N; i++) {
		found += v[i].found == 1;
		v[i].d = mem_deref(v[i].d);
	}
	bytes = (mallinfo2().uordblks - before) / (2 * N);
	printf("paths: %u bytes for an idle path\n", (unsigned)bytes);
	CU_ASSERT_EQUAL(found, 2 * N);
	CU_ASSERT(bytes < 6144);
	for (int i = 0; i < 2 * N; i++)
		end_close(&v[i]);
	site_close(&s[0]);
	site_close(&s[1]);
	mem_deref(v);
	mem_deref(t);
}

static int fail_run(void *arg)
{
	struct path_handlers none = { 0 };
	struct paths_conf conf = {
		.port4 = 5000, .port6 = 5000, .interfaces = "lo",
		.sendh = site_send, .timers = NULL, .arg = arg,
	};
	struct paths *ps = NULL;
	struct path *p = NULL;
	int err = timers_alloc(&conf.timers);

	if (!err)
		err = paths_alloc(&ps, &conf);
	if (!err)
		err = path_alloc(&p, ps, true, &none, NULL);
	if (!err)
		err = path_restart(p);
	mem_deref(p);
	mem_deref(ps);
	mem_deref(conf.timers);
	return err;
}

static void test_nomem(void)
{
	FAIL_EACH(fail_run, NULL);
}

UNIT_SUITE("paths",
	{ "loopback", test_loopback },
	{ "self", test_self },
	{ "freed in handlers", test_freed_in_handlers },
	{ "restart", test_restart },
	{ "stun", test_stun },
	{ "later", test_later },
	{ "changed", test_changed },
	{ "silence", test_silence },
	{ "many", test_many },
	{ "no memory", test_nomem })
