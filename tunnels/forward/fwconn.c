/*
 * fwconn.c: the forwarded connections of one tunnel.
 *
 *   accepted:  fd -> stream: CONNECT, bytes... <- RESULT, bytes
 *   made:      stream: CONNECT -> allowed? -> dialout -> RESULT, joined
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include "tunnels/forward/dialout.h"
#include "tunnels/forward/fwconn.h"
#include "tunnels/record.h"
#include "tunnels/forward/relay.h"
#include "tunnels/forward/socksin.h"

struct fwconns {
	struct flow *flow;
	unsigned number;
	struct loop *loop;
	struct gather *gather;
	struct list connl;
	uint32_t count;
	uint64_t total, refused, from, to;
	struct fwconn_handlers h;
	void *arg;
};

struct conn {
	struct le le;
	struct fwconns *all;
	bool accepted;
	struct stream *s;               /* until the relay has it */
	struct record_reader rd;        /* its first record */
	struct relay *relay;
	struct dialout *dialout;
	char *host;                     /* where it leads, for people */
	uint16_t port;
	struct fwwire *w;               /* what was asked, while connecting */
	struct socks *socks;            /* what the client said, until it is
	                                   answered */
	void (*overh)(bool opened, int err, void *arg);
	void *arg;
};

static void conn_destructor(void *arg)
{
	struct conn *c = arg;
	uint64_t from, to;

	if (c->relay) {
		relay_bytes(c->relay, &from, &to);
		c->all->from += from;
		c->all->to += to;
	}
	list_unlink(&c->le);
	--c->all->count;
	mem_deref(c->dialout);
	mem_deref(c->relay);
	stream_reset(c->s, record_errno_code(ECANCELED));
	mem_deref(c->rd.body);
	mem_deref(c->host);
	mem_deref(c->w);
	mem_deref(c->socks);
}

static void fwconns_destructor(void *arg)
{
	struct fwconns *c = arg;

	(void)flow_listen(c->flow, c->number, NULL, NULL);
	list_flush(&c->connl);
	mem_deref(c->gather);
}

static int conn_alloc(struct conn **cp, struct fwconns *all)
{
	struct conn *c;

	if (all->count >= FWCONN_MAX)
		return EMFILE;
	c = mem_zalloc(sizeof *c, conn_destructor);
	if (!c)
		return ENOMEM;
	c->all = all;
	all->count++;
	all->total++;
	list_append(&all->connl, &c->le, c);
	*cp = c;
	return 0;
}

static int send_record(struct stream *s, const struct fwwire *w)
{
	struct record_writer wr = { s, NULL };
	struct mbuf *mb = mbuf_alloc(64);
	int err = mb ? fwwire_encode(mb, w) : ENOMEM;

	if (!err)
		err = record_write(&wr, (uint8_t)w->type, mb->buf, mb->end);
	/* a stream as new as this takes it whole */
	if (!err && wr.backlog)
		err = ENOBUFS;
	mem_deref(wr.backlog);
	mem_deref(mb);
	return err;
}

static void over_handler(bool opened, int err, void *arg)
{
	struct conn *c = arg;
	struct fwconns *all = c->all;

	if (!opened && err)
		all->refused++;
	if (c->overh) {
		c->overh(opened, err, c->arg);
	}
	else if (!opened && err) {
		all->h.refusedh(c->host ? c->host : "", c->port, err,
				!c->accepted, all->arg);
	}
	mem_deref(c);
}

static void reset_fd(int fd)
{
	const struct linger lg = { 1, 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &lg, sizeof lg);
	(void)close(fd);
}

/* Before a relay is there to do it. */
static void early_close(struct stream *s, int err, uint64_t code, void *arg)
{
	struct conn *c = arg;

	(void)s;
	(void)err;
	(void)code;
	c->s = NULL;
	mem_deref(c);
}

static bool greet_handler(int fd, int err, void *arg)
{
	struct conn *c = arg;

	if (!c->socks)
		return false;
	socksin_reply(fd, c->socks, err);
	c->socks = mem_deref(c->socks);
	return true;
}

static int conn_ask(struct conn *c, const struct fwconn_ask *ask)
{
	int err = str_dup(&c->host, ask->host);

	if (!err && ask->socks) {
		c->socks = mem_alloc(sizeof *c->socks, NULL);
		if (!c->socks)
			return ENOMEM;
		*c->socks = *ask->socks;
	}
	c->accepted = true;
	c->port = ask->port;
	c->overh = ask->overh;
	c->arg = ask->arg;
	return err;
}

/* A stream as new as this takes them whole. */
static int send_early(struct stream *s, const struct fwconn_ask *ask)
{
	int err = send_record(s, ask->w);

	if (!err && ask->early_n &&
	    stream_write(s, ask->early, ask->early_n) != ask->early_n)
		err = ENOBUFS;
	return err;
}

int fwconns_add(struct fwconns *all, int fd, const struct fwconn_ask *ask)
{
	static const struct stream_handlers early = { .closeh = early_close };
	static const struct relay_handlers rh = {
		greet_handler, over_handler
	};
	struct conn *c = NULL;
	int err = conn_alloc(&c, all);

	if (!err)
		err = conn_ask(c, ask);
	if (!err)
		err = stream_open(&c->s, all->flow, all->number, &early, c);
	if (!err)
		err = send_early(c->s, ask);
	if (!err)
		err = relay_alloc(&c->relay, all->gather, c->s, true, &rh, c);
	if (err) {
		mem_deref(c);
		reset_fd(fd);
		return err;
	}
	c->s = NULL;
	return relay_join(c->relay, fd);
}

static void made_handler(int err, int fd, void *arg)
{
	struct conn *c = arg;

	c->dialout = mem_deref(c->dialout);
	c->w = mem_deref(c->w);
	if (err)
		relay_refuse(c->relay, err);
	else
		(void)relay_join(c->relay, fd);
}

static bool allow_handler(const struct sa *sa, void *arg)
{
	const struct conn *c = arg;

	return c->all->h.allowh(c->w, sa, c->all->arg);
}

/* The relay takes the stream and keeps what comes, until there is a
 * connection to give it to. */
static int make(struct conn *c, const struct fwwire *w)
{
	static const struct relay_handlers rh = { NULL, over_handler };
	struct fwconns *all = c->all;
	int err = relay_alloc(&c->relay, all->gather, c->s, false, &rh, c);

	if (err)
		return err;
	c->s = NULL;
	c->w = mem_alloc(sizeof *c->w, NULL);
	if (!c->w)
		return ENOMEM;
	*c->w = *w;
	err = all->h.targeth(c->w, all->arg);
	if (!err)
		err = str_dup(&c->host, c->w->host);
	c->port = c->w->port;
	if (!err)
		err = dialout_alloc(&c->dialout, all->loop, SOCK_STREAM,
				    c->host, c->port, allow_handler,
				    made_handler, c);
	return err;
}

static int begin(struct conn *c, const uint8_t *p, size_t n)
{
	const struct mbuf *mb = c->rd.body;
	struct fwconns *all = c->all;
	struct fwwire w;
	int err;

	err = mb ? fwwire_decode(&w, c->rd.hdr[0], mb->buf, mb->end) :
		   EBADMSG;
	if (err)
		return err;
	if (w.type == FWW_HELLO && w.version) {
		err = all->h.orderh(c->s, p, n, all->arg);
		if (!err)       /* it is no connection */
			c->s = NULL;
		return err ? err : ECANCELED;
	}
	if (w.type != FWW_CONNECT)
		return EBADMSG;
	err = all->h.udph(c->s, &w, p, n, all->arg);
	if (err != EPROTO) {
		if (!err)
			c->s = NULL;
		return err ? err : ECANCELED;
	}
	err = make(c, &w);
	if (!c->relay)
		return err;
	if (err)
		relay_refuse(c->relay, err);
	else
		relay_rx(c->relay, p, n);
	return 0;
}

static void first_read(struct stream *s, const uint8_t *p, size_t n,
		       void *arg)
{
	const size_t before = n;
	struct conn *c = arg;
	bool whole;
	int err = record_first(&c->rd, &p, &n, &whole);

	stream_consumed(s, before - n);
	if (!err && !whole)
		return;
	if (!err)
		err = begin(c, p, n);
	if (!err)
		return;
	if (c->s)
		stream_reset(c->s, record_errno_code(err));
	c->s = NULL;
	mem_deref(c);
}

static void first_fin(struct stream *s, void *arg)
{
	struct conn *c = arg;

	stream_reset(s, record_errno_code(EBADMSG));
	c->s = NULL;
	mem_deref(c);
}

static void accept_handler(struct stream *s, void *arg)
{
	static const struct stream_handlers first = {
		first_read, first_fin, NULL, early_close
	};
	struct fwconns *all = arg;
	struct conn *c;

	if (conn_alloc(&c, all))
		return;         /* too many: reset */
	c->s = s;
	stream_handle(s, &first, c);
}

int fwconns_alloc(struct fwconns **cp, struct flow *flow, unsigned number,
		  const struct fwconn_handlers *h, void *arg)
{
	struct fwconns *c = mem_zalloc(sizeof *c, fwconns_destructor);

	if (!c)
		return ENOMEM;
	if (gather_alloc(&c->gather, flow_loop(flow))) {
		mem_deref(c);
		return ENOMEM;
	}
	c->flow = flow;
	c->number = number;
	c->loop = flow_loop(flow);
	c->h = *h;
	c->arg = arg;
	*cp = c;
	return 0;
}

int fwconns_go(struct fwconns *c)
{
	return flow_listen(c->flow, c->number, accept_handler, c);
}

int fwconns_status(struct re_printf *pf, const struct fwconns *c)
{
	uint64_t from = c->from, to = c->to, f, t;
	struct le *le;

	for (le = list_head(&c->connl); le; le = le->next) {
		const struct conn *conn = le->data;

		if (!conn->relay)
			continue;
		relay_bytes(conn->relay, &f, &t);
		from += f;
		to += t;
	}
	return re_hprintf(pf, "open=%u connections=%llu refused=%llu"
			  " sent=%llu received=%llu", c->count, c->total,
			  c->refused, from, to);
}
