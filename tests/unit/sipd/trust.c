/*
 * trust.c: tests of sipd/trust.c: for whom an authority vouches, and that no
 * damaged or odd chain of certificates passes. tests/e2e/ca.sh has the rest.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "sdp/base/recompat.h"
#include "sipd/trust.h"
#include "tests/unit/fail.h"
#include "tests/unit/unit.h"

#define ALICE "sip:alice@example.org"

static char file[64], why[256];
static EVP_PKEY *ca_key, *key;
static X509 *ca;

static void add(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static X509 *blank(EVP_PKEY *k, const char *cn, const X509 *by)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	X509_gmtime_adj(X509_getm_notBefore(x), -100);
	X509_gmtime_adj(X509_getm_notAfter(x), 1000);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				   (const uint8_t *)cn, -1, -1, 0);
	X509_set_issuer_name(x, by ? X509_get_subject_name(by) : name);
	X509_set_pubkey(x, k);
	return x;
}

/* For this SAN (NULL: none), by ca_key; DER. */
static int leaf(uint8_t **der, const char *san, const char *usage)
{
	X509 *x = blank(key, "alice", ca);
	int n;

	if (san)
		add(x, NID_subject_alt_name, san);
	if (usage)
		add(x, NID_ext_key_usage, usage);
	X509_sign(x, ca_key, EVP_sha256());
	*der = NULL;
	n = i2d_X509(x, der);
	X509_free(x);
	return n;
}

static void write_ca(void)
{
	FILE *f = fopen(file, "w");

	PEM_write_X509(f, ca);
	fclose(f);
}

static struct trust *authority(void)
{
	struct trust *t = NULL;

	CU_ASSERT_EQUAL_FATAL(trust_alloc(&t, file, NULL, why, sizeof why),
			      0);
	return t;
}

static int check(struct trust *t, const char *san, const char *usage,
		 const char *address)
{
	uint8_t *der;
	int n = leaf(&der, san, usage), err;

	*why = '\0';
	err = trust_check(t, der, (size_t)n, address, why, sizeof why);
	CU_ASSERT_EQUAL(err != 0, *why != '\0');
	OPENSSL_free(der);
	return err;
}

static void test_names(void)
{
	static const struct {
		const char *san, *address;
		int err;
	} v[] = {
		{ "URI:" ALICE, ALICE, 0 },
		{ "URI:" ALICE, "sip:alice@EXAMPLE.org;transport=tls", 0 },
		{ "URI:SIP:alice@Example.ORG", ALICE, 0 },
		{ "URI:sip:%61lice@example.org:5060", ALICE, 0 },
		{ "URI:sip:alice%00@example.org", ALICE, EACCES },
		{ "URI:sip:alice%40example.org@evil.example", ALICE, EACCES },
		{ "URI:" ALICE, "sip:Alice@example.org", EACCES },
		{ "URI:" ALICE, "sip:alice@example.org:5070", EACCES },
		{ "URI:sip:bob@example.org,URI:" ALICE, ALICE, 0 },
		{ "URI:sip:bob@example.org", ALICE, EACCES },
		{ "URI:sip:example.org", ALICE, EACCES },
		{ "URI:sip:*@example.org", ALICE, EACCES },
		{ "URI:sip:alice@*.org", ALICE, EACCES },
		{ "URI:sips:alice@example.org", ALICE, EACCES },
		{ "URI:xmpp:alice@example.org", ALICE, EACCES },
		{ "email:alice@example.org", ALICE, EACCES },
		{ "DNS:example.org", "sip:example.org", EACCES },
		{ NULL, ALICE, EACCES },
	};
	struct trust *t = authority();

	for (size_t i = 0; i < RE_ARRAY_SIZE(v); i++)
		CU_ASSERT_EQUAL(check(t, v[i].san, NULL, v[i].address),
				v[i].err);
	CU_ASSERT_EQUAL(check(t, "URI:" ALICE, "clientAuth", ALICE), 0);
	CU_ASSERT_EQUAL(check(t, "URI:" ALICE, "serverAuth", ALICE), 0);
	CU_ASSERT_EQUAL(check(t, "URI:" ALICE, "codeSigning", ALICE), EACCES);
	CU_ASSERT_STRING_EQUAL(why, "its certificate is not for TLS");
	mem_deref(t);
}

/* "sip:alice@example.org\0.evil.example" is nobody's. */
static void test_hidden_end(void)
{
	static const char uri[] = ALICE "\0.evil.example";
	GENERAL_NAMES *v = GENERAL_NAMES_new();
	GENERAL_NAME *gn = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();
	struct trust *t = authority();
	X509 *x = blank(key, "alice", ca);
	uint8_t *der = NULL;
	int n;

	ASN1_STRING_set(s, uri, sizeof uri - 1);
	GENERAL_NAME_set0_value(gn, GEN_URI, s);
	sk_GENERAL_NAME_push(v, gn);
	X509_add1_ext_i2d(x, NID_subject_alt_name, v, 0, 0);
	GENERAL_NAMES_free(v);
	X509_sign(x, ca_key, EVP_sha256());
	n = i2d_X509(x, &der);
	X509_free(x);
	CU_ASSERT_EQUAL(trust_check(t, der, (size_t)n, ALICE, why,
				    sizeof why), EACCES);
	OPENSSL_free(der);
	mem_deref(t);
}

/* Each byte wrong, each end too early: nothing passes. */
static void test_damaged(void)
{
	struct trust *t = authority();
	uint8_t *der;
	int n = leaf(&der, "URI:" ALICE, NULL);

	CU_ASSERT_EQUAL(trust_check(t, der, (size_t)n, ALICE, why,
				    sizeof why), 0);
	for (int i = 0; i < n; i++) {
		uint8_t *cut = malloc((size_t)i + 1);

		memcpy(cut, der, (size_t)i);    /* its end is a real one */
		CU_ASSERT_EQUAL(trust_check(t, cut, (size_t)i, ALICE, why,
					    sizeof why), EACCES);
		free(cut);
		der[i] ^= 0x21;
		CU_ASSERT_EQUAL(trust_check(t, der, (size_t)n, ALICE, why,
					    sizeof why), EACCES);
		der[i] ^= 0x21;
	}
	CU_ASSERT_EQUAL(trust_check(t, NULL, 0, ALICE, why, sizeof why),
			EACCES);
	CU_ASSERT_STRING_EQUAL(why, "it shows no certificate");
	OPENSSL_free(der);
	mem_deref(t);
}

/* What is signed by a member is signed by nobody. */
static void test_member_signs(void)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");
	struct trust *t = authority();
	uint8_t *bob, *both;
	int n = leaf(&bob, "URI:sip:bob@example.org", NULL), m;
	const uint8_t *p = bob;
	X509 *b = d2i_X509(NULL, &p, n), *x = blank(other, "alice", b);
	uint8_t *q;

	add(x, NID_subject_alt_name, "URI:" ALICE);
	X509_sign(x, key, EVP_sha256());
	m = i2d_X509(x, NULL);
	both = q = malloc((size_t)(n + m));
	i2d_X509(x, &q);
	memcpy(q, bob, (size_t)n);
	CU_ASSERT_EQUAL(trust_check(t, both, (size_t)(n + m), ALICE, why,
				    sizeof why), EACCES);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "no authority of ca="));
	free(both);
	X509_free(x);
	X509_free(b);
	OPENSSL_free(bob);
	EVP_PKEY_free(other);
	mem_deref(t);
}

static void test_has(void)
{
	struct trust *t = authority();
	uint8_t name[32], cert[32];

	X509_NAME_digest(X509_get_subject_name(ca), EVP_sha256(), name, NULL);
	X509_digest(ca, EVP_sha256(), cert, NULL);
	CU_ASSERT(trust_has(t, name));
	CU_ASSERT(trust_has(t, cert));
	name[31] ^= 1;
	CU_ASSERT(!trust_has(t, name));
	CU_ASSERT(!trust_has(NULL, cert));
	mem_deref(t);
}

/* The peer's own is good, what is above it no more. */
static void test_expired_authority(void)
{
	X509_gmtime_adj(X509_getm_notAfter(ca), -10);
	X509_sign(ca, ca_key, EVP_sha256());
	write_ca();
	{
		struct trust *t = authority();

		CU_ASSERT_EQUAL(check(t, "URI:" ALICE, NULL, ALICE), EACCES);
		CU_ASSERT_STRING_EQUAL(why, "an authority above its"
				       " certificate has expired");
		mem_deref(t);
	}
	X509_gmtime_adj(X509_getm_notAfter(ca), 1000);
	X509_sign(ca, ca_key, EVP_sha256());
	write_ca();
}

static int alloc_run(void *arg)
{
	struct trust *t = NULL;
	int err = trust_alloc(&t, file, NULL, why, sizeof why);
	(void)arg;

	mem_deref(t);
	return err;
}

static void test_files(void)
{
	struct trust *t = NULL;

	FAIL_EACH(alloc_run, NULL);
	CU_ASSERT_EQUAL(trust_alloc(&t, "/dev/null", NULL, why, sizeof why),
			EBADMSG);
	CU_ASSERT_EQUAL(trust_alloc(&t, file, file, why, sizeof why),
			EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "no revocation list in it"));
	CU_ASSERT_EQUAL(trust_alloc(&t, "/nonexistent", NULL, why,
				    sizeof why), EBADMSG);
	CU_ASSERT_STRING_EQUAL(why, "/nonexistent in [trust] cannot be"
			       " read.");
	t = authority();
	CU_ASSERT_EQUAL(truncate(file, 0), 0);
	CU_ASSERT_EQUAL(check(t, "URI:" ALICE, NULL, ALICE), EACCES);
	mem_deref(t);
}

static void test_setup(void)
{
	key = EVP_EC_gen("P-256");
	ca_key = EVP_EC_gen("P-256");
	ca = blank(ca_key, "Acme", NULL);
	add(ca, NID_basic_constraints, "critical,CA:TRUE");
	X509_sign(ca, ca_key, EVP_sha256());
	close(unit_file(file, sizeof file));
	write_ca();
}

static void test_teardown(void)
{
	X509_free(ca);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(key);
	unlink(file);
}

UNIT_SUITE("trust",
	   { "set up an authority", test_setup },
	   { "names", test_names },
	   { "hidden end", test_hidden_end },
	   { "damaged", test_damaged },
	   { "a member signs", test_member_signs },
	   { "has", test_has },
	   { "expired authority", test_expired_authority },
	   { "files", test_files },
	   { "clean up", test_teardown })
