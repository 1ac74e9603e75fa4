/*
 * filetell.h: what the receiving side tells the sender and its own user.
 */
#ifndef DIALTONE_FILETELL_H
#define DIALTONE_FILETELL_H

#include "tunnels/file/filerecvimpl.h"

/* People's words for what goes wrong while receiving. */
const char *filetell_sentence(int err);

/* A record; nothing is said when the stream is gone. */
int filetell_say(struct filerecv *r, const struct filewire *w);

/* Nothing more to say: the end comes with the stream's. */
void filetell_linger(struct filerecv *r);

/* It cannot go on. The peer is told, and has a moment to hear it. */
void filetell_die(struct filerecv *r, int err, const char *why);

/* An entry that is not just stored: NAME in the folder DIR. */
void filetell_verdict(struct filerecv *r, uint64_t entry, const char *dir,
		      const char *name, enum filewire_outcome outcome,
		      int err, const char *text);

/* An entry could not be stored. */
void filetell_failed(struct filerecv *r, uint64_t entry, const char *dir,
		     const char *name, int err);

/* What the sender could not read. */
void filetell_missed(struct filerecv *r, const char *path, const char *why);

void filetell_progress(struct filerecv *r, const char *name);

/* All is on disk, or failed and told. */
void filetell_done(struct filerecv *r);

#endif
