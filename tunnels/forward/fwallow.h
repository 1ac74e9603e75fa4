/*
 * fwallow.h: what a peer may have forwarded: the rest of its allow entry for
 * this kind, words separated by blanks. Nothing is allowed by default.
 *
 *   127.0.0.1:22            an address and a port
 *   10.0.0.0/8:80-90        a network and ports
 *   [2001:db8::/32]:443     IPv6 in brackets
 *   wiki.example:*          a name, whatever address it has; any port
 *   *:443                   any host
 *   /run/app.sock           a Unix socket, by this very name
 *   listen:8080             -R: listen on 127.0.0.1 and ::1
 *   listen:*:8080-8090      -R: on any address; or on the one that is named
 *   listen:/run/mine.sock   -R: make a Unix socket of this name
 *
 * A name is compared as the peer wrote it; an address after the name was
 * looked up, so that no name leads around a rule about addresses.
 */
#ifndef DIALTONE_FWALLOW_H
#define DIALTONE_FWALLOW_H

#include <re.h>

struct fwallow;

/* EINVAL: *bad (if not NULL) is set to the word that is not understood. */
int fwallow_alloc(struct fwallow **ap, const char *text, struct pl *bad);

/* Connect to this Unix socket? Or, with `listen`, make it? */
bool fwallow_path(const struct fwallow *a, const char *path, bool listen);

/* Connect to this name, whatever its address? */
bool fwallow_name(const struct fwallow *a, const char *host, uint16_t port);

/* To this address and port? */
bool fwallow_addr(const struct fwallow *a, const struct sa *sa);

/* Could any address be allowed with this port? If not, there is no need to
 * look up a name. */
bool fwallow_port(const struct fwallow *a, uint16_t port);

/* Listen on this address and port? The wildcard is allowed by "*" only. */
bool fwallow_listen(const struct fwallow *a, const struct sa *sa);

#endif
