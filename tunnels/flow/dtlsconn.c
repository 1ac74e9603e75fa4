/*
 * dtlsconn.c: a DTLS association on its worker: the handshake, packets in,
 * timers, new keys.
 *
 *   WAITING --path--> RUNNING --dtlsend.c--> CLOSING, OVER
 *
 * New keys come from another whole handshake beside the running association,
 * begun by the client, with the certificates compared again:
 *
 *   client   next --done--> cur, sends by it at once (a heartbeat)
 *   server   next --done--> cur, sends by it when a record of it has come
 *
 * so that neither ever sends what the other cannot open. Both open by cur
 * first, then by old; old goes five seconds after a record of cur has come.
 * All of it is epoch 1 on the wire: whose a record is, its tag says.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/flow/dtlsassoc.h"
#include "tunnels/flow/dtlsconn.h"
#include "tunnels/flow/dtlsend.h"
#include "tunnels/flow/dtlsin.h"
#include "tunnels/flow/dtlspool.h"
#include "tunnels/flow/dtlssend.h"
#include "tunnels/flow/dtlstls.h"

enum {
	MTU_V4 = 1472,                  /* of UDP over Ethernet */
	MTU_V6 = 1452,
};

#define REKEY_TIME (3600 * SEC)
#define REKEY_RECORDS (1ULL << 26)
#define REKEY_AGAIN (60 * SEC)          /* after one that failed */

static void conn_destructor(void *arg)
{
	struct dconn *c = arg;

	list_unlink(&c->le);
	if (c->pool)
		dpool_left(c->pool);
	flowctl_release(&c->ctl);
}

static uint32_t make_tag(const uint8_t *seed)
{
	uint32_t tag;

	memcpy(&tag, seed, sizeof tag);
	tag = ntohl(tag) & ~(uint32_t)DTLS_TAG_MASK;
	return tag ? tag : DTLS_TAG_MASK + 1;
}

int dtlsconn_alloc(struct dconn **cp, struct worker *w,
		   const struct dtls_conf *conf, orders_h *h)
{
	struct dconn *c = mem_zalloc(sizeof *c, conn_destructor);

	if (!c)
		return ENOMEM;
	flowctl_init(&c->ctl, worker_loop(w), worker_reports(w), h, c);
	c->d.ops = &dtlssend_ops;
	c->d.mtu = PMTU_BASE - REC_OVERHEAD_MAX;
	c->w = w;
	c->conf = *conf;
	c->tag = make_tag(conf->seed);
	c->pmtu.size = PMTU_BASE;
	if (!c->conf.keepalive)
		c->conf.keepalive = 5 * SEC;
	if (!c->conf.rekey_time)
		c->conf.rekey_time = REKEY_TIME;
	if (!c->conf.rekey_records)
		c->conf.rekey_records = REKEY_RECORDS;
	if (!c->conf.idle)
		c->conf.idle = 20 * SEC;
	*cp = c;
	return 0;
}

/* -- timers ------------------------------------------------------------ */

/* A request of `size` bytes of UDP; 0: the smallest. Who answers is alive. */
static int heartbeat(struct dconn *c, size_t size)
{
	size_t n = size ? size - dtlssend_overhead(c)
			: HEARTBEAT_HEAD + HEARTBEAT_BODY + HEARTBEAT_PAD;
	uint8_t buf[MTU_V4] = { HEARTBEAT_REQUEST, 0, HEARTBEAT_BODY };

	if (n > sizeof buf)
		return EINVAL;
	buf[HEARTBEAT_HEAD] = (uint8_t)(size >> 8);
	buf[HEARTBEAT_HEAD + 1] = (uint8_t)size;
	return dtlssend_record(c, REC_HEARTBEAT, buf, n);
}

static void look_at_mtu(struct dconn *c, uint64_t now)
{
	const size_t before = c->pmtu.size;
	size_t size;

	for (int i = 0; i < 16 && (size = pmtu_turn(&c->pmtu, now)); i++)
		if (heartbeat(c, size) == EMSGSIZE)
			pmtu_refused(&c->pmtu, size, now);
	if (c->pmtu.size != before)
		dtlssend_mtu(c);
}

static void drop_old(struct dconn *c)
{
	if (c->tx == c->old)
		c->tx = c->cur;
	c->old = mem_deref(c->old);
	c->old_until = UINT64_MAX;
}

static bool rekey_due(const struct dconn *c, uint64_t now)
{
	const struct rec *r = &c->cur->rec;

	return now >= c->rekey_after &&
	       (now >= c->cur->born + c->conf.rekey_time ||
		r->seq >= c->conf.rekey_records ||
		r->rx_max >= c->conf.rekey_records);
}

/* Without a stall. Not while the keys before are still accepted (some
 * seconds), nor if the peer is a plain one; the client begins. */
static void rekey(struct dconn *c)
{
	if (c->state != DCONN_RUNNING || !c->cur || c->next || c->old ||
	    !c->conf.client || !c->tagged || !c->heartbeat)
		return;
	(void)dtlsassoc_begin(c, (c->gen + 1) & DTLS_TAG_MASK);
}

/* Without heartbeats a silent peer is no dead one: consent decides. */
static uint64_t earliest(const struct dconn *c)
{
	uint64_t t = c->tx_at + c->conf.keepalive;

	if (c->heartbeat && c->rx_at + c->conf.idle < t)
		t = c->rx_at + c->conf.idle;
	if (c->pmtu.next < t)
		t = c->pmtu.next;
	if (c->old && c->old_until < t)
		t = c->old_until;
	return t;
}

static void tick_handler(void *arg)
{
	struct dconn *c = arg;
	const uint64_t now = clock_ns();

	if (c->heartbeat && now >= c->rx_at + c->conf.idle) {
		dtlsend_silent(c, FLOW_END_IDLE, 0, "nothing heard any more");
		return;
	}
	if (now >= c->tx_at + c->conf.keepalive) {
		if (c->heartbeat)
			(void)heartbeat(c, 0);
		c->tx_at = now;
	}
	look_at_mtu(c, now);
	if (c->old && now >= c->old_until)
		drop_old(c);
	if (rekey_due(c, now))
		rekey(c);
	(void)timer_start_at(loop_timers(c->ctl.loop), &c->tick, earliest(c),
			     tick_handler, c);
}

static void tick_now(struct dconn *c)
{
	(void)timer_start(loop_timers(c->ctl.loop), &c->tick, 0,
			  tick_handler, c);
}

/* -- handshakes -------------------------------------------------------- */

static void start_mtu(struct dconn *c, uint64_t now)
{
	pmtu_start(&c->pmtu, sa_af(&c->to.remote) == AF_INET6 ? MTU_V6
							     : MTU_V4,
		   c->heartbeat, now);
	dtlssend_mtu(c);
}

static void secured(struct dconn *c, uint64_t now)
{
	c->is_secured = true;
	timer_stop(&c->deadline);
	start_mtu(c, now);
	tick_now(c);
	flowctl_secured(&c->ctl);
}

static void ready_handler(struct dassoc *a)
{
	struct dconn *c = a->c;
	const uint64_t now = clock_ns();

	c->next = NULL;
	if (c->old)
		drop_old(c);
	c->old = c->cur;
	c->old_until = UINT64_MAX;
	c->cur = a;
	c->rx_at = c->tx_at = now;
	atomic_fetch_add(&c->rekeys, 1);
	if (c->conf.client || !c->tx)
		c->tx = a;
	if (!c->is_secured)
		secured(c, now);
	/* the server sends by the new keys when it has seen them used */
	if (c->conf.client && c->heartbeat)
		(void)heartbeat(c, 0);
}

static void failed_handler(struct dassoc *a, uint64_t alert, bool peers)
{
	struct dconn *c = a->c;

	if (!c->cur) {
		dtlsend_handshake(c, a, alert, peers);
		return;
	}
	/* the keys there are go on; try again later */
	c->next = mem_deref(a);
	c->rekey_after = clock_ns() + REKEY_AGAIN;
}

void dtlsconn_start(struct dconn *c, struct dpool *p)
{
	c->readyh = ready_handler;
	c->failedh = failed_handler;
	if (!p || dtlstls_get(&c->tls, &p->ctxl, &c->conf)) {
		c->state = DCONN_OVER;
		c->d.over = 1;
		flowctl_ended(&c->ctl, FLOW_END_PROTOCOL, 0,
			      "out of memory");
		return;
	}
	c->pool = p;
	list_append(&p->connl, &c->le, c);
	dpool_tag_add(p, c);
}

static void handshake_timeout(void *arg)
{
	dtlsend_silent(arg, FLOW_END_HANDSHAKE, 0, "not secured in time");
}

static void first_path(struct dconn *c)
{
	c->state = DCONN_RUNNING;
	(void)timer_start(loop_timers(c->ctl.loop), &c->deadline,
			  DTLS_HANDSHAKE_TIME, handshake_timeout, c);
	if (c->conf.client && dtlsassoc_begin(c, 0))
		dtlsend_silent(c, FLOW_END_PROTOCOL, 0, "out of memory");
}

/* What came before the agent knew where to answer to. */
static void take_early(struct dconn *c)
{
	uint8_t *p = c->early;
	struct rxbatch b;

	b.c = NULL;
	b.n = 0;
	c->early = NULL;
	if (p && sa_cmp(&c->early_src, &c->to.remote, SA_ALL))
		dtlsin_handshake(c, 0, p, c->early_len, &b, clock_ns());
	rxbatch_flush(&b);
	mem_deref(p);
}

void dtlsconn_path(struct dconn *c, int proto, const struct sa *local,
		   const struct sa *remote)
{
	const bool first = !c->has_path;

	if (c->state == DCONN_CLOSING || c->state == DCONN_OVER)
		return;
	if (!dpool_knows(c, remote))
		dpool_addr_add(c->pool,
			       &c->addrv[c->addrc++ % DTLS_ADDRS], c, remote);
	dtlssend_path(c, proto, local, remote);
	dgram_set_outer(&c->d, remote);
	c->has_path = true;
	if (first) {
		(void)mem_ref(c);
		first_path(c);
		take_early(c);
		mem_deref(c);
	}
	else if (c->is_secured) {
		start_mtu(c, clock_ns());
		tick_now(c);
	}
}

void dtlsconn_drop(struct dconn *c)
{
	c->dropped = true;
	if (c->state == DCONN_OVER)
		mem_deref(c);
}
