/*
 * quicimpl.h: a QUIC connection as its own files see it.
 *
 *   quic.c       the control thread's handle
 *      |  orders ^ reports (flowctl.c)
 *   quicconn.c   the connection: handshake, packets in, timers
 *      |       \
 *   quicend.c   quicsetup.c
 *   how it ends what ngtcp2 is told, connection ids
 *      |     \          \
 *   quicsend.c \        quictls.c, quickeys.c
 *   batches out  quicstream.c, quicdgram.c
 *                streams, over quicorder.c   datagrams
 *                and quicbuf.c
 */
#ifndef DIALTONE_QUICIMPL_H
#define DIALTONE_QUICIMPL_H

#include <gnutls/gnutls.h>
#include "tunnels/flow/flowctl.h"
#include "tunnels/flow/flowimpl.h"
#include "tunnels/flow/quic.h"
#include "tunnels/flow/quiccompat.h"
#include "tunnels/flow/quicmem.h"
#include "tunnels/flow/workerimpl.h"
#include "tunnels/backlog.h"

enum {
	QUIC_PAYLOAD_MIN = 1200,        /* RFC 9000, 14 */
	QUIC_PAYLOAD_MAX = 1452,        /* of UDP over IPv6 over Ethernet */
	QUIC_EARLY_MAX = 4,             /* datagrams kept before a path */
	QUIC_STREAMS_MAX = 8192,        /* open at once, by the peer */
	QUIC_ODCID_LEN = 16,
	QUIC_CHUNK_KINDS = 3,           /* sizes; see quicbuf.c */
};

struct quictls;
struct chunk;

/* What a worker's connections share; on the worker's thread. */
struct quicpool {
	struct quictls *tls;
	struct list connl;
	struct quicmem mem;
	struct chunk *chunks[QUIC_CHUNK_KINDS]; /* to be used again */
	unsigned nchunks[QUIC_CHUNK_KINDS];
};

enum conn_state {
	CONN_WAITING,           /* for a path, or the first packet */
	CONN_RUNNING,
	CONN_CLOSING,           /* we have closed, RFC 9000, 10.2 */
	CONN_OVER,
};

struct early {
	struct le le;
	size_t len;
	uint8_t buf[QUIC_PAYLOAD_MAX];
};

/* Everything below is the worker's, but what is said to be shared. */
struct qconn {
	struct flow f;                  /* first */
	struct le le;                   /* of pool->connl */
	worker_quic_h *rxh;             /* quicconn.c's, for those below it */
	void (*flushh)(void *arg);
	struct worker *w;
	struct quicpool *pool;
	struct quic_conf conf;
	uint8_t odcid[QUIC_ODCID_LEN];
	enum conn_state state;
	bool dropped;                   /* control wants no more of us */

	/* shared */
	struct flowctl ctl;
	_Atomic uint64_t rx_bytes, tx_bytes, rtt, lost, strays;

	/* handshake */
	gnutls_session_t tls;
	ngtcp2_crypto_conn_ref ref;
	bool key_bad, key_good;
	bool agreed, is_secured;
	struct list earlyl;

	ngtcp2_conn *conn;
	uint64_t grant;                 /* of pool->mem, its receive window */
	struct list cidl;               /* of struct quic_cid */
	struct worker_cid first;        /* the client's first destination */
	struct timer timer;             /* what ngtcp2 asks for */
	struct timer deadline;          /* handshake, then closing */
	struct loop_defer defer;        /* flush at the end of the turn */
	bool rx_data;                   /* there was some in this packet */
	unsigned rx_new;                /* with data, not flushed for yet */
	uint64_t rx_at;                 /* when the first of them came */
	uint64_t flushed;               /* when */
	uint64_t ahead;                 /* of the clock: ngtcp2's time, ns */

	/* sending */
	struct udp_to to;
	bool has_path;
	bool small;                     /* large packets get lost this way */
	size_t unpaced;                 /* bytes since ngtcp2 was told when */
	uint64_t progress;              /* when something was acknowledged */
	uint8_t *rest;                  /* the socket was full: unsent */
	size_t rest_len, rest_seg;
	struct worker_wait wait;
	uint64_t stats_at;
	uint64_t lost_closed;           /* lost packets of closed streams */

	/* closing */
	uint8_t close_pkt[QUIC_PAYLOAD_MIN];
	size_t close_len;
	uint64_t close_step;            /* ns until it is repeated */
	unsigned close_rx, close_tx;

	/* streams */
	struct list allstreaml;         /* that ngtcp2 or a queue refers to */
	struct list sendl;              /* with something to send */
	struct list laterl;             /* the same, but it can wait */
	struct timer later;             /* until then */
	struct list wantl;              /* whose writer waits for room */
	struct list queuel;             /* until the peer allows more */
	uint64_t unacked;               /* bytes in all send buffers */
	uint64_t in_flight;             /* of them, sent */
	uint64_t stream_max;            /* bytes a stream may buffer */
	uint64_t ahead_max;             /* of them, unsent */
	uint64_t budget;                /* bytes all may, then less each */
	bool room;                      /* look at wantl */
	struct backlog dgrams;          /* quicdgram.c's */
};

/* Flush at the end of this turn. */
static inline void quic_kick(struct qconn *c)
{
	if (c->state == CONN_RUNNING)
		loop_flush(c->f.loop, &c->defer, c->flushh, c);
}

#endif
