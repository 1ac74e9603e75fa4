/*
 * outq.h: how much of what one sender wrote is still queued on this host, and
 * how much may be: what the way out takes in some milliseconds. More is only
 * delay (bufferbloat), and it is others' too.
 *
 *   write -> outq_wrote -> is it outq_full? -> outq_wait -> outq_look -> ...
 *
 * The socket tells what it holds of all senders (SIOCOUTQ). Where it holds
 * nothing after a write, as on a fast link, nothing is ever full. No system
 * calls here: facts and times come in.
 */
#ifndef DIALTONE_OUTQ_H
#define DIALTONE_OUTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outq {
	size_t mine;            /* of the sender's, by estimate */
	size_t then;            /* what the socket held at the last look */
	size_t gone;            /* since `since` */
	uint64_t since;         /* ns; beginning of a measurement */
	uint64_t rate;          /* bytes a second, 0: not known yet */
};

/* The socket held so much before and after a write of ours. */
void outq_wrote(struct outq *o, size_t before, size_t after, uint64_t now);

/* It holds so much now. */
void outq_look(struct outq *o, size_t queued, uint64_t now);

/* Should more wait, `pending` bytes being about to be written? */
bool outq_full(const struct outq *o, size_t pending);

/* Being full: ns until it is worth a look. */
uint64_t outq_wait(const struct outq *o);

#endif
