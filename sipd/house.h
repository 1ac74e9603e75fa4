/*
 * house.h: what all sessions of a process share: identity, peers, clock,
 * worker, paths, accounts. Built bottom up, torn down in reverse.
 */
#ifndef DIALTONE_HOUSE_H
#define DIALTONE_HOUSE_H

#include "sdp/base/clock.h"
#include "sdp/base/mailbox.h"
#include "modules/path/mapper.h"
#include "tunnels/flow/identity.h"
#include "tunnels/flow/streams.h"
#include "sipd/accounts.h"
#include "sipd/calllog.h"
#include "sipd/conf.h"
#include "sipd/guessbook.h"
#include "sipd/peers.h"
#include "sipd/relays.h"
#include "sipd/trust.h"

enum house_role {
	HOUSE_DAEMON,           /* registers, answers, fixed ports */
	HOUSE_CALLER,           /* one call out: registers nothing */
	HOUSE_WAITER,           /* answers, like the daemon */
};

/* Whom the house tells. */
struct house_handlers {
	accounts_call_h *callh;         /* a call has come in */
	void (*movedh)(void *arg);      /* our addresses have changed */
	void *arg;
};

/* Read by all of sipd/; changed by house.c only. */
struct house {
	const struct conf *conf;        /* owned by whoever owns the house */
	enum house_role role;
	struct timers *timers;
	struct mailbox *mailbox;        /* of the control thread */
	struct identity *identity;
	struct peers *peers;
	struct trust *trust;            /* NULL: no [trust] */
	struct calllog *calllog;
	struct worker *worker;
	struct streams *streams;        /* NULL: tcp = no */
	struct paths *paths;
	struct relay_ops relay_ops;     /* what paths reach relays by */
	struct relays *relays;
	struct guess_ops guess_ops;     /* and sockets of guesses */
	struct learned *learned;        /* of processes before */
	struct guessbook *guessbook;
	struct mapper *mapper;          /* NULL: portmap = no */
	struct quota *quota;            /* what strangers may ask by SIP */
	struct accounts *accounts;
	struct house_handlers h;
	struct environs *environs;
	struct netwatch *netwatch;
	unsigned closing;               /* what is still to be closed */
	void (*closedh)(void *arg);
	void *closed_arg;
};

/* Make folders, key, sockets and accounts. On error one sentence in why. */
int house_alloc(struct house **hp, const struct conf *conf,
		enum house_role role, const struct house_handlers *hh,
		char *why, size_t size);

/* Follow another configuration: peers and accounts. */
int house_reload(struct house *h, const struct conf *conf, char *why,
		 size_t size);

/* Unregister everywhere and give back what gateways have mapped; doneh once
 * it is over (at most 2 s). */
void house_close(struct house *h, void (*doneh)(void *arg), void *arg);

#endif
