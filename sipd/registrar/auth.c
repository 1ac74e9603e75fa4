/*
 * auth.c: who sends a request.
 *
 * Owns the nonce key and a small table of sources that failed lately: it has
 * a fixed size, so that an attacker with many addresses costs no memory, only
 * forgets about himself. Called by register.c and proxy.c.
 */
#include <string.h>
#include "sdp/base/clock.h"
#include "sdp/base/recompat.h"
#include "sipd/registrar/auth.h"

enum {
	NONCE_LIFE   = 300,     /* s */
	FAILURES_MAX = 20,      /* of a source in AUTH_RETRY s */
	SOURCES      = 1024,
	ANSWERS_MAX  = 8,       /* credentials looked at in a request */
};

struct source {
	struct sa sa;
	unsigned failures;
	uint64_t since;         /* ns */
};

struct auth {
	struct digest_server *ds;
	const struct users *users;
	struct source sourcev[SOURCES];
};

static void auth_destructor(void *arg)
{
	struct auth *a = arg;

	mem_deref(a->ds);
}

int auth_alloc(struct auth **ap, const char *realm, const struct users *users)
{
	struct auth *a = mem_zalloc(sizeof *a, auth_destructor);
	int err;

	if (!a)
		return ENOMEM;
	a->users = users;
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

/* The place of a source; another one's after a collision or a minute. */
static struct source *source_of(struct auth *a, const struct sa *sa)
{
	struct source *s = &a->sourcev[sa_hash(sa, SA_ADDR) % SOURCES];
	const uint64_t now = clock_ns();

	if (!sa_cmp(&s->sa, sa, SA_ADDR) ||
	    now - s->since > AUTH_RETRY * SEC) {
		s->sa = *sa;
		s->failures = 0;
		s->since = now;
	}
	return s;
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
	struct source *src = source_of(a, &msg->src);
	struct digest_answer answer;
	struct finding f = { a, &answer, 0 };
	const struct user *user;

	if (src->failures >= FAILURES_MAX)
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
		*userp = user;
		return AUTH_OK;
	case DIGEST_STALE:
		return AUTH_STALE;
	case DIGEST_FOREIGN:
		return AUTH_CHALLENGE;
	default:
		++src->failures;
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
