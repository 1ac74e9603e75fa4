/*
 * pipein.c: from a descriptor into a stream, by read(2) into the stream's own
 * buffer.
 *
 *   ready, and room -> read -> ready, no room -> not watched until pump
 *
 * A plain file is always ready and cannot be watched: there the next turn of
 * the loop takes the place of the event.
 */
#include <errno.h>
#include <sys/epoll.h>
#include "tunnels/pipe/pipein.h"

enum { TURN_BYTES = 1 << 20 };          /* read in one turn of the loop */

struct pipein {
	struct loop *loop;
	struct loop_fd lf;
	struct loop_defer defer;
	struct pipefd fd;
	struct record_writer *w;
	uint8_t type;
	uint64_t bytes;
	pipein_end_h *endh;
	void *arg;
};

static void pipein_destructor(void *arg)
{
	struct pipein *p = arg;

	loop_unwatch(&p->lf);
	loop_defer_cancel(p->loop, &p->defer);
	pipefd_close(&p->fd);
}

static void end(struct pipein *p, int err)
{
	loop_unwatch(&p->lf);
	pipefd_close(&p->fd);
	p->endh(err, p->arg);
}

/* Read once. False: it is over, or must wait. */
static bool read_some(struct pipein *p, size_t *done)
{
	uint8_t *room;
	size_t size = record_reserve(p->w, &room);
	ssize_t n;

	if (!size) {
		loop_unwatch(&p->lf);
		return false;
	}
	n = pipefd_read(&p->fd, room, size);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		end(p, n ? errno : 0);
		return false;
	}
	record_commit(p->w, p->type, (size_t)n);
	p->bytes += (uint64_t)n;
	*done += (size_t)n;
	/* shared: whether there is more only the next event may tell */
	return p->fd.how != PIPEFD_SHARED;
}

static void turn(void *arg)
{
	struct pipein *p = arg;
	size_t done = 0;
	bool more;

	do
		more = read_some(p, &done);
	while (more && done < TURN_BYTES);
	if (more && p->fd.how == PIPEFD_FILE)
		loop_defer(p->loop, &p->defer, turn, p);
}

static void fd_handler(uint32_t events, void *arg)
{
	(void)events;
	turn(arg);
}

void pipein_pump(struct pipein *p)
{
	int err = 0;

	if (!p || p->fd.fd < 0 || p->lf.loop)
		return;
	if (p->fd.how != PIPEFD_FILE)
		err = loop_watch(p->loop, &p->lf, p->fd.fd, EPOLLIN,
				 fd_handler, p);
	if (err)        /* EPERM: /dev/null and the like are as files */
		p->fd.how = PIPEFD_FILE;
	if (p->fd.how == PIPEFD_FILE)
		loop_defer(p->loop, &p->defer, turn, p);
}

int pipein_alloc(struct pipein **pp, struct loop *l, const struct pipefd *fd,
		 struct record_writer *w, uint8_t type, pipein_end_h *endh,
		 void *arg)
{
	struct pipein *p = mem_zalloc(sizeof *p, pipein_destructor);

	if (!p)
		return ENOMEM;
	p->loop = l;
	p->fd = *fd;
	p->w = w;
	p->type = type;
	p->endh = endh;
	p->arg = arg;
	pipein_pump(p);
	*pp = p;
	return 0;
}

uint64_t pipein_bytes(const struct pipein *p)
{
	return p ? p->bytes : 0;
}
