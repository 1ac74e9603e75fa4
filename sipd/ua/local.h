/*
 * local.h: this host's addresses, as SIP uses them.
 */
#ifndef DIALTONE_UA_LOCAL_H
#define DIALTONE_UA_LOCAL_H

#include <re.h>

enum { LOCAL_MAX = 32 };

/* The addresses to be reached at, loopback last: all, or those of a comma
 * list of interface patterns. Link-local ones are left out. Never empty:
 * 127.0.0.1 stands in. */
size_t local_addrs(struct sa v[LOCAL_MAX], const char *interfaces);

/* Is this an address of this host? */
bool local_has(const struct sa *sa);

/* The address this host would send from to dst (port 0). */
int local_route(struct sa *src, const struct sa *dst);

#endif
