/*
 * quictls.c: TLS 1.3 for QUIC by GnuTLS.
 *
 * No authority vouches for anybody: the peer's certificate must have the
 * SHA-256 that control expects, else the handshake fails with an alert and
 * the key seen is kept for control to show. GnuTLS has proven by then that
 * the peer holds the key (CertificateVerify), and no stream byte has been
 * read. Tickets, resumption and 0-RTT are absent on purpose: they would be a
 * way in without that comparison.
 */
#include <errno.h>
#include <string.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include "tunnels/flow/aead.h"
#include "tunnels/flow/identity.h"
#include "tunnels/flow/quickeys.h"
#include "tunnels/flow/quictls.h"

#define ALPN "dialtone/1"
#define PRIORITY(ciphers) \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:" ciphers \
	":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1" \
	":%DISABLE_TLS13_COMPAT_MODE"

enum {
	FP_SIZE = 32,
	SIGNATURE_MAX = 80,             /* ECDSA P-256, DER: 72 */
};

struct quictls {
	gnutls_priority_t priority;
	struct list credl;
};

struct creds {
	struct le le;
	uint8_t fp[FP_SIZE];
	gnutls_certificate_credentials_t cred;
};

static void creds_destructor(void *arg)
{
	struct creds *cr = arg;

	list_unlink(&cr->le);
	if (cr->cred)
		gnutls_certificate_free_credentials(cr->cred);
}

static void quictls_destructor(void *arg)
{
	struct quictls *t = arg;

	list_flush(&t->credl);
	if (t->priority)
		gnutls_priority_deinit(t->priority);
}

int quictls_alloc(struct quictls **tp)
{
	const char *prio = aead_has_aes()
		? PRIORITY("+AES-128-GCM:+CHACHA20-POLY1305")
		: PRIORITY("+CHACHA20-POLY1305:+AES-128-GCM");
	struct quictls *t = mem_zalloc(sizeof *t, quictls_destructor);

	if (!t)
		return ENOMEM;
	if (gnutls_priority_init(&t->priority, prio, NULL)) {
		mem_deref(t);
		return ENOTSUP;
	}
	*tp = t;
	return 0;
}

static gnutls_datum_t datum(const uint8_t *p, unsigned n)
{
	return (gnutls_datum_t){ (uint8_t *)(uintptr_t)p, n };
}

/* A key that is in a token signs by OpenSSL, for both libraries' sake one way
 * to it is enough. */
static int sign(gnutls_privkey_t key, gnutls_sign_algorithm_t algo,
		void *arg, unsigned flags, const gnutls_datum_t *hash,
		gnutls_datum_t *sig)
{
	size_t n = SIGNATURE_MAX;
	(void)key;
	(void)flags;

	if ((algo != GNUTLS_SIGN_ECDSA_SHA256 &&
	     algo != GNUTLS_SIGN_ECDSA_SECP256R1_SHA256) ||
	    hash->size != FP_SIZE)
		return GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
	sig->data = gnutls_malloc(n);
	if (!sig->data)
		return GNUTLS_E_MEMORY_ERROR;
	if (identity_sign(arg, hash->data, sig->data, &n)) {
		gnutls_free(sig->data);
		sig->data = NULL;
		return GNUTLS_E_PK_SIGN_FAILED;
	}
	sig->size = (unsigned)n;
	return 0;
}

static int key_info(gnutls_privkey_t key, unsigned flags, void *arg)
{
	const unsigned algo = GNUTLS_FLAGS_TO_SIGN_ALGO(flags);
	(void)key;
	(void)arg;

	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO)
		return GNUTLS_PK_ECDSA;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
		return 256;
	if (flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO)
		return algo == GNUTLS_SIGN_ECDSA_SHA256 ||
		       algo == GNUTLS_SIGN_ECDSA_SECP256R1_SHA256;
	return -1;
}

static int load_key(gnutls_privkey_t key, const struct identity *id)
{
	unsigned n;
	const uint8_t *der = identity_key(id, &n);
	const gnutls_datum_t d = datum(der, n);

	if (!der)
		return gnutls_privkey_import_ext4(key,
						  (void *)(uintptr_t)id, NULL,
						  sign, NULL, NULL, key_info,
						  0) ? EBADMSG : 0;
	return gnutls_privkey_import_x509_raw(key, &d, GNUTLS_X509_FMT_DER,
					      NULL, 0) ? EBADMSG : 0;
}

static int load_chain(gnutls_pcert_st *v, unsigned *cp,
		      const struct identity *id)
{
	const uint8_t *der;
	unsigned n;

	for (*cp = 0; (der = identity_chain(id, *cp, &n)); ++*cp) {
		const gnutls_datum_t d = datum(der, n);

		if (gnutls_pcert_import_x509_raw(&v[*cp], &d,
						 GNUTLS_X509_FMT_DER, 0))
			return EBADMSG;
	}
	return 0;
}

/* The credentials take the key and the certificates, if they take them. */
static int creds_load(struct creds *cr, const struct identity *id)
{
	gnutls_pcert_st certv[IDENTITY_CHAIN_MAX];
	gnutls_privkey_t key = NULL;
	unsigned n = 0;
	int err;

	memcpy(cr->fp, identity_fp(id), FP_SIZE);
	if (gnutls_certificate_allocate_credentials(&cr->cred) ||
	    gnutls_privkey_init(&key))
		return ENOMEM;
	err = load_key(key, id);
	if (!err)
		err = load_chain(certv, &n, id);
	if (!err && !gnutls_certificate_set_key(cr->cred, NULL, 0, certv,
						(int)n, key))
		return 0;
	while (n--)
		gnutls_pcert_deinit(&certv[n]);
	gnutls_privkey_deinit(key);
	return EBADMSG;
}

static int creds_get(struct creds **cp, struct quictls *t,
		     const struct identity *id)
{
	struct creds *cr;
	struct le *le;
	int err;

	for (le = list_head(&t->credl); le; le = le->next) {
		cr = le->data;
		if (!memcmp(cr->fp, identity_fp(id), FP_SIZE)) {
			*cp = cr;
			return 0;
		}
	}
	cr = mem_zalloc(sizeof *cr, creds_destructor);
	if (!cr)
		return ENOMEM;
	err = creds_load(cr, id);
	if (err) {
		mem_deref(cr);
		return err;
	}
	list_append(&t->credl, &cr->le, cr);
	*cp = cr;
	return 0;
}

void quictls_warm(struct quictls *t, const struct identity *id)
{
	struct creds *cr;

	(void)creds_get(&cr, t, id);
}

static ngtcp2_conn *get_conn(ngtcp2_crypto_conn_ref *ref)
{
	const struct qconn *c = ref->user_data;

	return c->conn;
}

/* Called by GnuTLS in the handshake; not 0 ends it with an alert. */
static int verify(gnutls_session_t tls)
{
	const ngtcp2_crypto_conn_ref *ref = gnutls_session_get_ptr(tls);
	struct qconn *c = ref->user_data;
	const gnutls_datum_t *cert;
	unsigned n = 0;

	c->key_good = false;
	cert = gnutls_certificate_get_peers(tls, &n);
	if (!cert || !n || gnutls_hash_fast(GNUTLS_DIG_SHA256, cert->data,
					    cert->size, c->ctl.got_fp))
		return GNUTLS_E_CERTIFICATE_ERROR;
	c->key_bad = gnutls_memcmp(c->ctl.got_fp, c->conf.peer_fp,
				   FP_SIZE) != 0;
	c->key_good = !c->key_bad;
	return c->key_bad ? GNUTLS_E_CERTIFICATE_ERROR : 0;
}

static int configure(struct quictls *t, struct qconn *c,
		     const struct creds *cr)
{
	const gnutls_datum_t alpn = {
		(uint8_t *)(uintptr_t)ALPN, sizeof ALPN - 1
	};
	int e;

	e = c->conf.client
		? ngtcp2_crypto_gnutls_configure_client_session(c->tls)
		: ngtcp2_crypto_gnutls_configure_server_session(c->tls);
	if (e || gnutls_priority_set(c->tls, t->priority) ||
	    gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE,
				   cr->cred) ||
	    gnutls_alpn_set_protocols(c->tls, &alpn, 1,
				      GNUTLS_ALPN_MANDATORY))
		return ENOMEM;
	if (!c->conf.client)
		gnutls_certificate_server_set_request(c->tls,
						      GNUTLS_CERT_REQUIRE);
	gnutls_handshake_set_secret_function(c->tls, quickeys_secrets);
	gnutls_session_set_verify_function(c->tls, verify);
	c->ref.get_conn = get_conn;
	c->ref.user_data = c;
	gnutls_session_set_ptr(c->tls, &c->ref);
	ngtcp2_conn_set_tls_native_handle(c->conn, c->tls);
	return 0;
}

int quictls_start(struct quictls *t, struct qconn *c)
{
	struct creds *cr;
	unsigned flags = c->conf.client ? GNUTLS_CLIENT : GNUTLS_SERVER;
	int err;

	flags |= GNUTLS_NO_TICKETS | GNUTLS_NO_AUTO_SEND_TICKET |
		 GNUTLS_NO_END_OF_EARLY_DATA;
	err = creds_get(&cr, t, c->conf.identity);
	if (err)
		return err;
	if (gnutls_init(&c->tls, flags)) {
		c->tls = NULL;
		return ENOMEM;
	}
	return configure(t, c, cr);
}

bool quictls_agreed(const struct qconn *c)
{
	gnutls_datum_t d = { NULL, 0 };

	return c->key_good &&
	       !gnutls_alpn_get_selected_protocol(c->tls, &d) &&
	       d.size == sizeof ALPN - 1 && !memcmp(d.data, ALPN, d.size);
}

void quictls_chain(struct qconn *c)
{
	const gnutls_datum_t *cert;
	unsigned n = 0;

	cert = gnutls_certificate_get_peers(c->tls, &n);
	for (unsigned i = 0; cert && i < n; i++)
		if (flowctl_cert(&c->ctl, cert[i].data, cert[i].size))
			return;         /* what is there has to do */
}

void quictls_end(struct qconn *c)
{
	if (c->tls)
		gnutls_deinit(c->tls);
	c->tls = NULL;
}

int quictls_random(void *p, size_t n)
{
	return gnutls_rnd(GNUTLS_RND_RANDOM, p, n) ? EIO : 0;
}

int quictls_odcid(uint8_t *id, size_t len, const uint8_t *seed)
{
	static const char label[] = "dialtone quic destination";
	uint8_t buf[sizeof label + QUIC_SEED_SIZE], hash[32];

	memcpy(buf, label, sizeof label);
	memcpy(buf + sizeof label, seed, QUIC_SEED_SIZE);
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, buf, sizeof buf, hash))
		return EIO;
	memcpy(id, hash, len < sizeof hash ? len : sizeof hash);
	return 0;
}
