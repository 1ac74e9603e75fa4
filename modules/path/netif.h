/*
 * netif.h: the addresses of this host that a peer could be told.
 */
#ifndef DIALTONE_NETIF_H
#define DIALTONE_NETIF_H

#include <net/if.h>
#include <re.h>

enum { NETIF_MAX = 16 };        /* addresses that are told at most */

struct netif {
	struct sa addr;         /* port 0; scope set if link-local */
	char name[IF_NAMESIZE];
	unsigned index;
	uint32_t flags;         /* IFA_F_* */
	uint8_t rank;           /* order of preference, 0 first */
	bool named;             /* by the filter */
	bool up;
};

/* The addresses of interfaces that are up, best first, at most NETIF_MAX.
 * filter: comma list of interface names or patterns, NULL or "": all but
 * loopback. Loopback and link-local addresses come only where there is
 * nothing else, or they are named; deprecated ones never, temporary ones only
 * without a stable one in their prefix: sessions are long. By netlink. */
int netif_list(struct netif v[NETIF_MAX], size_t *np, const char *filter);

/* Which address of ours the kernel takes towards dst, port 0. Nothing is sent.
 * ENETUNREACH: none. */
int netif_source(struct sa *local, const struct sa *dst);

/* Private, of one link or one host: means nothing elsewhere. */
bool netif_inside(const struct sa *sa);

/* A send error that no retransmission mends: no route, no such address. */
bool netif_hopeless(int err);

#endif
