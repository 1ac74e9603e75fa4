/*
 * fwwire.h: the records of the forward tunnel (record.h).
 *
 * The caller opens one stream that begins with HELLO, for orders:
 *
 *   HELLO version             -->
 *   CHECK target, id, host, port  -->  may I connect there?      (-L, -W)
 *   LISTEN target, id, host, port -->  listen there for me       (-R)
 *                                 <--  ANSWER id, error, port, text
 *
 * A host that begins with '/' is the path of a Unix socket, its port 0. Each
 * connection is a stream of its own, opened by the side that has accepted it.
 * What follows CONNECT and RESULT is the connection's bytes. A refusal is a
 * reset of the stream, whose code is the error.
 *
 *   CONNECT host, port (-L) or the id of a LISTEN (-R)  -->
 *                                                       <--  RESULT 0
 *
 * So is each UDP flow, that is packets of one client to one target; but what
 * follows is PACKETs, both ways, only for those that cannot go as a datagram
 * of the flow (flow.h): a u32, the channel of the CONNECT, and the packet.
 */
#ifndef DIALTONE_FWWIRE_H
#define DIALTONE_FWWIRE_H

#include <re.h>

enum fwwire_type {
	FWW_HELLO     = 1,
	FWW_CHECK     = 2,
	FWW_LISTEN    = 3,
	FWW_ANSWER    = 4,
	FWW_CONNECT   = 5,
	FWW_RESULT    = 6,
	FWW_PACKET    = 7,      /* not decoded here: a UDP packet's bytes */
};

enum fwwire_target {
	FWW_TCP       = 1,      /* host and port, or a Unix socket */
	FWW_LISTENER  = 2,      /* CONNECT: what is behind listener id */
	FWW_UDP       = 4,
	FWW_SOCKS     = 3,      /* LISTEN: each client says where to; its
	                           CONNECT names that, and the listener's id */
};

enum {
	FWW_VERSION   = 1,
	FWW_HOST_MAX  = 255,
	FWW_TEXT_MAX  = 255,
};

struct fwwire {
	enum fwwire_type type;
	uint8_t version;                /* HELLO */
	enum fwwire_target target;      /* CHECK, LISTEN, CONNECT */
	uint32_t id;                    /* CHECK, LISTEN, ANSWER, CONNECT */
	char host[FWW_HOST_MAX + 1];
	uint16_t port;
	uint32_t channel;               /* CONNECT: of its datagrams */
	int err;                        /* ANSWER, RESULT */
	char text[FWW_TEXT_MAX + 1];    /* ANSWER: a sentence */
};

int fwwire_encode(struct mbuf *mb, const struct fwwire *w);

/* EBADMSG: nonsense; ENOTSUP: a type or target not known here. */
int fwwire_decode(struct fwwire *w, uint8_t type, const uint8_t *p,
		  size_t n);

#endif
