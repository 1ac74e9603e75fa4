/*
 * digest_client.c: what an account knows of the realms it was asked for.
 *
 * A cache of challenges, one a realm, owned by the ua. Each 401 or 407 is a
 * round: within a round the strongest algorithm stays, a new round replaces.
 */
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/sip/digest.h"

void digest_client_begin(struct digest_client *dc)
{
	++dc->round;
}

/* The place for a challenge: that of its realm, a free one, or of the realm
 * not heard of for the longest time; *known: the first of these. */
static unsigned place(const struct digest_client *dc,
		      const struct digest_challenge *c, bool *known)
{
	unsigned i = 0, oldest = 0;

	*known = false;
	for (; i < dc->n; i++) {
		*known = !str_cmp(dc->v[i].c.realm, c->realm) &&
			dc->v[i].c.proxy == c->proxy;
		if (*known)
			return i;
		if (dc->v[i].round < dc->v[oldest].round)
			oldest = i;
	}
	return i < DIGEST_REALMS ? i : oldest;
}

int digest_client_challenge(struct digest_client *dc, const struct pl *val,
			    bool proxy)
{
	struct digest_challenge c;
	unsigned i;
	bool known;
	int err;

	err = digest_challenge_decode(&c, val);
	if (err)
		return err;
	c.proxy = proxy;
	i = place(dc, &c, &known);
	if (!known && i < dc->n && dc->v[i].round == dc->round)
		return ENOSPC;
	if (known) {
		/* RFC 8760: the strongest of one response */
		if (dc->v[i].round == dc->round && dc->v[i].c.alg >= c.alg)
			return 0;
		if (!c.stale && dc->v[i].nc && dc->v[i].c.alg == c.alg &&
		    !str_cmp(dc->v[i].c.nonce, c.nonce))
			return EACCES;
	}
	dc->n = MAX(dc->n, i + 1);
	dc->v[i].c = c;
	dc->v[i].nc = 0;
	dc->v[i].round = dc->round;
	return 0;
}

struct taking {
	struct digest_client *dc;
	unsigned taken;
	int err;
};

static bool take_handler(const struct sip_hdr *hdr, const struct sip_msg *msg,
			 void *arg)
{
	struct taking *t = arg;
	int err;
	(void)msg;

	err = digest_client_challenge(t->dc, &hdr->val,
				      hdr->id == SIP_HDR_PROXY_AUTHENTICATE);
	if (!err)
		++t->taken;
	t->err = err == EACCES ? err : t->err;
	return false;
}

int digest_client_response(struct digest_client *dc,
			   const struct sip_msg *msg)
{
	struct taking t = { dc, 0, 0 };

	if (!dc || !msg)
		return EINVAL;
	digest_client_begin(dc);
	sip_msg_hdr_apply(msg, true, SIP_HDR_WWW_AUTHENTICATE,
			  take_handler, &t);
	sip_msg_hdr_apply(msg, true, SIP_HDR_PROXY_AUTHENTICATE,
			  take_handler, &t);
	if (t.err)
		return t.err;
	return t.taken ? 0 : ENOTSUP;
}

bool digest_client_stale(const struct digest_client *dc)
{
	for (unsigned i = 0; i < dc->n; i++)
		if (dc->v[i].round == dc->round && dc->v[i].c.stale)
			return true;
	return false;
}

int digest_client_encode(struct mbuf *mb, struct digest_client *dc,
			 const char *user, const char *password,
			 const char *met, const char *uri)
{
	int err = 0;

	if (!mb || !dc || !user || !password || !met || !uri)
		return EINVAL;
	for (unsigned i = 0; i < dc->n && !err; i++) {
		char cnonce[17];
		const struct digest_credentials cr = {
			&dc->v[i].c, user, password, met, uri,
			++dc->v[i].nc, cnonce
		};

		rand_str(cnonce, sizeof cnonce);
		err = mbuf_printf(mb, "%sAuthorization: %H\r\n",
				  dc->v[i].c.proxy ? "Proxy-" : "",
				  digest_authorization_print, &cr);
	}
	return err;
}
