/*
 * sessioncore.h: what caller.c and callee.c share with session.c.
 */
#ifndef DIALTONE_SESSIONCORE_H
#define DIALTONE_SESSIONCORE_H

#include "sipd/bundle.h"
#include "sipd/session.h"
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
	char text[256];

	struct call *call;
	struct path *path;
	struct quic *quic;
	struct bundle *bundle;
	struct desc *local;             /* what we said, last */
	struct desc *remote;            /* what the peer said, last */
	char callid[128];
	char tunnels[128];              /* kept when the bundle is gone */
	bool gathered;
	bool described;                 /* our description has gone out */
	void (*readyh)(struct session *s);      /* gathering is enough */
	void (*trustedh)(struct session *s);    /* while asking */
	struct timer timer;             /* of the present state */

	struct cand local_cand, remote_cand;
	uint64_t begin;                 /* ns */
	uint64_t started;               /* ms, wall clock */
	struct session_times times;
	struct quic_stats stats;
};

/* A session in SESSION_IDLE with path and bundle. `controlling`: ICE. */
int session_alloc(struct session **sp, struct house *h, const struct peer *p,
		  bool incoming, unsigned flags,
		  const struct session_handlers *sh);

/* Go to a state, log it, tell the owner. The owner may have dropped the
 * session when this returns: hold a reference to go on. */
void session_state_set(struct session *s, enum session_state st);

/* Gather; readyh is called (perhaps within) once there is enough to speak. */
int session_gather(struct session *s, void (*readyh)(struct session *s));

/* Fill in what our description says of us: ICE, key, setup. */
int session_describe(struct session *s);

/* s->remote is known and its key accepted: on to the checks. */
void session_begin(struct session *s);

/* s->remote shows a key that nobody has pinned: ask the owner, and go on with
 * trustedh if it says yes. */
void session_ask(struct session *s, void (*trustedh)(struct session *s));

/* A re-INVITE or UPDATE: the description that holds is said again. */
void session_reoffer(struct session *s);

/* INFO or MESSAGE from the peer. */
void session_info_recv(struct session *s, const struct call_body *b);

/* The call ended; `answered`: it had been established. */
void session_call_ended(struct session *s, const struct call_end *end,
			bool answered);

#endif
