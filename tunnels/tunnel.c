/*
 * tunnel.c: find a tunnel kind by its name in the table the Makefile makes.
 */
#include <re.h>
#include "tunnels/tunnel.h"

const struct tunnel_kind *tunnel_find(const char *name)
{
	const struct tunnel_kind *const *k;

	for (k = tunnel_kinds; name && *k; k++)
		if (!str_casecmp((*k)->name, name))
			return *k;
	return NULL;
}
