/*
 * filestage.h: a hidden folder below the receiving one for small files that
 * are not synced yet. Locked while it is used, so that what a crash left
 * behind is known and swept away by the next one to come.
 */
#ifndef DIALTONE_FILESTAGE_H
#define DIALTONE_FILESTAGE_H

#include <sys/types.h>

struct filestage;

/* Nothing is made on disk yet. root is duplicated. */
int filestage_alloc(struct filestage **sp, int root);

/* Shared by the worker and a batch's thread; the last one removes it. */
struct filestage *filestage_ref(struct filestage *s);
void filestage_unref(struct filestage *s);

int filestage_root(const struct filestage *s);

/* The mode's bits that a file made in it does not get; once it is made. */
mode_t filestage_mask(const struct filestage *s);

/* The folder, made at the first call. One thread at a time. */
int filestage_open(struct filestage *s, int *fdp);

#endif
