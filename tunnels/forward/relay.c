/*
 * relay.c: one TCP connection and one stream, joined.
 *
 *   recv -> the stream's own buffer          no room: goes on at writeh
 *   readh -> gather -> at the end of the turn, or when it is another's: send
 *                   -> what that does not take: backlog, given back to the
 *                      stream only when sent
 *   FIN   <-> stream_fin                     each way by itself
 *   RST   <-> stream_reset
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <re.h>
#include "tunnels/backlog.h"
#include "tunnels/forward/fwwire.h"
#include "tunnels/record.h"
#include "tunnels/forward/relay.h"

enum {
	TURN_BYTES = 256 * 1024,        /* of one connection in one turn */
	GATHER_BYTES = 256 * 1024,
};

struct gather {
	struct loop *loop;
	struct loop_defer defer;
	struct relay *relay;            /* whose they are; NULL: none */
	size_t n;
	uint8_t *buf;                   /* GATHER_BYTES, once it is needed */
};

struct relay {
	struct loop *loop;
	struct gather *gather;
	struct stream *s;
	int fd;                         /* -1: not joined, or over */
	struct loop_fd lf;
	struct loop_defer defer;
	struct loop_defer more;         /* read on in the next turn */
	struct backlog kept;            /* for fd */
	struct record_reader rd;        /* the far side's RESULT */
	bool accepted;
	bool wait_result;
	bool readable;                  /* fd may have more than was read */
	bool more_behind;               /* its end, an error, an urgent mark */
	bool fd_fin;                    /* no more comes from fd */
	bool s_fin;                     /* no more comes from the stream */
	bool shut;                      /* and fd was told */
	bool opened;
	bool over;
	int err;
	uint64_t from, to;
	struct relay_handlers h;
	void *arg;
};

/* Unread data or a reset at the other side: the connection must not end as if
 * all were well (RFC 9293, 3.6.1). */
static void close_fd(struct relay *r, bool reset)
{
	const struct linger lg = { 1, 0 };

	loop_unwatch(&r->lf);
	if (r->fd < 0)
		return;
	if (reset)
		(void)setsockopt(r->fd, SOL_SOCKET, SO_LINGER, &lg,
				 sizeof lg);
	(void)close(r->fd);
	r->fd = -1;
}

static void forget_gathered(struct relay *r)
{
	if (r->gather->relay != r)
		return;
	r->gather->relay = NULL;
	r->gather->n = 0;
}

static void relay_destructor(void *arg)
{
	struct relay *r = arg;

	forget_gathered(r);
	loop_defer_cancel(r->loop, &r->defer);
	loop_defer_cancel(r->loop, &r->more);
	stream_reset(r->s, record_errno_code(ECANCELED));
	close_fd(r, true);
	backlog_free(&r->kept);
	mem_deref(r->rd.body);
}

static void tell(void *arg)
{
	struct relay *r = arg;

	r->h.overh(r->opened, r->err, r->arg);
}

/* It was never opened: a client that waits for a word gets one. */
static bool refuse(struct relay *r, int err)
{
	return err && !r->opened && r->fd >= 0 && r->h.greeth &&
		r->h.greeth(r->fd, err, r->arg);
}

static void end(struct relay *r, int err, bool reset)
{
	if (r->over)
		return;
	r->over = true;
	r->err = err;
	if (r->s && reset)
		stream_reset(r->s, record_errno_code(err));
	r->s = NULL;
	forget_gathered(r);
	close_fd(r, reset && !refuse(r, err));
	backlog_free(&r->kept);
	loop_defer(r->loop, &r->defer, tell, r);
}

/* We are told once of each change (EPOLLET): to say after each what we want
 * to hear next is a system call more than the bytes of a short connection
 * need. Of room for more only who has been short of it wants to know. */
static uint32_t wanted(const struct relay *r)
{
	return EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLET |
	       (r->lf.events & EPOLLOUT) |
	       (backlog_left(&r->kept) ? EPOLLOUT : 0);
}

static void rewatch(struct relay *r)
{
	if (!r->over && r->fd >= 0)
		(void)loop_rewatch(&r->lf, wanted(r));
}

/* Everything is through in both directions: the connection ends with that,
 * the stream when the far side has all of it. */
static void check_over(struct relay *r)
{
	if (r->s_fin && !r->shut && r->fd >= 0 && !backlog_left(&r->kept) &&
	    r->gather->relay != r) {
		r->shut = true;
		if (!r->fd_fin)
			(void)shutdown(r->fd, SHUT_WR);
	}
	if (r->shut && r->fd_fin)
		close_fd(r, false);
	if (!r->s && r->fd_fin && (r->shut || r->fd < 0))
		end(r, 0, false);
}

/* Returns how much fd took; an error ends it. If its end is known, that goes
 * in the packet of the last bytes: check_over. */
static size_t put(struct relay *r, const uint8_t *p, size_t n)
{
	const int more = r->s_fin ? MSG_MORE : 0;
	size_t done = 0;

	while (done < n) {
		ssize_t k = send(r->fd, p + done, n - done,
				 MSG_DONTWAIT | MSG_NOSIGNAL | more);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0 && errno == EAGAIN)
			break;
		if (k < 0) {
			end(r, ECONNRESET, true);
			break;
		}
		done += (size_t)k;
	}
	r->to += done;
	return done;
}

static void drain(struct relay *r)
{
	size_t n;

	if (!backlog_left(&r->kept))
		return;
	n = put(r, backlog_data(&r->kept), backlog_left(&r->kept));
	if (r->over)
		return;
	backlog_take(&r->kept, n);
	stream_consumed(r->s, n);
	check_over(r);
}

/* What one read has brought. */
static void filled(struct relay *r, ssize_t n, size_t size)
{
	if (n < 0) {
		end(r, ECONNRESET, true);
		return;
	}
	if (n) {
		stream_commit(r->s, (size_t)n);
		r->from += (uint64_t)n;
		/* a short read has taken all there was: spare a call. But
		 * not where it stops before an urgent byte (RFC 6093), nor
		 * does it say that this was the end. */
		r->readable = (size_t)n == size || r->more_behind;
		return;
	}
	r->readable = false;
	r->fd_fin = true;
	stream_patient(r->s, r->s_fin);         /* it only tidies up */
	stream_fin(r->s);
	check_over(r);
}

/* As much as there is, and as the stream takes. */
static void fill(void *arg)
{
	struct relay *r = arg;
	const uint64_t end_of_turn = r->from + TURN_BYTES;

	while (r->readable && r->s && !r->over) {
		uint8_t *room;
		size_t size;
		ssize_t n;

		if (r->from >= end_of_turn) {
			loop_defer(r->loop, &r->more, fill, r);
			return;
		}
		size = stream_reserve(r->s, &room);
		if (!size)
			return;         /* writeh */
		n = recv(r->fd, room, size, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			r->readable = false;
		else if (n >= 0 || errno != EINTR)
			filled(r, n, size);
	}
}

static void fd_handler(uint32_t events, void *arg)
{
	struct relay *r = arg;
	socklen_t len = sizeof(int);
	int err = 0;

	if (events & EPOLLOUT)
		drain(r);
	if (r->over || r->fd < 0)
		return;
	if (events & (EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		r->more_behind = true;
	if (events & ~(uint32_t)EPOLLOUT && !r->fd_fin) {
		r->readable = true;
		fill(r);
	}
	if (r->over || r->fd < 0)
		return;
	if (events & EPOLLERR &&
	    !getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &err, &len) && err)
		end(r, ECONNRESET, true);
	else
		rewatch(r);
}

static int watch(struct relay *r)
{
	return loop_watch(r->loop, &r->lf, r->fd, wanted(r), fd_handler, r);
}

static void pass_on(struct relay *r, const uint8_t *p, size_t n)
{
	size_t done = 0;

	if (r->fd >= 0 && !backlog_left(&r->kept))
		done = put(r, p, n);
	if (r->over)
		return;
	if (backlog_add(&r->kept, p + done, n - done)) {
		end(r, ENOMEM, true);
		return;
	}
	stream_consumed(r->s, done);
	if (done < n)
		rewatch(r);
}

static void gather_flush(void *arg)
{
	struct gather *g = arg;
	struct relay *r = g->relay;
	const size_t n = g->n;

	g->relay = NULL;
	g->n = 0;
	if (!r || !n)
		return;
	pass_on(r, g->buf, n);
	if (!r->over)
		check_over(r);
}

static void gather_destructor(void *arg)
{
	struct gather *g = arg;

	loop_defer_cancel(g->loop, &g->defer);
	mem_deref(g->buf);
}

int gather_alloc(struct gather **gp, struct loop *l)
{
	struct gather *g = mem_zalloc(sizeof *g, gather_destructor);

	if (!g)
		return ENOMEM;
	g->loop = l;
	*gp = g;
	return 0;
}

static void forward(struct relay *r, const uint8_t *p, size_t n)
{
	struct gather *g = r->gather;

	if (!g->buf)
		g->buf = mem_alloc(GATHER_BYTES, NULL);
	if (r->fd < 0 || backlog_left(&r->kept) || !g->buf) {
		pass_on(r, p, n);
		return;
	}
	if (g->n && (g->relay != r || g->n + n > GATHER_BYTES))
		gather_flush(g);
	if (r->over)
		return;
	if (n > GATHER_BYTES || backlog_left(&r->kept)) {
		pass_on(r, p, n);
		return;
	}
	memcpy(g->buf + g->n, p, n);
	g->n += n;
	g->relay = r;
	loop_defer(g->loop, &g->defer, gather_flush, g);
}

/* The first word from the far side, then bytes. */
static void take_result(struct relay *r, const uint8_t **p, size_t *n)
{
	const size_t before = *n;
	struct fwwire w;
	bool whole;
	int err = record_first(&r->rd, p, n, &whole);

	if (!err && whole) {
		const struct mbuf *mb = r->rd.body;

		err = mb ? fwwire_decode(&w, r->rd.hdr[0], mb->buf, mb->end) :
			   EBADMSG;
		if (!err && (w.type != FWW_RESULT || w.err))
			err = EBADMSG;
		r->wait_result = false;
		r->opened = true;
	}
	stream_consumed(r->s, before - *n);
	if (err)
		end(r, err, true);
	else if (whole && r->h.greeth)
		(void)r->h.greeth(r->fd, 0, r->arg);
}

void relay_rx(struct relay *r, const uint8_t *p, size_t n)
{
	if (r->wait_result)
		take_result(r, &p, &n);
	if (n && !r->over)
		forward(r, p, n);
}

static void read_handler(struct stream *s, const uint8_t *p, size_t n,
			 void *arg)
{
	(void)s;
	relay_rx(arg, p, n);
}

static void fin_handler(struct stream *s, void *arg)
{
	struct relay *r = arg;

	(void)s;
	if (r->wait_result) {
		end(r, EBADMSG, true);
		return;
	}
	r->s_fin = true;
	check_over(r);
}

static void write_handler(struct stream *s, void *arg)
{
	(void)s;
	fill(arg);
}

static void close_handler(struct stream *s, int err, uint64_t code, void *arg)
{
	struct relay *r = arg;

	(void)s;
	r->s = NULL;
	if (err) {
		end(r, err == ECONNRESET ? record_code_errno(code) : err,
		    true);
		return;
	}
	/* both have ended; what is kept is still to be written */
	r->s_fin = r->fd_fin = true;
	check_over(r);
	rewatch(r);
}

int relay_alloc(struct relay **rp, struct gather *g, struct stream *s,
		bool accepted, const struct relay_handlers *h, void *arg)
{
	static const struct stream_handlers sh = {
		read_handler, fin_handler, write_handler, close_handler
	};
	struct relay *r = mem_zalloc(sizeof *r, relay_destructor);

	if (!r)
		return ENOMEM;
	r->loop = g->loop;
	r->gather = g;
	r->s = s;
	r->fd = -1;
	r->accepted = r->wait_result = accepted;
	r->opened = !accepted;
	r->h = *h;
	r->arg = arg;
	stream_handle(s, &sh, r);
	*rp = r;
	return 0;
}

/* The far side's client may be told now. */
static int say_result(struct relay *r)
{
	/* RESULT 0: as new as it is, the stream takes it whole */
	static const uint8_t result[] = { FWW_RESULT, 0, 0, 0, 1, 0 };
	size_t n;

	/* one that has spoken already does not wait for this, but for what
	 * it will be answered: it goes along with that */
	stream_patient(r->s, backlog_left(&r->kept) > 0);
	n = stream_write(r->s, result, sizeof result);
	stream_patient(r->s, false);
	return n == sizeof result ? 0 : ENOBUFS;
}

int relay_join(struct relay *r, int fd)
{
	int err = 0;

	if (r->over) {
		(void)close(fd);
		return 0;
	}
	r->fd = fd;
	if (!r->accepted)
		err = say_result(r);
	if (!err)
		err = watch(r);
	if (err) {
		end(r, err, true);
		return err;
	}
	drain(r);
	if (!r->over) {
		check_over(r);
		rewatch(r);
	}
	/* most clients have said something by now: it goes along with the
	 * question whether they may */
	r->readable = r->accepted && r->fd >= 0;
	fill(r);
	return 0;
}

void relay_refuse(struct relay *r, int err)
{
	r->opened = false;
	end(r, err, true);
}

void relay_bytes(const struct relay *r, uint64_t *from, uint64_t *to)
{
	*from = r->from;
	*to = r->to;
}
