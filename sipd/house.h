/*
 * house.h: what all sessions of a process share: identity, peers, clock,
 * worker, paths, accounts. Built bottom up, torn down in reverse.
 */
#ifndef DIALTONE_HOUSE_H
#define DIALTONE_HOUSE_H

#include "sdp/base/clock.h"
#include "sdp/base/mailbox.h"
#include "modules/path/path.h"
#include "tunnels/flow/identity.h"
#include "tunnels/flow/worker.h"
#include "sipd/calllog.h"
#include "sipd/conf.h"
#include "sipd/peers.h"
#include "sipd/ua/ua.h"

enum house_role {
	HOUSE_DAEMON,           /* registers, answers, fixed ports */
	HOUSE_CALLER,           /* one call out: registers nothing */
	HOUSE_WAITER,           /* answers, like the daemon */
};

/* One account and what the house knows of it. */
struct house_account {
	struct le le;
	struct house *house;
	const struct conf_account *conf;        /* NULL: direct calls */
	struct ua *ua;
	bool stale;                     /* during a reload */
	uint16_t scode;                 /* of the last registration */
	char why[128];
};

/* Read by all of sipd/; changed by house.c only. */
struct house {
	const struct conf *conf;        /* owned by whoever owns the house */
	enum house_role role;
	struct timers *timers;
	struct mailbox *mailbox;        /* of the control thread */
	struct identity *identity;
	struct peers *peers;
	struct calllog *calllog;
	struct worker *worker;
	struct paths *paths;
	struct list accountl;           /* struct house_account */
	void (*callh)(struct ua *ua, struct call *c, void *arg);
	void (*changedh)(void *arg);
	void *arg;
	struct resolve *resolve;
	struct netwatch *netwatch;
};

/* Make folders, key, sockets and accounts. On error one sentence in why.
 * callh is told of each incoming call, changedh of a change of the state of
 * an account. */
int house_alloc(struct house **hp, const struct conf *conf,
		enum house_role role,
		void (*callh)(struct ua *ua, struct call *c, void *arg),
		void (*changedh)(void *arg), void *arg,
		char *why, size_t size);

/* The account to call this peer by: its own, the one of its domain, the
 * direct one for an IP address, else the first. NULL: there is none. */
const struct house_account *house_account_for(const struct house *h,
					      const struct peer *p);

/* Follow another configuration: peers at once; accounts that changed are
 * closed and opened anew, the others stay as they are. */
int house_reload(struct house *h, const struct conf *conf, char *why,
		 size_t size);

/* Unregister everywhere; doneh once it is over (at most 2 s). */
void house_close(struct house *h, void (*doneh)(void *arg), void *arg);

#endif
