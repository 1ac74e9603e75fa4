/*
 * tcpconn.h: a TCP connection out, straight or through an HTTP proxy
 * (CONNECT, RFC 9110 section 9.3.6), as it is or with TLS on top.
 *
 *   connecting --> asking the proxy --> TLS --> up ... down
 *
 * For framed packets that may be late or lost, not for a flood: what the
 * peer does not take waits in one bounded buffer, and then nothing more is
 * taken. On a loop's thread.
 */
#ifndef DIALTONE_TCPCONN_H
#define DIALTONE_TCPCONN_H

#include <re.h>
#include "tunnels/flow/loop.h"

struct tcpconn;

enum {
	TCPCONN_OUT = 80 << 10,         /* bytes that may wait */
	TCPCONN_IN = 66 << 10,          /* no message is larger */
	TCPCONN_ROOM = 64,              /* bytes in front of what was read */
};

struct tcpconn_conf {
	struct sa dst;          /* the server, or the proxy */
	const char *connect;    /* "host:port" to ask the proxy for, or NULL */
	const char *login;      /* "user:password" for the proxy, or NULL */
	const char *tls;        /* the server's name; NULL: no TLS */
	const char *ca;         /* file of trusted CAs; NULL: the system's */
};

struct tcpconn_handlers {
	void (*uph)(void *arg);
	/* n bytes are there: how many of them are done with? The rest comes
	 * again with more behind it. They may be changed in place. Must not
	 * free the connection. */
	size_t (*readh)(uint8_t *p, size_t n, void *arg);
	/* all that waited is gone */
	void (*roomh)(void *arg);
	/* it is over; why is one clause for people */
	void (*downh)(int err, const char *why, void *arg);
};

int tcpconn_open(struct tcpconn **cp, struct loop *l,
		 const struct tcpconn_conf *conf,
		 const struct tcpconn_handlers *h, void *arg);

/* Room for n bytes, NULL if there is not so much; to be filled, then
 * committed: n bytes of it. They go out at once as far as they can. */
uint8_t *tcpconn_room(struct tcpconn *c, size_t n);
void tcpconn_commit(struct tcpconn *c, size_t n);

/* Something waits to be sent. */
bool tcpconn_busy(const struct tcpconn *c);

/* Our address; unset before it is up. */
void tcpconn_local(const struct tcpconn *c, struct sa *sa);

#endif
