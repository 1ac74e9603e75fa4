/*
 * sessioncore.h: the session as its own files see it.
 */
#ifndef DIALTONE_SESSIONCORE_H
#define DIALTONE_SESSIONCORE_H

#include "sipd/bundle.h"
#include "sipd/session.h"
#include "tunnels/flow/dtls.h"
#include "tunnels/flow/quic.h"

struct session {
	struct house *house;
	struct session_handlers h;
	char id[16];
	struct peer peer;
	bool incoming;
	unsigned flags;
	enum session_state state;
	enum reason reason;
	bool peer_said;
	bool complete;                  /* of the tunnels, once closed */
	char text[256];

	struct call *call;
	struct path *path;
	struct quic *quic;              /* NULL: no tunnel needs streams */
	struct dtls *dtls;              /* NULL: no tunnel needs datagrams */
	struct flow *flow;              /* quic's, once it is secured */
	struct dgram *dgram;            /* dtls's, the same */
	struct bundle *bundle;
	struct desc *local;             /* what we said, last */
	struct desc *remote;            /* what the peer said, last */
	char callid[128];
	char tunnels[128];              /* kept when the bundle is gone */
	bool gathered;
	bool described;                 /* our description has gone out */
	size_t told;                    /* candidates that the peer has */
	void (*readyh)(struct session *s);      /* gathering is enough */
	void (*trustedh)(struct session *s);    /* while asking */
	void (*admittedh)(struct session *s);   /* while held */
	void (*vouchh)(struct session *s);      /* once secured, to go on */
	bool vouched;                   /* by an authority; nothing is pinned */
	bool asks;                      /* then the user, what is offered */
	bool cut;                       /* requests do not reach the peer */
	bool greeting;                  /* only the tunnel of greet_group runs */
	unsigned greet_group;           /* 0: none */
	char *pairs;                    /* as path_debug prints them */
	char words[96];                 /* to be compared by two people */
	struct timer timer;             /* of the present state */
	bool active;                    /* we are the flows' client */
	bool offering;                  /* an offer of ours is under way */
	bool moved;                     /* and the peer does not know yet */
	struct timer sync_timer;        /* to the next offer */
	uint64_t consent;               /* to send, until then */
	char counters[512];             /* of the tunnels, last counted */

	struct cand local_cand, remote_cand;
	bool guessing;                  /* begun in the guessbook */
	char relay[128];                /* carries the path now, or "" */
	uint64_t carried;               /* bytes, when the path asked last */
	uint64_t forged, bad;           /* refused: STUN, records */
	struct sa forger;               /* the last one */
	uint64_t begin;                 /* ns */
	uint64_t started;               /* ms, wall clock */
	struct session_times times;
	struct quic_stats stats;
};

/* Go to a state, log it, tell the owner. The owner may have dropped the
 * session when this returns: hold a reference to go on. */
void session_state_set(struct session *s, enum session_state st);

/* Milliseconds since it began, at least 1. */
uint32_t session_since(const struct session *s);

/* The call ended; `answered`: it had been established. */
void session_call_ended(struct session *s, const struct call_end *end,
			bool answered);

/* The peer closed the flow and did not say why by the call. */
void session_flow_ended(struct session *s);

/* The destructor's work. */
void session_clear(struct session *s);

#endif
