/*
 * housekey.c: the key that is this user at this machine: where it is, a new
 * one, and what is made of it.
 *
 *   identity     STATE/identity.pem, made at first use; another file; a key
 *                in a token or a TPM by its URI (token.h)
 *   certificate  in the key's file; another file; of a token, if none is
 *                named, STATE/certificate.pem
 *
 * Called by house.c; by commands.c for a new one.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <openssl/evp.h>
#include "sipd/housekey.h"
#include "tunnels/flow/identityrenew.h"
#include "tunnels/flow/token.h"

static const char *identity_hint(int err)
{
	switch (err) {

	case EPERM:   return " Others can read it: chmod 600.";
	case EBADMSG: return " It must be ECDSA P-256, and the certificate"
			" its own.";
	case ENOTSUP: return " Install what OpenSSL needs for it:"
			" libengine-pkcs11-openssl for tokens, tpm2-openssl"
			" for a TPM, which has to be there.";
	case ENOKEY:  return " Is the token there, with a key of that name,"
			" and its PIN in the file that pin-source names?";
	default:      return "";
	}
}

int housekey_open(struct identity **ip, const struct conf *c, char *why,
		  size_t size)
{
	const bool token = c->identity && token_is_uri(c->identity);
	char key[600], cert[600];
	int err;

	(void)re_snprintf(key, sizeof key, "%s/identity.pem", c->state);
	(void)re_snprintf(cert, sizeof cert, "%s/certificate.pem", c->state);
	err = identity_load_with(ip, c->identity ? c->identity : key,
				 c->certificate ? c->certificate :
				 token ? cert : NULL);
	if (err)
		(void)re_snprintf(why, size, "The key %s cannot be used:"
				  " %m.%s", c->identity ? c->identity : key,
				  err, identity_hint(err));
	return err;
}

int housekey_renew(const struct conf *c, uint8_t fp[DESC_FP_SIZE], char *why,
		   size_t size)
{
	char file[600];
	int err;

	if (c->identity)
		str_ncpy(file, c->identity, sizeof file);
	else
		(void)re_snprintf(file, sizeof file, "%s/identity.pem",
				  c->state);
	err = c->certificate || token_is_uri(file) ? EPERM :
		identity_renew(file, fp);
	if (err == EPERM)
		(void)re_snprintf(why, size, "Only a key that was made here"
				  " can be renewed, not one in a token or"
				  " with a certificate of others.");
	else if (err)
		(void)re_snprintf(why, size, "No new key can be made in"
				  " %s: %m.", file, err);
	return err;
}

/* Two devices of a user may share a key, not an instance: it is made of the
 * key, the machine and the state folder, so that it stays without being kept.
 * A version 8 UUID (RFC 9562). */
void housekey_instance(char *buf, size_t size, const struct identity *id,
		       const struct conf *c)
{
	uint8_t text[DESC_FP_SIZE + 65 + 512], d[DESC_FP_SIZE];
	char *state = (char *)text + DESC_FP_SIZE + 65;
	unsigned n = sizeof d;

	memset(text, 0, sizeof text);
	memcpy(text, identity_fp(id), DESC_FP_SIZE);
	(void)gethostname((char *)text + DESC_FP_SIZE, 64);
	(void)str_ncpy(state, c->state, 512);
	(void)EVP_Digest(text, sizeof text, d, &n, EVP_sha256(), NULL);
	(void)re_snprintf(buf, size, "urn:uuid:%02x%02x%02x%02x-%02x%02x-"
			  "8%01x%02x-8%01x%02x-%02x%02x%02x%02x%02x%02x",
			  d[0], d[1], d[2], d[3], d[4], d[5], d[6] & 15,
			  d[7], d[8] & 15, d[9], d[10], d[11], d[12], d[13],
			  d[14], d[15]);
}
