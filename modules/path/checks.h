/*
 * checks.h: sending connectivity checks: pacing, the triggered queue,
 * retransmission, giving up (RFC 8445 sections 6.1.4.2 and 14).
 */
#ifndef DIALTONE_CHECKS_H
#define DIALTONE_CHECKS_H

#include "modules/path/ice.h"

/* A new transaction on p, sent at once. False: it cannot be sent there and
 * p has failed. */
bool check_start(struct agent *a, struct candpair *p, uint64_t now);

/* A check that belongs to no pair, as it were from a peer-reflexive
 * candidate. The length; 0: it cannot be made. */
size_t check_bare(uint8_t *buf, size_t size, const struct agent *a);

/* Put p into the triggered queue (RFC 8445 section 6.1.4.1). */
void check_trigger(struct agent *a, struct candpair *p);

/* p is of no use any more, or for now. */
void check_fail(struct candpair *p);

/* Retransmit and start what is due. */
void checks_run(struct agent *a, uint64_t now);

/* When checks_run is wanted next. */
uint64_t checks_next(const struct agent *a);

#endif
