/*
 * housekeep.h: what the house keeps for the next process (learned.h): the
 * NATs that forget soon, and the nonce of our port mappings.
 */
#ifndef DIALTONE_HOUSEKEEP_H
#define DIALTONE_HOUSEKEEP_H

#include "modules/path/mapper.h"
#include "sipd/learned.h"

/* As paths_conf's forgetsh. */
void housekeep_forgets(struct learned *l, const struct sa *local,
		       const struct sa *mapped, unsigned idle, unsigned life);

/* All of that is told to the paths again. */
void housekeep_remind(struct learned *l, struct paths *ps);

/* That of before, or a new one. EIO: there is no randomness. */
int housekeep_nonce(struct learned *l, uint8_t nonce[MAPPER_NONCE_SIZE]);

#endif
