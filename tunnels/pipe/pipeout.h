/*
 * pipeout.h: what came is written to a descriptor, as fast as that takes it.
 */
#ifndef DIALTONE_PIPEOUT_H
#define DIALTONE_PIPEOUT_H

#include "tunnels/flow/loop.h"
#include "tunnels/pipe/pipefd.h"

struct pipeout;

struct pipeout_handlers {
	/* n bytes that were kept are written by now */
	void (*writtenh)(size_t n, void *arg);
	/* err 0: all is written, and closed; else it takes no more. Once, and
	 * never from inside a call */
	void (*endh)(int err, void *arg);
};

/* fd becomes the pipeout's. */
int pipeout_alloc(struct pipeout **pp, struct loop *l,
		  const struct pipefd *fd, const struct pipeout_handlers *h,
		  void *arg);

/* Write now what it takes, keep the rest: returns how many bytes are kept.
 * After an error none are, nor written. */
size_t pipeout_write(struct pipeout *p, const uint8_t *buf, size_t n);

/* No more is to come. */
void pipeout_finish(struct pipeout *p);

/* Bytes that are kept, and bytes written in all. */
size_t pipeout_left(const struct pipeout *p);
uint64_t pipeout_bytes(const struct pipeout *p);

#endif
