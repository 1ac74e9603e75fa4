/*
 * fwstdio.c: -W: the user's stdin and stdout as one connection.
 *
 *   stdin  -> pump -> |socket   relay -> stream
 *   stdout <- pump <- |  pair|  relay <-
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <re.h>
#include "tunnels/forward/fwstdio.h"
#include "tunnels/pipe/pipeout.h"

enum { PUMP_BUF = 65536 };

/* One direction: what is read is written at once, or waited for. */
struct pump {
	struct loop *loop;
	struct loop_fd lf;
	struct loop_defer defer;
	struct pipefd from;
	struct pipeout *to;
	void (*endh)(void *arg);
	void *arg;
	uint8_t buf[PUMP_BUF];
};

struct fwstdio {
	struct pump *in, *out;
	int sock;                       /* of in: shut when it ends */
	fwstdio_h *h;
	void *arg;
};

static void pump_destructor(void *arg)
{
	struct pump *p = arg;

	loop_unwatch(&p->lf);
	loop_defer_cancel(p->loop, &p->defer);
	pipefd_close(&p->from);
	mem_deref(p->to);
}

static void turn(void *arg)
{
	struct pump *p = arg;
	ssize_t n = pipefd_read(&p->from, p->buf, sizeof p->buf);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		loop_unwatch(&p->lf);
		pipefd_close(&p->from);
		pipeout_finish(p->to);
	}
	else if (pipeout_write(p->to, p->buf, (size_t)n)) {
		loop_unwatch(&p->lf);   /* until it is written */
	}
	else if (p->from.how == PIPEFD_FILE) {
		loop_defer(p->loop, &p->defer, turn, p);
	}
}

static void fd_handler(uint32_t events, void *arg)
{
	(void)events;
	turn(arg);
}

static void pump_go(struct pump *p)
{
	if (p->from.fd < 0 || p->lf.loop)
		return;
	/* EPERM: /dev/null and the like are as files */
	if (p->from.how != PIPEFD_FILE &&
	    loop_watch(p->loop, &p->lf, p->from.fd, EPOLLIN, fd_handler, p))
		p->from.how = PIPEFD_FILE;
	if (p->from.how == PIPEFD_FILE)
		loop_defer(p->loop, &p->defer, turn, p);
}

static void written_handler(size_t n, void *arg)
{
	struct pump *p = arg;

	(void)n;
	if (!pipeout_left(p->to))
		pump_go(p);
}

static void end_handler(int err, void *arg)
{
	struct pump *p = arg;

	(void)err;
	loop_unwatch(&p->lf);
	pipefd_close(&p->from);
	p->endh(p->arg);
}

static int pump_alloc(struct pump **pp, struct loop *l,
		      const struct pipefd *from, const struct pipefd *to,
		      void (*endh)(void *arg), void *arg)
{
	static const struct pipeout_handlers h = {
		written_handler, end_handler
	};
	struct pump *p = mem_zalloc(sizeof *p, pump_destructor);
	int err;

	if (!p)
		return ENOMEM;
	p->loop = l;
	p->from.fd = -1;
	p->endh = endh;
	p->arg = arg;
	err = pipeout_alloc(&p->to, l, to, &h, p);
	if (err) {
		mem_deref(p);
		return err;
	}
	p->from = *from;
	*pp = p;
	pump_go(p);
	return 0;
}

static void fwstdio_destructor(void *arg)
{
	struct fwstdio *s = arg;

	mem_deref(s->in);
	mem_deref(s->out);
	if (s->sock >= 0)
		(void)close(s->sock);
}

static void in_end_handler(void *arg)
{
	struct fwstdio *s = arg;

	(void)shutdown(s->sock, SHUT_WR);
}

static void out_end_handler(void *arg)
{
	struct fwstdio *s = arg;

	s->h(s->arg);
}

static int start(struct fwstdio *s, struct loop *l, const struct pipefd *in,
		 const struct pipefd *out)
{
	struct pipefd to = { .fd = fcntl(s->sock, F_DUPFD_CLOEXEC, 3),
			     .how = PIPEFD_SOCKET };
	struct pipefd from = { .fd = fcntl(s->sock, F_DUPFD_CLOEXEC, 3),
			       .how = PIPEFD_SOCKET };
	int err = to.fd < 0 || from.fd < 0 ? EMFILE : 0;

	if (!err)
		err = pump_alloc(&s->in, l, in, &to, in_end_handler, s);
	if (!err)
		to.fd = -1;
	if (!err)
		err = pump_alloc(&s->out, l, &from, out, out_end_handler, s);
	if (!err)
		from.fd = -1;
	pipefd_close(&to);
	pipefd_close(&from);
	return err;
}

int fwstdio_alloc(struct fwstdio **sp, struct loop *l,
		  const struct pipefd *in, const struct pipefd *out, int *fd,
		  fwstdio_h *h, void *arg)
{
	struct fwstdio *s = mem_zalloc(sizeof *s, fwstdio_destructor);
	int v[2], err;

	if (!s)
		return ENOMEM;
	s->sock = -1;
	s->h = h;
	s->arg = arg;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       0, v)) {
		err = errno;
		mem_deref(s);
		return err;
	}
	s->sock = v[0];
	err = start(s, l, in, out);
	if (err) {
		(void)close(v[1]);
		mem_deref(s);
		return err;
	}
	*fd = v[1];
	*sp = s;
	return 0;
}
