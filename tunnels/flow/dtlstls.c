/*
 * dtlstls.c: what OpenSSL is told of whom to trust and what to agree on.
 *
 * No authority vouches for anybody: the peer's certificate must have the
 * SHA-256 that control expects, else the handshake fails with an alert and
 * the key seen is kept for control to show. Tickets, resumption and
 * renegotiation are absent on purpose: they would be a way in without that
 * comparison. DTLS 1.2 and AEAD with forward secrecy only.
 */
#include <errno.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include "tunnels/flow/aead.h"
#include "tunnels/flow/dtlstls.h"
#include "tunnels/flow/identity.h"

enum {
	FP_SIZE = 32,
	EXT_HEARTBEAT = 15,             /* RFC 6520, 2 */
	PEER_ALLOWED_TO_SEND = 1,
};

#define AES "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
#define CHACHA "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

struct tlsctx {
	struct le le;
	uint8_t fp[FP_SIZE];
	bool by_ssl, no_aes;
	SSL_CTX *ctx;
};

static void tlsctx_destructor(void *arg)
{
	struct tlsctx *t = arg;

	list_unlink(&t->le);
	SSL_CTX_free(t->ctx);
}

/* Instead of a chain of authorities. */
static int verify(X509_STORE_CTX *xs, void *arg)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(xs,
			SSL_get_ex_data_X509_STORE_CTX_idx());
	const X509 *cert = X509_STORE_CTX_get0_cert(xs);
	struct dassoc *a = ssl ? SSL_get_app_data(ssl) : NULL;
	unsigned n = 0;
	(void)arg;

	if (!a || !cert ||
	    !X509_digest(cert, EVP_sha256(), a->got_fp, &n) || n != FP_SIZE)
		return 0;
	a->key_bad = CRYPTO_memcmp(a->got_fp, a->c->conf.peer_fp, n) != 0;
	X509_STORE_CTX_set_error(xs, a->key_bad ? X509_V_ERR_CERT_REJECTED
						: X509_V_OK);
	return !a->key_bad;
}

/* Ours answers probes of any size the path carries. */
static int offer_heartbeat(SSL *ssl, unsigned type, unsigned context,
			   const unsigned char **out, size_t *len, X509 *x,
			   size_t chain, int *alert, void *arg)
{
	static const unsigned char mode = PEER_ALLOWED_TO_SEND;
	(void)ssl;
	(void)type;
	(void)context;
	(void)x;
	(void)chain;
	(void)alert;
	(void)arg;

	*out = &mode;
	*len = sizeof mode;
	return 1;
}

static int take_heartbeat(SSL *ssl, unsigned type, unsigned context,
			  const unsigned char *in, size_t len, X509 *x,
			  size_t chain, int *alert, void *arg)
{
	struct dassoc *a = SSL_get_app_data(ssl);
	(void)type;
	(void)context;
	(void)x;
	(void)chain;
	(void)alert;
	(void)arg;

	if (a)
		a->c->heartbeat = len == 1 && *in == PEER_ALLOWED_TO_SEND;
	return 1;
}

static int set_identity(SSL_CTX *ctx, const struct identity *id)
{
	unsigned certlen;
	const uint8_t *cert = identity_cert(id, &certlen);
	int ok = SSL_CTX_use_certificate_ASN1(ctx, (int)certlen, cert) &&
		 SSL_CTX_use_PrivateKey(ctx, identity_pkey(id));

	for (unsigned i = 1; ok && (cert = identity_chain(id, i, &certlen));
	     i++) {
		X509 *x = d2i_X509(NULL, &cert, (long)certlen);

		ok = x && SSL_CTX_add1_chain_cert(ctx, x);
		X509_free(x);
	}
	return ok ? 0 : EBADMSG;
}

static int set_ciphers(SSL_CTX *ctx, bool aes)
{
	(void)SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE |
				  SSL_OP_PRIORITIZE_CHACHA |
				  SSL_OP_NO_RENEGOTIATION |
				  SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
				  SSL_OP_NO_QUERY_MTU);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (!SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) ||
	    !SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION) ||
	    !SSL_CTX_set_cipher_list(ctx, aes ? AES ":" CHACHA
					      : CHACHA ":" AES) ||
	    !SSL_CTX_set1_groups_list(ctx, "X25519:P-256"))
		return ENOTSUP;
	return 0;
}

static int tlsctx_setup(struct tlsctx *t, const struct dtls_conf *conf)
{
	int err;

	t->ctx = SSL_CTX_new(DTLS_method());
	if (!t->ctx)
		return ENOMEM;
	err = set_ciphers(t->ctx, aead_has_aes() && !conf->no_aes);
	if (!err)
		err = set_identity(t->ctx, conf->identity);
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER |
			   SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(t->ctx, verify, NULL);
	(void)SSL_CTX_set_mode(t->ctx, SSL_MODE_RELEASE_BUFFERS);
	/* the SSL object would take a probe for a fault of the protocol */
	if (!err && !conf->by_ssl &&
	    !SSL_CTX_add_custom_ext(t->ctx, EXT_HEARTBEAT,
				    SSL_EXT_CLIENT_HELLO |
				    SSL_EXT_TLS1_2_SERVER_HELLO,
				    offer_heartbeat, NULL, NULL,
				    take_heartbeat, NULL))
		err = ENOTSUP;
	ERR_clear_error();
	return err;
}

int dtlstls_get(struct tlsctx **tp, struct list *ctxl,
		const struct dtls_conf *conf)
{
	struct tlsctx *t;
	struct le *le;
	int err;

	for (le = list_head(ctxl); le; le = le->next) {
		t = le->data;
		if (!memcmp(t->fp, identity_fp(conf->identity), FP_SIZE) &&
		    t->by_ssl == conf->by_ssl && t->no_aes == conf->no_aes) {
			*tp = t;
			return 0;
		}
	}
	t = mem_zalloc(sizeof *t, tlsctx_destructor);
	if (!t)
		return ENOMEM;
	memcpy(t->fp, identity_fp(conf->identity), FP_SIZE);
	t->by_ssl = conf->by_ssl;
	t->no_aes = conf->no_aes;
	err = tlsctx_setup(t, conf);
	if (err) {
		mem_deref(t);
		return err;
	}
	list_append(ctxl, &t->le, t);
	*tp = t;
	return 0;
}

SSL *dtlstls_ssl(struct tlsctx *t, struct dassoc *a)
{
	SSL *ssl = SSL_new(t->ctx);

	if (ssl)
		(void)SSL_set_app_data(ssl, a);
	return ssl;
}

/* From OpenSSL 3.2 on SSL_free frees the state for sending twice if a handshake
 * ends between its ChangeCipherSpec and the new keys, as it does when there is
 * no memory for these; what is kept for sending again has to go before it. */
void dtlstls_free(SSL *ssl)
{
	if (ssl && !SSL_is_init_finished(ssl))
		(void)SSL_clear(ssl);
	SSL_free(ssl);
}

static int keep_cert(struct dconn *c, X509 *x)
{
	uint8_t *der = NULL;
	int n = x ? i2d_X509(x, &der) : -1;
	int err = n > 0 ? flowctl_cert(&c->ctl, der, (size_t)n) : EBADMSG;

	OPENSSL_free(der);
	return err;
}

/* A server has the peer's own certificate in one place and the rest in the
 * other, a client has all in both. */
void dtlstls_chain(struct dconn *c, SSL *ssl)
{
	const STACK_OF(X509) *v = SSL_get_peer_cert_chain(ssl);

	if (keep_cert(c, SSL_get0_peer_certificate(ssl)))
		return;
	for (int i = SSL_is_server(ssl) ? 0 : 1; i < sk_X509_num(v); i++)
		if (keep_cert(c, sk_X509_value(v, i)))
			return;         /* what is there has to do */
}

int dtlstls_secret(struct rec_secret *s, SSL *ssl, bool client)
{
	const SSL_CIPHER *c = SSL_get_current_cipher(ssl);

	switch (c ? SSL_CIPHER_get_cipher_nid(c) : NID_undef) {
	case NID_aes_128_gcm:       s->cipher = AEAD_AES128_GCM; break;
	case NID_chacha20_poly1305: s->cipher = AEAD_CHACHA20_POLY1305; break;
	default: return ENOTSUP;
	}
	s->client = client;
	if (SSL_SESSION_get_master_key(SSL_get_session(ssl), s->master,
				       REC_SECRET) != REC_SECRET ||
	    SSL_get_client_random(ssl, s->client_random, REC_RANDOM) !=
	    REC_RANDOM ||
	    SSL_get_server_random(ssl, s->server_random, REC_RANDOM) !=
	    REC_RANDOM)
		return ENOTSUP;
	return 0;
}
