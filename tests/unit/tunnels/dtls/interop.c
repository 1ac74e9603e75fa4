/*
 * interop.c: a peer that is OpenSSL as anybody else would use it: DTLS 1.2
 * with nothing in it that only we know.
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include "tests/unit/tunnels/dtls/side.h"

struct plain {
	int fd;
	uint16_t port;
	SSL_CTX *ctx;
	SSL *ssl;
	unsigned rx;
	bool over;
};

static int any_cert(X509_STORE_CTX *xs, void *arg)
{
	(void)xs;
	(void)arg;
	return 1;
}

static void plain_open(struct plain *p, bool client, uint16_t to,
		       const char *ciphers)
{
	unsigned clen, klen;
	const uint8_t *cert = identity_cert(ids[1], &clen);
	const uint8_t *key = identity_key(ids[1], &klen);
	EVP_PKEY *pk = d2i_AutoPrivateKey(NULL, &key, klen);
	struct sa sa;
	BIO *bio;

	memset(p, 0, sizeof *p);
	p->fd = open_socket(&p->port);
	(void)sa_set_str(&sa, "127.0.0.1", to);
	CU_ASSERT_EQUAL_FATAL(connect(p->fd, &sa.u.sa, sa.len), 0);
	p->ctx = SSL_CTX_new(DTLS_method());
	(void)SSL_CTX_use_PrivateKey(p->ctx, pk);
	(void)SSL_CTX_use_certificate_ASN1(p->ctx, (int)clen, cert);
	EVP_PKEY_free(pk);
	SSL_CTX_set_verify(p->ctx, SSL_VERIFY_PEER |
			   SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(p->ctx, any_cert, NULL);
	CU_ASSERT(SSL_CTX_set_cipher_list(p->ctx, ciphers));
	p->ssl = SSL_new(p->ctx);
	bio = BIO_new_dgram(p->fd, BIO_NOCLOSE);
	(void)BIO_ctrl(bio, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &sa.u.sa);
	(void)BIO_socket_nbio(p->fd, 1);
	SSL_set_bio(p->ssl, bio, bio);
	if (client)
		SSL_set_connect_state(p->ssl);
	else
		SSL_set_accept_state(p->ssl);
}

static bool plain_handshake(struct plain *p)
{
	int rc = SSL_do_handshake(p->ssl);

	if (rc != 1)
		(void)DTLSv1_handle_timeout(p->ssl);
	ERR_clear_error();
	return rc == 1;
}

static unsigned plain_read(struct plain *p)
{
	uint8_t buf[2048];
	uint32_t no, len;
	int n;

	while ((n = SSL_read(p->ssl, buf, sizeof buf)) > 0) {
		memcpy(&no, buf, 4);
		memcpy(&len, buf + 4, 4);
		CU_ASSERT_EQUAL((int)len, n);
		CU_ASSERT_EQUAL(buf[n - 1], (uint8_t)no);
		++p->rx;
	}
	p->over = SSL_get_shutdown(p->ssl) & SSL_RECEIVED_SHUTDOWN;
	ERR_clear_error();
	return p->rx;
}

static void plain_close(struct plain *p)
{
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	(void)close(p->fd);
}

static void interop(bool client, bool we_close, const char *ciphers)
{
	const struct dtls_conf conf = make_conf(client, 0, 1, 7);
	struct plain p;
	struct side a;
	uint8_t buf[1200];

	start_worker(&a);
	plain_open(&p, !client, port_of(&a), ciphers);
	start_dtls(&a, &conf);
	set_path(&a, p.port);
	WAIT_FOR(plain_handshake(&p) && a.secured);
	if (!a.secured)
		CU_FAIL_FATAL("not secured");
	start_put(&a, 0, 1000, 0, true);
	for (uint32_t i = 0; i < 1000; i++) {
		make(buf, i, 100 + i, 0);
		CU_ASSERT_EQUAL(SSL_write(p.ssl, buf, (int)(100 + i)),
				(int)(100 + i));
		(void)plain_read(&p);
	}
	WAIT_FOR(plain_read(&p) == 1000 && a.rx == 1000);
	CU_ASSERT_EQUAL(a.bad + a.dup + a.ended, 0);
	/* nothing that a plain peer would not know */
	CU_ASSERT_EQUAL(a.mtu, 1232 - (strstr(ciphers, "CHACHA") ? 29 : 37));
	if (we_close) {
		dtls_close(a.q);
		WAIT_FOR((plain_read(&p), p.over));
	}
	else {
		(void)SSL_shutdown(p.ssl);
		WAIT_FOR(a.ended);
		CU_ASSERT_EQUAL(a.why, FLOW_END_CLOSED);
	}
	stop(&a);
	plain_close(&p);
}

static void test_interop(void)
{
	interop(true, true, "ECDHE-ECDSA-AES128-GCM-SHA256");
	interop(true, false, "ECDHE-ECDSA-CHACHA20-POLY1305");
	interop(false, true, "ECDHE-ECDSA-CHACHA20-POLY1305");
	interop(false, false, "ECDHE-ECDSA-AES128-GCM-SHA256");
}

UNIT_SUITE("dtls/interop",
	{ "set up keys", set_up_keys },
	{ "a plain OpenSSL peer", test_interop },
	{ "keys are put away", put_keys_away })
