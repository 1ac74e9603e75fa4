/*
 * gathering.c: one path and what is around it: a STUN server beside it, one
 * that comes later, addresses that change, packets for nobody
 * (modules/path/paths.c, finders.c).
 */
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include "modules/path/stun.h"
#include "tests/unit/modules/paths/site.h"

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

/* What is answered ends before what is given up, however slow the machine. */
static void test_stun(void)
{
	static const struct { int answer; unsigned lo, hi, srflx; } v[] = {
		{ 0, 0, 1300, 1 }, { 300, 0, 1300, 0 }, { 438, 0, 1300, 0 },
		{ -1, 1400, 2900, 0 },
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

/* A peer, and that peer once more: from the second on it is a restart. */
static int two_lives(struct path *p)
{
	static const char *const ufragv[] = { "abcd", "efgh" };
	struct desc d = { .pwd = "0123456789012345678901" };
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ufragv) && !err; i++) {
		str_ncpy(d.ufrag, ufragv[i], sizeof d.ufrag);
		err = path_remote(p, &d);
	}
	return err;
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
		err = path_gather(p);
	if (!err)
		err = two_lives(p);
	mem_deref(p);
	mem_deref(ps);
	mem_deref(conf.timers);
	return err;
}

static void test_nomem(void)
{
	FAIL_EACH(fail_run, NULL);
}

UNIT_SUITE("paths/gathering",
	{ "stun", test_stun },
	{ "later", test_later },
	{ "changed", test_changed },
	{ "silence", test_silence },
	{ "no memory", test_nomem })
