/*
 * reg.h: keeping one binding at the registrar.
 */
#ifndef DIALTONE_UA_REG_H
#define DIALTONE_UA_REG_H

#include "sipd/ua/stack.h"
#include "sipd/ua/ua.h"

struct reg;

struct reg_conf {
	const char *aor;        /* whose binding */
	const char *route;      /* a proxy to write into Route; or NULL */
	const char *next;       /* the next hop: registrar or proxy */
	uint32_t expires;       /* s, to ask for */
	const char *instance;   /* urn:uuid:... for RFC 5626, or NULL */
	void (*stateh)(enum ua_state st, uint16_t scode, const char *why,
		       void *arg);
	void *arg;
};

/* Begins to register at once. */
int reg_alloc(struct reg **rp, struct stack *s, const struct reg_conf *conf);

/* Again, soon: the addresses have changed. */
void reg_again(struct reg *r);

/* Is the flow still there? If it is not, registers anew in some seconds. */
void reg_probe(struct reg *r);

/* Remove the binding; no more handlers. True if an answer is to be waited
 * for; reg_quiet says when there is nothing more. */
bool reg_remove(struct reg *r);
bool reg_quiet(const struct reg *r);

enum ua_state reg_state(const struct reg *r);

/* What the stack noticed: a way is lost; a STUN packet came. */
void reg_loss(struct reg *r, const void *sock, const struct sa *dst);
void reg_stun(struct reg *r, const struct sa *src, const struct mbuf *mb);

#endif
