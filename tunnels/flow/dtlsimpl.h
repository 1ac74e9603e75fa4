/*
 * dtlsimpl.h: a DTLS association as its own files see it.
 *
 *   dtls.c       the control thread's handle
 *      |  orders ^ reports (flowctl.c)
 *   dtlsconn.c   the connection: timers, new keys
 *      |        dtlsrx.c    who gets a datagram
 *      |       /
 *   dtlsin.c    what is in it
 *      |        \
 *      |       dtlsend.c    how it ends
 *      |        /
 *   dtlsassoc.c  a handshake and its keys
 *      |     \
 *   dtlstls.c dtlssend.c     dtlspool.c
 *   OpenSSL   batches out    tables, buffers
 *      |         |
 *   dtlsrec.c: records      dtlspmtu.c: how large they may be
 *      |                   outq.c: how many may wait
 *   aead.c
 */
#ifndef DIALTONE_DTLSIMPL_H
#define DIALTONE_DTLSIMPL_H

#include <openssl/ssl.h>
#include "tunnels/flow/dgramimpl.h"
#include "tunnels/flow/dtls.h"
#include "tunnels/flow/dtlspmtu.h"
#include "tunnels/flow/dtlsrec.h"
#include "tunnels/flow/flowctl.h"
#include "tunnels/flow/outq.h"
#include "tunnels/flow/workerimpl.h"

enum {
	DTLS_LINK_MTU = 1200,           /* of handshake datagrams */
	DTLS_TAG_MASK = 15,             /* the generation's bits of a tag */
	DTLS_ADDRS = 3,                 /* of one peer: the path's, earlier */
	DTLS_FLIGHT_MAX = 2048,         /* our last one, to be sent again */
	DTLS_EARLY_MAX = DTLS_LINK_MTU,
	HEARTBEAT_REQUEST = 1,          /* RFC 6520, 4 */
	HEARTBEAT_RESPONSE = 2,
	HEARTBEAT_HEAD = 3,
	HEARTBEAT_BODY = 8,             /* of our requests: size, zeros */
	HEARTBEAT_PAD = 16,
	DTLS_SLACK = 2048,              /* of a batch: an uncounted record */
};

#define DTLS_HANDSHAKE_TIME (15 * SEC)

struct dconn;
struct dpool;
struct tlsctx;

/* One handshake and the keys it made. Rekeying is another one. */
struct dassoc {
	struct dconn *c;
	SSL *ssl;                       /* NULL when records are ours */
	struct rec rec;
	unsigned gen;                   /* counts handshakes, modulo 16 */
	bool ready;
	bool heard;                     /* a record of it was authentic */
	bool key_bad;
	uint8_t got_fp[32];
	uint64_t born;
	const uint8_t *in;              /* what SSL reads next */
	size_t in_len;
	uint64_t used;                  /* seq of epoch 1 that SSL has used */
	uint16_t ssl_nonce;             /* upper bits of what it has sent */
	struct timer timer;             /* retransmission */
	struct timer deadline;          /* of a handshake that renews keys */
	/* the server's last flight, RFC 6347, 4.2.4 */
	uint64_t flight_at;
	size_t flight_len;
	uint8_t *flight;
};

/* A batch being filled, or waiting for the socket. */
struct batch {
	struct le le;
	size_t start;                   /* of what has not been sent */
	size_t end;
	size_t seg, count;
	bool closed;                    /* the last one is shorter */
	bool waits;                     /* for the socket */
	uint8_t buf[UDP_BATCH_MAX + DTLS_SLACK];
};

enum dstate {
	DCONN_WAITING,                  /* for a path, or the first packet */
	DCONN_RUNNING,
	DCONN_CLOSING,                  /* our close_notify is repeated */
	DCONN_OVER,
};

/* Where a connection's packets come from. */
struct daddr {
	struct le le;                   /* of the pool's table */
	struct dconn *c;
	struct sa sa;
};

/* Everything below is the worker's, but what is said to be shared. */
struct dconn {
	struct dgram d;                 /* first */
	struct le le;                   /* of pool->connl */
	struct le tag_le;               /* of the pool's table of tags */
	struct worker *w;
	struct dpool *pool;
	struct tlsctx *tls;
	struct dtls_conf conf;
	uint32_t tag;                   /* of its handshakes' records */
	bool tagged;                    /* the peer's carry it too */
	bool heartbeat;                 /* the peer answers probes */
	enum dstate state;
	bool dropped;                   /* control wants no more of us */
	bool is_secured;

	/* shared */
	struct flowctl ctl;
	_Atomic uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets;
	_Atomic uint64_t bad, rekeys, mtu;

	struct dassoc *next;            /* handshaking */
	struct dassoc *cur;             /* the newest with keys */
	struct dassoc *old;             /* the one before, for a while */
	struct dassoc *tx;              /* of these, the one we send by */
	unsigned gen;                   /* of the last that began */

	struct daddr addrv[DTLS_ADDRS]; /* a ring */
	unsigned addrc;                 /* of them used so far */
	struct udp_to to;
	bool has_path;
	uint8_t *early;                 /* came before there was a path */
	size_t early_len;
	struct sa early_src;

	struct timer deadline;          /* handshake, then closing */
	struct timer tick;
	uint64_t rx_at, tx_at;          /* last packet */
	uint64_t rekey_after;           /* the last attempt failed */
	uint64_t old_until;
	unsigned closes;

	struct batch *batch;            /* NULL: nothing put */
	struct loop_defer defer;
	struct worker_wait wait;
	struct outq outq;               /* what is queued on this host */
	struct timer room;              /* a look at it, being full */
	struct pmtu pmtu;

	/* dtlsconn.c's, for those below it */
	void (*readyh)(struct dassoc *a);
	void (*failedh)(struct dassoc *a, uint64_t alert, bool peers);
};

#endif
