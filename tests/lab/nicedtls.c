/*
 * nicedtls.c: one DTLS session between two memory BIOs. Lives as long as
 * nicepeer, its only user; no authority is asked, for only the time is of
 * interest.
 */
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include "nicedtls.h"

enum { MTU = 1200, FLIGHT_MAX = 4096, DAY_S = 86400 };

struct nicedtls {
	SSL *ssl;
	BIO *in, *out;
	bool client, said;
	char flight[FLIGHT_MAX];        /* not sent yet */
	size_t len;
	nicedtls_send_h *sendh;
	void *arg;
};

static int take_any(int ok, X509_STORE_CTX *ctx)
{
	(void)ok, (void)ctx;
	return 1;
}

static bool own_key(SSL_CTX *ctx)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	bool ok = key && cert && X509_set_version(cert, 2) &&
		ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) &&
		X509_gmtime_adj(X509_getm_notBefore(cert), 0) &&
		X509_gmtime_adj(X509_getm_notAfter(cert), DAY_S) &&
		X509_set_pubkey(cert, key) &&
		X509_sign(cert, key, EVP_sha256()) &&
		SSL_CTX_use_certificate(ctx, cert) == 1 &&
		SSL_CTX_use_PrivateKey(ctx, key) == 1;

	X509_free(cert);
	EVP_PKEY_free(key);
	return ok;
}

static bool open_ssl(struct nicedtls *d)
{
	SSL_CTX *ctx = SSL_CTX_new(DTLS_method());
	bool ok = ctx && own_key(ctx);

	if (ok) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER |
				   SSL_VERIFY_FAIL_IF_NO_PEER_CERT, take_any);
		SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU);
		d->ssl = SSL_new(ctx);
		d->in = BIO_new(BIO_s_mem());
		d->out = BIO_new(BIO_s_mem());
	}
	SSL_CTX_free(ctx);
	if (!d->ssl || !d->in || !d->out)
		return false;
	BIO_set_mem_eof_return(d->in, -1);
	BIO_set_mem_eof_return(d->out, -1);
	SSL_set_bio(d->ssl, d->in, d->out);
	(void)SSL_set_mtu(d->ssl, MTU);
	if (d->client)
		SSL_set_connect_state(d->ssl);
	else
		SSL_set_accept_state(d->ssl);
	return true;
}

struct nicedtls *nicedtls_new(bool client, nicedtls_send_h *sendh, void *arg)
{
	struct nicedtls *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->client = client;
	d->sendh = sendh;
	d->arg = arg;
	if (open_ssl(d))
		return d;
	free(d);
	return NULL;
}

/* A flight of these keys fits into one datagram. */
static void flush(struct nicedtls *d)
{
	int n = d->len ? 0 : BIO_read(d->out, d->flight, sizeof d->flight);

	if (n > 0)
		d->len = (size_t)n;
	if (d->len && d->sendh(d->flight, d->len, d->arg) >= (int)d->len)
		d->len = 0;
}

void nicedtls_go(struct nicedtls *d)
{
	if (!SSL_is_init_finished(d->ssl)) {
		(void)SSL_do_handshake(d->ssl);
		(void)DTLSv1_handle_timeout(d->ssl);
	}
	if (SSL_is_init_finished(d->ssl) && !d->client && !d->said)
		d->said = SSL_write(d->ssl, "hello\n", 6) == 6;
	flush(d);
}

bool nicedtls_recv(struct nicedtls *d, const char *buf, size_t len)
{
	char data[64];
	bool got;

	(void)BIO_write(d->in, buf, (int)len);
	got = SSL_read(d->ssl, data, sizeof data) > 0;
	nicedtls_go(d);
	return got;
}
