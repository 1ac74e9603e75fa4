/*
 * quicmem.c: the memory of a worker's connections.
 *
 * ngtcp2 fixes the largest window of a connection at its birth, so a window
 * is granted then and comes back at the end: an eighth of what is left,
 * geometrically less for each, never under GRANT_MIN. Windows are not memory;
 * only a peer that leaves out a packet, or that nobody reads, fills one.
 */
#include <unistd.h>
#include "tunnels/flow/quicmem.h"

#define MB (1024 * 1024ULL)
#define BUDGET_MIN (64 * MB)
#define BUDGET_MAX (1024 * MB)
#define GRANT_MIN (1 * MB)

enum { OF_MEMORY = 8, OF_LEFT = 8 };    /* shares */

void quicmem_init(struct quicmem *m)
{
	const long pages = sysconf(_SC_PHYS_PAGES);
	const long size = sysconf(_SC_PAGESIZE);

	m->granted = m->sending = 0;
	m->budget = BUDGET_MIN;
	if (pages > 0 && size > 0)
		m->budget = (uint64_t)pages / OF_MEMORY * (uint64_t)size;
	if (m->budget < BUDGET_MIN)
		m->budget = BUDGET_MIN;
	if (m->budget > BUDGET_MAX)
		m->budget = BUDGET_MAX;
}

uint64_t quicmem_grant(struct quicmem *m)
{
	const uint64_t left = m->granted < m->budget ?
		m->budget - m->granted : 0;
	const uint64_t n = left / OF_LEFT > GRANT_MIN ?
		left / OF_LEFT : GRANT_MIN;

	m->granted += n;
	return n;
}

void quicmem_return(struct quicmem *m, uint64_t n)
{
	m->granted -= n < m->granted ? n : m->granted;
}

bool quicmem_room(const struct quicmem *m)
{
	return m->sending < m->budget;
}
