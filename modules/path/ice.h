/*
 * ice.h: the state of one ICE agent, shared by the files that are its parts
 * and by their tests. Each calls only those to its right:
 *
 *   agent.c -> incoming.c -> consent.c -> upgrade.c -> nominate.c
 *           -> renew.c -> checks.c, and agent.c, incoming.c -> guess.c
 *           -> checks.c
 *
 * agent.h is what the rest of the world sees.
 */
#ifndef DIALTONE_ICE_H
#define DIALTONE_ICE_H

#include "modules/path/agent.h"
#include "modules/path/checklist.h"

#define ICE_TA          (20 * MSEC)     /* between new checks */
#define ICE_TA_FIRST    (5 * MSEC)      /* the least, RFC 8445 section 14.2 */
#define ICE_RTO         (200 * MSEC)    /* answered, but RTT not known */
#define ICE_RTO_FIRST   (25 * MSEC)     /* never heard: the peer's NAT may be
                                           open by then */
#define ICE_RTO_MIN     (50 * MSEC)
#define ICE_RTO_MAX     (2 * SEC)
#define ICE_RTO_NEED    SEC             /* at most, while nothing works */
#define ICE_TCP_AFTER   (100 * MSEC)    /* the head start of UDP */
#define ICE_TCP_RTO     SEC             /* TCP repeats what is lost */
#define ICE_HAIRPIN_AFTER (40 * MSEC)   /* first the way inside, once more */
#define ICE_GIVE_UP     (39500 * MSEC)  /* RFC 8863 section 4 */
#define ICE_GIVE_UP_UPGRADE (8 * SEC)   /* while another pair works */
#define ICE_NOMINATE_WAIT (20 * MSEC)   /* for better than TCP or relay */
#define ICE_NOMINATE_WAIT_ONCE (100 * MSEC) /* peer cannot renominate */
#define ICE_NOMINATE_RETRY SEC          /* then try another valid pair */
#define ICE_CONSENT     (5 * SEC)       /* +- 20 %, RFC 7675 section 5.1 */
#define ICE_CONSENT_BUSY (700 * MSEC)  /* while it carries data */
#define ICE_CONSENT_END (30 * SEC)
#define ICE_SUSPECT     (2 * SEC)       /* unanswered: look for another */
#define ICE_SUSPECT_BUSY (500 * MSEC)
#define ICE_SUSPECT_HINT (300 * MSEC)   /* the peer, too, seems to doubt */
#define ICE_REPING      (5 * SEC)       /* all pairs, while suspect */
#define ICE_WARM        (15 * SEC)      /* spare pairs */
#define ICE_FRESH       (20 * SEC)      /* a spare that may be chosen */
#define ICE_SWITCH      (10 * SEC)      /* between moves for speed only */
#define ICE_UPGRADE     (60 * SEC)      /* while relayed or by TCP: pairs of
	                                   a better kind are tried again */
#define ICE_UPGRADE_FIRST (120 * SEC)   /* and without a pause at first */
#define ICE_UPGRADE_RTO (1500 * MSEC)

enum {
	ICE_WARM_PAIRS = 2,             /* spares beside the selected pair */
	ICE_WARM_EARLY = 8,             /* valid pairs while none is */
	ICE_SAMPLES    = 8,             /* RTTs before a move for speed */
	ICE_QUICK      = 8,             /* checks that Ta is short for */
};

enum guess_state { GUESS_WAIT, GUESS_RUN, GUESS_OVER };
enum guess_role { GUESS_OPEN, GUESS_TRY, GUESS_MEET };

struct guess {
	bool ours, theirs;              /* allowed by */
	bool soon;                      /* it has worked before */
	enum guess_state state;
	enum guess_role role;
	bool waited;                    /* for what is easy */
	bool counts;                    /* our NAT, instead of drawing lots */
	struct sa base, dst;            /* dst: exact for GUESS_OPEN only */
	unsigned step;                  /* of the peer's NAT, 0: draws lots */
	uint16_t last;                  /* port that it gave away */
	uint16_t first, stride;         /* in which order others are tried */
	unsigned sent;                  /* tries, or sockets */
	uint64_t begun, at;             /* at: next; 0: nothing planned */
};

struct agent {
	struct agent_conf conf;
	uint64_t random;                /* state of ice_random */
	struct checklist cl;
	struct nat64 nat64;             /* of our network */
	struct creds *old;              /* of the generation before */
	struct candpair *selected;
	uint64_t tie;                   /* RFC 8445 section 16.1 */
	bool renomination, complete;    /* the peer said so */
	bool gathered, failed;
	uint32_t trig_last;             /* triggered checks queued so far */
	uint64_t pace_at;               /* no new check before this */
	unsigned quick;                 /* checks to go with a short Ta */
	uint64_t begun;                 /* the peer became known */
	uint64_t deadline;              /* of the checks; 0: not running */
	bool valid;                     /* some pair of this generation was */
	uint64_t choose_at;             /* until then a better kind of pair is
	                                   waited for; 0: not any more */
	uint64_t moved_at;
	uint64_t consent_at;            /* next request */
	uint64_t consent_end;           /* 0: nothing was ever selected */
	uint64_t suspect_since;         /* 0: all is well */
	bool busy;                      /* data went at the last request */
	bool hint;                      /* the peer checks others: doubt */
	uint64_t reping_at, warm_at;
	uint64_t fresh_at;              /* candidates or networks changed */
	uint64_t upgrade_at;
	struct sa fresh;                /* base that outlives the selected one
	                                   (renew.c); unset: none */
	uint64_t mute_end;              /* 0: has not begun */
	struct guess guess;
	unsigned events;                /* enum agent_event */
};

/* It has worked, but does not seem to any more. */
static inline bool ice_silent(const struct candpair *p, uint64_t now)
{
	return p->pending && now >= p->unanswered + ICE_SUSPECT;
}

/* splitmix64: the same seed, the same agent, so that tests repeat. */
static inline uint64_t ice_random(struct agent *a)
{
	uint64_t z = a->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

#endif
