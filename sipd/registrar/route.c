/*
 * route.c: Record-Route tokens.
 *
 *   listener (2) | user hash (4) | port (2) | address (4 or 16) | HMAC (8)
 *
 * in hex: libre and others misread ':' and '[' in a user part. The HMAC makes
 * the token a permission: who has it was let into the dialog, and nobody can
 * aim us at an address of his choice. Owns nothing; called by the proxy.
 */
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "sipd/sip/digest.h"
#include "sipd/registrar/route.h"

enum {
	HEAD_LEN = 8,
	MAC_LEN  = 8,
	RAW_MAX  = HEAD_LEN + 16 + MAC_LEN,
};

static void mac_write(uint8_t *p, size_t n, const uint8_t *key)
{
	uint8_t mac[EVP_MAX_MD_SIZE];

	HMAC(EVP_sha256(), key, ROUTE_KEY, p, n, mac, NULL);
	memcpy(p + n, mac, MAC_LEN);
}

static size_t head_write(uint8_t *p, const struct route *r)
{
	const uint16_t port = sa_port(&r->flow.peer);
	const uint32_t lsn = r->flow.lsn, user = r->user;

	for (unsigned i = 0; i < 2; i++) {
		p[i] = (uint8_t)(lsn >> (8 - 8 * i));
		p[6 + i] = (uint8_t)(port >> (8 - 8 * i));
	}
	for (unsigned i = 0; i < 4; i++)
		p[2 + i] = (uint8_t)(user >> (24 - 8 * i));
	return HEAD_LEN;
}

int route_print(struct re_printf *pf, const struct route_token *t)
{
	const struct sa *peer = &t->route->flow.peer;
	char hex[2 * RAW_MAX + 1];
	uint8_t raw[RAW_MAX];
	size_t n = head_write(raw, t->route);

	if (sa_af(peer) == AF_INET6) {
		sa_in6(peer, raw + n);
		n += 16;
	}
	else {
		memcpy(raw + n, &peer->u.in.sin_addr, 4);
		n += 4;
	}
	mac_write(raw, n, t->key);
	digest_hex(hex, raw, n + MAC_LEN);
	return re_hprintf(pf, "%s", hex);
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_read(uint8_t *raw, const struct pl *pl)
{
	for (size_t i = 0; i < pl->l / 2; i++) {
		const int hi = nibble(pl->p[2 * i]);
		const int lo = nibble(pl->p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		raw[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

bool route_decode(struct route *r, const struct pl *token,
		  const uint8_t key[ROUTE_KEY])
{
	uint8_t raw[RAW_MAX], mac[RAW_MAX];
	const size_t n = token->l / 2 - MAC_LEN;
	uint16_t port;

	if (token->l != 2 * (HEAD_LEN + 4 + MAC_LEN) &&
	    token->l != 2 * (HEAD_LEN + 16 + MAC_LEN))
		return false;
	if (!hex_read(raw, token))
		return false;
	memcpy(mac, raw, n);
	mac_write(mac, n, key);
	if (CRYPTO_memcmp(mac + n, raw + n, MAC_LEN))
		return false;

	r->flow.lsn = (uint32_t)(raw[0] << 8 | raw[1]);
	r->user = (uint32_t)raw[2] << 24 | (uint32_t)raw[3] << 16 |
		(uint32_t)raw[4] << 8 | raw[5];
	port = (uint16_t)(raw[6] << 8 | raw[7]);
	if (n == HEAD_LEN + 16)
		sa_set_in6(&r->flow.peer, raw + HEAD_LEN, port);
	else
		sa_set_in(&r->flow.peer,
			  (uint32_t)raw[8] << 24 | (uint32_t)raw[9] << 16 |
			  (uint32_t)raw[10] << 8 | raw[11], port);
	return true;
}
