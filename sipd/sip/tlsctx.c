/*
 * tlsctx.c: libre's TLS verifies nothing and sends no SNI; this does.
 *
 * The name a certificate must carry is set on the context just before libre
 * makes a connection of it (SSL_new copies the parameters) and taken away
 * again after; a connection without a name trusts nobody. An info callback
 * gives the name to SNI when the handshake starts, lets servers ask for no
 * client certificate, and remembers why a handshake failed.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include "sipd/sip/compat.h"
#include "sipd/sip/tlsctx.h"

/* Nobody's name (RFC 6761): what is made by accident connects to nobody. */
#define NOBODY "nobody.invalid"

struct tlsctx {
	struct tls *tls;
	bool cert;
	bool lazy;              /* the system's CAs are not loaded yet */
	char fault[128];
};

static void tlsctx_destructor(void *arg)
{
	struct tlsctx *t = arg;

	if (t->tls)
		SSL_CTX_set_info_callback(compat_ssl_ctx(t->tls), NULL);
	mem_deref(t->tls);
}

static void handshake_begin(SSL *ssl)
{
	const char *name;
	struct sa sa;

	if (SSL_is_server(ssl)) {
		SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
		return;
	}
	name = X509_VERIFY_PARAM_get0_host(SSL_get0_param(ssl), 0);
	if (name && sa_set_str(&sa, name, 0))
		(void)SSL_set_tlsext_host_name(ssl, name);
}

static void info_handler(const SSL *cssl, int where, int ret)
{
	struct tlsctx *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(cssl));
	long res;
	(void)ret;

	if (where & SSL_CB_HANDSHAKE_START)
		handshake_begin((SSL *)cssl);   /* not const in truth */
	if (!t || SSL_is_server(cssl) ||
	    (where & SSL_CB_WRITE_ALERT) != SSL_CB_WRITE_ALERT)
		return;
	res = SSL_get_verify_result(cssl);
	if (res != X509_V_OK)
		str_ncpy(t->fault, X509_verify_cert_error_string(res),
			 sizeof t->fault);
}

static int load_ca(SSL_CTX *ctx, const char *ca)
{
	struct stat st;
	int ok;

	if (stat(ca, &st))
		return errno;
	if (S_ISDIR(st.st_mode))
		ok = SSL_CTX_load_verify_locations(ctx, NULL, ca);
	else
		ok = SSL_CTX_load_verify_locations(ctx, ca, NULL);
	ERR_clear_error();
	return ok == 1 ? 0 : EINVAL;
}

/* libre's loader prints to stderr and returns 0. */
static int load_cert(SSL_CTX *ctx, const char *cert)
{
	const bool ok =
		SSL_CTX_use_certificate_chain_file(ctx, cert) == 1 &&
		SSL_CTX_use_PrivateKey_file(ctx, cert,
					    SSL_FILETYPE_PEM) == 1 &&
		SSL_CTX_check_private_key(ctx) == 1;

	ERR_clear_error();
	return ok ? 0 : EINVAL;
}

/* A name or an address: certificates hold them in different fields. */
static int expect(SSL_CTX *ctx, const char *name)
{
	X509_VERIFY_PARAM *p = SSL_CTX_get0_param(ctx);
	struct sa sa;
	int ok;

	X509_VERIFY_PARAM_set1_ip(p, NULL, 0);
	if (sa_set_str(&sa, name, 0)) {
		ok = X509_VERIFY_PARAM_set1_host(p, name, 0);
	}
	else {
		ok = X509_VERIFY_PARAM_set1_host(p, NULL, 0) &&
		     X509_VERIFY_PARAM_set1_ip_asc(p, name);
	}
	return ok == 1 ? 0 : EINVAL;
}

static int harden(struct tlsctx *t, const char *ca)
{
	SSL_CTX *ctx = compat_ssl_ctx(t->tls);

	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
		return EINVAL;
	SSL_CTX_set_app_data(ctx, t);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_info_callback(ctx, info_handler);
	X509_VERIFY_PARAM_set_hostflags(SSL_CTX_get0_param(ctx),
					X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	t->lazy = !ca;
	return ca ? load_ca(ctx, ca) : 0;
}

/* The system's CAs, once there is a server to compare with them: to read them
 * takes longer than a whole call. */
static void load_system_ca(struct tlsctx *t)
{
	if (!t->lazy)
		return;
	t->lazy = false;
	(void)SSL_CTX_set_default_verify_paths(compat_ssl_ctx(t->tls));
	ERR_clear_error();
}

int tlsctx_alloc(struct tlsctx **tp, const char *ca, const char *cert)
{
	struct tlsctx *t;
	int err;

	t = mem_zalloc(sizeof *t, tlsctx_destructor);
	if (!t)
		return ENOMEM;
	t->cert = cert != NULL;
	err = tls_alloc(&t->tls, TLS_METHOD_SSLV23, NULL, NULL);
	if (!err && cert)
		err = load_cert(compat_ssl_ctx(t->tls), cert);
	if (!err)
		err = harden(t, ca);
	if (!err)
		err = expect(compat_ssl_ctx(t->tls), NOBODY);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

bool tlsctx_has_cert(const struct tlsctx *t)
{
	return t && t->cert;
}

int tlsctx_start(struct tls_conn **scp, struct tlsctx *t,
		 struct tcp_conn *tc, const char *name)
{
	SSL_CTX *ctx = compat_ssl_ctx(t->tls);
	int err;

	if (name)
		load_system_ca(t);
	err = name ? expect(ctx, name) : 0;
	if (!err)
		err = tls_start_tcp(scp, t->tls, tc, 0);
	(void)expect(ctx, NOBODY);
	return err;
}

bool tlsctx_fault(struct tlsctx *t, char *why, size_t size)
{
	if (!t || !t->fault[0])
		return false;
	str_ncpy(why, t->fault, size);
	t->fault[0] = '\0';
	return true;
}
