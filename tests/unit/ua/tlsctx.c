/*
 * tlsctx.c: calls over TLS, with a CA of our own: whom to trust and whom not.
 */
#include <stdio.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "tests/unit/ua/raw.h"

struct pair {
	EVP_PKEY *key;
	X509 *crt;
};

static struct side a, b;
static struct pair ca, rogue;
static char ca_file[64], cert_file[64];

static void extend(X509 *crt, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	X509_add_ext(crt, e, -1);
	X509_EXTENSION_free(e);
}

/* Signed by `by`, or by itself. */
static void make(struct pair *p, const struct pair *by, const char *cn,
		 const char *san)
{
	static long serial;
	X509_NAME *name;

	p->key = EVP_EC_gen("P-256");
	p->crt = X509_new();
	X509_set_version(p->crt, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(p->crt), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(p->crt), -60);
	X509_gmtime_adj(X509_getm_notAfter(p->crt), 3600);
	X509_set_pubkey(p->crt, p->key);
	name = X509_get_subject_name(p->crt);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				   (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(p->crt, by ? X509_get_subject_name(by->crt)
			     : name);
	if (by)
		extend(p->crt, NID_subject_alt_name, san);
	else
		extend(p->crt, NID_basic_constraints, "critical,CA:TRUE");
	CU_ASSERT(X509_sign(p->crt, by ? by->key : p->key, EVP_sha256()) > 0);
}

static void unmake(struct pair *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->crt);
	memset(p, 0, sizeof *p);
}

static void save(char *file, size_t size, const struct pair *p, bool key)
{
	FILE *f = fdopen(unit_file(file, size), "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	PEM_write_X509(f, p->crt);
	if (key)
		PEM_write_PrivateKey(f, p->key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
}

/* A callee with a certificate for san, a caller that trusts ca. */
static void open_tls(const struct pair *by, const char *san)
{
	struct ua_conf conf_a = { .user = "caller", .tls_ca = ca_file };
	struct ua_conf conf_b = { .user = "callee", .tls_cert = cert_file };
	struct pair leaf;

	pair_begin();
	memset(&a, 0, sizeof a);
	memset(&b, 0, sizeof b);
	make(&ca, NULL, "the CA", NULL);
	make(&rogue, NULL, "the CA", NULL);
	make(&leaf, by, "callee", san);
	save(ca_file, sizeof ca_file, &ca, false);
	save(cert_file, sizeof cert_file, &leaf, true);
	CU_ASSERT_EQUAL_FATAL(side_open(&a, &conf_a), 0);
	CU_ASSERT_EQUAL_FATAL(side_open(&b, &conf_b), 0);
	unmake(&leaf);
}

static void close_tls(void)
{
	sides_close(&a, &b);
	unmake(&ca);
	unmake(&rogue);
	(void)unlink(ca_file);
	(void)unlink(cert_file);
	pair_end();
}

static void dial(const char *scheme, const char *host, const char *params)
{
	char uri[128];
	struct sa sa;

	side_addr(&b, &sa);
	(void)re_snprintf(uri, sizeof uri, "%s:callee@%s:%u%s", scheme, host,
			  sa_port(&sa) + 1, params);
	CU_ASSERT_EQUAL_FATAL(side_dial(&a, uri, "v=0"), 0);
}

static void answered(void)
{
	CU_ASSERT(wait_log(&a, "answer", 2000));
	CU_ASSERT(wait_log(&b, "established", 2000));
	/* the callee's BYE comes by the caller's own connection */
	call_hangup(b.call, "done", "");
	b.call = mem_deref(b.call);
	CU_ASSERT(wait_log(&a, "end", 2000));
	CU_ASSERT(a.end.by_peer);
}

static void refused(const char *text)
{
	CU_ASSERT(wait_log(&a, "end", 2000));
	CU_ASSERT_EQUAL(a.end.err, EACCES);
	CU_ASSERT(strstr(a.end.text, text) != NULL);
	CU_ASSERT_STRING_EQUAL(b.log, "");
}

static void test_by_address(void)
{
	open_tls(&ca, "IP:127.0.0.1");
	dial("sip", "127.0.0.1", ";transport=tls");
	answered();
	close_tls();
}

static void test_by_name(void)
{
	open_tls(&ca, "DNS:localhost");
	dial("sips", "localhost", "");
	answered();
	close_tls();
}

static void test_wrong_name(void)
{
	open_tls(&ca, "DNS:elsewhere.example");
	dial("sip", "localhost", ";transport=tls");
	refused("mismatch");
	close_tls();
}

static void test_wrong_address(void)
{
	open_tls(&ca, "IP:127.0.0.2");
	dial("sip", "127.0.0.1", ";transport=tls");
	refused("mismatch");
	close_tls();
}

static void test_unknown_ca(void)
{
	open_tls(&rogue, "IP:127.0.0.1");
	dial("sip", "127.0.0.1", ";transport=tls");
	refused("certificate");
	close_tls();
}

/* Something that does not speak TLS. */
static void test_no_tls(void)
{
	char uri[128];
	struct sa sa;

	open_tls(&ca, "DNS:localhost");
	side_addr(&b, &sa);
	(void)re_snprintf(uri, sizeof uri, "sip:127.0.0.1:%u;transport=tls",
			  sa_port(&sa));
	CU_ASSERT_EQUAL(side_dial(&a, uri, "v=0"), 0);
	CU_ASSERT(wait_log(&a, "end", 5000));
	CU_ASSERT(a.end.err == EPROTO || a.end.err == ECONNREFUSED);
	close_tls();
}

static void test_large(void)
{
	struct call_body big = { "application/sdp", NULL, 20000 };
	char *text = mem_zalloc(big.n + 1, NULL);

	memset(text, 'x', big.n);
	big.p = text;
	open_tls(&ca, "IP:127.0.0.1");
	dial("sip", "127.0.0.1", ";transport=tls");
	CU_ASSERT(wait_log(&a, "answer", 2000));
	a.log[0] = '\0';
	CU_ASSERT_EQUAL(call_reinvite(a.call, &big), 0);
	CU_ASSERT(wait_log(&a, "answer", 2000));
	CU_ASSERT_EQUAL(strlen(b.body), sizeof b.body - 1);
	mem_deref(text);
	close_tls();
}

UNIT_SUITE("tlsctx",
	   { "by address", test_by_address },
	   { "by name, sips", test_by_name },
	   { "wrong name", test_wrong_name },
	   { "wrong address", test_wrong_address },
	   { "unknown CA", test_unknown_ca },
	   { "no TLS there", test_no_tls },
	   { "large body", test_large })
