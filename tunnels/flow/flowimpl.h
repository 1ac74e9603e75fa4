/*
 * flowimpl.h: what a transport (quic.c; a pair in memory in the tests) gives
 * to be a flow, and what it may report. Tunnels include flow.h only.
 *
 *   tunnel -- flow.h --> flow.c -- flow_ops --> transport
 *   tunnel <- handlers - flow.c <- stream_rx.. - transport
 *
 * A transport embeds struct flow and struct stream at the start of its own.
 */
#ifndef DIALTONE_FLOWIMPL_H
#define DIALTONE_FLOWIMPL_H

#include <re.h>
#include "tunnels/flow/flow.h"

enum {
	STREAM_HEADER_MAX = 8,          /* a QUIC varint */
	FLOW_TUNNEL_MAX = 1023,         /* no m-line has a higher number */
	FLOW_WAITING_MAX = 256,         /* streams nobody has taken yet */
};

/* Codes a stream is reset with by the flow itself. */
enum stream_code {
	STREAM_CODE_NONE = 0,
	STREAM_CODE_TUNNEL = 0x100,     /* nobody takes this tunnel's */
};

struct flow_ops {
	/* A new stream of ours, mem_alloc'ed, stream_init done. The reference
	 * it is born with is flow.c's, dropped when it is gone. */
	int (*open)(struct stream **sp, struct flow *f);
	/* Room of at least `min` bytes, or 0 and stream_room follows. */
	size_t (*reserve)(struct stream *s, uint8_t **pp, size_t min);
	void (*commit)(struct stream *s, size_t n);
	void (*fin)(struct stream *s);
	void (*consumed)(struct stream *s, size_t n);   /* window back */
	/* Both directions; it is gone already. */
	void (*reset)(struct stream *s, uint64_t code);
	uint64_t (*unacked)(const struct stream *s);
	void (*priority)(struct stream *s, int prio);
	/* NULL: there are none. As flow_datagram. */
	int (*datagram)(struct flow *f, const uint8_t *hdr, size_t hdr_len,
			const uint8_t *p, size_t n);
};

struct flow {
	const struct flow_ops *ops;
	struct loop *loop;
	struct list streaml;            /* every stream that is not over */
	struct list listenl;
	unsigned waiting;               /* streams that nobody has taken */
	int err;                        /* why it is over, 0: it is not */
};

enum stream_phase {
	STREAM_HEADER,          /* the peer's; its tunnel is not known yet */
	STREAM_WAITING,         /* for a listener */
	STREAM_TAKEN,           /* handlers are set */
	STREAM_GONE,            /* closeh was called, or it was reset */
};

struct stream {
	struct le le;                   /* of flow->streaml */
	struct flow *flow;
	struct stream_handlers h;
	void *arg;
	enum stream_phase phase;
	unsigned tunnel;
	bool fin_rx;                    /* told, or to be told when taken */
	bool fin_tx;
	bool want;                      /* writeh is owed */
	bool patient;                   /* what comes now may wait */
	uint8_t hdr_len;
	uint8_t hdr[STREAM_HEADER_MAX];
	size_t unread;                  /* received, not consumed yet */
	struct mbuf *held;              /* came before there was a taker */
};

/* For the transport's alloc and destructor. */
void flow_init(struct flow *f, const struct flow_ops *ops, struct loop *l);
/* Every stream is over with err, new ones are refused with it. */
void flow_down(struct flow *f, int err);
/* After flow_down: what flow_init and the listeners took. */
void flow_reset(struct flow *f);

/* A new stream, before anything else; remote: the peer has opened it. EBUSY:
 * too many wait already, refuse it. */
int stream_init(struct stream *s, struct flow *f, bool remote);
/* For the transport's destructor. */
void stream_close(struct stream *s);

/* Facts. Any may end in stream_reset by the tunnel: keep a reference during
 * the call, and look at phase before going on: nothing is reported of a
 * stream that is STREAM_GONE. */
void stream_rx(struct stream *s, const uint8_t *p, size_t n);
void stream_rx_fin(struct stream *s);
void stream_room(struct stream *s);
void stream_over(struct stream *s, int err, uint64_t code);
void flow_rx_datagram(struct flow *f, const uint8_t *p, size_t n);

#endif
