/*
 * guest.h: another user of this host at the control socket, known by what the
 * kernel says of the connection (SO_PEERCRED, unix(7)).
 *
 * The user that sipd runs as, and root, are no guests and may do everything.
 * A guest may start the VPNs whose `users` name it, and nothing else.
 */
#ifndef DIALTONE_GUEST_H
#define DIALTONE_GUEST_H

#include "sipd/conf.h"

struct guest;

/* Who is at the other end? *gp is NULL for who is no guest. */
int guest_alloc(struct guest **gp, int fd);

/* Are there any that may do something: a network with `users`? */
bool guest_expected(const struct conf *c);

/* May it have this tunnel, and by these words? If not, a sentence in why. */
bool guest_may(const struct guest *g, const struct conf *c, const char *kind,
	       char *const *argv, size_t argc, char *why, size_t size);

#endif
