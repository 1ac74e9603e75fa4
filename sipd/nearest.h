/*
 * nearest.h: "did you mean ...?"
 */
#ifndef DIALTONE_NEAREST_H
#define DIALTONE_NEAREST_H

#include <re.h>

/* Start with an all-zero struct. */
struct nearest {
	const char *best;       /* NULL: nothing is near */
	size_t dist;
};

/* Keep the candidate that looks most like word by its edit distance, if it
 * looks like it at all. cand must outlive n. */
void nearest_try(struct nearest *n, const char *word, const char *cand);

/* Prints "; did you mean 'x'?", or nothing. */
int nearest_print(struct re_printf *pf, const struct nearest *n);

#endif
