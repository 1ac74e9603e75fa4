/*
 * hostkept.h: notes on what of this host was changed, that outlive a crash:
 * files in /run, or where else this user may write, by network namespace. Who
 * needs the change holds a lock on its note; one that nobody holds is from a
 * crash.
 */
#ifndef DIALTONE_VPN_HOSTKEPT_H
#define DIALTONE_VPN_HOSTKEPT_H

enum { HOSTKEPT_PATH = 160 };

/* Open a note, with O_CREAT to make it; its path is written. -1: there is
 * none, or no place for it. */
int hostkept_open(const char *name, char path[HOSTKEPT_PATH], int flags);

/* Make the note PREFIX REST and hold it: a descriptor, to be closed after the
 * file at path is removed; or -1. */
int hostkept_hold(const char *prefix, const char *rest,
		  char path[HOSTKEPT_PATH]);

/* Each note whose name begins so and that nobody holds: h is told the rest of
 * the name, then it is removed. */
void hostkept_leftover(const char *prefix,
		       void (*h)(const char *rest, void *arg), void *arg);

#endif
