/*
 * route.h: the gateways that lead out of this host.
 */
#ifndef DIALTONE_ROUTE_H
#define DIALTONE_ROUTE_H

#include <re.h>

enum { ROUTES_MAX = 8 };

struct route {
	struct sa gateway;      /* port 0; scope set if link-local */
	unsigned index;         /* of the interface */
};

/* The default routes of all tables, as the kernel lists them. */
int route_defaults(struct route v[ROUTES_MAX], size_t *np);

#endif
