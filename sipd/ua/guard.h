/*
 * guard.h: what a SIP message must look like before libre decodes it.
 *
 * libre's decoder uses regular expressions that cost the square of a line's
 * length, before any authentication. The guard is one pass over the head and
 * refuses what no honest peer sends.
 */
#ifndef DIALTONE_GUARD_H
#define DIALTONE_GUARD_H

#include <re.h>

enum {
	GUARD_START   = 512,    /* bytes of the start line */
	GUARD_LINE    = 4096,   /* of a header with its folded lines */
	GUARD_HEADERS = 96,     /* header lines */
	GUARD_HEAD    = 16384,  /* bytes up to the empty line */
	GUARD_SIZE    = 49152,  /* of a datagram */
};

/* The head of a message on a stream: its length with the empty line, 0 if it
 * is not complete yet, -1 if it can be refused already. */
ssize_t guard_head(const uint8_t *p, size_t n);

/* A whole datagram: a complete head, and not too large. */
bool guard_ok(const uint8_t *p, size_t n);

/* The same below libre's decoder on a UDP socket: drops what is not ok, lets
 * STUN pass. Dereference *uhp before the socket. dropped (may be NULL) is
 * counted up. */
int guard_attach(struct udp_helper **uhp, struct udp_sock *us,
		 uint64_t *dropped);

#endif
