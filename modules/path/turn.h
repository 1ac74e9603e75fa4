/*
 * turn.h: one allocation on a TURN server (RFC 8656), as a pure state
 * machine: messages and times in, messages by a handler. No socket, no
 * timer, no clock.
 *
 *   ASKING --Allocate--> READY --Refresh ...--> OVER
 *      |                   permissions, channels ^
 *      +-----------------------------------------+
 *
 * A peer gets a permission before it may send to us, and a channel before we
 * send to it; what was to be sent is kept until it has one.
 */
#ifndef DIALTONE_TURN_H
#define DIALTONE_TURN_H

#include "modules/path/keepalive.h"
#include "modules/path/turnmsg.h"

struct turn;

struct turn_conf {
	const char *user;       /* NULL: none; with a secret: may be NULL */
	const char *password;   /* NULL if there is a secret */
	const char *secret;
	uint64_t wall;          /* s since 1970, for names that expire */
	uint32_t handle;        /* first 4 bytes of transaction ids */
	bool reliable;          /* TCP: nothing is sent twice */
	struct sa local;        /* that is sent from */
	const struct keepalive *keepalive;      /* or NULL; outlives it */
	/* one message to the server; must not call the turn */
	void (*sendh)(const uint8_t *buf, size_t len, void *arg);
	/* this channel is the peer's; told before the server is asked, for
	 * its packets may overtake its answer */
	void (*bindh)(uint16_t channel, const struct sa *peer, void *arg);
	/* what was kept goes now: from the relayed address to peer */
	void (*datah)(const struct sa *relayed, const struct sa *peer,
		      const uint8_t *buf, size_t len, void *arg);
	/* an answer to a request of ours that is not the server's; NULL:
	 * nobody wants to know */
	void (*forgedh)(void *arg);
	void *arg;
};

enum turn_state { TURN_ASKING, TURN_READY, TURN_OVER };

enum turn_end {
	TURN_LOST,              /* it is gone, or nobody answers */
	TURN_LATER,             /* the server has no room for us now */
	TURN_REFUSED,           /* it does not want us: turn_why says it */
	TURN_ELSEWHERE,         /* it names another: turn_alternate */
};

/* The first request goes out in here. */
int turn_alloc(struct turn **tp, const struct turn_conf *conf, uint64_t now);

/* An answer from the server. True: it was ours, and true or not, nobody else
 * wants it. After it, and after turn_tick, look at turn_state. */
bool turn_recv(struct turn *t, const struct stun_pkt *m, uint64_t now);
void turn_tick(struct turn *t, uint64_t now);
uint64_t turn_next(const struct turn *t);

enum turn_state turn_state(const struct turn *t);

/* NULL: not READY yet, or there is none of this family. */
const struct sa *turn_relayed(const struct turn *t, int af);
/* How the server sees us; may be unset. */
const struct sa *turn_mapped(const struct turn *t);

/* Once OVER. why: one clause for people. */
enum turn_end turn_end(const struct turn *t);
const char *turn_why(const struct turn *t);
const struct sa *turn_alternate(const struct turn *t);

/* This peer may send to us from any port, as soon as the server knows. */
void turn_permit(struct turn *t, const struct sa *peer, uint64_t now);

/* 0: the peer has a channel, send; EAGAIN: it will, buf is kept and goes
 * then; EACCES: the server refuses this peer; ENOTCONN: no such address. */
int turn_to(struct turn *t, const struct sa *peer, const uint8_t *buf,
	    size_t len, uint64_t now);

/* Something hints that the allocation is gone: ask. */
void turn_probe(struct turn *t, uint64_t now);

/* The message that gives it back; 0: there is nothing to give back. */
size_t turn_last(struct turn *t, uint8_t *buf, size_t size);

#endif
