/*
 * accounts.h: the SIP accounts of this process: one per [account], and one
 * for direct calls. Which one calls whom, and what became of registering.
 */
#ifndef DIALTONE_ACCOUNTS_H
#define DIALTONE_ACCOUNTS_H

#include "sipd/conf.h"
#include "sipd/peers.h"
#include "sipd/ua/ua.h"

struct accounts;

struct account {
	struct le le;
	struct accounts *all;
	const struct conf_account *conf;        /* NULL: direct calls */
	struct ua *ua;
	bool stale;                     /* during a reload */
	uint16_t scode;                 /* of the last registration */
	char why[128];
};

/* Who is told of an incoming call. */
typedef void (accounts_call_h)(struct ua *ua, struct call *c, void *arg);

struct accounts_conf {
	struct timers *timers;
	struct quota *quota;    /* of all; it outlives them */
	hop_nat64_h *nat64h;        /* as in ua.h */
	void *nat64_arg;
	bool quiet;             /* one call out: no registration, any port */
	const char *instance;   /* urn:uuid:..., RFC 5626 section 4.1; copied */
	accounts_call_h *callh;
	void *arg;
};

/* Open all; conf must outlive them. On error one sentence in why. */
int accounts_alloc(struct accounts **ap, const struct accounts_conf *ac,
		   const struct conf *conf, char *why, size_t size);

/* Follow another configuration: accounts that changed are closed and opened
 * anew, the others stay as they are. */
void accounts_reload(struct accounts *as, const struct conf *conf);

/* The host's addresses changed. */
void accounts_changed(struct accounts *as);

/* A session's path has failed or moved: what NATs knew may be gone. */
void accounts_probe(struct accounts *as);

/* The account to call this peer by: its own, the one of its domain, the
 * direct one for an IP address, else the first. NULL: there is none. */
const struct account *accounts_for(const struct accounts *as,
				   const struct peer *p);

/* All of them, struct account; the last one is for direct calls. */
const struct list *accounts_list(const struct accounts *as);

/* Where others call us: the first account, or this host. For re's %H. */
int accounts_called(struct re_printf *pf, const struct accounts *as);

/* Unregister everywhere; doneh once it is over (at most 2 s). */
void accounts_close(struct accounts *as, void (*doneh)(void *arg),
		    void *arg);

#endif
