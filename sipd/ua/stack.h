/*
 * stack.h: what the parts of one account share: sockets, transactions, the
 * DNS, credentials, and what was learnt about next hops.
 */
#ifndef DIALTONE_UA_STACK_H
#define DIALTONE_UA_STACK_H

#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/sip/ctrans.h"
#include "sipd/sip/digest.h"
#include "sipd/ua/resolve.h"
#include "sipd/ua/uastrans.h"
#include "sipd/ua/transp.h"

#define UA_SOFTWARE "dialtone"

enum { HOPS_KNOWN = 32, SERVERS_KNOWN = 16 };

/* What was learnt about an address. */
struct known_hop {
	struct sa dst;
	uint64_t used;          /* clock_ns */
	uint64_t no_tcp;        /* until then it takes large requests by UDP */
	char name[128];         /* TLS: the name it proved to carry */
};

/* Who wants to know that a way has failed, beside transactions; in earl. It
 * must not free another. */
struct stack_ear {
	struct le le;
	void (*h)(const struct trans_way *way, void *arg);
	void *arg;
};

struct stack {
	struct timers *timers;
	struct transp *transp;
	struct ctable *ctable;
	struct uastrans_set *uastrans;
	struct resolver *resolver;
	struct quota *quota;    /* or NULL; somebody else's */
	struct digest_client digest;
	char *user, *password;  /* digest; password may be NULL */
	char *contact;          /* user part of our Contact */
	struct list pendingl;   /* of request.c and ack.c, theirs */
	struct list earl;       /* struct stack_ear, of ack.c */
	struct sa serverv[SERVERS_KNOWN];       /* our server's addresses */
	size_t serverc;
	struct known_hop hopv[HOPS_KNOWN];
	char why[160];          /* about the failure in hand, for people */

	/* a request that is no retransmission and passes RFC 3261 section
	 * 8.2; a response that belongs to no transaction; STUN */
	void (*reqh)(const struct sip_msg *msg, void *arg);
	void (*resph)(const struct sip_msg *msg, void *arg);
	void (*stunh)(const struct sa *src, const struct mbuf *mb, void *arg);
	/* a way failed: what registrations must know; not after a flush */
	void (*lossh)(const void *sock, const struct sa *dst, int err,
		      void *arg);
	void *arg;
};

/* conf's handlers are set here; the stack's own by its owner, after. */
int stack_alloc(struct stack **sp, struct timers *timers,
		const struct transp_conf *conf);

/* Send "MET URI" with our Via and then `rest`, the other headers and the
 * body, to hop. *cp and h are those of ctrans.h. */
struct stack_request {
	const struct hop *hop;
	const struct sa *laddr;         /* for the Via */
	const char *met, *uri;
	const struct mbuf *rest;
};
int stack_request(struct ctrans **cp, struct stack *s,
		  const struct stack_request *req, ctrans_h *h, void *arg);

/* Close everything: requests, transactions, sockets. Nobody is told. */
void stack_flush(struct stack *s);

/* "<sip:user@address;transport=tcp>" */
struct contact {
	const struct stack *s;
	const struct sa *addr;
	enum sip_transp tp;
};
int stack_contact(struct re_printf *pf, const struct contact *c);

/* Is this address known not to speak TCP? Then UDP takes any size. */
bool stack_no_tcp(const struct stack *s, const struct sa *dst);
void stack_set_no_tcp(struct stack *s, const struct sa *dst);

/* Is this an address (of any port) of our server? */
bool stack_is_server(const struct stack *s, const struct sa *addr);
void stack_set_server(struct stack *s, const struct sa *addr);

/* The name that dst proved by TLS, NULL if none. */
const char *stack_name(const struct stack *s, const struct sa *dst);
void stack_set_name(struct stack *s, const struct sa *dst, const char *name);

#endif
