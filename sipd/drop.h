/*
 * drop.h: root's rights are given up, before anything else is done, and then
 * what is left of them (capabilities(7)).
 */
#ifndef DIALTONE_DROP_H
#define DIALTONE_DROP_H

#include <stdbool.h>
#include <stddef.h>

/* As root, when FILE (NULL: none) names a user in [sipd]: become that user,
 * with CAP_NET_ADMIN and CAP_NET_BIND_SERVICE alone. With `make`, its folders
 * and the log are made first, if they are not there. Before the first thread.
 * Errno, with one sentence in why. */
int drop_user(const char *file, bool make, char *why, size_t size);

/* Once it is known what is needed: keep these two at most, of those that we
 * have; nothing of them goes to the programs that we run. Root who stays root
 * keeps all. Errno. */
int drop_caps(bool net_admin, bool bind);

#endif
