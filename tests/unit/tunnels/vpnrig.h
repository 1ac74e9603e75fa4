/*
 * vpnrig.h: both ends of the tunnel `vpn` on two hosts that are network
 * namespaces: their kernels talk through it, and it over a wire in memory.
 *
 *   near ns: socket -- TUN -- caller ==fakedgram== callee -- TUN -- far ns
 *
 *   if (!hosts()) return;   no right to make them: that is told
 *   running(NULL, NULL, 0, &p); tcp_through("fd07::1", n); pair_close(&p);
 */
#ifndef DIALTONE_VPNRIG_H
#define DIALTONE_VPNRIG_H

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

static inline const char *confh(const char *key, void *arg)
{
	const char **kv = arg;

	for (; *kv; kv += 2)
		if (!strcmp(*kv, key))
			return kv[1];
	return NULL;
}

static inline int in_ns(int which, int (*h)(void *arg), void *arg)
{
	int err;

	CU_ASSERT_EQUAL_FATAL(setns(nsv[which], CLONE_NEWNET), 0);
	err = h(arg);
	CU_ASSERT_EQUAL_FATAL(setns(home, CLONE_NEWNET), 0);
	return err;
}

static inline int lo_up(void *arg)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	const int s = socket(AF_INET, SOCK_DGRAM, 0);
	(void)arg;

	CU_ASSERT_EQUAL(ioctl(s, SIOCSIFFLAGS, &r), 0);
	return close(s);
}

static inline bool make_hosts(void)
{
	const int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (tun < 0)
		return false;
	(void)close(tun);
	home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 2; i++) {
		if (unshare(CLONE_NEWNET))
			return false;
		nsv[i] = open("/proc/thread-self/ns/net",
			      O_RDONLY | O_CLOEXEC);
	}
	CU_ASSERT_EQUAL(setns(home, CLONE_NEWNET), 0);
	in_ns(NEAR, lo_up, NULL);
	in_ns(FAR, lo_up, NULL);
	return true;
}

/* false: not here, which is told once. */
static inline bool hosts(void)
{
	static int are = -1;

	if (are < 0) {
		are = make_hosts();
		if (!are)
			printf("skipped: vpn, but for the words: no network"
			       " namespace or no /dev/net/tun: %s\n",
			       strerror(errno));
	}
	return are;
}

static inline void pair_open(struct pair *p, const char *const *near,
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

static inline int negotiate(struct pair *p, char *const *argv, size_t argc)
{
	const struct tunnel_kind *k = tunnel_find("vpn");
	struct desc_media *m;
	int err;

	p->ask[NEAR].argv = argv;
	p->ask[NEAR].argc = argc;
	err = desc_alloc(&p->offer);
	if (!err)
		err = media_add(p->offer, &m, DESC_DTLS, "vpn");
	if (!err)
		err = k->offer(&p->side[NEAR].t, &p->ask[NEAR], m);
	if (!err)
		err = desc_answer_init(&p->answer, p->offer);
	return err ? err : k->answer(&p->side[FAR].t, &p->ask[FAR],
				     p->offer->mediav, p->answer->mediav);
}

static inline void param(const struct desc_media *m, const char *key,
			 const char *want)
{
	char text[256] = "";

	(void)desc_param_get(m, key, text, sizeof text);
	CU_ASSERT_STRING_EQUAL(text, want);
}

static inline void done_handler(int err, const char *why, void *arg)
{
	struct rig_side *s = arg;

	s->done = true;
	s->err = err;
	(void)re_snprintf(s->why, sizeof s->why, "%s", why);
}

static inline void progress_handler(const struct tunnel_progress *t,
				    void *arg)
{
	struct rig_side *s = arg;

	if (t->note)
		(void)re_snprintf(s->notes, sizeof s->notes, "%s", t->note);
}

struct start {
	struct pair *p;
	int i;
};

static inline int start_one(void *arg)
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

static inline void start_both(void *arg)
{
	struct pair *p = arg;

	p->err = fakedgram_alloc(&p->dgram[NEAR], &p->dgram[FAR], p->loop);
	for (int i = FAR; i >= NEAR && !p->err; i--) {
		struct start st = { p, i };

		p->err = in_ns(i, start_one, &st);
	}
}

static inline void stop_both(void *arg)
{
	struct pair *p = arg;

	for (int i = 0; i < 2; i++) {
		p->side[i].t = mem_deref(p->side[i].t);
		p->dgram[i] = mem_deref(p->dgram[i]);
	}
}

static inline void nothing(void *arg)
{
	(void)arg;
}

/* What the worker has done by then may be looked at. */
static inline void settle(struct pair *p, unsigned us)
{
	usleep(us);
	fake_call(p->loop, nothing, NULL);
}

static inline void pair_start(struct pair *p)
{
	CU_ASSERT_EQUAL_FATAL(loop_alloc(&p->loop, "vpn"), 0);
	fake_call(p->loop, start_both, p);
	CU_ASSERT_EQUAL_FATAL(p->err, 0);
	settle(p, 20000);       /* until an ending would be told */
}

static inline void pair_close(struct pair *p)
{
	if (p->loop)
		fake_call(p->loop, stop_both, p);
	else
		stop_both(p);
	mem_deref(p->loop);
	mem_deref(p->offer);
	mem_deref(p->answer);
}

static const char *const office[] = {
	"/", "office", "office/", "office",
	"office/address", "10.7.0.1/24,fd07::1/64",
	"office/routes", "192.0.2.0/24", "office/dns", "10.7.0.1",
	"office/peer-to-peer", "yes", NULL
};

static inline int listen_tcp(void *arg)
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

static inline void address(struct sockaddr_in6 *a, const char *to)
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

static inline int connect_to(void *arg)
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

static inline void fill(uint8_t *buf, size_t n, uint32_t at)
{
	for (size_t i = 0; i < n; i++)
		buf[i] = (uint8_t)((at + i) * 2654435761u >> 13);
}

/* Bytes both ways at once, all of them right. */
static inline void tcp_through(const char *to, size_t total)
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

static inline void running(const char *const *near, char *const *argv,
			   size_t argc, struct pair *p)
{
	pair_open(p, near, office, "");
	CU_ASSERT_EQUAL_FATAL(negotiate(p, argv, argc), 0);
	pair_start(p);
	CU_ASSERT_FALSE(p->side[NEAR].done);
	CU_ASSERT_FALSE(p->side[FAR].done);
	CU_ASSERT(strstr(p->side[NEAR].notes, "we are 10.7.0.") != NULL);
}

static inline int if_count(void *arg)
{
	struct if_nameindex *v = if_nameindex();
	int n = 0;
	(void)arg;

	while (v && v[n].if_index)
		n++;
	if_freenameindex(v);
	return n;
}

struct ask_status {
	struct pair *p;
	int i;
	char buf[256];
};

/* On the worker, whose counters they are. */
static inline void status_handler(void *arg)
{
	struct ask_status *a = arg;

	(void)re_snprintf(a->buf, sizeof a->buf, "%H",
			  tunnel_find("vpn")->status, a->p->side[a->i].t);
}

#endif
