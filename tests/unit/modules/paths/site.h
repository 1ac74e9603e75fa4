/*
 * site.h: for the tests of modules/path/path.c, paths.c and finders.c: whole
 * paths on real sockets of the loopback interface.
 *
 *   end: path, what it said --> site: two sockets, what shares them
 *   run: everything, for a time or until something is so
 */
#ifndef DIALTONE_PATHS_SITE_H
#define DIALTONE_PATHS_SITE_H

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "modules/path/path.h"
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
	unsigned candc, gathered, found, failed;
	uint64_t found_at, until;
	struct cand local, remote;
	int free_in;            /* handler number that frees the path */
};

enum { IN_CAND = 1, IN_GATHERED, IN_FOUND, IN_CONSENT };

static inline int udp_socket(int af, struct sa *sa)
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

static inline int site_send(int proto, const struct sa *local,
			    const struct sa *dst, const uint8_t *buf,
			    size_t len, void *arg)
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

static inline void site_open(struct site *s, struct timers *timers,
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

static inline void site_close(struct site *s)
{
	mem_deref(s->ps);
	for (int i = 0; i < 2; i++)
		if (s->fd[i] >= 0)
			close(s->fd[i]);
}

static inline void site_read(struct site *s)
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
static inline void run(struct site *sitev, size_t n, uint64_t t,
		       const bool *enough)
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

static inline bool freed(struct end *e, int in)
{
	if (e->free_in != in)
		return false;
	e->p = mem_deref(e->p);
	return true;
}

static inline void on_cand(const struct cand *c, void *arg)
{
	struct end *e = arg;

	CU_ASSERT_PTR_NOT_NULL(e->p);
	e->candc++;
	CU_ASSERT_EQUAL(desc_cand_add(e->d, c), 0);
	(void)freed(e, IN_CAND);
}

static inline void on_gathered(void *arg)
{
	struct end *e = arg;

	CU_ASSERT_PTR_NOT_NULL(e->p);
	e->gathered++;
	e->d->complete = true;
	(void)freed(e, IN_GATHERED);
}

static inline void on_found(const struct cand *local,
			    const struct cand *remote, void *arg)
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

static inline void on_consent(uint64_t until, void *arg)
{
	struct end *e = arg;

	CU_ASSERT_PTR_NOT_NULL(e->p);
	e->until = until;
	(void)freed(e, IN_CONSENT);
}

static inline void on_fail(enum path_fail why, void *arg)
{
	(void)why;
	((struct end *)arg)->failed++;
}

static const struct path_handlers handlers = {
	.candh = on_cand, .gatheredh = on_gathered, .foundh = on_found,
	.consenth = on_consent, .failh = on_fail,
};

static inline void end_open(struct end *e, struct site *s, bool controlling)
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

static inline void end_close(struct end *e)
{
	mem_deref(e->p);
	mem_deref(e->d);
}

/* Two processes with one path each; the first controls. */
static inline void two_open(struct site s[2], struct timers *t,
			    struct end *a, struct end *b)
{
	site_open(&s[0], t, NULL);
	site_open(&s[1], t, NULL);
	end_open(a, &s[0], true);
	end_open(b, &s[1], false);
}

static inline void two_close(struct site s[2], struct end *a, struct end *b)
{
	end_close(a);
	end_close(b);
	site_close(&s[0]);
	site_close(&s[1]);
}

static inline void meet(struct end *a, struct end *b)
{
	all_found = false;
	pair[0] = a;
	pair[1] = b;
	CU_ASSERT_EQUAL(path_gather(a->p), 0);
	CU_ASSERT_EQUAL(path_gather(b->p), 0);
	CU_ASSERT_EQUAL(path_remote(b->p, a->d), 0);
	CU_ASSERT_EQUAL(path_remote(a->p, b->d), 0);
}

static inline struct timers *timers_new(void)
{
	struct timers *t;

	CU_ASSERT_EQUAL_FATAL(timers_alloc(&t), 0);
	return t;
}

#endif
