/*
 * dgram.h: what a tunnel sees of a secured datagram flow: packets, sealed one
 * by one into a batch that leaves in one system call.
 *
 * A dgram is a DTLS association (dtls.h), or a pair in memory in the tests.
 * All on its worker thread.
 */
#ifndef DIALTONE_DGRAM_H
#define DIALTONE_DGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct dgram;
struct sa;

enum {
	DGRAM_ROOM  = 24,       /* bytes free in front of a received packet:
	                           less than what a record adds to it */
	DGRAM_BATCH = 64,       /* packets in one recvh at most */
};

struct dgram_handlers {
	/* n packets in the order of arrival, authentic and not replayed.
	 * They may be changed in place, DGRAM_ROOM bytes before each too;
	 * valid during the call. */
	void (*recvh)(struct iovec *v, size_t n, void *arg);
	/* there is room again after dgram_put said EAGAIN, or dgram_full
	 * true */
	void (*writeh)(void *arg);
	/* the path takes packets of so many bytes from now on */
	void (*mtuh)(size_t mtu, void *arg);
	/* the packets go to another address from now on */
	void (*outerh)(const struct sa *outer, void *arg);
};

/* Set or, with NULL, remove who is told. */
void dgram_handle(struct dgram *d, const struct dgram_handlers *h,
		  void *arg);

/* Seal one packet into the batch (p is read only, and free afterwards), which
 * leaves when it is full or the loop's turn ends.
 * Packets of equal size in a row leave together. 0; EMSGSIZE: larger than
 * dgram_mtu; EINVAL: empty; EAGAIN: the socket is full, the packet was not
 * taken; ENOTCONN: over. */
int dgram_put(struct dgram *d, const void *p, size_t n);

/* Is so much on its way out of this host that more would only wait there?
 * It is for the tunnel then to hold or to drop what is not urgent; dgram_put
 * takes it all the same. */
bool dgram_full(struct dgram *d);

/* Bytes that fit into one packet on the present path. */
size_t dgram_mtu(const struct dgram *d);

/* Where the packets go, for who changes routes; NULL if that is unknown. */
const struct sa *dgram_outer(const struct dgram *d);

#endif
