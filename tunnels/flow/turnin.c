/*
 * turnin.c: datagrams of one peer that come in a row go on together, as if a
 * socket of the relayed address had brought them; what the server says itself
 * goes on as from the server. Called by turnconn.c.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/flow/turnin.h"
#include "tunnels/flow/turnwire.h"

/* Datagrams of one peer, moved together. */
struct run {
	struct turnconn *c;
	struct udp_rx rx;
	const struct turnchan *ch;
	size_t last;            /* size of the latest */
};

static const struct turnchan *chan_numbered(const struct turnconn *c,
					    uint16_t number)
{
	for (unsigned i = 0; i < c->chanc; i++)
		if (c->chanv[i].number == number)
			return &c->chanv[i];
	return NULL;
}

static const struct sa *relayed_for(const struct turnconn *c,
				    const struct sa *peer)
{
	const struct rlink *r = c->relayed[sa_af(peer) == AF_INET6];

	return r ? &r->l.local : NULL;
}

static void deliver(struct turnconn *c, struct udp_rx *rx,
		    const struct sa *local, const struct sa *src)
{
	rx->proto = IPPROTO_UDP;
	rx->local = *local;
	rx->src = *src;
	worker_rx(c->w, rx);
	worker_rx_end(c->w);    /* what follows may move over it */
}

static void run_flush(struct run *run)
{
	const struct sa *local;

	if (!run->ch)
		return;
	local = relayed_for(run->c, &run->ch->peer);
	if (local)
		deliver(run->c, &run->rx, local, &run->ch->peer);
	run->ch = NULL;
}

static void run_add(struct run *run, const struct turnwire *m, uint64_t now)
{
	const struct turnchan *ch = chan_numbered(run->c, m->channel);

	if (!ch || !m->len)
		return;
	if (run->ch != ch || run->last < run->rx.seg ||
	    m->len > run->rx.seg) {
		run_flush(run);
		run->ch = ch;
		run->rx.buf = m->p;
		run->rx.len = 0;
		run->rx.seg = m->len;
		run->rx.now = now;
	}
	memmove((uint8_t *)(uintptr_t)run->rx.buf + run->rx.len, m->p,
		m->len);
	run->rx.len += m->len;
	run->last = m->len;
}

static void stun_rx(struct turnconn *c, const struct turnwire *m, uint64_t now)
{
	struct udp_rx rx = {
		.buf = m->p, .len = m->len, .seg = m->len, .now = now,
	};
	struct sa peer;

	if (turnwire_data(m->p, m->len, &peer, &rx.buf, &rx.len)) {
		const struct sa *local = relayed_for(c, &peer);

		rx.seg = rx.len;
		if (local && rx.len)
			deliver(c, &rx, local, &peer);
	}
	else {
		deliver(c, &rx, &c->l.local, &c->server);
	}
}

/* All whole messages of a buffer; how much of it they were. */
static size_t messages_rx(struct run *run, const uint8_t *p, size_t n,
			  bool stream, uint64_t now, int *errp)
{
	struct turnwire m;
	size_t used = 0;

	while (used < n && !(*errp = turnwire_next(&m, p + used, n - used,
						   stream))) {
		if (m.channel) {
			run_add(run, &m, now);
		}
		else {
			run_flush(run);
			stun_rx(run->c, &m, now);
		}
		used += m.size;
	}
	return used;
}

void turnin_udp(const struct udp_rx *rx, void *arg)
{
	struct run run = { .c = arg };

	for (size_t pos = 0; pos < rx->len; pos += rx->seg) {
		int err;

		/* what follows the message in its datagram is of no meaning */
		(void)messages_rx(&run, rx->buf + pos,
				  min(rx->seg, rx->len - pos), false, rx->now,
				  &err);
	}
	run_flush(&run);
}

size_t turnin_tcp(uint8_t *p, size_t n, void *arg)
{
	struct run run = { .c = arg };
	size_t used;
	int err = 0;

	used = messages_rx(&run, p, n, true, clock_ns(), &err);
	run_flush(&run);
	return err == EBADMSG ? SIZE_MAX : used;
}
