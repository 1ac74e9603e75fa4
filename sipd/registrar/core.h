/*
 * core.h: what the files of the registrar share, and answers of our own.
 *
 *   registrar ──> proxy ──> register ──> auth, binding
 *                   └─────> fork ──> sip/ctrans, sip/strans ──> transport
 */
#ifndef DIALTONE_REGISTRAR_CORE_H
#define DIALTONE_REGISTRAR_CORE_H

#include <re.h>
#include "sipd/sip/ctrans.h"
#include "sipd/sip/strans.h"
#include "sipd/registrar/auth.h"
#include "sipd/registrar/binding.h"
#include "sipd/registrar/message.h"
#include "sipd/registrar/route.h"

enum { DOMAINS_MAX = 16 };

/* Counted since the start, for registrar_status. */
struct core_stats {
	uint64_t registers;     /* successful */
	uint64_t invites;       /* forwarded */
	uint64_t forks;         /* of these, to more than one binding */
	uint64_t others;        /* other requests forwarded */
	uint64_t challenges;    /* 401 and 407 */
	uint64_t denied;        /* 403 and 503 for credentials */
	uint64_t refused;       /* every other answer of our own above 399 */
};

struct core {
	struct timers *timers;
	struct transport *tr;
	struct stable *stable;
	struct ctable *ctable;
	struct bindings *bindings;
	struct users *users;
	struct auth *auth;
	struct quota *quota;    /* or NULL */
	char *domainv[DOMAINS_MAX];
	unsigned domainc;
	uint8_t key[ROUTE_KEY];
	uint32_t salt;          /* of loop marks */
	uint32_t expires_max;   /* s */
	struct core_stats stats;
};

/* Does host[:port] of a URI name us: a domain, or an own address? */
bool core_is_ours(const struct core *c, const struct uri *uri);

/* Where responses to a request go that came by flow (RFC 3261 section 18.2.2,
 * RFC 3581). */
struct trans_way core_way_back(const struct core *c,
			       const struct sip_msg *msg,
			       const struct flow *flow);

/* Answer a request without a transaction: a retransmission gets the same
 * answer again (RFC 3261 section 8.2.7). extra: header lines or NULL. */
void core_reply(struct core *c, const struct sip_msg *msg,
		const struct flow *flow, uint16_t scode, const char *reason,
		const char *extra, ...);

/* The same with a Warning that says why in a sentence. */
void core_refuse(struct core *c, const struct sip_msg *msg,
		 const struct flow *flow, uint16_t scode, const char *reason,
		 const char *fmt, ...);

/* Who is it? False: it was answered 401, 407, 403 or 503. `user` is who the
 * request claims to be from. */
bool core_authenticate(struct core *c, const struct sip_msg *msg,
		       const struct flow *flow, const struct pl *user,
		       bool proxy);

#endif
