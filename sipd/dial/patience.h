/*
 * patience.h: nobody waits long without a word.
 */
#ifndef DIALTONE_PATIENCE_H
#define DIALTONE_PATIENCE_H

#include <re.h>

struct patience;

int patience_alloc(struct patience **pp);

/* The call to peer has got to this state, and may stay there: one line on
 * stderr if it does. Call it again with the next state; "": no more waiting.
 */
void patience_set(struct patience *p, const char *peer, const char *state);

#endif
