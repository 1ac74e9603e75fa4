/*
 * trust.c: a company's authorities by OpenSSL: who signed the peer's
 * certificate, and for which address.
 *
 *   ca=, crl= -> X509_STORE;  chain of the handshake -> X509_verify_cert
 *             -> SAN URI = address
 *
 * A list that cannot be read any more, or is out of date, vouches for nobody.
 * Called by the house, and by a session once its flow is secured.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include "sipd/address.h"
#include "sipd/log.h"
#include "sipd/trust.h"

enum {
	CHAIN_MAX = 8,          /* certificates looked at */
	AUTH_LEVEL = 2,         /* 112 bits: RSA 2048, no SHA-1 */
};

struct trust {
	char *ca, *crl;
	struct stat ca_seen, crl_seen;
	X509_STORE *store;      /* NULL: cannot be read now */
};

static void destructor(void *arg)
{
	struct trust *t = arg;

	X509_STORE_free(t->store);
	mem_deref(t->crl);
	mem_deref(t->ca);
}

/* --- the files --------------------------------------------------------- */

/* Is it another file, or another text, than was read? */
static bool changed(const char *file, struct stat *seen)
{
	struct stat st;
	bool other;

	if (!file)
		return false;
	if (stat(file, &st))
		memset(&st, 0, sizeof st);
	other = st.st_ino != seen->st_ino || st.st_size != seen->st_size ||
		st.st_dev != seen->st_dev ||
		memcmp(&st.st_mtim, &seen->st_mtim, sizeof st.st_mtim);
	*seen = st;
	return other;
}

static int bad_file(const char *file, const char *what, char *why,
		    size_t size)
{
	(void)re_snprintf(why, size, "%s in [trust] cannot be used: there is"
			  " no %s in it.", file, what);
	return EBADMSG;
}

static int read_crl(X509_STORE *store, const char *file)
{
	X509_LOOKUP *lu = X509_STORE_add_lookup(store, X509_LOOKUP_file());

	return lu && (X509_load_crl_file(lu, file, X509_FILETYPE_PEM) > 0 ||
		      X509_load_crl_file(lu, file, X509_FILETYPE_ASN1) > 0)
		? 0 : EBADMSG;
}

/* A list is asked for each authority of a chain. */
static int read_store(struct trust *t, char *why, size_t size)
{
	X509_STORE *store = X509_STORE_new();
	int err = 0;

	if (!store)
		return ENOMEM;
	if (!X509_STORE_load_file(store, t->ca))
		err = bad_file(t->ca, "certificate", why, size);
	else if (t->crl && read_crl(store, t->crl))
		err = bad_file(t->crl, "revocation list", why, size);
	if (t->crl)
		(void)X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK |
					   X509_V_FLAG_CRL_CHECK_ALL);
	ERR_clear_error();
	if (err)
		X509_STORE_free(store);
	else
		t->store = store;
	return err;
}

static int refresh(struct trust *t, char *why, size_t size)
{
	const bool ca = changed(t->ca, &t->ca_seen);
	const bool crl = changed(t->crl, &t->crl_seen);
	int err;

	if (!ca && !crl && t->store)
		return 0;
	(void)re_snprintf(why, size, "%s in [trust] cannot be read.", t->ca);
	if (!ca && !crl)
		return EBADMSG;
	X509_STORE_free(t->store);
	t->store = NULL;
	err = read_store(t, why, size);
	if (err)
		log_warn("nobody is vouched for: %s", why);
	return err;
}

int trust_alloc(struct trust **tp, const char *ca, const char *crl,
		char *why, size_t size)
{
	struct trust *t = mem_zalloc(sizeof *t, destructor);
	int err = t ? str_dup(&t->ca, ca) : ENOMEM;

	if (!err && crl)
		err = str_dup(&t->crl, crl);
	if (!err)
		err = refresh(t, why, size);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

static bool is_issuer(const X509 *x, const uint8_t issuer[32])
{
	uint8_t name[EVP_MAX_MD_SIZE], cert[EVP_MAX_MD_SIZE];

	return X509_NAME_digest(X509_get_subject_name(x), EVP_sha256(), name,
				NULL) &&
	       X509_digest(x, EVP_sha256(), cert, NULL) &&
	       (!memcmp(name, issuer, 32) || !memcmp(cert, issuer, 32));
}

bool trust_has(struct trust *t, const uint8_t issuer[32])
{
	STACK_OF(X509) *v;
	bool has = false;
	char why[256];

	if (!t || refresh(t, why, sizeof why))
		return false;
	v = X509_STORE_get1_all_certs(t->store);
	for (int i = 0; i < sk_X509_num(v) && !has; i++)
		has = is_issuer(sk_X509_value(v, i), issuer);
	sk_X509_pop_free(v, X509_free);
	return has;
}

/* --- the peer's certificate -------------------------------------------- */

/* NULL if it does not begin with a certificate. */
static STACK_OF(X509) *read_chain(const uint8_t *p, size_t n)
{
	STACK_OF(X509) *v = sk_X509_new_null();
	const uint8_t *end = p + n;
	X509 *x;

	while (v && p < end && sk_X509_num(v) < CHAIN_MAX &&
	       (x = d2i_X509(NULL, &p, end - p)))
		if (!sk_X509_push(v, x)) {
			X509_free(x);
			break;
		}
	if (!sk_X509_num(v)) {
		sk_X509_free(v);
		return NULL;
	}
	return v;
}

/* depth 0 is the peer's own, what is above are authorities'. */
static const char *sentence(int e, int depth)
{
	switch (e) {

	case X509_V_ERR_CERT_REVOKED:
		return depth ? "an authority above its certificate is revoked"
			: "its certificate is revoked";
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return depth ? "an authority above its certificate has expired"
			: "its certificate has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return depth ? "an authority above its certificate is not"
			" valid yet" : "its certificate is not valid yet";
	case X509_V_ERR_UNABLE_TO_GET_CRL:
		return "crl= has no list of the authority that signed its"
			" certificate";
	case X509_V_ERR_CRL_HAS_EXPIRED:
		return "the revocation list of crl= is out of date: fetch it"
			" anew";
	default:
		return NULL;
	}
}

static int verify(const struct trust *t, STACK_OF(X509) *v, char *why,
		  size_t size)
{
	X509_STORE_CTX *xs = X509_STORE_CTX_new();
	const char *text;
	int e = X509_V_ERR_OUT_OF_MEM, depth = 0;

	if (xs && X509_STORE_CTX_init(xs, t->store, sk_X509_value(v, 0), v)) {
		X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(xs);

		X509_VERIFY_PARAM_set_auth_level(p, AUTH_LEVEL);
		X509_VERIFY_PARAM_set_depth(p, CHAIN_MAX);
		if (X509_verify_cert(xs) == 1)
			e = X509_V_OK;
		else if ((e = X509_STORE_CTX_get_error(xs)) == X509_V_OK)
			e = X509_V_ERR_UNSPECIFIED;
		depth = X509_STORE_CTX_get_error_depth(xs);
	}
	X509_STORE_CTX_free(xs);
	ERR_clear_error();
	if (e == X509_V_OK)
		return 0;
	text = sentence(e, depth);
	(void)re_snprintf(why, size, "%s%s", text ? text : "no authority of"
			  " ca= vouches for its certificate: ", text ? "" :
			  X509_verify_cert_error_string(e));
	return EACCES;
}

/* One that is for mail or for code only is none of a peer. */
static bool for_tls(X509 *x)
{
	return X509_get_extended_key_usage(x) &
		(XKU_SSL_SERVER | XKU_SSL_CLIENT | XKU_ANYEKU);
}

/* RFC 5922, 7.1: of the URIs of the scheme sip. What names a domain alone is
 * for its server, and vouches for no user of it. */
static bool read_uri(char buf[ADDRESS_SIZE], const GENERAL_NAME *gn)
{
	const ASN1_IA5STRING *s;
	int n;

	if (gn->type != GEN_URI)
		return false;
	s = gn->d.uniformResourceIdentifier;
	n = ASN1_STRING_length(s);
	if (n < 5 || n >= ADDRESS_SIZE)
		return false;
	memcpy(buf, ASN1_STRING_get0_data(s), (size_t)n);
	buf[n] = '\0';
	for (int i = 0; i < n; i++)
		if (buf[i] <= 0x20 || buf[i] == 0x7f)
			return false;
	return !strncasecmp(buf, "sip:", 4);
}

static int check_name(X509 *x, const char *address, char *why, size_t size)
{
	GENERAL_NAMES *v = X509_get_ext_d2i(x, NID_subject_alt_name, NULL,
					    NULL);
	char uri[ADDRESS_SIZE], other[ADDRESS_SIZE] = "";
	bool equal = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(v) && !equal; i++) {
		if (!read_uri(uri, sk_GENERAL_NAME_value(v, i)))
			continue;
		equal = address_equal(uri, address);
		str_ncpy(other, uri, sizeof other);
	}
	GENERAL_NAMES_free(v);
	if (equal)
		return 0;
	if (*other)
		(void)re_snprintf(why, size, "its certificate is for %s",
				  other);
	else
		(void)re_snprintf(why, size, "its certificate names no SIP"
				  " address");
	return EACCES;
}

int trust_check(struct trust *t, const uint8_t *chain, size_t n,
		const char *address, char *why, size_t size)
{
	STACK_OF(X509) *v;
	int err;

	if (!t || !address || !why || !size)
		return EINVAL;
	if (refresh(t, why, size)) {    /* the peer is told, but no path */
		(void)re_snprintf(why, size, "the files of [trust] cannot be"
				  " used");
		return EACCES;
	}
	v = n ? read_chain(chain, n) : NULL;
	if (!v) {
		(void)re_snprintf(why, size, "it shows no certificate");
		return EACCES;
	}
	err = verify(t, v, why, size);
	if (!err && !for_tls(sk_X509_value(v, 0))) {
		(void)re_snprintf(why, size, "its certificate is not for"
				  " TLS");
		err = EACCES;
	}
	if (!err)
		err = check_name(sk_X509_value(v, 0), address, why, size);
	sk_X509_pop_free(v, X509_free);
	ERR_clear_error();
	return err;
}
