/*
 * ua.h: one account: its SIP stacks, its registration, its calls.
 *
 *   ua    the account: stacks per local address, registration, dispatch
 *   call  one INVITE session: dialog, offers and answers as plain text
 *
 * ua carries bodies, it never reads SDP. All on the control thread. Built on
 * libre's codecs, sockets, TLS and DNS client; transports, transactions and
 * dialogs are our own.
 */
#ifndef DIALTONE_UA_H
#define DIALTONE_UA_H

#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/ua/hop.h"

struct ua;
struct call;
struct quota;

struct ua_conf {
	const char *aor;        /* "sip:alice@example.org"; NULL: an account
	                           for direct calls, sip:USER@ADDRESS */
	const char *user;       /* digest name; NULL: the aor's user */
	const char *password;   /* NULL: none */
	const char *registrar;  /* "sip:host;transport=tls"; NULL: do not
	                           register, call directly */
	const char *outbound;   /* a proxy for every request; NULL: none */
	uint32_t expires;       /* s */
	uint16_t port;          /* local SIP port for UDP and TCP, TLS is
	                           port + 1; 0: any */
	const char *tls_ca;     /* file or folder; NULL: the system's */
	const char *tls_cert;   /* PEM with key, for incoming TLS and for
	                           servers that ask; NULL: none */
	const char *interfaces; /* as in path.h */
	const char *instance;   /* urn:uuid:... for outbound (RFC 5626) */
	uint32_t session_expires;       /* s, RFC 4028; 0: default 1800 */
	uint32_t transactions;  /* begun by others, at once; 0: 262144 */
	struct quota *quota;    /* of all accounts, it outlives them; NULL: no
	                           limits */
	hop_nat64_h *nat64h;        /* or NULL; it outlives them too */
	void *nat64_arg;
};

enum ua_state { UA_IDLE, UA_REGISTERING, UA_REGISTERED, UA_FAILED };

struct call_handlers;

struct ua_handlers {
	/* registration: the state and the last answer (0 and a sentence when
	 * none came: DNS, connection, time-out) */
	void (*stateh)(enum ua_state st, uint16_t scode, const char *why,
		       void *arg);
	/* a new call; take it with call_take inside the handler, or refuse
	 * it with call_reject; neither: 480 */
	void (*callh)(struct call *c, void *arg);
	void *arg;
};

int ua_alloc(struct ua **up, struct timers *timers,
	     const struct ua_conf *conf, const struct ua_handlers *h);

/* Unregister and close; calls are ended by their owners before. exith, if
 * given, is called once when the wire is quiet (at most 2 s later). The ua is
 * dereferenced by its owner, in exith at the earliest; without ua_close that
 * closes everything at once and in silence. */
void ua_close(struct ua *ua, void (*exith)(void *arg), void *arg);

/* The same, but calls may stay as long as their owners want; exith is called
 * after the last of them. */
void ua_retire(struct ua *ua, void (*exith)(void *arg), void *arg);

/* The host's addresses changed: new stacks, re-register now; calls move to
 * the new Contact by a target refresh when the owner re-INVITEs. */
void ua_changed(struct ua *ua);

/* What carries a session has failed: does the way to the registrar, too? */
void ua_probe(struct ua *ua);

enum ua_state ua_state(const struct ua *ua);
const char *ua_aor(const struct ua *ua);

/* Where this account is reached directly: "sip:user@192.0.2.7:5060" of the
 * first address; for `dial status`. */
int ua_contact(struct re_printf *pf, const struct ua *ua);

/* One body and its type. */
struct call_body {
	const char *ctype;      /* NULL: no body */
	const char *p;
	size_t n;
};

/* Why and how a call ended. */
struct call_end {
	uint16_t scode;         /* final answer, or of Reason; 0: none */
	bool by_peer;           /* BYE or CANCEL came from the peer */
	int err;                /* ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH
	                           (name not found), EACCES (TLS not trusted),
	                           EPROTO; 0: none of these */
	bool server;            /* err is our server's, which text names */
	uint32_t retry_after;   /* s, 0: not said */
	char text[256];         /* Warning or Reason text, else the phrase */
	char key[32];           /* Reason's cause word for us, "" if none:
	                           Reason: dialtone;cause=1;text="..." keeps
	                           it as key, see call_hangup */
};

/* Facts about a call. Handlers may mem_deref the call. */
struct call_handlers {
	/* 1xx with the To tag; body is empty or an early answer */
	void (*progressh)(uint16_t scode, const struct call_body *b,
			  void *arg);
	/* the 2xx to our INVITE with its body; ACK has gone out. Also for
	 * our re-INVITE. */
	void (*answerh)(const struct call_body *b, void *arg);
	/* callee: ACK came. If it carried a body it is given. */
	void (*establishedh)(const struct call_body *b, void *arg);
	/* re-INVITE or UPDATE from the peer: answer at once with
	 * call_answer (2xx) or call_reject; body may be empty */
	void (*offerh)(const struct call_body *b, void *arg);
	/* our re-INVITE was refused; the call goes on */
	void (*refusedh)(uint16_t scode, void *arg);
	/* INFO or MESSAGE within the dialog; already answered 200 */
	void (*infoh)(const char *method, const struct call_body *b,
		      void *arg);
	/* over; the last handler. */
	void (*endh)(const struct call_end *end, void *arg);
};

/* Call uri ("sip:bob@example.org", "sip:192.0.2.7:5060") with an offer.
 * `headers`: further complete header lines, or NULL. mem_deref sends CANCEL
 * or BYE as the state needs. Forked second answers are acknowledged and ended
 * here, unseen. */
int call_connect(struct call **cp, struct ua *ua, const char *uri,
		 const struct call_body *offer, const char *headers,
		 const struct call_handlers *h, void *arg);

/* Own an incoming call: handlers are set, *cp must be dereferenced. */
int call_take(struct call **cp, struct call *c,
	      const struct call_handlers *h, void *arg);

/* The offer of the INVITE in hand, and who says to be calling. */
const struct call_body *call_offer(const struct call *c);
const char *call_peer_uri(const struct call *c);        /* "sip:bob@host" */
const struct sa *call_source(const struct call *c);     /* of its INVITE,
	while that is handled */
const char *call_id(const struct call *c);              /* Call-ID */

/* 1xx, reliable (PRACK) when the peer requires that, or supports 100rel and a
 * body is given. */
int call_progress(struct call *c, uint16_t scode, const char *phrase,
		  const struct call_body *b);

/* 200 to the INVITE, re-INVITE or UPDATE in hand. */
int call_answer(struct call *c, const struct call_body *answer);

/* 3xx-6xx to it; `warn` goes into a Warning header (399 unless 3 digits are
 * given in warn_code). A first INVITE ends by it (no endh is called). */
int call_reject(struct call *c, uint16_t scode, const char *phrase,
		uint16_t warn_code, const char *warn);

/* New offer in a running call. EALREADY if one is under way; 491 is retried
 * inside (RFC 3261 section 14.1). */
int call_reinvite(struct call *c, const struct call_body *offer);
/* The offer that waits for the end of glare is to be this one; EALREADY if
 * none waits. */
int call_reoffer(struct call *c, const struct call_body *offer);

/* INFO or MESSAGE in the dialog (early dialogs too for INFO). */
int call_info(struct call *c, const char *method, const struct call_body *b);

/* End with a reason that the peer's endh gets as key and text; no handler is
 * called any more; still needs mem_deref. */
void call_hangup(struct call *c, const char *key, const char *text);

#endif
