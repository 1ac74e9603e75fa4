/*
 * frameout.h: the way out of a framed connection: packets behind their
 * lengths, many in one system call or one record of TLS, and the rest of what
 * the socket did not take. Part of framed.c; one of them in each.
 */
#ifndef DIALTONE_FRAMEOUT_H
#define DIALTONE_FRAMEOUT_H

#include "tunnels/flow/frames.h"
#include "tunnels/flow/tlsfd.h"

struct frameout {
	int fd;                         /* the owner's */
	struct tlsfd *tls;              /* the owner's; NULL: without */
	enum framing framing;
	uint8_t *rest;                  /* with its lengths; frees: free() */
	size_t rest_len;
};

/* One packet that goes first when there is somebody; in place of another. */
int frameout_first(struct frameout *o, const uint8_t *p, size_t n);

/* 0: all is out; EAGAIN; others: it is broken. */
int frameout_flush(struct frameout *o);

/* As link_ops' write; also the rest of what was begun. */
int frameout_write(struct frameout *o, const uint8_t *buf, size_t len,
		   size_t seg, size_t *done);

#endif
