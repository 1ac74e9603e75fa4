/*
 * incoming.h: one file that is being received: a small one in memory, a large
 * one in its unfinished file, which is kept for the next time when it is cut.
 */
#ifndef DIALTONE_INCOMING_H
#define DIALTONE_INCOMING_H

#include "tunnels/file/filebatch.h"
#include "tunnels/file/filewire.h"
#include "tunnels/flow/loop.h"

struct incoming;

/* We have n bytes of it from earlier, with this hash. */
typedef void (incoming_have_h)(uint64_t n, const uint8_t sha[FW_SHA_SIZE],
			       void *arg);

/* dir: the open folder it goes to, below whose root it is called path. w:
 * its FILE record. ENOSPC and so on if there is no room for it; EFBIG if no
 * file can be as large. mem_deref keeps what has come. */
int incoming_alloc(struct incoming **ip, struct loop *l, int dir,
		   const char *path, const struct filewire *w,
		   uint64_t entry, incoming_have_h *haveh, void *arg);

/* EBADMSG: more than the FILE record said. */
int incoming_data(struct incoming *in, const uint8_t *p, size_t n);

/* The sender agrees that we have n bytes of it, and goes on after them; n = 0:
 * it does not agree. EBADMSG: we have not said so. */
int incoming_seek(struct incoming *in, uint64_t n);

/* All is here. EBADMSG: it is not; EILSEQ: the hash differs. Otherwise what
 * is left to be done. */
int incoming_end(struct incoming *in, const uint8_t hash[FW_HASH_SIZE],
		 struct fileop **opp);

/* Nothing of it is to be kept. */
void incoming_forget(struct incoming *in);

#endif
