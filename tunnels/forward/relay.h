/*
 * relay.h: one TCP connection and one stream, joined: bytes, half-close,
 * reset and back-pressure, each way as if there were no tunnel between.
 */
#ifndef DIALTONE_RELAY_H
#define DIALTONE_RELAY_H

#include <stdbool.h>
#include "tunnels/flow/flow.h"
#include "tunnels/flow/loop.h"

struct relay;
struct gather;

/* What the relays of a tunnel share: where the bytes of one turn of the loop
 * come together, so that a packet is not a system call. */
int gather_alloc(struct gather **gp, struct loop *l);

struct relay_handlers {
	/* Of one that we have accepted, or NULL: how it went, before anything
	 * else. true: its client has been told so in words, and fd need not
	 * be closed by a reset if err says that it failed. */
	bool (*greeth)(int fd, int err, void *arg);
	/* It is over. opened: it was connected; err: why it was not, or 0.
	 * Never from inside a call; may free the relay. */
	void (*overh)(bool opened, int err, void *arg);
};

/* s is the relay's from here on. accepted: we have accepted the connection,
 * and the far side's first word is RESULT. */
int relay_alloc(struct relay **rp, struct gather *g, struct stream *s,
		bool accepted, const struct relay_handlers *h, void *arg);

/* Join: fd is non-blocking and the relay's. */
int relay_join(struct relay *r, int fd);

/* Bytes of the stream that came before the relay was there. */
void relay_rx(struct relay *r, const uint8_t *p, size_t n);

/* It cannot be connected: the far side is told by a reset with this error. */
void relay_refuse(struct relay *r, int err);

/* Bytes from and to the TCP connection. */
void relay_bytes(const struct relay *r, uint64_t *from, uint64_t *to);

#endif
