/*
 * candpair.h: a local and a remote candidate, and what checks between them
 * have shown (RFC 8445 section 6.1.2).
 */
#ifndef DIALTONE_CANDPAIR_H
#define DIALTONE_CANDPAIR_H

#include "sdp/base/clock.h"
#include "sdp/cand.h"
#include "modules/path/creds.h"

/* There is one component and one stream, so nothing would unfreeze anything
 * else: pairs start as Waiting and RFC 8445's Frozen does not exist. */
enum pair_state {
	PAIR_WAITING, PAIR_IN_PROGRESS, PAIR_SUCCEEDED, PAIR_FAILED
};

/* Kinds of path, best first; within a kind the round-trip time decides. */
enum pair_tier { TIER_LAN, TIER_DIRECT, TIER_TCP, TIER_RELAY };

struct lcand {
	struct le le;
	struct cand c;
};

struct rcand {
	struct le le;
	struct cand c;
	uint32_t early;         /* came before the description: hash of the
	                           ufrag it gave, else 0 */
};

/* One transaction. The last two are remembered, so that a late answer still
 * counts when a nomination has overtaken a plain check. */
struct pair_txn {
	uint8_t tid[8];         /* the random part */
	uint64_t sent;          /* first transmission; 0: none */
	bool nominate;          /* had USE-CANDIDATE */
	bool controlling;       /* the role it was sent in, RFC 8445 7.2.5.1 */
};

struct candpair {
	struct le le;           /* sorted by prio, highest first */
	struct lcand *local;    /* a host or relay candidate: what we send
	                           from (RFC 8445 section 6.1.2.4) */
	struct rcand *remote;
	struct creds *creds;
	uint64_t prio;
	enum pair_state state;
	bool likely;            /* same subnet: checked first */
	bool selected;          /* kept whatever limits say */
	bool pending;           /* txn[0] is not answered yet */
	bool nominating;        /* controlling: checks carry USE-CANDIDATE */
	bool nominated;         /* controlled: the peer nominated it */
	bool asked;             /* a check of the peer has come on it */
	uint32_t nomination;    /* controlling: the number it was given */
	uint32_t trig;          /* place in the triggered queue, 0: none */
	struct pair_txn txn[2];
	unsigned txc;           /* transmissions of txn[0] */
	uint64_t rto, resend;   /* ns; when the next transmission is due */
	uint64_t unanswered;    /* first transmission since heard, 0: none */
	uint64_t heard;         /* last answer */
	uint64_t srtt, rttvar;  /* ns, as RFC 6298; srtt 0: unknown */
	uint64_t rtt_most;      /* then: it is no longer than this, or 0 */
	unsigned samples;
	struct sa mapped;       /* how the peer sees us */
	uint64_t mapped_at;     /* since then */
	bool renewed;           /* another socket was asked for */
};

/* Pairs hold references to their parts. */
int candpair_alloc(struct candpair **pp, struct lcand *local,
		   struct rcand *remote, struct creds *creds);

/* For people: "waiting", "direct"... */
const char *candpair_state_name(enum pair_state state);
const char *candpair_tier_name(enum pair_tier tier);

/* RFC 8445 section 6.1.2.3 */
uint64_t candpair_prio(const struct candpair *p, bool controlling);

/* What its checks are sent by: as cand_proto, or PATH_TLS (path.h). */
int candpair_proto(const struct candpair *p);

/* What the other end of a way by TCP is; UDP is UDP. */
enum cand_transp candpair_other(enum cand_transp transp);

/* The priority of the peer-reflexive candidate that a check on p may make,
 * RFC 8445 section 7.1.1 */
uint32_t candpair_prflx_prio(const struct candpair *p);

/* The kind that the pair is if valid, or can be at best if not. */
enum pair_tier candpair_tier(const struct candpair *p);

/* a is of a better kind, or as good and notably faster: by 20 % and 10 ms
 * and by what both vary; IPv6 has 3 ms of credit. `samples`: round trips
 * that both must have. */
bool candpair_better(const struct candpair *a, const struct candpair *b,
		     unsigned samples);

/* It goes this way. */
bool candpair_is(const struct candpair *p, int proto, const struct sa *base,
		 const struct sa *remote);

/* Note one measured round trip. */
void candpair_rtt(struct candpair *p, uint64_t rtt);

/* These two can be a pair at all: transport (RFC 6544 section 6.2), family,
 * scope, loopback. */
bool candpair_fits(const struct cand *local, const struct cand *remote);

#endif
