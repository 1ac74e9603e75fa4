/*
 * turngroup.h: one relay of a path: the ways to it that are tried, and the
 * allocation that one of them gave. Part of turnfinder.c.
 */
#ifndef DIALTONE_TURNGROUP_H
#define DIALTONE_TURNGROUP_H

#include "modules/path/finder.h"
#include "modules/path/turn.h"

enum { TURNGROUP_PERMITS = 16, TURNGROUP_WHY_MAX = 256 };

/* What all relays of a path share; the finder's. */
struct turnenv {
	struct finder_env env;          /* its lists are not kept */
	finder_cand_h *candh;
	void *arg;
	struct sa permitv[TURNGROUP_PERMITS];   /* peers so far */
	unsigned permitc;
};

struct turngroup;

/* One way to one relay (turnattempt.c). */
struct turnattempt {
	struct turngroup *g;
	size_t way;
	uint64_t open_at;               /* UINT64_MAX: not (again) */
	struct relay_link *link;
	struct turn *turn;
	struct sa local, server;        /* as the link told */
	struct sa elsewhere;
	unsigned hops;
	bool up, down;                  /* told, to be dealt with */
	char why[TURNGROUP_WHY_MAX];    /* of down */
};

struct turngroup {
	struct turnenv *e;
	size_t index;                   /* among the path's relays */
	struct relay *r;
	struct turnattempt v[RELAY_WAYS + 1];   /* of the ways; a second one
	                                           of that which is chosen */
	struct turnattempt *chosen;     /* has an allocation */
	struct turnattempt *old;        /* had been chosen before it, and is
	                                   left when the next is made */
	int fresh_af;                   /* asked for, 0: not */
	uint64_t retry_at;              /* UINT64_MAX: it is being tried */
	unsigned fails;                 /* rounds in a row */
	bool settled;                   /* allocated, or failed once */
	enum turn_end end;              /* of the latest failure */
	char why[TURNGROUP_WHY_MAX];
};

/* Number `index` of the path's relays, all zero before; r is referenced. Ways
 * are opened by turngroup_tick. Closing ends links and allocations. */
void turngroup_init(struct turngroup *g, struct turnenv *e, struct relay *r,
		    size_t index, uint64_t now);
void turngroup_close(struct turngroup *g);

/* An answer that came by one of its ways: true, whether it was awaited or
 * not. */
bool turngroup_recv(struct turngroup *g, const struct sa *local,
		    const struct sa *src, const struct stun_pkt *m,
		    uint64_t now);
void turngroup_tick(struct turngroup *g, uint64_t now);
uint64_t turngroup_next(const struct turngroup *g);

/* Tell the candidates of its allocation, if it has one. */
void turngroup_announce(const struct turngroup *g);

/* The allocation is no more: candidates go, all ways are tried again. */
void turngroup_lost(struct turngroup *g, enum turn_end end, const char *why,
		    uint64_t now);

/* Whose relayed address this is; NULL: it is no allocation of this group. */
struct turnattempt *turngroup_owner(struct turngroup *g,
				    const struct sa *relayed);

/* Another allocation by the way of in_use, one of its addresses: told by
 * freshh when it is there. What is neither is given up. */
void turngroup_fresh(struct turngroup *g, const struct sa *in_use,
		     uint64_t now);

/* All of its allocations. */
void turngroup_permit(struct turngroup *g, const struct sa *peer,
		      uint64_t now);
void turngroup_probe(struct turngroup *g, uint64_t now);

#endif
