/*
 * dialout.c: a connection to a host by name or address, or a Unix socket.
 *
 *   name -> thread: getaddrinfo -> addresses, filtered
 *        -> connect the first; the next when it has failed or is late
 *        -> the first that is connected wins (RFC 8305, the simple part)
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "tunnels/forward/dialout.h"
#include "tunnels/forward/unixsock.h"
#include "tunnels/errand.h"

enum { ADDRS_MAX = 16 };
#define NEXT_DELAY (250 * MSEC)         /* RFC 8305, 5 */
#define TOTAL_TIME (20 * SEC)

struct attempt {
	struct dialout *d;
	struct loop_fd lf;
	int fd;                         /* -1: none, or over */
};

struct dialout {
	struct loop *loop;
	int type;                       /* of socket(2) */
	struct errand *errand;
	struct loop_defer defer;
	struct timer next_tmr, total_tmr;
	struct sa addrv[ADDRS_MAX];
	struct attempt attemptv[ADDRS_MAX];
	size_t addrc, started, failed;
	char *path;                     /* of a Unix socket, else NULL */
	int err;
	bool done;
	dialout_allow_h *allowh;
	dialout_h *h;
	void *arg;
};

struct lookup {
	char *host;
	uint16_t port;
	int err;
	struct addrinfo *ai;
};

static void attempt_close(struct attempt *a)
{
	loop_unwatch(&a->lf);
	if (a->fd >= 0)
		(void)close(a->fd);
	a->fd = -1;
}

static void dialout_destructor(void *arg)
{
	struct dialout *d = arg;

	mem_deref(d->errand);
	loop_defer_cancel(d->loop, &d->defer);
	timer_stop(&d->next_tmr);
	timer_stop(&d->total_tmr);
	for (size_t i = 0; i < d->started; i++)
		attempt_close(&d->attemptv[i]);
	mem_deref(d->path);
}

void dialout_options(int fd)
{
	const int on = 1;

	/* the bytes are one side's and the other's, not ours to delay */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	/* an urgent byte stays where it was in the stream (RFC 6093) */
	(void)setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
}

/* The last thing that is done. */
static void finish(struct dialout *d, int err, int fd)
{
	if (d->done)
		return;
	d->done = true;
	timer_stop(&d->next_tmr);
	timer_stop(&d->total_tmr);
	for (size_t i = 0; i < d->started; i++)
		attempt_close(&d->attemptv[i]);
	d->h(err, fd, d->arg);
}

static int attempt_connect(struct attempt *a, const struct sa *sa)
{
	a->fd = socket(sa_af(sa), a->d->type | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       0);
	if (a->fd < 0)
		return errno;
	dialout_options(a->fd);
	if (connect(a->fd, &sa->u.sa, sa->len) && errno != EINPROGRESS)
		return errno;
	return 0;
}

static void attempt_failed(struct dialout *d, struct attempt *a, int err)
{
	attempt_close(a);
	if (!d->err)
		d->err = err;
	d->failed++;
}

static void connected(struct attempt *a)
{
	const int fd = a->fd;

	loop_unwatch(&a->lf);
	a->fd = -1;
	finish(a->d, 0, fd);
}

/* Has it, or has it not? Then the next one is due. */
static void ready_handler(uint32_t events, void *arg)
{
	struct attempt *a = arg;
	struct dialout *d = a->d;
	socklen_t len = sizeof(int);
	int err = 0;

	(void)events;
	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	if (!err) {
		connected(a);
		return;
	}
	attempt_failed(d, a, err);
	if (d->failed == d->addrc)
		finish(d, d->err, -1);
	else if (d->started < d->addrc)
		(void)timer_start(loop_timers(d->loop), &d->next_tmr, 0,
				  d->next_tmr.h, d);
}

/* A connection to this host is there when connect(2) returns, although that
 * says that it is in progress. */
static bool at_once(const struct attempt *a)
{
	struct pollfd p = { .fd = a->fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && p.revents == POLLOUT;
}

/* Start one more. */
static void next_handler(void *arg)
{
	struct dialout *d = arg;
	struct attempt *a;
	int err;

	if (d->started == d->addrc)
		return;
	a = &d->attemptv[d->started];
	a->d = d;
	err = attempt_connect(a, &d->addrv[d->started++]);
	if (!err && at_once(a)) {
		connected(a);
		return;
	}
	if (!err)
		err = loop_watch(d->loop, &a->lf, a->fd, EPOLLOUT,
				 ready_handler, a);
	if (err)
		attempt_failed(d, a, err);
	if (d->failed == d->addrc)
		finish(d, d->err, -1);
	else if (d->started < d->addrc)
		(void)timer_start(loop_timers(d->loop), &d->next_tmr,
				  err ? 0 : NEXT_DELAY, next_handler, d);
}

static void late_handler(void *arg)
{
	finish(arg, ETIMEDOUT, -1);
}

static void start_handler(void *arg)
{
	struct dialout *d = arg;

	int fd = -1, err;

	if (d->path) {
		err = unixsock_connect(&fd, d->path);
		finish(d, err, err ? -1 : fd);
	}
	else if (!d->addrc) {
		finish(d, d->err, -1);
	}
	else {
		next_handler(d);
	}
}

static void add_addr(struct dialout *d, const struct sa *sa)
{
	if (d->allowh && !d->allowh(sa, d->arg)) {
		d->err = EACCES;
		return;
	}
	if (d->addrc < ADDRS_MAX)
		d->addrv[d->addrc++] = *sa;
}

static void lookup_free(void *data)
{
	struct lookup *lu = data;

	if (lu->ai)
		freeaddrinfo(lu->ai);
	free(lu->host);
	free(lu);
}

static void work_handler(void *data)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_ADDRCONFIG,
	};
	struct lookup *lu = data;

	lu->err = getaddrinfo(lu->host, NULL, &hints, &lu->ai);
}

static void done_handler(void *data, void *arg)
{
	const struct lookup *lu = data;
	const struct addrinfo *ai;
	struct dialout *d = arg;
	struct sa sa;

	d->errand = mem_deref(d->errand);
	d->err = lu->err == EAI_AGAIN ? ETIMEDOUT : ENOENT;
	for (ai = lu->err ? NULL : lu->ai; ai; ai = ai->ai_next) {
		if (sa_set_sa(&sa, ai->ai_addr))
			continue;
		sa_set_port(&sa, lu->port);
		add_addr(d, &sa);
	}
	if (d->addrc)
		d->err = 0;
	start_handler(d);
}

static int look_up(struct dialout *d, const char *host, uint16_t port)
{
	static const struct errand_handlers h = {
		work_handler, done_handler, lookup_free, NULL
	};
	struct lookup *lu = calloc(1, sizeof *lu);

	if (!lu)
		return ENOMEM;
	lu->port = port;
	lu->host = strdup(host);
	if (!lu->host) {
		free(lu);
		return ENOMEM;
	}
	return errand_start(&d->errand, d->loop, &h, lu, d);
}

/* Addresses, and the name that is always the same (RFC 6761, 6.3). */
static bool literal(struct dialout *d, const char *host, uint16_t port)
{
	struct sa sa;

	sa_init(&sa, AF_UNSPEC);        /* sa_set leaves the scope as it was */
	if (!str_casecmp(host, "localhost")) {
		(void)sa_set_str(&sa, "127.0.0.1", port);
		add_addr(d, &sa);
		if (!sa_set_str(&sa, "::1", port))
			add_addr(d, &sa);
	}
	else if (!sa_set_str(&sa, host, port)) {
		add_addr(d, &sa);
	}
	else {
		return false;
	}
	if (d->addrc)
		d->err = 0;
	loop_defer(d->loop, &d->defer, start_handler, d);
	return true;
}

static int to_path(struct dialout *d, const char *path)
{
	loop_defer(d->loop, &d->defer, start_handler, d);
	return str_dup(&d->path, path);
}

int dialout_alloc(struct dialout **dp, struct loop *l, int type,
		  const char *host, uint16_t port, dialout_allow_h *allowh, dialout_h *h,
		  void *arg)
{
	struct dialout *d = mem_zalloc(sizeof *d, dialout_destructor);
	int err;

	if (!d)
		return ENOMEM;
	d->loop = l;
	d->type = type;
	d->allowh = allowh;
	d->h = h;
	d->arg = arg;
	d->next_tmr.h = next_handler;
	err = timer_start(loop_timers(l), &d->total_tmr, TOTAL_TIME,
			  late_handler, d);
	if (!err && *host == '/')
		err = to_path(d, host);
	else if (!err && !literal(d, host, port))
		err = look_up(d, host, port);
	if (err) {
		mem_deref(d);
		return err;
	}
	*dp = d;
	return 0;
}
