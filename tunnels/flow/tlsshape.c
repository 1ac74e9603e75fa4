/*
 * tlsshape.c: contexts for TLS that protects nothing. Called by streams.c and
 * streamhub.c.
 */
#include <errno.h>
#include <openssl/ec.h>
#include "tunnels/flow/identitymake.h"
#include "tunnels/flow/tlsshape.h"

/* Sessions are not resumed: they would tell who comes again. */
static int context(SSL_CTX **cp, const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx)
		return ENOMEM;
	if (!SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) ||
	    !SSL_CTX_set_num_tickets(ctx, 0)) {
		SSL_CTX_free(ctx);
		return EPROTO;
	}
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET |
				  SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	*cp = ctx;
	return 0;
}

static int set_key(SSL_CTX *ctx)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = NULL;
	int err = key ? identity_certify(&x, key, key) : ENOMEM;

	if (!err && (SSL_CTX_use_certificate(ctx, x) != 1 ||
		     SSL_CTX_use_PrivateKey(ctx, key) != 1))
		err = EPROTO;
	X509_free(x);
	EVP_PKEY_free(key);
	return err;
}

int tlsshape_server(SSL_CTX **cp)
{
	SSL_CTX *ctx = NULL;
	int err = context(&ctx, TLS_server_method());

	if (!err)
		err = set_key(ctx);
	if (err)
		SSL_CTX_free(ctx);
	else
		*cp = ctx;
	return err;
}

int tlsshape_client(SSL_CTX **cp)
{
	return context(cp, TLS_client_method());
}
