/*
 * dtlspool.h: what the DTLS associations of one worker share: who is found at
 * an address, buffers, TLS contexts.
 */
#ifndef DIALTONE_DTLSPOOL_H
#define DIALTONE_DTLSPOOL_H

#include "tunnels/flow/dtlsimpl.h"

enum { DPOOL_BATCHES = 16 };            /* kept for the next user */

struct dpool {
	struct list connl;
	struct list ctxl;               /* dtlstls.c's */
	struct hash *addrs, *tags;
	struct list batchl;             /* free ones */
	void (*closeh)(struct dconn *c);        /* when the worker stops */
	uint8_t *text;                  /* what SSL_read brings */
	struct rxbatch *rx;             /* dtlsrx.c's, of this read */
};

/* The worker's, made at first use; NULL: out of memory. */
struct dpool *dpool_get(struct worker *w, void (*closeh)(struct dconn *c));

/* Packets from sa are c's (among others'), and so for a tag. */
void dpool_addr_add(struct dpool *p, struct daddr *a, struct dconn *c,
		    const struct sa *sa);
void dpool_addr_del(struct daddr *a);
void dpool_tag_add(struct dpool *p, struct dconn *c);
void dpool_tag_del(struct dconn *c);

/* The first daddr that may be sa's, then use le->next and sa_cmp. */
struct le *dpool_addr_first(const struct dpool *p, const struct sa *sa);
/* To be found first the next time. */
void dpool_addr_front(struct daddr *a);
/* With this tag, from an address that is its own or before it has one. */
struct dconn *dpool_tag_find(const struct dpool *p, uint32_t tag,
			     const struct sa *src);

/* Is src one of c's? */
bool dpool_knows(const struct dconn *c, const struct sa *src);

/* A buffer from the pool, empty; and back. */
struct batch *dpool_batch(struct dpool *p);
void dpool_batch_back(struct dpool *p, struct batch *b);

/* Somebody is no longer in connl: the last one needs no buffers. */
void dpool_left(struct dpool *p);

#endif
