/*
 * auth.h: who sends a request: digest against the users file.
 */
#ifndef DIALTONE_REGISTRAR_AUTH_H
#define DIALTONE_REGISTRAR_AUTH_H

#include <re.h>
#include "sipd/registrar/users.h"
#include "sipd/sip/quota.h"

struct auth;

/* users and quota (or NULL) are not owned here; auth_users sets another after
 * a reload. */
int auth_alloc(struct auth **ap, const char *realm,
	       const struct users *users, struct quota *quota);
void auth_users(struct auth *a, const struct users *users);

const char *auth_realm(const struct auth *a);

enum auth_verdict {
	AUTH_OK,
	AUTH_CHALLENGE,         /* answer 401 or 407 with auth_print */
	AUTH_STALE,             /* the same, with stale=true */
	AUTH_WRONG,             /* 403: a valid nonce, a wrong hash or user */
	AUTH_LIMIT,             /* 503: too many wrong ones of that source */
};

/* Look for an answer in Authorization (proxy false) or Proxy-Authorization.
 * *userp is set with AUTH_OK only. */
enum auth_verdict auth_check(struct auth *a, const struct sip_msg *msg,
			     bool proxy, const struct user **userp);

/* The challenge header lines for a user who says to be `user`, for "%H". */
struct auth_offer {
	const struct auth *a;
	const struct pl *user;
	const struct sa *src;
	bool proxy;
	bool stale;
};

int auth_print(struct re_printf *pf, const struct auth_offer *o);

#endif
