/*
 * pipeout.c: bytes to a descriptor; what it does not take at once is kept,
 * and written when it is ready.
 */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <re.h>
#include "tunnels/backlog.h"
#include "tunnels/pipe/pipeout.h"

struct pipeout {
	struct loop *loop;
	struct loop_fd lf;
	struct loop_defer defer;        /* tells the end */
	struct pipefd fd;
	struct backlog kept;
	bool finish;
	int err;
	uint64_t bytes;
	struct pipeout_handlers h;
	void *arg;
};

static void pipeout_destructor(void *arg)
{
	struct pipeout *p = arg;

	loop_unwatch(&p->lf);
	loop_defer_cancel(p->loop, &p->defer);
	backlog_free(&p->kept);
	pipefd_close(&p->fd);
}

/* Writing to a pipe that nobody reads must be an error, not a signal: this
 * thread's business alone. */
static void no_sigpipe(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int pipeout_alloc(struct pipeout **pp, struct loop *l,
		  const struct pipefd *fd, const struct pipeout_handlers *h,
		  void *arg)
{
	struct pipeout *p = mem_zalloc(sizeof *p, pipeout_destructor);

	if (!p)
		return ENOMEM;
	no_sigpipe();
	p->loop = l;
	p->fd = *fd;
	p->h = *h;
	p->arg = arg;
	*pp = p;
	return 0;
}

static void tell(void *arg)
{
	struct pipeout *p = arg;

	p->h.endh(p->err, p->arg);
}

static void end(struct pipeout *p, int err)
{
	if (p->fd.fd < 0)
		return;
	p->err = err;
	loop_unwatch(&p->lf);
	pipefd_close(&p->fd);
	loop_defer(p->loop, &p->defer, tell, p);
}

/* How many bytes it took; an error ends it. */
static size_t write_some(struct pipeout *p, const uint8_t *buf, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t k = pipefd_write(&p->fd, buf + done, n - done);

		if (k < 0 && errno == EAGAIN)
			break;
		if (k < 0) {
			end(p, errno);
			break;
		}
		done += (size_t)k;
		if (p->fd.how == PIPEFD_SHARED)
			break;          /* only what readiness promises */
	}
	p->bytes += done;
	return done;
}

static void ready_handler(uint32_t events, void *arg)
{
	struct pipeout *p = arg;
	size_t left = backlog_left(&p->kept), n;

	/* nobody reads any more: a write would tell the same */
	if (!left && events & (EPOLLERR | EPOLLHUP)) {
		end(p, EPIPE);
		return;
	}
	if (!left) {
		loop_unwatch(&p->lf);
		return;
	}
	n = write_some(p, backlog_data(&p->kept), left);
	backlog_take(&p->kept, p->fd.fd < 0 ? left : n);
	left = backlog_left(&p->kept);
	if (!left && p->finish)
		end(p, 0);
	else if (!left)
		loop_unwatch(&p->lf);
	if (n)
		p->h.writtenh(n, p->arg);
}

static void watch(struct pipeout *p)
{
	int err;

	if (p->lf.loop)
		return;
	err = loop_watch(p->loop, &p->lf, p->fd.fd, EPOLLOUT, ready_handler,
			 p);
	if (err == EPERM)       /* /dev/null and the like are as files */
		p->fd.how = PIPEFD_FILE;
	else if (err)
		end(p, err);
}

size_t pipeout_write(struct pipeout *p, const uint8_t *buf, size_t n)
{
	size_t done = 0;
	int err;

	if (!p || p->fd.fd < 0)
		return 0;
	if (p->fd.how == PIPEFD_SHARED)
		watch(p);
	if (!backlog_left(&p->kept) && p->fd.how != PIPEFD_SHARED)
		done = write_some(p, buf, n);
	if (p->fd.fd < 0 || done == n)
		return 0;
	err = backlog_add(&p->kept, buf + done, n - done);
	if (err) {
		end(p, err);
		return 0;
	}
	watch(p);
	return p->fd.fd < 0 ? 0 : n - done;
}

void pipeout_finish(struct pipeout *p)
{
	if (!p || p->fd.fd < 0)
		return;
	p->finish = true;
	if (!backlog_left(&p->kept))
		end(p, 0);
}

size_t pipeout_left(const struct pipeout *p)
{
	return p ? backlog_left(&p->kept) : 0;
}

uint64_t pipeout_bytes(const struct pipeout *p)
{
	return p ? p->bytes : 0;
}
