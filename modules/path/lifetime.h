/*
 * lifetime.h: how long the NAT in front of us keeps a UDP mapping that nobody
 * uses, found out with a STUN server that answers to another port than the
 * one that asks (RESPONSE-PORT, RFC 5780 section 4.6).
 *
 * A pure state machine, as classify.h: the caller has the sockets, which must
 * be fresh, and the time. Takes up to two minutes.
 */
#ifndef DIALTONE_LIFETIME_H
#define DIALTONE_LIFETIME_H

#include <re.h>

struct lifetime;

/* A socket for each idle time, and the one that asks. */
enum { LIFETIME_STEPS = 18, LIFETIME_SOCKETS = LIFETIME_STEPS + 1 };

enum lifetime_state {
	LIFETIME_RUNNING,       /* alive after `alive` seconds; it goes on */
	LIFETIME_FOUND,         /* alive after `alive`, gone after `gone` */
	LIFETIME_LONGER,        /* than what was waited: `alive` */
	LIFETIME_UNABLE,        /* the server answers to no other port */
	LIFETIME_SILENT,        /* it does not answer, or no more */
};

struct lifetime_result {
	enum lifetime_state state;
	unsigned alive, gone;   /* seconds */
};

struct lifetime_conf {
	struct sa server;
	void (*sendh)(unsigned sock, const struct sa *dst,
		      const uint8_t *buf, size_t len, void *arg);
	void *arg;
};

/* Begins at `now`. */
int lifetime_alloc(struct lifetime **lp, const struct lifetime_conf *conf,
		   uint64_t now);

/* Whatever came to socket sock. */
void lifetime_recv(struct lifetime *l, unsigned sock, const struct sa *src,
		   const uint8_t *buf, size_t len, uint64_t now);

/* Send what is due. */
void lifetime_tick(struct lifetime *l, uint64_t now);

/* UINT64_MAX: it is over. */
uint64_t lifetime_next(const struct lifetime *l);

/* What is known so far. */
const struct lifetime_result *lifetime_result(const struct lifetime *l);

#endif
