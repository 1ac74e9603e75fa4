/*
 * fwudp.c: the UDP flows of one forward tunnel.
 *
 *   near: client's packet -> CONNECT, PACKET... on a stream
 *   far:  allowed? -> dialout -> RESULT      then datagrams, both ways; on the
 *                                            stream what is too large for one
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "tunnels/forward/dialout.h"
#include "tunnels/forward/fwudp.h"
#include "tunnels/record.h"

#define IDLE_TIME (120 * SEC)
#define SCAN_TIME (10 * SEC)

enum {
	BUCKETS = 64,
	TURN_PACKETS = 64,
	EARLY_MAX = 65536,              /* bytes, until it is connected */
	CHANNEL_SIZE = 4,
	DATAGRAM_MAX = 2048,            /* more fits no path that we know */
};

struct fwudps {
	struct flow *flow;
	unsigned number;
	struct loop *loop;
	bool caller;
	struct hash *flowh;             /* by channel */
	uint32_t count, channels;
	uint64_t total, datagrams, lost;
	struct timer scan;
	struct fwudps_handlers h;
	void *arg;
	uint8_t *buf;                   /* FWUDP_PACKET_MAX, once needed */
};

struct fwudp {
	struct le he;
	struct fwudps *all;
	struct stream *s;
	struct record_reader rd;
	struct record_writer wr;
	uint32_t channel;
	bool opened;                    /* the far side knows the channel */
	uint64_t used;                  /* ns */
	/* near */
	struct fwudp_handlers h;
	void *arg;
	/* far */
	int fd;
	struct loop_fd lf;
	struct dialout *dialout;
	struct fwwire *w;
	struct mbuf *early;             /* records, until it is connected */
};

static void fwudp_destructor(void *arg)
{
	struct fwudp *f = arg;

	hash_unlink(&f->he);
	f->all->count--;
	mem_deref(f->dialout);
	loop_unwatch(&f->lf);
	if (f->fd >= 0)
		(void)close(f->fd);
	stream_reset(f->s, record_errno_code(ECANCELED));
	mem_deref(f->rd.body);
	mem_deref(f->wr.backlog);
	mem_deref(f->early);
	mem_deref(f->w);
}

static void fwudps_destructor(void *arg)
{
	struct fwudps *u = arg;

	timer_stop(&u->scan);
	hash_flush(u->flowh);
	mem_deref(u->flowh);
	mem_deref(u->buf);
}

uint8_t *fwudps_buf(struct fwudps *u)
{
	if (!u->buf)
		u->buf = mem_alloc(FWUDP_PACKET_MAX, NULL);
	return u->buf;
}

/* The last thing that is done. */
static void over(struct fwudp *f)
{
	if (f->h.overh)
		f->h.overh(f->arg);
	else
		mem_deref(f);
}

/* What the stream does not take is lost, as a full line would. */
static void send_record(struct fwudp *f, const uint8_t *p, size_t n)
{
	if (!f->s || f->wr.backlog || n > RECORD_BODY_MAX ||
	    record_write(&f->wr, FWW_PACKET, p, n))
		f->all->lost++;
}

void fwudp_send(struct fwudp *f, const uint8_t *p, size_t n)
{
	uint8_t buf[CHANNEL_SIZE + DATAGRAM_MAX];
	int err = EMSGSIZE;

	f->used = loop_now(f->all->loop);
	if (f->opened && n <= DATAGRAM_MAX) {
		for (unsigned i = 0; i < CHANNEL_SIZE; i++)
			buf[i] = (uint8_t)(f->channel >> (24 - 8 * i));
		memcpy(buf + CHANNEL_SIZE, p, n);
		err = flow_datagram(f->all->flow, f->all->number, buf,
				    CHANNEL_SIZE + n);
	}
	if (err == EMSGSIZE || err == ENOTSUP)
		send_record(f, p, n);
	else if (err)
		f->all->lost++;
	else
		f->all->datagrams++;
}

/* A packet of the peer's, to our client or our target. */
static void deliver(struct fwudp *f, const uint8_t *p, size_t n)
{
	f->used = loop_now(f->all->loop);
	if (f->h.recvh)
		f->h.recvh(p, n, f->arg);
	else if (f->fd >= 0)
		(void)send(f->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int record_handler(uint8_t type, const uint8_t *p, size_t n, void *arg)
{
	struct fwudp *f = arg;

	if (type == FWW_PACKET)
		deliver(f, p, n);
	else if (type == FWW_RESULT && f->h.recvh)
		f->opened = true;
	else
		return EBADMSG;
	return 0;
}

static void stream_rx(struct fwudp *f, const uint8_t *p, size_t n)
{
	static const struct record_sink sink = { 0, NULL, record_handler };

	stream_consumed(f->s, n);
	if (record_feed(&f->rd, &sink, p, n, f))
		over(f);
}

/* The far side's socket is not there yet. */
static void keep_early(struct fwudp *f, const uint8_t *p, size_t n)
{
	if (!f->early)
		f->early = mbuf_alloc(n);
	if (!f->early || f->early->end + n > EARLY_MAX ||
	    mbuf_write_mem(f->early, p, n))
		over(f);
	else
		stream_consumed(f->s, n);
}

static void read_handler(struct stream *s, const uint8_t *p, size_t n,
			 void *arg)
{
	struct fwudp *f = arg;

	(void)s;
	if (f->dialout)
		keep_early(f, p, n);
	else
		stream_rx(f, p, n);
}

static void fin_handler(struct stream *s, void *arg)
{
	(void)s;
	over(arg);
}

static void write_handler(struct stream *s, void *arg)
{
	struct fwudp *f = arg;

	(void)s;
	(void)record_flush(&f->wr);
}

static void close_handler(struct stream *s, int err, uint64_t code, void *arg)
{
	struct fwudp *f = arg;

	(void)s;
	(void)err;
	(void)code;
	f->s = f->wr.s = NULL;
	over(f);
}

static const struct stream_handlers handlers = {
	read_handler, fin_handler, write_handler, close_handler
};

static int flow_add(struct fwudp **fp, struct fwudps *u, uint32_t channel)
{
	struct fwudp *f;

	if (u->count >= FWUDP_MAX)
		return EMFILE;
	f = mem_zalloc(sizeof *f, fwudp_destructor);
	if (!f)
		return ENOMEM;
	f->all = u;
	f->fd = -1;
	f->channel = channel;
	f->used = loop_now(u->loop);
	hash_append(u->flowh, channel, &f->he, f);
	u->count++;
	u->total++;
	*fp = f;
	return 0;
}

static struct fwudp *flow_find(const struct fwudps *u, uint32_t channel)
{
	struct le *le = list_head(hash_list(u->flowh, channel));

	for (; le; le = le->next) {
		struct fwudp *f = le->data;

		if (f->channel == channel)
			return f;
	}
	return NULL;
}

static void datagram_handler(const uint8_t *p, size_t n, void *arg)
{
	struct fields fl = { p, p + n, false };
	const uint32_t channel = (uint32_t)fields_uint(&fl, CHANNEL_SIZE);
	struct fwudp *f = fl.bad ? NULL : flow_find(arg, channel);

	if (f)
		deliver(f, fl.p, (size_t)(fl.end - fl.p));
}

static bool idle_handler(struct le *le, void *arg)
{
	struct fwudp *f = le->data;
	const uint64_t *now = arg;

	return *now > f->used + IDLE_TIME;
}

static void scan_handler(void *arg)
{
	struct fwudps *u = arg;
	uint64_t now = loop_now(u->loop);
	struct le *le;

	while ((le = hash_apply(u->flowh, idle_handler, &now)))
		over(le->data);
	(void)timer_start(loop_timers(u->loop), &u->scan, SCAN_TIME,
			  scan_handler, u);
}

int fwudps_alloc(struct fwudps **up, struct flow *flow, unsigned number,
		 bool caller, const struct fwudps_handlers *h, void *arg)
{
	struct fwudps *u = mem_zalloc(sizeof *u, fwudps_destructor);
	int err;

	if (!u)
		return ENOMEM;
	u->flow = flow;
	u->number = number;
	u->loop = flow_loop(flow);
	u->caller = caller;
	u->h = *h;
	u->arg = arg;
	err = hash_alloc(&u->flowh, BUCKETS);
	if (err)
		mem_deref(u);
	else
		*up = u;
	return err;
}

void fwudps_go(struct fwudps *u)
{
	flow_datagrams(u->flow, u->number, datagram_handler, u);
	(void)timer_start(loop_timers(u->loop), &u->scan, SCAN_TIME,
			  scan_handler, u);
}

int fwudps_status(struct re_printf *pf, const struct fwudps *u)
{
	return u->total ? re_hprintf(pf, " udp=%u udp_flows=%llu"
				     " udp_datagrams=%llu udp_lost=%llu",
				     u->count, u->total, u->datagrams,
				     u->lost) : 0;
}

/* --- near: a client of ours -------------------------------------------- */

static int say_connect(struct fwudp *f, const struct fwwire *w)
{
	struct mbuf *mb = mbuf_alloc(64);
	int err = mb ? fwwire_encode(mb, w) : ENOMEM;

	if (!err)
		err = record_write(&f->wr, FWW_CONNECT, mb->buf, mb->end);
	mem_deref(mb);
	return err;
}

int fwudp_open(struct fwudp **fp, struct fwudps *u, const struct fwwire *w,
	       const struct fwudp_handlers *h, void *arg)
{
	struct fwwire connect = *w;
	struct fwudp *f;
	int err;

	/* the caller's channels are even, the callee's odd */
	connect.channel = 2 * u->channels++ + !u->caller;
	err = flow_add(&f, u, connect.channel);
	if (err)
		return err;
	err = stream_open(&f->s, u->flow, u->number, &handlers, f);
	if (!err) {
		f->wr.s = f->s;
		err = say_connect(f, &connect);
	}
	if (err) {
		mem_deref(f);
		return err;
	}
	f->h = *h;
	f->arg = arg;
	*fp = f;
	return 0;
}

/* --- far: a target for the peer ---------------------------------------- */

static void fd_handler(uint32_t events, void *arg)
{
	struct fwudp *f = arg;
	uint8_t *buf = fwudps_buf(f->all);

	(void)events;
	for (int i = 0; buf && i < TURN_PACKETS; i++) {
		ssize_t n = recv(f->fd, buf, FWUDP_PACKET_MAX, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return;
		/* ECONNREFUSED: told by ICMP of an earlier one */
		if (n >= 0)
			fwudp_send(f, buf, (size_t)n);
	}
}

static void made_handler(int err, int fd, void *arg)
{
	static const uint8_t ok = 0;
	struct fwudp *f = arg;
	struct mbuf *early = f->early;

	f->dialout = mem_deref(f->dialout);
	f->w = mem_deref(f->w);
	f->early = NULL;
	f->fd = fd;
	if (!err)
		err = loop_watch(f->all->loop, &f->lf, fd, EPOLLIN,
				 fd_handler, f);
	if (!err)
		err = record_write(&f->wr, FWW_RESULT, &ok, 1);
	if (err) {
		stream_reset(f->s, record_errno_code(err));
		f->s = NULL;
		mem_deref(early);
		over(f);
		return;
	}
	f->opened = true;
	if (early)
		stream_rx(f, early->buf, early->end);
	mem_deref(early);
}

static bool allow_handler(const struct sa *sa, void *arg)
{
	const struct fwudp *f = arg;

	return f->all->h.allowh(f->w, sa, f->all->arg);
}

int fwudps_take(struct fwudps *u, struct stream *s, const struct fwwire *w,
		const uint8_t *p, size_t n)
{
	struct fwudp *f = NULL;
	int err;

	if ((w->channel & 1) == !u->caller || flow_find(u, w->channel))
		return EPROTO;
	err = flow_add(&f, u, w->channel);
	if (err)
		return err;
	f->w = mem_alloc(sizeof *f->w, NULL);
	err = f->w ? 0 : ENOMEM;
	if (!err) {
		*f->w = *w;
		err = u->h.targeth(f->w, u->arg);
	}
	if (!err)
		err = dialout_alloc(&f->dialout, u->loop, SOCK_DGRAM,
				    f->w->host, f->w->port, allow_handler,
				    made_handler, f);
	if (err) {
		mem_deref(f);
		return err;
	}
	f->s = f->wr.s = s;
	stream_handle(s, &handlers, f);
	if (n)
		keep_early(f, p, n);
	return 0;
}
