/*
 * portmapimpl.h: one gateway as its own files see it:
 *
 *   portmap.c (what comes in, time) -> portmapstep.c (what follows)
 *   -> portmapsend.c (what goes out)
 */
#ifndef DIALTONE_PORTMAPIMPL_H
#define DIALTONE_PORTMAPIMPL_H

#include "modules/path/igd.h"
#include "modules/path/pcp.h"
#include "modules/path/portmap.h"
#include "sdp/base/clock.h"

#define PORTMAP_PROBE_AGAIN (100 * MSEC)  /* one more, for a lost packet */
#define PORTMAP_PROBE_END   (250 * MSEC)
#define PORTMAP_POLL        (60 * SEC)    /* of how long it has been up */

enum portmap_state {
	PM_PROBING, PM_RESTING, PM_ASKING, PM_MAPPED, PM_RELEASING, PM_OVER
};

struct portmap_epoch {
	bool known;
	uint32_t value;
	uint64_t at;
};

struct portmap {
	struct portmap_conf conf;
	enum portmap_state state;
	unsigned found, failed;         /* bits of enum portmap_proto */
	unsigned before;                /* found when it was probed before */
	enum portmap_proto proto;       /* that is used */
	bool fetching;                  /* by HTTP */
	bool asking;                    /* a request is not answered yet */
	unsigned txc;                   /* transmissions of it */
	uint64_t started;               /* of probing, 0: not yet */
	uint64_t rest;                  /* the last one's length, 0: none */
	uint64_t resend, renew, expires, poll;  /* UINT64_MAX: not */
	struct sa external;             /* unset: not mapped */
	uint8_t nonce[PCP_NONCE_SIZE];
	uint32_t address;               /* by NAT-PMP; 0: unknown */
	struct portmap_epoch epoch[PORTMAP_PROTOS];
	struct igd igd;
};

/* One way to ask. lost NULL: it has no epoch. */
struct portmap_kind {
	const char *name;
	void (*probe)(struct portmap *p);
	void (*ask)(struct portmap *p, uint32_t lifetime);
	bool (*lost)(uint32_t before, uint32_t epoch, uint64_t passed);
};

static inline bool portmap_is_v4(const struct portmap *p)
{
	return sa_af(&p->conf.gateway) == AF_INET;
}

extern const struct portmap_kind portmap_kinds[PORTMAP_PROTOS];

/* Carry the next question of the talk by UPnP. */
void portmap_fetch(struct portmap *p);

#endif
