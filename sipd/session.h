/*
 * session.h: one session: a call, a path, a flow, its tunnels.
 *
 *   idle -> gathering -> offering -> ringing -> checking -> securing -> open
 *                \_______________________________________________/
 *                                 -> closed(reason)
 *
 * caller.c makes outgoing ones, callee.c answers; session.c and what it
 * stands on is what both share. All on the control thread.
 */
#ifndef DIALTONE_SESSION_H
#define DIALTONE_SESSION_H

#include "sipd/house.h"
#include "sipd/reason.h"
#include "tunnels/tunnel.h"

struct session;

enum session_state {
	SESSION_IDLE, SESSION_GATHERING, SESSION_OFFERING, SESSION_RINGING,
	SESSION_CHECKING, SESSION_SECURING, SESSION_OPEN, SESSION_CLOSED,
};

/* "offering"; for events and the log. */
const char *session_state_name(enum session_state st);

/* What one tunnel is asked for. */
struct session_want {
	const struct tunnel_kind *kind;
	struct tunnel_ask ask;
};

/* Facts reported upward. The receiver may mem_deref the session in any. A
 * group is the tunnels that were asked for together; the first is 1. */
struct session_handlers {
	void (*stateh)(struct session *s, void *arg);
	/* the peer's key is not known, or the user is to be asked about what
	 * a known one offers: session_trust must be called */
	void (*askh)(struct session *s, const uint8_t *fp, void *arg);
	void (*progressh)(struct session *s, unsigned group, unsigned tunnel,
			  const struct tunnel_progress *p, void *arg);
	/* those of session_add have begun */
	void (*takenh)(struct session *s, unsigned group, void *arg);
	/* the tunnels of this group are over, others go on */
	void (*endh)(struct session *s, unsigned group, enum reason r,
		     const char *text, void *arg);
	/* The peer offers one tunnel more, in a group that is new: fill in
	 * the want, whose strings are good until this is called again; or
	 * say in *rp why not. */
	void (*offerh)(struct session *s, unsigned group,
		       const struct desc_media *m, struct session_want *want,
		       enum reason *rp, void *arg);
	void *arg;
};

/* Milliseconds since the session began; 0: not reached. */
struct session_times {
	uint32_t offered, answered, found, secured, open;
};

/* What can be told about a session, valid until it changes or ends. */
struct session_info {
	const char *id;
	const struct peer *peer;
	bool incoming;
	enum session_state state;
	enum reason reason;
	const char *text;               /* more on the reason, or "" */
	bool peer_said;                 /* text is the peer's own words */
	bool vouched;                   /* its key, by an authority */
	const char *tunnels;            /* "file,pipe", all there have been */
	const char *callid;
	const uint8_t *fp;              /* key shown by the peer or NULL */
	const struct desc *local_desc, *remote_desc;    /* or NULL */
	const char *words;              /* for two people to compare, or "" */
	struct cand local, remote;      /* when open */
	const char *relay;              /* who relays, "": nobody */
	struct session_times times;
	uint64_t started;               /* wall clock, ms since 1970 */
	const char *counters;           /* of the tunnels, as last counted */
	bool complete;                  /* closed, and each tunnel had done
	                                   what it was for */
	const struct quic_stats *stats;
	uint64_t forged;                /* STUN that was refused ... */
	struct sa forger;               /* ... and who sent the last of it */
	uint64_t bad;                   /* records: forged, damaged, replayed */
};
void session_info(const struct session *s, struct session_info *info);

/* "direct", "tcp", "relayed". */
const char *session_path_word(const struct session_info *in);

/* Every pair that was checked, a line each; valid until the next call. */
const char *session_pairs(struct session *s);

/* "file,pipe", the tunnels that there are now; for %H. */
int session_running(struct re_printf *pf, const struct session *s);

/* Have the tunnels counted; see bundle_count. */
void session_count(struct session *s);

enum session_flag {
	SESSION_CAN_ASK = 1,    /* the user can be asked about a new key; else
	                           `unknown` decides */
	SESSION_HOLD = 4,       /* incoming: it rings until session_admit */
	SESSION_ANEW = 8,       /* a session of its own, whatever runs */
	SESSION_ANY_KEY = 2,    /* any key is taken and none is pinned: the
	                           tunnel itself finds out whose it is */
};

/* Call a peer for these tunnels. On error nothing was sent: the reason is
 * in *rp and a kind's sentence in its ask.why. Owned by the caller; mem_deref without session_hangup
 * hangs up too, silently. */
int session_dial(struct session **sp, struct house *h, const struct peer *p,
		 const struct session_want *wantv, size_t wantc,
		 unsigned flags, const struct session_handlers *sh,
		 enum reason *rp);

/* What to answer a call with; wantv[i] belongs to m-line i and kind NULL
 * means that it is rejected. */
struct session_answer {
	struct peer peer;
	bool trusted;                   /* the key is pinned: do not ask */
	bool vouch;                     /* let an authority vouch for it */
	bool renewed;                   /* or the key pinned for the peer */
	bool pin;                       /* pin it unasked, once it is proven */
	bool ask;                       /* what it wants: ask all the same */
	struct desc *offer;             /* decoded; referenced */
	struct session_want wantv[DESC_MEDIA_MAX];
	unsigned flags;
};

/* Take an incoming call. On error nothing was answered yet: the reason is in
 * *rp and a kind's sentence in its ask.why. */
int session_take(struct session **sp, struct house *h, struct call *c,
		 const struct session_answer *an,
		 const struct session_handlers *sh, enum reason *rp);

/* Does it ring until somebody decides? */
bool session_is_held(const struct session *s);

/* Somebody has: answer the call. Its key is not trusted by that: askh comes
 * next. */
void session_admit(struct session *s);

/* What it offers, as far as that is said before: "report.pdf, 5120 bytes". The
 * peer's own words: for people through plain_print. For %H. */
int session_offered(struct re_printf *pf, const struct session *s);

/* The answer to askh: accept this key, or end the session. */
void session_trust(struct session *s, bool accept);

/* Is it open, with room for n tunnels more? A thousand later: no more. */
bool session_has_room(const struct session *s, size_t n);

/* Offer more tunnels by a re-INVITE, as a group: takenh or endh will be
 * called. Errors as tunnel_kind.offer. */
int session_add(struct session *s, const struct session_want *wantv,
		size_t wantc, unsigned *group);

/* End a group: its m-lines are dropped by a re-INVITE; the last ends the
 * session. */
void session_drop(struct session *s, unsigned group, enum reason r,
		  const char *text);

/* Our addresses changed: an open session tells its peer where we are now. */
void session_refresh(struct session *s);

/* Is there a tunnel that was asked for here and is not complete? */
bool session_owes(const struct session *s);

/* End with a reason; stateh is called with SESSION_CLOSED unless it was
 * closed already. Idempotent. */
void session_hangup(struct session *s, enum reason r, const char *text);

#endif
