/*
 * identity.c: tests of tunnels/flow/identity.c: made once, read again, refused
 * when others can read it or when it is something else.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <dirent.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include "tunnels/flow/identity.h"
#include "tunnels/flow/identityrenew.h"
#include "tests/unit/unit.h"

static char dir[64], file[96];

static void folder_make(void)
{
	unit_folder(dir, sizeof dir);
	snprintf(file, sizeof file, "%s/identity.pem", dir);
}

/* Returns how many files there were. */
static unsigned folder_remove(void)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	char path[400];
	unsigned n = 0;

	while (d && (de = readdir(d))) {
		if (de->d_name[0] == '.')
			continue;
		++n;
		snprintf(path, sizeof path, "%s/%s", dir, de->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
	return n;
}

static void write_file(const char *text, mode_t mode)
{
	FILE *f = fopen(file, "w");

	fputs(text, f);
	fclose(f);
	chmod(file, mode);
}

static void test_made_and_read(void)
{
	struct identity *a = NULL, *b = NULL;
	struct stat st;

	folder_make();
	CU_ASSERT_EQUAL_FATAL(identity_load(&a, file), 0);
	CU_ASSERT_EQUAL(stat(file, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
	CU_ASSERT_EQUAL_FATAL(identity_load(&b, file), 0);
	CU_ASSERT_EQUAL(memcmp(identity_fp(a), identity_fp(b), 32), 0);
	mem_deref(a);
	mem_deref(b);
	CU_ASSERT_EQUAL(folder_remove(), 1);
}

static void test_certificate(void)
{
	struct identity *id = NULL;
	const uint8_t *der, *key;
	unsigned n, kn;
	uint8_t md[32];
	char cn[32] = "";
	int days, secs;
	X509 *x;

	folder_make();
	CU_ASSERT_EQUAL_FATAL(identity_load(&id, file), 0);
	der = identity_cert(id, &n);
	CU_ASSERT_PTR_NOT_NULL(SHA256(der, n, md));
	CU_ASSERT_EQUAL(memcmp(md, identity_fp(id), 32), 0);
	x = d2i_X509(NULL, &der, n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName,
				  cn, sizeof cn);
	CU_ASSERT_STRING_EQUAL(cn, "dialtone");
	CU_ASSERT_EQUAL(X509_get_version(x), X509_VERSION_3);
	CU_ASSERT_EQUAL(X509_get_signature_nid(x), NID_ecdsa_with_SHA256);
	CU_ASSERT_EQUAL(X509_verify(x, X509_get0_pubkey(x)), 1);
	CU_ASSERT(ASN1_TIME_diff(&days, &secs, X509_get0_notBefore(x),
				 X509_get0_notAfter(x)));
	CU_ASSERT(days >= 36525);
	key = identity_key(id, &kn);
	CU_ASSERT(key && kn > 100);
	X509_free(x);
	mem_deref(id);
	folder_remove();
}

static void test_serials_differ(void)
{
	struct identity *a = NULL, *b = NULL;

	folder_make();
	CU_ASSERT_EQUAL_FATAL(identity_load(&a, file), 0);
	unlink(file);
	CU_ASSERT_EQUAL_FATAL(identity_load(&b, file), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(identity_fp(a), identity_fp(b), 32), 0);
	mem_deref(a);
	mem_deref(b);
	folder_remove();
}

/* QUIC takes the DER by GnuTLS. */
static void test_gnutls_takes_it(void)
{
	gnutls_certificate_credentials_t cred;
	struct identity *id = NULL;
	gnutls_datum_t cert, key;

	folder_make();
	CU_ASSERT_EQUAL_FATAL(identity_load(&id, file), 0);
	cert.data = (uint8_t *)identity_cert(id, &cert.size);
	key.data = (uint8_t *)identity_key(id, &key.size);
	gnutls_certificate_allocate_credentials(&cred);
	CU_ASSERT_EQUAL(gnutls_certificate_set_x509_key_mem(
				cred, &cert, &key, GNUTLS_X509_FMT_DER), 0);
	gnutls_certificate_free_credentials(cred);
	mem_deref(id);
	folder_remove();
}

/* SIP's TLS takes the DER by libre. */
static void test_libre_takes_it(void)
{
	struct identity *id = NULL;
	struct tls *tls = NULL;
	const uint8_t *cert, *key;
	unsigned n, kn;

	folder_make();
	CU_ASSERT_EQUAL_FATAL(identity_load(&id, file), 0);
	cert = identity_cert(id, &n);
	key = identity_key(id, &kn);
	CU_ASSERT_EQUAL(tls_alloc(&tls, TLS_METHOD_SSLV23, NULL, NULL), 0);
	CU_ASSERT_EQUAL(tls_set_certificate_der(tls, TLS_KEYTYPE_EC, cert, n,
						key, kn), 0);
	mem_deref(tls);
	mem_deref(id);
	folder_remove();
}

static void test_refused(void)
{
	struct identity *id = NULL;

	folder_make();
	CU_ASSERT_EQUAL_FATAL(identity_load(&id, file), 0);
	id = mem_deref(id);
	chmod(file, 0640);
	CU_ASSERT_EQUAL(identity_load(&id, file), EPERM);
	chmod(file, 0604);
	CU_ASSERT_EQUAL(identity_load(&id, file), EPERM);
	CU_ASSERT_PTR_NULL(id);
	unlink(file);

	write_file("", 0600);
	CU_ASSERT_EQUAL(identity_load(&id, file), EBADMSG);
	write_file("-----BEGIN PRIVATE KEY-----\nAAAA\n", 0600);
	CU_ASSERT_EQUAL(identity_load(&id, file), EBADMSG);
	CU_ASSERT_EQUAL(identity_load(&id, dir), EBADMSG);
	folder_remove();
	CU_ASSERT_EQUAL(identity_load(&id, file), ENOENT);
	CU_ASSERT_EQUAL(identity_load(NULL, file), EINVAL);
}

/* Key and certificate that do not belong together, or of a wrong kind. */
static void test_wrong_key(void)
{
	struct identity *id = NULL;
	EVP_PKEY *key;
	FILE *f;

	for (unsigned i = 0; i < 3; i++) {
		folder_make();
		CU_ASSERT_EQUAL_FATAL(identity_load(&id, file), 0);
		id = mem_deref(id);
		key = i ? EVP_EC_gen(i > 1 ? "P-384" : "P-256") :
			EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		f = fopen(file, "r+");
		PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
		fclose(f);
		EVP_PKEY_free(key);
		CU_ASSERT_EQUAL(identity_load(&id, file), EBADMSG);
		folder_remove();
	}
}

/* An encrypted key must be refused, not asked about on the terminal. */
static void test_encrypted(void)
{
	struct identity *id = NULL;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *f;

	folder_make();
	f = fopen(file, "w");
	PEM_write_PrivateKey(f, key, EVP_aes_128_cbc(), (uint8_t *)"geheim",
			     6, NULL, NULL);
	fclose(f);
	chmod(file, 0600);
	EVP_PKEY_free(key);
	CU_ASSERT_EQUAL(identity_load(&id, file), EBADMSG);
	folder_remove();
}

static void child(int fd)
{
	struct identity *id = NULL;

	if (identity_load(&id, file) ||
	    write(fd, identity_fp(id), 32) != 32)
		_exit(1);
	_exit(0);
}

/* Eight first starts at once: one key. */
static void test_race(void)
{
	uint8_t first[32], fp[32];
	int pipefd[2], st;

	folder_make();
	CU_ASSERT_EQUAL_FATAL(pipe(pipefd), 0);
	for (unsigned i = 0; i < 8; i++)
		if (fork() == 0)
			child(pipefd[1]);
	for (unsigned i = 0; i < 8; i++) {
		CU_ASSERT(wait(&st) > 0);
		CU_ASSERT_EQUAL(st, 0);
		CU_ASSERT_EQUAL_FATAL(read(pipefd[0], i ? fp : first, 32),
				      32);
		CU_ASSERT(!i || !memcmp(fp, first, 32));
	}
	close(pipefd[0]);
	close(pipefd[1]);
	CU_ASSERT_EQUAL(folder_remove(), 1);
}

static void copy_file(const char *to, const char *from, const char *begin)
{
	char text[8192];
	FILE *f = fopen(from, "r"), *g = fopen(to, "a");
	size_t n = fread(text, 1, sizeof text - 1, f);
	const char *p;

	text[n] = '\0';
	p = strstr(text, begin);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	fputs(p, g);
	fclose(f);
	fclose(g);
}

/* The certificates in a file of their own, with more behind. */
static void test_chain(void)
{
	struct identity *a = NULL, *b = NULL, *c = NULL;
	char other[96], certs[96];
	const uint8_t *der;
	uint8_t md[32];
	unsigned n;

	folder_make();
	snprintf(other, sizeof other, "%s/other", dir);
	snprintf(certs, sizeof certs, "%s/certs", dir);
	CU_ASSERT_EQUAL_FATAL(identity_load(&a, file), 0);
	CU_ASSERT_EQUAL_FATAL(identity_load(&b, other), 0);
	CU_ASSERT_PTR_NULL(identity_issuer(a));
	CU_ASSERT_PTR_NULL(identity_chain(a, 1, &n));
	CU_ASSERT_EQUAL(identity_load_with(&c, file, certs), EBADMSG);
	copy_file(certs, file, "-----BEGIN CERT");
	copy_file(certs, other, "-----BEGIN CERT");
	CU_ASSERT_EQUAL(identity_load_with(&c, other, certs), EBADMSG);
	CU_ASSERT_EQUAL_FATAL(identity_load_with(&c, file, certs), 0);
	CU_ASSERT_EQUAL(memcmp(identity_fp(a), identity_fp(c), 32), 0);
	der = identity_chain(c, 1, &n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(der);
	CU_ASSERT_EQUAL(memcmp(SHA256(der, n, md), identity_fp(b), 32), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(identity_issuer(c));
	CU_ASSERT_EQUAL(memcmp(identity_issuer(c), identity_fp(b), 32), 0);
	CU_ASSERT_PTR_NULL(identity_chain(c, 2, &n));
	c = mem_deref(c);
	for (unsigned i = 0; i < IDENTITY_CHAIN_MAX - 2; i++)
		copy_file(certs, other, "-----BEGIN CERT");
	CU_ASSERT_EQUAL(identity_load_with(&c, file, certs), 0);
	c = mem_deref(c);
	copy_file(certs, other, "-----BEGIN CERT");
	CU_ASSERT_EQUAL(identity_load_with(&c, file, certs), EBADMSG);
	mem_deref(a);
	mem_deref(b);
	folder_remove();
}

/* Both certificates, or with the first one's bytes damaged. */
static size_t both_certs(uint8_t *buf, const struct identity *id)
{
	const uint8_t *der;
	size_t at = 0;
	unsigned n;

	for (unsigned i = 0; (der = identity_chain(id, i, &n)); i++) {
		memcpy(buf + at, der, n);
		at += n;
	}
	return at;
}

static void test_renew(void)
{
	struct identity *a = NULL, *b = NULL, *c = NULL;
	uint8_t fp[32], chain[8192];
	unsigned first;
	size_t n;

	folder_make();
	CU_ASSERT_EQUAL_FATAL(identity_load(&a, file), 0);
	CU_ASSERT(identity_is_own(a));
	CU_ASSERT_EQUAL_FATAL(identity_renew(file, fp), 0);
	CU_ASSERT_EQUAL_FATAL(identity_load(&b, file), 0);
	CU_ASSERT(identity_is_own(b));
	CU_ASSERT_EQUAL(memcmp(fp, identity_fp(b), 32), 0);
	CU_ASSERT_NOT_EQUAL(memcmp(fp, identity_fp(a), 32), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(identity_issuer(b));
	CU_ASSERT_EQUAL(memcmp(identity_issuer(b), identity_fp(a), 32), 0);
	n = both_certs(chain, b);
	CU_ASSERT(identity_follows(chain, n, identity_fp(a)));
	CU_ASSERT(!identity_follows(chain, n, identity_fp(b)));
	(void)identity_cert(b, &first);
	for (unsigned i = 0; i < first; i++) {
		CU_ASSERT(!identity_follows(chain, i, identity_fp(a)));
		chain[i] ^= 0x21;
		CU_ASSERT(!identity_follows(chain, n, identity_fp(a)));
		chain[i] ^= 0x21;
	}
	CU_ASSERT(!identity_follows(chain, 0, identity_fp(a)));
	for (unsigned i = 2; i < 2 * IDENTITY_CHAIN_MAX; i++)
		CU_ASSERT_EQUAL(identity_renew(file, fp), 0);
	CU_ASSERT_EQUAL_FATAL(identity_load(&c, file), 0);
	n = both_certs(chain, c);
	CU_ASSERT(identity_follows(chain, n, identity_issuer(c)));
	CU_ASSERT(!identity_follows(chain, n, identity_fp(a)));
	mem_deref(a);
	mem_deref(b);
	mem_deref(c);
	CU_ASSERT_EQUAL(folder_remove(), 2);
}

static void test_sign(void)
{
	struct identity *id = NULL;
	uint8_t hash[32] = { 1, 2, 3 }, sig[80];
	size_t n = sizeof sig;
	EVP_PKEY_CTX *ctx;

	folder_make();
	CU_ASSERT_EQUAL_FATAL(identity_load(&id, file), 0);
	CU_ASSERT_EQUAL_FATAL(identity_sign(id, hash, sig, &n), 0);
	ctx = EVP_PKEY_CTX_new(identity_pkey(id), NULL);
	CU_ASSERT_EQUAL(EVP_PKEY_verify_init(ctx), 1);
	CU_ASSERT_EQUAL(EVP_PKEY_verify(ctx, sig, n, hash, sizeof hash), 1);
	hash[0] ^= 1;
	CU_ASSERT_NOT_EQUAL(EVP_PKEY_verify(ctx, sig, n, hash, sizeof hash),
			    1);
	EVP_PKEY_CTX_free(ctx);
	n = 8;
	CU_ASSERT_EQUAL(identity_sign(id, hash, sig, &n), EIO);
	mem_deref(id);
	folder_remove();
}

/* tests/e2e/hsm.sh has a token; here is none. In a child: OpenSSL's engine
 * never frees what it makes when it is loaded (RSA_meth_dup). */
static void test_no_token(void)
{
	struct identity *id = NULL;
	int st = 0, err;
	pid_t pid;

	folder_make();
	CU_ASSERT_EQUAL(identity_load(&id, "pkcs11:"), EINVAL);
	CU_ASSERT_PTR_NULL(id);
	pid = fork();
	if (!pid) {
		err = identity_load_with(&id, "pkcs11:token=dialtone-has-none",
					 file);
		_exit((err == ENOKEY || err == ENOTSUP) && !id ? 0 : 1);
	}
	CU_ASSERT_EQUAL(waitpid(pid, &st, 0), pid);
	CU_ASSERT(WIFEXITED(st) && !WEXITSTATUS(st));
	CU_ASSERT_EQUAL(folder_remove(), 0);
}

UNIT_SUITE("identity",
	   { "made and read", test_made_and_read },
	   { "certificate", test_certificate },
	   { "serials differ", test_serials_differ },
	   { "gnutls takes it", test_gnutls_takes_it },
	   { "libre takes it", test_libre_takes_it },
	   { "refused", test_refused },
	   { "wrong key", test_wrong_key },
	   { "encrypted", test_encrypted },
	   { "chain", test_chain },
	   { "renew", test_renew },
	   { "sign", test_sign },
	   { "no token", test_no_token },
	   { "race", test_race })
