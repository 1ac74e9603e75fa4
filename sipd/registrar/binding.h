/*
 * binding.h: the location service: which flows reach a user (RFC 3261
 * section 10, RFC 5626).
 */
#ifndef DIALTONE_REGISTRAR_BINDING_H
#define DIALTONE_REGISTRAR_BINDING_H

#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/registrar/transport.h"

enum {
	BINDINGS_PER_USER = 16,
	BINDINGS_MAX      = 100000,
};

struct bindings;

struct binding {
	struct le le;           /* of its user, the newest first */
	struct le he;           /* by flow */
	struct aor *aor;
	char *uri;              /* Contact, the Request-URI of calls to it */
	char *instance;         /* +sip.instance, or NULL */
	uint32_t reg_id;        /* 0: no outbound */
	char *callid;
	uint32_t cseq;
	struct flow flow;
	uint64_t expires;       /* ns, clock_ns */
	struct timer timer;
};

int bindings_alloc(struct bindings **bp, struct timers *timers);

/* What a REGISTER says about one Contact. */
struct binding_update {
	struct pl user;
	struct pl uri;
	struct pl instance;
	uint32_t reg_id;
	struct pl callid;
	uint32_t cseq;
	struct flow flow;
	uint32_t expires;       /* s; 0: remove */
};

/* Would it be in order? EPROTO: an older CSeq of the same Call-ID; ENOSPC:
 * no room in the house. Ask for all before the first binding_set. */
int binding_check(const struct bindings *b, const struct binding_update *up);

/* Add, refresh or remove. Beyond BINDINGS_PER_USER the oldest goes. */
int binding_set(struct bindings *b, const struct binding_update *up);

/* "Contact: *": all of the user. EPROTO as above, then none is removed. */
int bindings_clear(struct bindings *b, const struct pl *user,
		   const struct pl *callid, uint32_t cseq);

/* The bindings of a user (struct binding), the newest first; NULL: none. */
const struct list *bindings_of(const struct bindings *b,
			       const struct pl *user);

/* The same by bindings_hash of the user's name, for Record-Route tokens. */
uint32_t bindings_hash(const struct pl *user);
const struct list *bindings_by_hash(const struct bindings *b, uint32_t hash);

/* Does that flow belong to a binding of the user? */
bool bindings_has_flow(const struct list *l, const struct flow *flow);

/* A connection ended: its bindings are gone. */
void bindings_flow_closed(struct bindings *b, const struct flow *flow);

/* Remove all users for whom keep() is false. */
void bindings_prune(struct bindings *b,
		    bool (*keep)(const struct pl *user, void *arg),
		    void *arg);

unsigned bindings_count(const struct bindings *b);

/* {"alice":1,"bob":2}: users online and their bindings. */
int bindings_print(struct re_printf *pf, const struct bindings *b);

#endif
