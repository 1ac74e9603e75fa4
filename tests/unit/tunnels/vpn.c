/*
 * vpn.c: tests the kind `vpn` with two hosts that are network namespaces:
 * their kernels talk through both ends of it, joined by a wire in memory.
 *
 *   near ns: socket -- TUN -- caller ==fakedgram== callee -- TUN -- far ns
 *
 * Without the right to make namespaces the words alone are tested.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/unit/fail.h"
#include "tests/unit/fakedgram.h"
#include "tests/unit/tunnels/rig.h"

enum { NEAR, FAR };

struct pair {
	struct loop *loop;
	struct desc *offer, *answer;
	struct rig_side side[2];
	struct dgram *dgram[2];
	const char *keyv[2][24];        /* key, value, ..., NULL */
	struct tunnel_ask ask[2];
	char why[256];
	int err;
};

static int nsv[2] = { -1, -1 };         /* namespaces of the hosts */
static int home = -1;

static const char *confh(const char *key, void *arg)
{
	const char **kv = arg;

	for (; *kv; kv += 2)
		if (!strcmp(*kv, key))
			return kv[1];
	return NULL;
}

static int in_ns(int which, int (*h)(void *arg), void *arg)
{
	int err;

	CU_ASSERT_EQUAL_FATAL(setns(nsv[which], CLONE_NEWNET), 0);
	err = h(arg);
	CU_ASSERT_EQUAL_FATAL(setns(home, CLONE_NEWNET), 0);
	return err;
}

static int lo_up(void *arg)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	const int s = socket(AF_INET, SOCK_DGRAM, 0);
	(void)arg;

	CU_ASSERT_EQUAL(ioctl(s, SIOCSIFFLAGS, &r), 0);
	return close(s);
}

static bool make_hosts(void)
{
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 2; i++) {
		if (unshare(CLONE_NEWNET))
			return false;
		nsv[i] = open("/proc/thread-self/ns/net",
			      O_RDONLY | O_CLOEXEC);
	}
	CU_ASSERT_EQUAL(setns(home, CLONE_NEWNET), 0);
	if (access("/dev/net/tun", R_OK | W_OK))
		return false;
	in_ns(NEAR, lo_up, NULL);
	in_ns(FAR, lo_up, NULL);
	return true;
}

/* false: not here, which is told once. */
static bool hosts(void)
{
	static int are = -1;

	if (are < 0) {
		are = make_hosts();
		if (!are)
			printf("vpn: skipped but for the words: no network"
			       " namespace or no /dev/net/tun here\n");
	}
	return are;
}

static void pair_open(struct pair *p, const char *const *near,
		      const char *const *far, const char *allow)
{
	memset(p, 0, sizeof *p);
	for (int i = 0; near && near[i]; i++)
		p->keyv[NEAR][i] = near[i];
	for (int i = 0; far && far[i]; i++)
		p->keyv[FAR][i] = far[i];
	for (int i = 0; i < 2; i++)
		p->ask[i] = (struct tunnel_ask){
			.peer = i ? "alice" : "bob", .confh = confh,
			.arg = p->keyv[i], .why = p->why, .fd_in = -1,
			.fd_out = -1, .why_size = sizeof p->why,
			.allow = allow };
}

static int negotiate(struct pair *p, char *const *argv, size_t argc)
{
	const struct tunnel_kind *k = tunnel_find("vpn");
	struct desc_media *m;
	int err;

	p->ask[NEAR].argv = argv;
	p->ask[NEAR].argc = argc;
	err = desc_alloc(&p->offer);
	if (!err)
		err = desc_media_add(p->offer, &m, DESC_DTLS, "vpn");
	if (!err)
		err = k->offer(&p->side[NEAR].t, &p->ask[NEAR], m);
	if (!err)
		err = desc_answer_init(&p->answer, p->offer);
	return err ? err : k->answer(&p->side[FAR].t, &p->ask[FAR],
				     p->offer->mediav, p->answer->mediav);
}

static void param(const struct desc_media *m, const char *key,
		  const char *want)
{
	char text[256] = "";

	(void)desc_param_get(m, key, text, sizeof text);
	CU_ASSERT_STRING_EQUAL(text, want);
}

static void done_handler(int err, const char *why, void *arg)
{
	struct rig_side *s = arg;

	s->done = true;
	s->err = err;
	(void)re_snprintf(s->why, sizeof s->why, "%s", why);
}

static void progress_handler(const struct tunnel_progress *t, void *arg)
{
	struct rig_side *s = arg;

	if (t->note)
		(void)re_snprintf(s->notes, sizeof s->notes, "%s", t->note);
}

struct start {
	struct pair *p;
	int i;
};

static int start_one(void *arg)
{
	const struct start *st = arg;
	struct pair *p = st->p;
	struct rig_side *s = &p->side[st->i];
	const struct tunnel_way way = { .dgram = p->dgram[st->i],
					.loop = p->loop };
	const struct tunnel_events ev = { progress_handler, done_handler, s };

	return tunnel_find("vpn")->start(s->t, st->i == NEAR ?
					 p->answer->mediav : p->offer->mediav,
					 &way, &ev);
}

static void start_both(void *arg)
{
	struct pair *p = arg;

	p->err = fakedgram_alloc(&p->dgram[NEAR], &p->dgram[FAR], p->loop);
	for (int i = FAR; i >= NEAR && !p->err; i--) {
		struct start st = { p, i };

		p->err = in_ns(i, start_one, &st);
	}
}

static void stop_both(void *arg)
{
	struct pair *p = arg;

	for (int i = 0; i < 2; i++) {
		p->side[i].t = mem_deref(p->side[i].t);
		p->dgram[i] = mem_deref(p->dgram[i]);
	}
}

static void nothing(void *arg)
{
	(void)arg;
}

/* What the worker has done by then may be looked at. */
static void settle(struct pair *p, unsigned us)
{
	usleep(us);
	fake_call(p->loop, nothing, NULL);
}

static void pair_start(struct pair *p)
{
	CU_ASSERT_EQUAL_FATAL(loop_alloc(&p->loop, "vpn"), 0);
	fake_call(p->loop, start_both, p);
	CU_ASSERT_EQUAL_FATAL(p->err, 0);
	settle(p, 20000);       /* until an ending would be told */
}

static void pair_close(struct pair *p)
{
	if (p->loop)
		fake_call(p->loop, stop_both, p);
	else
		stop_both(p);
	mem_deref(p->loop);
	mem_deref(p->offer);
	mem_deref(p->answer);
}

/* --- words ------------------------------------------------------------- */

static const char *const office[] = {
	"/", "office", "office/", "office",
	"office/address", "10.7.0.1/24,fd07::1/64",
	"office/routes", "192.0.2.0/24", "office/dns", "10.7.0.1",
	"office/peer-to-peer", "yes", NULL
};

static void test_words(void)
{
	char *const bad[] = { (char *)"office", (char *)"dance" };
	char *const named[] = { (char *)"office" };
	char *const other[] = { (char *)"home" };
	const struct desc_media *m;
	struct pair p;

	pair_open(&p, NULL, office, "office 10.7.0.9 fd07::9");
	CU_ASSERT_EQUAL(negotiate(&p, named, 1), 0);
	m = p.answer->mediav;
	param(p.offer->mediav, "net", "office");
	param(m, "net", "office");
	param(m, "address", "10.7.0.9/24,fd07::9/64");
	param(m, "gateway", "10.7.0.1,fd07::1");
	param(m, "routes", "192.0.2.0/24");
	param(m, "dns", "10.7.0.1");
	pair_close(&p);
	pair_open(&p, NULL, office, "");
	CU_ASSERT_EQUAL(negotiate(&p, NULL, 0), 0);
	param(p.answer->mediav, "net", "office");
	pair_close(&p);
	pair_open(&p, NULL, office, "office");
	CU_ASSERT_EQUAL(negotiate(&p, other, 1), EACCES);
	pair_close(&p);
	pair_open(&p, NULL, office, "");
	CU_ASSERT_EQUAL(negotiate(&p, other, 1), EACCES);
	CU_ASSERT(strstr(p.why, "no network home") != NULL);
	pair_close(&p);
	pair_open(&p, NULL, NULL, "");
	CU_ASSERT_EQUAL(negotiate(&p, NULL, 0), EACCES);
	pair_close(&p);
	pair_open(&p, NULL, office, "");
	CU_ASSERT_EQUAL(negotiate(&p, bad, 2), EINVAL);
	CU_ASSERT(strstr(p.why, "dance") != NULL);
	pair_close(&p);
}

/* --- packets ----------------------------------------------------------- */

static int listen_tcp(void *arg)
{
	const int s = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
				  .sin6_port = htons(7000) };
	const int no = 0, yes = 1;

	(void)arg;
	(void)setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
	(void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	CU_ASSERT_EQUAL(bind(s, (struct sockaddr *)&a, sizeof a), 0);
	CU_ASSERT_EQUAL(listen(s, 1), 0);
	return s;
}

static void address(struct sockaddr_in6 *a, const char *to)
{
	memset(a, 0, sizeof *a);
	a->sin6_family = AF_INET6;
	a->sin6_port = htons(7000);
	CU_ASSERT_EQUAL(inet_pton(AF_INET6, to, &a->sin6_addr), 1);
}

struct dial {
	const char *to;
	int type;
};

static int connect_to(void *arg)
{
	const struct dial *d = arg;
	const int s = socket(AF_INET6, d->type | SOCK_CLOEXEC, 0);
	const struct timeval wait = { 5, 0 };
	const int no = 0;
	struct sockaddr_in6 a;

	address(&a, d->to);
	(void)setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
	(void)setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	(void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	if (connect(s, (struct sockaddr *)&a, sizeof a)) {
		close(s);
		return -1;
	}
	return s;
}

static void fill(uint8_t *buf, size_t n, uint32_t at)
{
	for (size_t i = 0; i < n; i++)
		buf[i] = (uint8_t)((at + i) * 2654435761u >> 13);
}

/* Bytes both ways at once, all of them right. */
static void tcp_through(const char *to, size_t total)
{
	static uint8_t out[65536], in[65536], want[65536];
	struct dial d = { to, SOCK_STREAM };
	const int l = in_ns(FAR, listen_tcp, NULL);
	int fdv[2];
	size_t sent[2] = { 0 }, got[2] = { 0 };

	fdv[0] = in_ns(NEAR, connect_to, &d);
	CU_ASSERT_FATAL(fdv[0] >= 0);
	fdv[1] = accept(l, NULL, NULL);
	close(l);
	for (int i = 0; i < 2; i++)
		(void)fcntl(fdv[i], F_SETFL, O_NONBLOCK);
	while (got[0] < total || got[1] < total) {
		struct pollfd pf[2];
		ssize_t n;

		for (int i = 0; i < 2; i++)
			pf[i] = (struct pollfd){ fdv[i], (short)(POLLIN |
				(sent[i] < total ? POLLOUT : 0)), 0 };
		if (poll(pf, 2, 5000) <= 0)
			break;
		for (int i = 0; i < 2; i++) {
			const size_t left = total - sent[i];
			const size_t len = left < sizeof out ? left :
				sizeof out;

			fill(out, len, (uint32_t)sent[i]);
			n = len ? write(fdv[i], out, len) : 0;
			sent[i] += n > 0 ? (size_t)n : 0;
			n = read(fdv[i], in, sizeof in);
			if (n <= 0)
				continue;
			fill(want, (size_t)n, (uint32_t)got[i]);
			CU_ASSERT_FATAL(!memcmp(in, want, (size_t)n));
			got[i] += (size_t)n;
		}
	}
	CU_ASSERT_EQUAL(got[0], total);
	CU_ASSERT_EQUAL(got[1], total);
	close(fdv[0]);
	close(fdv[1]);
}

static int udp_bind(void *arg)
{
	const int s = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const struct timeval wait = { 2, 0 };
	const int no = 0, size = 4 << 20;
	struct sockaddr_in6 a;

	(void)arg;
	address(&a, "::");
	(void)setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
	(void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	(void)setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	CU_ASSERT_EQUAL(bind(s, (struct sockaddr *)&a, sizeof a), 0);
	return s;
}

/* Datagrams of one size, by the kernel's own segmentation too, then one that
 * must be fragmented. */
static void udp_through(const char *to)
{
	static uint8_t out[40000], in[40000];
	struct dial d = { to, SOCK_DGRAM };
	const int l = in_ns(FAR, udp_bind, NULL);
	const int s = in_ns(NEAR, connect_to, &d);
	const int seg = 1000;
	int n = 0;

	fill(out, sizeof out, 9);
	for (int i = 0; i < 50; i++)
		CU_ASSERT_EQUAL(send(s, out + i, 700, 0), 700);
	for (int i = 0; i < 50; i++) {
		CU_ASSERT_EQUAL(recv(l, in, sizeof in, 0), 700);
		CU_ASSERT(!memcmp(in, out + i, 700));
	}
	if (!setsockopt(s, SOL_UDP, UDP_SEGMENT, &seg, sizeof seg) &&
	    send(s, out, 30500, 0) == 30500)
		for (; n < 31; n++) {
			const ssize_t len = n < 30 ? seg : 500;

			CU_ASSERT_EQUAL(recv(l, in, sizeof in, 0), len);
			CU_ASSERT(!memcmp(in, out + n * seg, (size_t)len));
		}
	close(s);
	close(l);
}

static void running(const char *const *near, char *const *argv, size_t argc,
		    struct pair *p)
{
	pair_open(p, near, office, "");
	CU_ASSERT_EQUAL_FATAL(negotiate(p, argv, argc), 0);
	pair_start(p);
	CU_ASSERT_FALSE(p->side[NEAR].done);
	CU_ASSERT_FALSE(p->side[FAR].done);
	CU_ASSERT(strstr(p->side[NEAR].notes, "we are 10.7.0.") != NULL);
}

static int if_count(void *arg)
{
	struct if_nameindex *v = if_nameindex();
	int n = 0;
	(void)arg;

	while (v && v[n].if_index)
		n++;
	if_freenameindex(v);
	return n;
}

static void test_through(void)
{
	struct pair p;
	int before;

	if (!hosts())
		return;
	before = in_ns(NEAR, if_count, NULL);
	running(NULL, NULL, 0, &p);
	CU_ASSERT_EQUAL(in_ns(NEAR, if_count, NULL), before + 1);
	tcp_through("::ffff:10.7.0.1", 20000000);
	tcp_through("fd07::1", 20000000);
	udp_through("::ffff:10.7.0.1");
	udp_through("fd07::1");
	pair_close(&p);
	CU_ASSERT_EQUAL(in_ns(NEAR, if_count, NULL), before);
	CU_ASSERT_EQUAL(in_ns(FAR, if_count, NULL), before);
}

static void narrow_handler(void *arg)
{
	struct pair *p = arg;

	fakedgram_mtu(p->dgram[NEAR], 1195);
	fakedgram_mtu(p->dgram[FAR], 1195);
}

/* The path shrinks below what IPv6 asks for; some of it is lost and comes out
 * of order. */
static void rough_handler(void *arg)
{
	struct pair *p = arg;

	fakedgram_drop(p->dgram[NEAR], 1001);
	fakedgram_swap(p->dgram[FAR], 77);
}

static void test_rough(void)
{
	struct pair p;

	if (!hosts())
		return;
	running(NULL, NULL, 0, &p);
	tcp_through("fd07::1", 1000000);
	fake_call(p.loop, narrow_handler, &p);
	tcp_through("::ffff:10.7.0.1", 2000000);
	tcp_through("fd07::1", 2000000);
	fake_call(p.loop, rough_handler, &p);
	tcp_through("::ffff:10.7.0.1", 2000000);
	pair_close(&p);
}

struct inject {
	struct pair *p;
	const char *source;
};

/* As from a peer that lies about its address. */
static void inject_handler(void *arg)
{
	const struct inject *in = arg;
	uint8_t b[28] = { 0x45, 0, 0, 28, 0, 0, 0, 0, 9, 17 };

	CU_ASSERT_EQUAL(inet_pton(AF_INET, in->source, b + 12), 1);
	CU_ASSERT_EQUAL(inet_pton(AF_INET, "10.7.0.1", b + 16), 1);
	CU_ASSERT_EQUAL(dgram_put(in->p->dgram[NEAR], b, sizeof b), 0);
	memset(b, 0xff, sizeof b);
	CU_ASSERT_EQUAL(dgram_put(in->p->dgram[NEAR], b, sizeof b), 0);
}

struct ask_status {
	struct pair *p;
	int i;
	char buf[256];
};

/* On the worker, whose counters they are. */
static void status_handler(void *arg)
{
	struct ask_status *a = arg;

	(void)re_snprintf(a->buf, sizeof a->buf, "%H",
			  tunnel_find("vpn")->status, a->p->side[a->i].t);
}

static void test_liar(void)
{
	struct inject in = { .source = "10.7.0.200" };
	struct pair p;
	struct ask_status st;

	if (!hosts())
		return;
	running(NULL, NULL, 0, &p);
	in.p = &p;
	fake_call(p.loop, inject_handler, &in);
	in.source = "192.0.2.9";
	fake_call(p.loop, inject_handler, &in);
	usleep(50000);
	st = (struct ask_status){ .p = &p, .i = FAR };
	fake_call(p.loop, status_handler, &st);
	CU_ASSERT(strstr(st.buf, "wrong-source=2 ") != NULL);
	CU_ASSERT(strstr(st.buf, "bad=2") != NULL);
	pair_close(&p);
}

/* A network that this host is in already is not joined. */
static void test_conflict(void)
{
	struct pair p, q;

	if (!hosts())
		return;
	running(NULL, NULL, 0, &p);
	pair_open(&q, NULL, office, "");
	CU_ASSERT_EQUAL_FATAL(negotiate(&q, NULL, 0), 0);
	pair_start(&q);
	CU_ASSERT_TRUE(q.side[NEAR].done);
	CU_ASSERT_EQUAL(q.side[NEAR].err, EADDRINUSE);
	pair_close(&q);
	tcp_through("fd07::1", 100000);
	pair_close(&p);
}

static int whole_words(void *arg)
{
	char *argv[] = { (char *)"office" };
	struct pair p;
	int err;
	(void)arg;

	pair_open(&p, NULL, office, "office");
	err = negotiate(&p, argv, 1);
	pair_close(&p);
	return err;
}

static void test_no_memory(void)
{
	FAIL_EACH(whole_words, NULL);
}

UNIT_SUITE("vpn",
	   { "words", test_words },
	   { "words without memory", test_no_memory },
	   { "through two kernels", test_through },
	   { "a rough path", test_rough },
	   { "a liar", test_liar },
	   { "conflict", test_conflict })
