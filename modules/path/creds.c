/*
 * creds.c: ICE user name fragments and passwords (RFC 8445 section 5.3).
 * Owned by the agent and by every pair found with them. Passwords reach
 * neither log nor debug output, and are wiped.
 */
#include <errno.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include "modules/path/creds.h"

static void creds_destructor(void *arg)
{
	struct creds *c = arg;

	OPENSSL_cleanse(c->lpwd, sizeof c->lpwd);
	if (c->rpwd)
		OPENSSL_cleanse(c->rpwd, strlen(c->rpwd));
	mem_deref(c->rpwd);
	mem_deref(c->rufrag);
}

/* n ice-chars of 6 random bits each */
static bool random_text(char *s, size_t n)
{
	static const char icechar[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789+/";
	uint8_t r[CREDS_PWD_LEN];

	if (RAND_bytes(r, (int)n) != 1)
		return false;
	for (size_t i = 0; i < n; i++)
		s[i] = icechar[r[i] & 63];
	s[n] = '\0';
	OPENSSL_cleanse(r, sizeof r);
	return true;
}

int creds_alloc(struct creds **cp)
{
	struct creds *c = mem_zalloc(sizeof *c, creds_destructor);

	if (!c)
		return ENOMEM;
	if (!random_text(c->lufrag, CREDS_UFRAG_LEN) ||
	    !random_text(c->lpwd, CREDS_PWD_LEN)) {
		mem_deref(c);
		return EIO;
	}
	*cp = c;
	return 0;
}

int creds_remote(struct creds *c, const char *ufrag, const char *pwd)
{
	char *u = NULL, *p = NULL;
	int err;

	if (!str_isset(ufrag) || !str_isset(pwd))
		return EINVAL;
	err = str_dup(&u, ufrag);
	if (!err)
		err = str_dup(&p, pwd);
	if (err) {
		mem_deref(u);
		return err;
	}
	c->rufrag = u;
	c->rpwd = p;
	return 0;
}

static struct pl peer_part(const struct pl *username)
{
	const char *colon = memchr(username->p, ':', username->l);
	struct pl p = PL_INIT;

	if (colon) {
		p.p = colon + 1;
		p.l = username->l - (size_t)(p.p - username->p);
	}
	return p;
}

bool creds_match(const struct creds *c, const struct pl *username)
{
	struct pl peer = peer_part(username);

	if (!c || username->l <= CREDS_UFRAG_LEN ||
	    username->p[CREDS_UFRAG_LEN] != ':' ||
	    memcmp(username->p, c->lufrag, CREDS_UFRAG_LEN))
		return false;
	return !c->rufrag || !pl_strcmp(&peer, c->rufrag);
}

uint32_t creds_peer_hash(const struct pl *username)
{
	struct pl peer = peer_part(username);

	return hash_joaat((const uint8_t *)peer.p, peer.l);
}

uint32_t creds_hash(const char *rufrag)
{
	return hash_joaat((const uint8_t *)rufrag, strlen(rufrag));
}
