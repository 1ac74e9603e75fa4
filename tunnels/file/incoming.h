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

/* The first n bytes of it that we have from earlier are hashed; n = 0: they
 * could not be. Called only if incoming_part said so. */
typedef void (incoming_have_h)(uint64_t n, const uint8_t sha[FW_SHA_SIZE],
			       void *arg);

/* dir: the open folder it goes to, below whose root it is called path. w:
 * its FILE record. ENOSPC and so on if there is no room for it; EFBIG if no
 * file can be as large. mem_deref keeps what has come. */
int incoming_alloc(struct incoming **ip, struct loop *l, int dir,
		   const char *path, const struct filewire *w,
		   uint64_t entry, incoming_have_h *haveh, void *arg);

/* How far it is, of how much. */
uint64_t incoming_done(const struct incoming *in, uint64_t *size);

/* How many bytes of it we have from earlier, to be told to the sender. */
uint64_t incoming_part(const struct incoming *in);

/* EBADMSG: more than the FILE record said. */
int incoming_data(struct incoming *in, const uint8_t *p, size_t n);

/* n bytes that are zero, and need no room on the disk. */
int incoming_hole(struct incoming *in, uint64_t n);

/* The sender passes over what we have (n as in incoming_part), or comes back
 * to where it began to, because that differs. *moved: bytes that need not
 * come, negative if they must after all. EBADMSG: we have not said so. */
int incoming_seek(struct incoming *in, uint64_t n, int64_t *moved);

/* The sender has the same in what it passed over. */
int incoming_keep(struct incoming *in);

/* All is here. EBADMSG: it is not; EILSEQ: the hash differs. Otherwise what
 * is left to be done. */
int incoming_end(struct incoming *in, const uint8_t hash[FW_HASH_SIZE],
		 struct fileop **opp);

/* Nothing of it is to be kept. */
void incoming_forget(struct incoming *in);

#endif
