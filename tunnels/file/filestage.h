/*
 * filestage.h: hidden folders below the receiving one for small files that
 * are not synced yet. Locked while they are used, so that what a crash left
 * behind is known and swept away by the next one to come.
 *
 * Batches use them, each on a thread of its own: several, so that one can be
 * filled while names are taken out of another, for the kernel locks a
 * folder for either. And each batch has a turn, so that names are given in
 * the order in which the entries came.
 */
#ifndef DIALTONE_FILESTAGE_H
#define DIALTONE_FILESTAGE_H

#include <sys/types.h>

struct filestage;

/* Nothing is made on disk yet. root is duplicated. */
int filestage_alloc(struct filestage **sp, int root);

/* Shared by the worker and the batches' threads; the last one removes all. */
struct filestage *filestage_ref(struct filestage *s);
void filestage_unref(struct filestage *s);

/* The worker's last word: its reference. Batches that are still at work are
 * a tail from now on, see filetail.h. */
void filestage_leave(struct filestage *s);

int filestage_root(const struct filestage *s);

/* The next turn; each that is taken must be passed on once, in any order. */
unsigned filestage_turn(struct filestage *s);

/* Wait until all turns before that one are passed on. */
void filestage_wait(struct filestage *s, unsigned turn);
void filestage_pass(struct filestage *s, unsigned turn);

/* The folder for that turn, made at the first call, and the mode's bits that
 * a file made in it does not get. */
int filestage_open(struct filestage *s, unsigned turn, int *fdp,
		   mode_t *mask);

#endif
