/*
 * framed.c: packets over one TCP connection.
 *
 *   link write --> frameout.c: [len][packet][len][packet]...
 *   worker_rx  <-- packets of one size moved together <-- read
 *
 *   CONNECTING ---------> UP        accepted: UP, or LOOKING for what the
 *       '--> SHAKING ------^'           first byte is --> SHAKING --> UP
 *
 * Nothing waits here but the rest of one packet: what the connection does not
 * take stays with the flow, whose queues are bounded. A peer that has not
 * proven itself gets 10 s and a buffer for one check.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "tunnels/flow/framed.h"
#include "tunnels/flow/frameout.h"

enum {
	HEAD      = FRAMES_HEAD,
	FIRST_MAX = 1500,               /* of what is sent to connect */
	IN_FIRST  = 2048,               /* until it has proven itself */
	IN_FULL   = HEAD + UINT16_MAX,
	READS     = 8,                  /* of one turn */
	UNSENT    = 128 << 10,          /* bytes that the kernel may hold */
	DISCARD   = 9,                  /* RFC 6544 section 4.5 */
	DEAD_MS   = 3000,               /* without an acknowledgement */
	HANDSHAKE = 22,                 /* begins TLS, RFC 8446 section 5.1 */
};

#define PROVE_TIME (10 * SEC)           /* also to connect */
#define IDLE_TIME  (60 * SEC)           /* without a packet of ours */
#define AGAIN_MIN  (5 * MSEC)           /* simultaneous open, then doubled */
#define AGAIN_MAX  (200 * MSEC)

enum state { CONNECTING, LOOKING, SHAKING, UP };

struct framed {
	struct link l;
	struct framed_conf conf;
	struct loop_fd lf;
	struct timer timer;
	struct frameout o;              /* with its descriptor */
	enum state state;
	bool proven;
	bool want_write;                /* SHAKING: waits for that */
	bool broken;                    /* the timer tells */
	bool full;                      /* somebody was told EAGAIN */
	uint64_t until;                 /* to be up, proven, used again */
	uint64_t pause;                 /* before the next attempt */
	uint8_t *in;                    /* UDP_ROOM bytes, then what came */
	size_t in_len, in_size;
};

static void sock_close(struct framed *f)
{
	loop_unwatch(&f->lf);
	f->o.tls = mem_deref(f->o.tls);
	if (f->o.fd >= 0)
		(void)close(f->o.fd);
	f->o.fd = -1;
	f->state = CONNECTING;
}

static void framed_destructor(void *arg)
{
	struct framed *f = arg;

	timer_stop(&f->timer);
	sock_close(f);
	free(f->o.rest);
	free(f->in);
	mem_deref(f->conf.arg);
}

static struct loop *loop_of(const struct framed *f)
{
	return worker_loop(f->conf.w);
}

/* The handler was set and the room made when it was new: no ENOMEM. */
static void wake_at(struct framed *f, uint64_t when)
{
	(void)timer_start_at(loop_timers(loop_of(f)), &f->timer, when,
			     f->timer.h, f);
}

/* Whoever writes is in the middle of something: the end comes later. */
static void breaks(struct framed *f)
{
	f->broken = true;
	wake_at(f, 0);
}

/* Last in whatever calls it. */
static void down(struct framed *f)
{
	mem_ref(f);
	timer_stop(&f->timer);
	sock_close(f);
	f->broken = true;
	worker_link_del(&f->l);
	f->conf.downh(&f->conf.local, &f->conf.remote, f->proven,
		      f->conf.arg);
	mem_deref(f);
}

static void watch(struct framed *f)
{
	const bool out = f->state == UP ? f->full || f->o.rest_len
		: f->state == CONNECTING || f->want_write;

	(void)loop_rewatch(&f->lf, EPOLLIN | (out ? EPOLLOUT : 0));
}

static int set_int(int fd, int level, int name, int v)
{
	return setsockopt(fd, level, name, &v, sizeof v) ? errno : 0;
}

int framed_share_port(int fd)
{
	int err = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	return err ? err : set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

static void set_options(int fd)
{
	(void)set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	(void)set_int(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT);
	(void)set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, DEAD_MS);
}

/* Room for packets of any size. */
static int in_grow(struct framed *f, size_t size)
{
	uint8_t *p;

	if (f->in_size >= size)
		return 0;
	p = realloc(f->in, UDP_ROOM + size);
	if (!p)
		return ENOMEM;
	f->in = p;
	f->in_size = size;
	return 0;
}

static void prove(struct framed *f)
{
	if (f->proven)
		return;
	f->proven = true;
	f->conf.provenh(&f->conf.remote, f->conf.arg);
}

static int write_handler(struct link *l, const struct sa *remote,
			 const uint8_t *buf, size_t len, size_t seg,
			 size_t *done)
{
	struct framed *f = (struct framed *)(void *)l;
	int err;
	(void)remote;

	*done = len;
	if (f->broken)
		return ENOTCONN;
	if (f->state != UP)
		return len <= FIRST_MAX && len <= seg
			? frameout_first(&f->o, buf, len) : EMSGSIZE;
	f->until = loop_now(loop_of(f)) + IDLE_TIME;
	prove(f);
	err = frameout_write(&f->o, buf, len, seg, done);
	if (err && err != EAGAIN) {
		*done = len;
		breaks(f);
		return ENOTCONN;
	}
	/* this may have found room before those who were told EAGAIN */
	f->full |= *done < len;
	watch(f);
	return *done < len ? EAGAIN : 0;
}

static const struct link_ops ops = { write_handler };

static bool deliver(uint8_t *p, size_t len, size_t seg, void *arg)
{
	struct framed *f = arg;
	struct udp_rx rx = {
		.buf = p, .len = len, .seg = seg, .proto = IPPROTO_TCP,
		.src = f->conf.remote, .local = f->conf.local,
		.now = clock_ns(),
	};

	worker_rx(f->conf.w, &rx);
	worker_rx_end(f->conf.w);
	return !f->broken;
}

static int parse(struct framed *f)
{
	const size_t most = f->proven ? UINT16_MAX : IN_FIRST - HEAD;
	uint8_t *const in = f->in + UDP_ROOM;
	size_t used;
	int err = frames_parse(in, f->in_len, f->conf.framing, most, deliver,
			       f, &used);

	f->in_len -= used;
	memmove(in, in + used, f->in_len);
	return err;
}

/* n > 0; 0: not now; < 0: it is over. */
static ssize_t raw_recv(struct framed *f, uint8_t *p, size_t size)
{
	ssize_t n;

	if (f->o.tls)
		return tlsfd_recv(f->o.tls, p, size);
	n = recv(f->o.fd, p, size, 0);
	if (n < 0 && errno == EAGAIN)
		return 0;
	return n ? n : -1;
}

static bool pending(const struct framed *f)
{
	return f->o.tls && tlsfd_pending(f->o.tls);
}

static int read_some(struct framed *f)
{
	int err = f->proven ? in_grow(f, IN_FULL) : 0;

	/* what TLS holds already does not make the descriptor readable */
	for (int i = 0; (i < READS || pending(f)) && !f->broken && !err;
	     i++) {
		ssize_t n = raw_recv(f, f->in + UDP_ROOM + f->in_len,
				     f->in_size - f->in_len);

		if (n <= 0)
			return n ? ECONNRESET : 0;
		f->in_len += (size_t)n;
		err = parse(f);
	}
	return err;
}

/* Whoever waits may write at once. */
static int write_ready(struct framed *f)
{
	int err = frameout_flush(&f->o);

	if (err)
		return err == EAGAIN ? 0 : err;
	if (f->full) {
		f->full = false;
		link_room(&f->l);
	}
	if (!f->broken)
		watch(f);
	return 0;
}

static int is_up(struct framed *f)
{
	f->state = UP;
	if (f->proven) {
		f->until = clock_ns() + IDLE_TIME;
		wake_at(f, f->until);
	}
	watch(f);
	return frameout_flush(&f->o) == EAGAIN ? 0 : write_ready(f);
}

static int shake(struct framed *f)
{
	int err = tlsfd_handshake(f->o.tls, &f->want_write);

	if (err == EAGAIN)
		watch(f);
	return err == EAGAIN ? 0 : err ? err : is_up(f);
}

static int shake_begin(struct framed *f, bool server)
{
	int err = tlsfd_alloc(&f->o.tls, f->conf.tls, f->o.fd, server);

	f->state = SHAKING;
	return err ? err : shake(f);
}

/* No packet of a stranger is so long that its length begins like this. */
static int look(struct framed *f)
{
	uint8_t first;
	ssize_t n = recv(f->o.fd, &first, 1, MSG_PEEK);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return ECONNRESET;
	return first == HANDSHAKE ? shake_begin(f, true) : is_up(f);
}

/* The peer may not have come so far (RFC 6544 section 7.1): for a while. */
static void failed(struct framed *f)
{
	uint64_t now = clock_ns();

	if (!f->conf.again || now >= f->until) {
		down(f);
		return;
	}
	sock_close(f);
	f->pause = f->pause ? min(2 * f->pause, AGAIN_MAX) : AGAIN_MIN;
	wake_at(f, min(now + f->pause, f->until));
}

static void connected(struct framed *f)
{
	int err = 0;
	socklen_t len = sizeof err;

	if (getsockopt(f->o.fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	if (err)
		failed(f);
	else if (f->conf.tls ? shake_begin(f, false) : is_up(f))
		down(f);
}

static int up_events(struct framed *f, uint32_t events)
{
	int err = 0;

	if (events & EPOLLOUT)
		err = write_ready(f);
	if (!err && events & ~(uint32_t)EPOLLOUT)
		err = read_some(f);
	return err;
}

static void fd_handler(uint32_t events, void *arg)
{
	struct framed *f = mem_ref(arg);
	int err = 0;

	switch (f->state) {
	case CONNECTING:
		connected(f);
		break;
	case LOOKING:
		err = look(f);
		break;
	case SHAKING:
		err = shake(f);
		break;
	case UP:
		err = up_events(f, events);
		break;
	}
	if (err || (f->broken && f->state == UP))
		down(f);
	mem_deref(f);
}

static int sock_connect(struct framed *f)
{
	struct sa from = f->conf.local;
	const bool any = sa_port(&from) == DISCARD;
	int err = 0;

	f->o.fd = socket(sa_af(&f->conf.remote), SOCK_STREAM | SOCK_NONBLOCK |
		       SOCK_CLOEXEC, 0);
	if (f->o.fd < 0)
		return errno;
	set_options(f->o.fd);
	if (any)
		sa_set_port(&from, 0);
	else
		err = framed_share_port(f->o.fd);
	if (!err && bind(f->o.fd, &from.u.sa, from.len))
		err = errno;
	if (!err && connect(f->o.fd, &f->conf.remote.u.sa, f->conf.remote.len)
	    && errno != EINPROGRESS)
		err = errno;
	if (!err)
		err = loop_watch(loop_of(f), &f->lf, f->o.fd,
				 EPOLLIN | EPOLLOUT, fd_handler, f);
	return err;
}

static void again(struct framed *f)
{
	if (sock_connect(f))
		failed(f);
	else
		wake_at(f, f->until);
}

static void timer_handler(void *arg)
{
	struct framed *f = arg;
	const uint64_t now = clock_ns();

	if (f->broken || now >= f->until)
		down(f);
	else if (f->o.fd < 0)
		again(f);
	else
		wake_at(f, f->until);   /* it was used in the meantime */
}

static int framed_alloc(struct framed **fp, const struct framed_conf *conf)
{
	struct framed *f = mem_zalloc(sizeof *f, framed_destructor);
	int err;

	if (!f)
		return ENOMEM;
	f->o.fd = -1;
	f->o.framing = conf->framing;
	f->conf = *conf;
	mem_ref(conf->arg);
	f->until = clock_ns() + PROVE_TIME;
	link_init(&f->l, &ops, IPPROTO_TCP, &conf->local, &conf->remote);
	err = in_grow(f, IN_FIRST);
	if (!err)
		err = timer_start_at(loop_timers(loop_of(f)), &f->timer,
				     f->until, timer_handler, f);
	if (err)
		mem_deref(f);
	else
		*fp = f;
	return err;
}

int framed_connect(const struct framed_conf *conf, const uint8_t *first,
		   size_t len)
{
	struct framed *f;
	int err = len > FIRST_MAX ? EMSGSIZE : framed_alloc(&f, conf);

	if (err)
		return err;
	f->proven = true;
	err = frameout_first(&f->o, first, len);
	if (!err)
		err = sock_connect(f);
	if (!err)
		worker_link_add(conf->w, &f->l);
	mem_deref(f);
	return err;
}

int framed_accept(const struct framed_conf *conf, int fd)
{
	struct framed *f;
	int err = framed_alloc(&f, conf);

	if (err) {
		(void)close(fd);
		return err;
	}
	f->o.fd = fd;
	f->state = conf->tls ? LOOKING : UP;
	set_options(fd);
	err = loop_watch(loop_of(f), &f->lf, fd, EPOLLIN, fd_handler, f);
	if (!err)
		worker_link_add(conf->w, &f->l);
	mem_deref(f);
	return err;
}

bool framed_give_way(struct link *l)
{
	struct framed *f = (struct framed *)(void *)l;

	if (l->ops != &ops || f->state != CONNECTING)
		return false;
	worker_link_del(l);
	return true;
}
