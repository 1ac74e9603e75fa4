/*
 * socks.h: what a client of -D asks for, in one of three languages: SOCKS 5
 * (RFC 1928), SOCKS 4 with names (4A), HTTP CONNECT (RFC 9110, 9.3.6). Words
 * only: nothing is read or written here. Told apart by the first byte.
 */
#ifndef DIALTONE_SOCKS_H
#define DIALTONE_SOCKS_H

#include <re.h>
#include "tunnels/forward/fwwire.h"

enum socks_proto { SOCKS_NONE = 0, SOCKS_4 = 4, SOCKS_5 = 5, SOCKS_HTTP = 67 };

enum {
	SOCKS_REQUEST_MAX = 8192,       /* HTTP's header lines */
	SOCKS_REPLY_MAX   = 128,
	SOCKS_PACKET_MAX  = 262,        /* a packet's header */
};

/* All zero at first. */
struct socks {
	enum socks_proto proto;
	bool greeted;                   /* SOCKS 5: a method is agreed on */
	bool udp;                       /* ASSOCIATE: host is of no use */
	char host[FWW_HOST_MAX + 1];    /* a name, or an address */
	uint16_t port;
	struct sa bound;                /* for the reply to ASSOCIATE */
};

/* Read on in what has come so far. 0: the request is there, in the first *used
 * bytes; EAGAIN: it needs more (or, if *used is not 0, was a greeting that is
 * to be replied to). Else what to reply: EOPNOTSUPP another command,
 * EAFNOSUPPORT another kind of address, EBADMSG nonsense. */
int socks_decode(struct socks *so, const uint8_t *p, size_t n, size_t *used);

/* The header of a SOCKS 5 UDP packet: *used bytes, host and port. EBADMSG:
 * nonsense, or a fragment. */
int socks_packet(struct socks *so, const uint8_t *p, size_t n, size_t *used);

/* The reply to a greeting or, later, a request; err as errno. Returns its
 * length, 0: there is none. */
size_t socks_reply(uint8_t buf[SOCKS_REPLY_MAX], const struct socks *so,
		   int err);

#endif
