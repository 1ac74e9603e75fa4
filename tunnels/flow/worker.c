/*
 * worker.c: a thread that owns one UDP socket per address family.
 *
 *   udp --> first byte --> 0..3     stunq --> control thread
 *                          64..255  connection id --> a QUIC connection
 *                          20..63   DTLS: dtlsrx.c
 *                          others   nobody's: dropped
 *
 * Kept here: the sockets, the links, the table of connection ids, who waits
 * for room in a socket. The control thread owns the worker and outlives it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include "tunnels/flow/stunq.h"
#include "tunnels/flow/workerimpl.h"

/* So many datagrams at one look, or sent at once, are a bulk transfer: more
 * are let come before the next, as a network card collects packets before it
 * interrupts. To be woken for each few costs a fifth of all that is done for
 * them. Longer, and the sender on a fast and short path runs dry. */
#define NAP_TIME 30000ULL               /* ns; the kernel adds its slack */

enum {
	NAP_MIN = 32,
	CID_BUCKETS = 4096,
	PORT_TRIES = 16,        /* to get the same port in both families */
	LONG_HEADER = 0x80,     /* RFC 9000, 17.2: version, id length, id */
	LONG_CID = 6,
	QUIC_V1 = 1,
};

struct door {
	struct worker *w;
	struct udp *udp;        /* NULL: the host lacks the family */
	struct loop_fd lf;
	struct timer nap;       /* running: not looked at until then */
	bool bulk;              /* so much was sent since the last look */
	struct list waitl;      /* for room to send */
};

struct worker {
	struct loop *loop;
	struct door v4, v6;
	struct list links;
	struct hash *cids;
	struct reports *reports;
	struct stunq *stunq;
	void *quic, *dtls;
	worker_dtls_h *dtlsh;
	void *dtls_arg;
	uint8_t *buf;
	unsigned rx_count;      /* datagrams at the present look */
};

void worker_link_add(struct worker *w, struct link *l)
{
	list_append(&w->links, &l->le, mem_ref(l));
}

/* Whoever waits for room comes, and finds it gone. */
void worker_link_del(struct link *l)
{
	if (!l->le.list)
		return;
	list_unlink(&l->le);
	l->ops = NULL;
	link_room(l);
	mem_deref(l);
}

struct link *worker_link_find(const struct worker *w, int proto,
			      const struct sa *local,
			      const struct sa *remote)
{
	return link_find(&w->links, proto, local, remote);
}

static void stop_handler(void *data)
{
	struct worker *w = data;

	w->quic = mem_deref(w->quic);
	w->dtlsh = NULL;
	w->dtls = mem_deref(w->dtls);
	while (!list_isempty(&w->links))
		worker_link_del(list_head(&w->links)->data);
}

static void worker_destructor(void *arg)
{
	struct worker *w = arg;

	if (w->loop) {
		while (loop_post(w->loop, stop_handler, w))
			(void)usleep(1000);     /* memory comes back */
		mem_deref(w->loop);
	}
	mem_deref(w->v4.udp);
	mem_deref(w->v6.udp);
	mem_deref(w->reports);          /* may still list the queue's */
	mem_deref(w->stunq);
	mem_deref(w->cids);
	free(w->buf);
}

static struct door *door(struct worker *w, int af)
{
	return af == AF_INET6 ? &w->v6 : &w->v4;
}

/* The id is random or a hash: its own bytes are the key. */
static uint32_t cid_key(const uint8_t *id)
{
	uint32_t key;

	memcpy(&key, id, sizeof key);
	return key;
}

static struct worker_cid *cid_find(const struct worker *w, const uint8_t *id,
				   size_t len)
{
	struct le *le = list_head(hash_list(w->cids, cid_key(id)));

	for (; le; le = le->next) {
		struct worker_cid *c = le->data;

		if (c->len == len && !memcmp(c->id, id, len))
			return c;
	}
	return NULL;
}

int worker_cid_add(struct worker *w, struct worker_cid *c, const uint8_t *id,
		   size_t len, worker_quic_h *h, void *arg)
{
	if (len < CID_LEN || len > CID_MAX)
		return EINVAL;
	if (cid_find(w, id, len))
		return EEXIST;
	memcpy(c->id, id, len);
	c->len = len;
	c->h = h;
	c->arg = arg;
	hash_append(w->cids, cid_key(id), &c->le, c);
	return 0;
}

void worker_cid_del(struct worker_cid *c)
{
	hash_unlink(&c->le);
}

static void quic_rx(const struct worker *w, const struct udp_rx *rx)
{
	const uint8_t *id = rx->buf + 1;
	size_t len = CID_LEN;
	struct worker_cid *c;

	if (rx->buf[0] & LONG_HEADER) {
		static const uint8_t v1[4] = { 0, 0, 0, QUIC_V1 };

		if (rx->len < LONG_CID || memcmp(rx->buf + 1, v1, sizeof v1))
			return;
		len = rx->buf[LONG_CID - 1];
		id = rx->buf + LONG_CID;
	}
	if (len < CID_LEN || len > CID_MAX ||
	    (size_t)(id - rx->buf) + len > rx->len)
		return;
	c = cid_find(w, id, len);
	if (c)
		c->h(rx, c->arg);
}

static bool is_dtls(uint8_t first)
{
	return first >= 20 && first <= 63;
}

/* Those in a row go on together: rx is the first. */
static void dtls_rx(struct worker *w, struct udp_rx *rx, size_t seg,
		    size_t left)
{
	while (rx->len < left && is_dtls(rx->buf[rx->len])) {
		rx->len += left - rx->len < seg ? left - rx->len : seg;
		++w->rx_count;
	}
	if (w->dtlsh)
		w->dtlsh(rx, w->dtls_arg);
}

void worker_rx_end(struct worker *w)
{
	if (w->dtlsh)
		w->dtlsh(NULL, w->dtls_arg);
}

/* RFC 7983 and 9443. Each datagram on its own: the kernel joins those of one
 * source whatever they are. */
static void rx_handler(const struct udp_rx *batch, void *arg)
{
	struct worker *w = arg;
	struct udp_rx rx = *batch;
	size_t left = batch->len;

	for (rx.buf = batch->buf; left; rx.buf += rx.len, left -= rx.len) {
		rx.len = left < batch->seg ? left : batch->seg;
		rx.seg = rx.len;
		++w->rx_count;
		if (is_dtls(rx.buf[0]))
			dtls_rx(w, &rx, batch->seg, left);
		else if (rx.buf[0] >= 64)
			quic_rx(w, &rx);
		else if (rx.buf[0] <= 3)
			stunq_push(w->stunq, &rx);
	}
}

/* Not even listed with epoll while nothing is asked of it: else the kernel
 * looks who might be woken for each packet that has left the machine. */
static void door_watch(struct door *d)
{
	struct loop_fd *lf = &d->lf;
	const uint32_t events = (d->nap.heap ? 0 : EPOLLIN) |
				(list_isempty(&d->waitl) ? 0 : EPOLLOUT);

	if (!events)
		loop_unwatch(lf);
	else if (lf->loop)
		(void)loop_rewatch(lf, events);
	else
		(void)loop_watch(d->w->loop, lf, lf->fd, events, lf->h, d);
}

static void door_nap(struct door *d, bool nap, timer_h *h)
{
	if (nap)
		(void)timer_start(loop_timers(d->w->loop), &d->nap, NAP_TIME,
				  h, d);
	door_watch(d);
}

static void read_handler(void *arg)
{
	struct door *d = arg;
	struct worker *w = d->w;

	w->rx_count = 0;
	(void)udp_batch_read(d->udp, rx_handler, w);
	worker_rx_end(w);
	door_nap(d, w->rx_count >= NAP_MIN || d->bulk, read_handler);
	d->bulk = false;
}

static void fd_handler(uint32_t events, void *arg)
{
	struct door *d = arg;

	if (events & EPOLLOUT) {
		waits_run(&d->waitl);
		door_watch(d);
	}
	if (events & ~(uint32_t)EPOLLOUT)
		read_handler(d);
}

void worker_wait(struct worker *w, struct worker_wait *wait,
		 const struct udp_to *to, void (*h)(void *arg), void *arg)
{
	struct door *d = door(w, sa_af(&to->remote));

	waits_add(to->link ? &to->link->waitl : &d->waitl, wait, h, arg);
	if (!to->link)
		door_watch(d);
}

/* A way by the worker's own sockets has their port. */
static bool needs_link(struct worker *w, int proto, const struct sa *local)
{
	const uint16_t port = local ? sa_port(local) : 0;

	return proto != IPPROTO_UDP ||
	       (port && port != worker_port(w, sa_af(local)));
}

void worker_unroute(struct udp_to *to)
{
	to->link = mem_deref(to->link);
}

void worker_route(struct worker *w, struct udp_to *to, int proto,
		  const struct sa *local, const struct sa *remote)
{
	worker_unroute(to);
	to->local = *local;
	to->remote = *remote;
	to->no_gso = false;
	if (needs_link(w, proto, local))
		to->link = mem_ref(worker_link_find(w, proto, local, remote));
}

int worker_write(struct worker *w, struct udp_to *to, const uint8_t *buf,
		 size_t len, size_t seg, size_t *done)
{
	struct door *d = door(w, sa_af(&to->remote));

	if (to->link)
		return link_write(to->link, &to->remote, buf, len, seg, done);
	*done = len;
	if (!d->udp)
		return EAFNOSUPPORT;
	if (len >= NAP_MIN * seg) {
		d->bulk = true;
		if (!d->nap.heap)
			door_nap(d, true, read_handler);
	}
	return udp_batch_write(d->udp, to, buf, len, seg, done);
}

size_t worker_queued(struct worker *w, const struct udp_to *to)
{
	return to->link ? 0 : udp_batch_queued(door(w,
					sa_af(&to->remote))->udp);
}

static bool family_missing(int err)
{
	return err == EAFNOSUPPORT || err == EADDRNOTAVAIL ||
	       err == EPFNOSUPPORT;
}

/* Both families on one port, or the one there is. */
static int open_on(struct worker *w, uint16_t port)
{
	int err4, err6;

	err4 = udp_batch_open(&w->v4.udp, AF_INET, port, 0);
	if (err4 && !family_missing(err4))
		return err4;
	if (!err4)
		port = udp_batch_port(w->v4.udp);
	err6 = udp_batch_open(&w->v6.udp, AF_INET6, port, 0);
	if (!err6 || (family_missing(err6) && !err4))
		return 0;
	w->v4.udp = mem_deref(w->v4.udp);
	return err6;
}

static int open_doors(struct worker *w, uint16_t port)
{
	int err, tries = port ? 1 : PORT_TRIES;

	do
		err = open_on(w, port);
	while (err == EADDRINUSE && --tries);
	/* any port, and none was free in both: take what there is */
	if (err == EADDRINUSE && !port) {
		err = udp_batch_open(&w->v4.udp, AF_INET, 0, 0);
		if (!err)
			err = udp_batch_open(&w->v6.udp, AF_INET6, 0, 0);
	}
	return err;
}

static void watch_handler(void *data)
{
	struct worker *w = data;
	struct door *doors[] = { &w->v4, &w->v6 };

	for (size_t i = 0; i < 2; i++) {
		struct door *d = doors[i];

		d->w = w;
		if (d->udp)
			(void)loop_watch(w->loop, &d->lf,
					 udp_batch_fd(d->udp), EPOLLIN,
					 fd_handler, d);
	}
}

static int worker_setup(struct worker *w, const struct worker_conf *conf)
{
	int err;

	w->buf = malloc(UDP_BATCH_MAX);
	if (!w->buf)
		return ENOMEM;
	err = hash_alloc(&w->cids, CID_BUCKETS);
	if (!err)
		err = reports_alloc(&w->reports, conf->control);
	if (!err)
		err = stunq_alloc(&w->stunq, w->reports, conf->stunh,
				  conf->arg);
	if (!err)
		err = open_doors(w, conf->port);
	if (!err)
		err = loop_alloc(&w->loop, "worker");
	if (!err)
		err = loop_post(w->loop, watch_handler, w);
	return err;
}

int worker_alloc(struct worker **wp, const struct worker_conf *conf)
{
	struct worker *w;
	int err;

	if (!wp || !conf || !conf->control)
		return EINVAL;
	w = mem_zalloc(sizeof *w, worker_destructor);
	if (!w)
		return ENOMEM;
	err = worker_setup(w, conf);
	if (err)
		mem_deref(w);
	else
		*wp = w;
	return err;
}

uint16_t worker_port(const struct worker *w, int af)
{
	if (!w)
		return 0;
	return udp_batch_port(af == AF_INET6 ? w->v6.udp : w->v4.udp);
}

/* One packet on its way to a link. */
struct parcel {
	struct worker *w;
	int proto;
	struct sa local, dst;
	size_t len;
	uint8_t buf[];
};

static void parcel_handler(void *data)
{
	struct parcel *p = data;
	struct link *l = worker_link_find(p->w, p->proto, &p->local,
					  &p->dst);
	size_t done;

	if (l)
		(void)link_write(l, &p->dst, p->buf, p->len, p->len, &done);
	free(p);
}

static int send_parcel(struct worker *w, int proto, const struct sa *local,
		       const struct sa *dst, const uint8_t *buf, size_t len)
{
	struct parcel *p = malloc(sizeof *p + len);
	int err;

	if (!p)
		return ENOMEM;
	*p = (struct parcel){
		.w = w, .proto = proto, .local = *local, .dst = *dst,
		.len = len,
	};
	memcpy(p->buf, buf, len);
	err = loop_post(w->loop, parcel_handler, p);
	if (err)
		free(p);
	return err;
}

int worker_send(struct worker *w, int proto, const struct sa *local,
		const struct sa *dst, const uint8_t *buf, size_t len)
{
	const struct udp *u;

	if (!w || !dst || !buf || len > UDP_BATCH_MAX)
		return EINVAL;
	if (needs_link(w, proto, local))
		return local ? send_parcel(w, proto, local, dst, buf, len)
			: EINVAL;
	u = door(w, sa_af(dst))->udp;
	return u ? udp_batch_send1(u, local, dst, buf, len) : EAFNOSUPPORT;
}

void worker_rx(struct worker *w, const struct udp_rx *rx)
{
	rx_handler(rx, w);
}

struct loop *worker_loop(struct worker *w)
{
	return w ? w->loop : NULL;
}

uint8_t *worker_buf(struct worker *w)
{
	return w->buf;
}

void **worker_quic(struct worker *w)
{
	return &w->quic;
}

void **worker_dtls(struct worker *w)
{
	return &w->dtls;
}

void worker_dtls_handler(struct worker *w, worker_dtls_h *h, void *arg)
{
	w->dtlsh = h;
	w->dtls_arg = arg;
}

struct reports *worker_reports(struct worker *w)
{
	return w->reports;
}
