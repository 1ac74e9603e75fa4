/*
 * callcore.h: a call as the parts of this room see it; others see ua.h.
 */
#ifndef DIALTONE_UA_CALLCORE_H
#define DIALTONE_UA_CALLCORE_H

#include "sipd/ua/ack.h"
#include "sipd/ua/dialog.h"
#include "sipd/ua/request.h"
#include "sipd/ua/siptext.h"
#include "sipd/ua/stack.h"
#include "sipd/ua/ua.h"

/* Who we are towards a URI, and by which way it goes. */
struct way {
	char from[192];
	const char *route;      /* a first proxy, written into Route; NULL */
	const char *next;       /* a next hop that is not; NULL: the URI */
	enum login login;
};

/* The calls of one account. */
struct calls {
	struct hash *ht;        /* by Call-ID and our tag */
	struct stack *s;
	uint32_t session_expires, min_se;
	unsigned n;             /* in it */
	struct list pastl;      /* callpast.c's */
	unsigned pastc;
	bool closing;
	enum login login;       /* within dialogs */
	/* set by ua.c: */
	void (*callh)(struct call *c, void *arg);
	int (*wayh)(struct way *w, const char *uri, void *arg);
	void *arg;
	/* set by call.c: send CANCEL, BYE or a refusal; refresh */
	void (*buryh)(struct call *c);
	void (*refreshh)(struct call *c);
};

/*
 *  out: CALLING --2xx, ACK--> UP        in: INCOMING --our 2xx--> ANSWERED
 *                                            ANSWERED --ACK--> UP
 *  any --hangup--> ENDING (nobody listens; wires down) --> OVER
 */
enum call_state {
	CALL_CALLING, CALL_INCOMING, CALL_ANSWERED, CALL_UP, CALL_ENDING,
	CALL_OVER
};

/* A copy of a body; all zero: none. */
struct kept {
	struct mbuf *mb;
	char *ctype;
};

/* RFC 4028. */
struct setimer {
	struct timer timer;
	uint32_t expires;       /* s; 0: none */
	bool refresher;         /* we are */
};

struct call {
	struct le he;
	struct calls *calls;
	struct dialog *dlg;
	struct call_handlers h;
	void *arg;
	enum call_state state;
	bool caller;            /* the first INVITE was ours */
	bool taken, self;       /* has an owner; refers to itself */
	bool rel_peer;          /* the peer knows 100rel... */
	bool rel_must;          /* ...and takes nothing else... */
	bool rel_wait;          /* ...and owes us a PRACK... */
	bool rel_held;          /* ...for which our 2xx waits, see held */
	bool update_ok;         /* the peer allows UPDATE */
	bool timer_peer;        /* and knows session timers */
	bool offering;          /* an offer of ours is not settled yet... */
	bool update;            /* ...it goes by UPDATE, not INVITE... */
	bool refreshing;        /* ...and only refreshes the session */
	bool direct;            /* no server of ours is in between */
	unsigned redirects;

	struct request *offer;  /* our INVITE, re-INVITE or UPDATE... */
	request_h *offerh;      /* ...and who hears what becomes of it */
	struct strans *st;      /* the peer's, not answered yet */
	struct strans *st2xx;   /* answered, ACK to come */
	struct request *misc;   /* BYE */
	struct ack *ack;
	uint32_t ack_cseq;      /* of our INVITE that ack is for */
	uint32_t st_cseq;       /* of the peer's last INVITE */
	uint32_t rseq;          /* of our last, its last reliable 1xx */
	struct timer timer;     /* ring time, glare, burial */
	struct setimer se;
	struct hop flow;        /* the way the peer came; tp NONE: none */

	struct sip_msg *msg;    /* the first INVITE, until ACK */
	struct call_body body;  /* of msg */
	char ctype[64];
	struct kept held;       /* our 2xx waits for PRACK; our offer for the
	                           end of glare, or a second INVITE */
	struct kept sdp;        /* our last body, to refresh by re-INVITE */
	char *peer;
	char *headers;          /* the caller's, for a second INVITE */
	char *moved;            /* whereto a 3xx sent us; NULL: to peer */
	struct call_end end;    /* what we say at hangup */
};

/* A call in the table; `calls` holds no reference. */
int call_new(struct call **cp, struct calls *calls, struct dialog *dlg);

/* The dialog a message belongs to; half: the peer's tag does not count. */
struct call *call_find(const struct calls *calls, const struct sip_msg *msg,
		       bool half);

/* Keep msg and its body as what is in hand; NULL: nothing. */
void call_hold(struct call *c, const struct sip_msg *msg);

/* Over, because of something that was not our wish: endh, the last thing. */
void call_over(struct call *c, const struct call_end *end);
void call_over_err(struct call *c, int err, const char *why);

/* A hangup of ours has been heard, or need not be. */
void call_buried(struct call *c);

/* Keep a copy of a body in place of the last one, NULL or empty: none; look at
 * it; forget it. */
int kept_set(struct kept *k, const struct call_body *b);
struct call_body kept_body(const struct kept *k);
void kept_drop(struct kept *k);

/* What the peer's Allow and Supported say. */
void call_learn(struct call *c, const struct sip_msg *msg);

/* The way a peer came, where its Contact would not lead. */
void call_flow(struct call *c, const struct sip_msg *msg);

/* NULL if the call has none. */
const struct hop *call_hop(const struct call *c);

#endif
