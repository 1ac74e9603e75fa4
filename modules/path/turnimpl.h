/*
 * turnimpl.h: the state of one allocation, shared by the files that are its
 * parts and by nobody else. Each calls only those to its right:
 *
 *   turn.c -> turnpeer.c -> turnreq.c -> turnmsg.c
 */
#ifndef DIALTONE_TURNIMPL_H
#define DIALTONE_TURNIMPL_H

#include "modules/path/turn.h"
#include "sdp/base/clock.h"

enum {
	TURN_PERMITS = 16,              /* addresses */
	TURN_PEERS = 32,                /* addresses with port */
	TURN_HELD_MAX = 600,            /* a check, not data */
	TURN_WHY_MAX = 160,
};

struct turn_txn;

/* Its answer, proven where it must be; m NULL: none came. May end the
 * allocation. */
typedef void (turn_done_h)(struct turn *t, struct turn_txn *x,
			   const struct stun_pkt *m, const struct turn_msg *a,
			   uint64_t now);

/* One request at a time; all zero: none was made. */
struct turn_txn {
	uint16_t method;
	uint8_t tid[STUN_TID_SIZE];
	bool active;
	bool authed;                    /* had credentials */
	uint64_t started, next;
	unsigned txc, rounds;           /* rounds: 401 and 438 */
	turn_done_h *doneh;
};

struct turn_permit {
	struct sa ip;
	struct turn_txn txn;
	uint64_t renew;                 /* UINT64_MAX: not any more */
};

struct turn_peer {
	struct sa sa;
	struct turn_txn txn;
	uint16_t channel;
	bool bound, refused;
	uint64_t renew, used;
	size_t held_len;
	uint8_t held[TURN_HELD_MAX];
};

enum turn_families { FAMILIES_BOTH, FAMILIES_DEFAULT, FAMILIES_IPV6 };

struct turn {
	struct turn_conf conf;
	struct turn_auth auth;
	enum turn_state state;
	enum turn_families families;
	struct turn_txn main;           /* Allocate, then Refresh */
	struct sa relayed[2], mapped, alternate;
	uint64_t renew;                 /* Refresh */
	uint64_t keep;                  /* a packet for the NATs on the way */
	struct turn_permit permitv[TURN_PERMITS];
	unsigned permitc;
	struct turn_peer *peerv[TURN_PEERS];
	unsigned peerc;
	enum turn_end end;
	char why[TURN_WHY_MAX];
};

#endif
