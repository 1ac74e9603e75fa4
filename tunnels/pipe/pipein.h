/*
 * pipein.h: what is read from a descriptor goes out as records, as fast as
 * the stream takes them.
 */
#ifndef DIALTONE_PIPEIN_H
#define DIALTONE_PIPEIN_H

#include "tunnels/flow/loop.h"
#include "tunnels/pipe/pipefd.h"
#include "tunnels/record.h"

struct pipein;

/* err 0: its end. Once, and not from inside pipein_pump or pipein_alloc. */
typedef void (pipein_end_h)(int err, void *arg);

/* fd becomes the pipein's. w: where records of this type go. */
int pipein_alloc(struct pipein **pp, struct loop *l, const struct pipefd *fd,
		 struct record_writer *w, uint8_t type, pipein_end_h *endh,
		 void *arg);

/* There is room again. */
void pipein_pump(struct pipein *p);

uint64_t pipein_bytes(const struct pipein *p);

#endif
