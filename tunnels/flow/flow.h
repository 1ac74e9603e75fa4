/*
 * flow.h: what a tunnel sees of the secured flow: streams.
 *
 * A flow is a QUIC connection (quic.h), or a pair in memory in the tests.
 * All calls and handlers are on the flow's worker thread. Back-pressure works
 * both ways: the writer waits for writeh, the reader gives the window back
 * with stream_consumed when it has passed the bytes on.
 */
#ifndef DIALTONE_FLOW_H
#define DIALTONE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow;
struct stream;
struct loop;

/* All may be NULL but closeh. After closeh the stream is gone. */
struct stream_handlers {
	/* n bytes in order, valid during the call only; take them all */
	void (*readh)(struct stream *s, const uint8_t *p, size_t n,
		      void *arg);
	/* the peer has ended its direction; no readh after this */
	void (*finh)(struct stream *s, void *arg);
	/* there is room again after stream_write took less than given or
	 * stream_reserve gave none */
	void (*writeh)(struct stream *s, void *arg);
	/* over: both directions done (err 0), reset by the peer
	 * (ECONNRESET, its code), or the flow is gone (ENOTCONN...) */
	void (*closeh)(struct stream *s, int err, uint64_t code, void *arg);
};

/* Called for each stream the peer opens for this tunnel. Set the handlers
 * with stream_handle before returning, or it is reset with code 0. */
typedef void (stream_accept_h)(struct stream *s, void *arg);

/* Open a bidirectional stream for tunnel number `tunnel` (its m-line); the
 * header naming it goes out with the first bytes. More streams than the peer
 * allows are queued and opened when it allows more. */
int stream_open(struct stream **sp, struct flow *f, unsigned tunnel,
		const struct stream_handlers *h, void *arg);

/* Name who takes the peer's streams for `tunnel`; NULL: nobody, they wait
 * for a listener, up to a number of them, with as much as their window holds.
 * Streams that came earlier are given now. */
int flow_listen(struct flow *f, unsigned tunnel, stream_accept_h *h,
		void *arg);

/* A datagram that the peer has sent for this tunnel, valid during the call. */
typedef void (flow_datagram_h)(const uint8_t *p, size_t n, void *arg);

/* The same for datagrams, after flow_listen, and with it ended; those that
 * nobody takes are lost. */
void flow_datagrams(struct flow *f, unsigned tunnel, flow_datagram_h *h,
		    void *arg);

/* Send one, ahead of all streams; it may be lost or come late. EMSGSIZE: the
 * path takes no such packets; ENOTSUP: the transport has no datagrams; EAGAIN:
 * too many wait. */
int flow_datagram(struct flow *f, unsigned tunnel, const void *p, size_t n);

void stream_handle(struct stream *s, const struct stream_handlers *h,
		   void *arg);

/* Copy up to n bytes into the send buffer; returns how many were taken, 0..n.
 * If fewer, writeh will be called. */
size_t stream_write(struct stream *s, const void *p, size_t n);

/* The same without the copy: room to be filled in place (read(2) into it),
 * then committed. 0 bytes of room: writeh will be called. The room is valid
 * until the next call on this stream, or until you return to the loop. */
size_t stream_reserve(struct stream *s, uint8_t **pp);
void stream_commit(struct stream *s, size_t n);

/* What is written or ended while this is on waits for company, a millisecond
 * at most: nobody is waiting for it. */
void stream_patient(struct stream *s, bool on);

/* No more bytes from us; what is buffered still goes out. */
void stream_fin(struct stream *s);

/* The reader has passed on n bytes of what readh brought. */
void stream_consumed(struct stream *s, size_t n);

/* Throw the stream away in both directions; no handler is called any more. */
void stream_reset(struct stream *s, uint64_t code);

/* Bytes written that the peer's transport has not acknowledged yet. */
uint64_t stream_unacked(const struct stream *s);

/* 0: ordinary; higher is served first (interactive ahead of bulk). */
void stream_priority(struct stream *s, int prio);

/* The worker's loop, for the tunnel's own descriptors and timers. */
struct loop *flow_loop(const struct flow *f);

#endif
