/*
 * fileroom.h: what all who receive into one folder at the same time add to
 * it, so that a quota holds for them together. Thread-safe.
 */
#ifndef DIALTONE_FILEROOM_H
#define DIALTONE_FILEROOM_H

#include <stdint.h>

struct fileroom;

/* That of the folder behind fd, which all share who are there; leave gives
 * it back, NULL is left alone. */
int fileroom_join(struct fileroom **rp, int fd);
void fileroom_leave(struct fileroom *r, uint64_t pending);

/* Taken before the folder is counted, and added to that and to what is
 * charged then: what is held, modulo 2^64. */
uint64_t fileroom_unseen(struct fileroom *r);

/* Bytes that are about to come (modulo 2^64, so that some may be taken back),
 * and bytes of files that have no names yet: pending until they do. */
void fileroom_charge(struct fileroom *r, uint64_t bytes, uint64_t pending);
void fileroom_settle(struct fileroom *r, uint64_t pending);

/* Of all who ever were in it together. */
uint64_t fileroom_charged(struct fileroom *r);

#endif
