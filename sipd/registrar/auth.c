/*
 * auth.c: who sends a request.
 *
 * Owns the nonce key; wrong passwords are counted by quota.c, which slows who
 * guesses. Called by register.c and proxy.c.
 */
#include <string.h>
#include "sdp/base/clock.h"
#include "sdp/base/recompat.h"
#include "sipd/registrar/auth.h"

enum {
	NONCE_LIFE   = 300,     /* s */
	ANSWERS_MAX  = 8,       /* credentials looked at in a request */
};

struct auth {
	struct digest_server *ds;
	const struct users *users;
	struct quota *quota;
};

static void auth_destructor(void *arg)
{
	struct auth *a = arg;

	mem_deref(a->ds);
}

int auth_alloc(struct auth **ap, const char *realm, const struct users *users,
	       struct quota *quota)
{
	struct auth *a = mem_zalloc(sizeof *a, auth_destructor);
	int err;

	if (!a)
		return ENOMEM;
	a->users = users;
	a->quota = quota;
	err = digest_server_alloc(&a->ds, realm, NONCE_LIFE);
	if (err)
		mem_deref(a);
	else
		*ap = a;
	return err;
}

void auth_users(struct auth *a, const struct users *users)
{
	a->users = users;
}

const char *auth_realm(const struct auth *a)
{
	return digest_server_realm(a->ds);
}

struct finding {
	const struct auth *a;
	struct digest_answer *answer;
	unsigned seen;
};

static bool answer_handler(const struct sip_hdr *hdr,
			   const struct sip_msg *msg, void *arg)
{
	struct finding *f = arg;
	(void)msg;

	if (++f->seen > ANSWERS_MAX)
		return false;
	return !digest_answer_decode(f->answer, &hdr->val) &&
		!pl_strcmp(&f->answer->realm, digest_server_realm(f->a->ds));
}

enum auth_verdict auth_check(struct auth *a, const struct sip_msg *msg,
			     bool proxy, const struct user **userp)
{
	struct digest_answer answer;
	struct finding f = { a, &answer, 0 };
	const struct user *user;

	if (quota_guessed(a->quota, &msg->src))
		return AUTH_LIMIT;
	if (!sip_msg_hdr_apply(msg, true, proxy ?
			       SIP_HDR_PROXY_AUTHORIZATION :
			       SIP_HDR_AUTHORIZATION, answer_handler, &f))
		return AUTH_CHALLENGE;
	user = users_find(a->users, &answer.user);
	switch (digest_server_verify(a->ds, &answer, &msg->met,
				     user_ha1(user, answer.alg),
				     &msg->src)) {

	case DIGEST_OK:
		quota_proven(a->quota, &msg->src);
		*userp = user;
		return AUTH_OK;
	case DIGEST_STALE:
		return AUTH_STALE;
	case DIGEST_FOREIGN:
		return AUTH_CHALLENGE;
	default:
		quota_proven(a->quota, &msg->src);
		quota_guess(a->quota, &msg->src, &answer.user);
		return AUTH_WRONG;
	}
}

/* RFC 8760 section 2.3: the preferred algorithm first. A user whose file line
 * has no SHA-256 hash is offered MD5 alone, and so is served an old client
 * that stumbles over the other line. */
int auth_print(struct re_printf *pf, const struct auth_offer *o)
{
	static const enum digest_alg algv[] = { DIGEST_SHA256, DIGEST_MD5 };
	const struct user *user = users_find(o->a->users, o->user);
	int err = 0;

	for (size_t i = 0; i < RE_ARRAY_SIZE(algv); i++) {
		const struct digest_offer offer = {
			o->a->ds, algv[i], o->src, o->stale
		};

		if (user && !user_ha1(user, algv[i]))
			continue;
		err |= re_hprintf(pf, "%s-Authenticate: %H\r\n",
				  o->proxy ? "Proxy" : "WWW",
				  digest_offer_print, &offer);
	}
	return err;
}
