/*
 * identity.c: the installation's long-term key.
 *
 * One PEM file, mode 0600, holds an ECDSA P-256 key and a certificate that it
 * signed itself (identitymake.c). Who we are is the SHA-256 of that
 * certificate, so neither may ever change once it is made. Or somebody else,
 * or our key before, has signed it: then theirs follow in the file, and go out
 * with it. Or the key is in a token (token.c), and the certificates have a file
 * of their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <re.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include "sdp/base/recompat.h"
#include "tunnels/flow/identity.h"
#include "tunnels/flow/identitymake.h"
#include "tunnels/flow/token.h"

enum { FILE_MAX = 65536 };      /* bytes; ours has about 1000 */

struct der {
	uint8_t *p;             /* OpenSSL's memory */
	unsigned n;
};

struct identity {
	uint8_t fp[32], issuer[32];
	bool issued;            /* by somebody else */
	bool renewed;           /* by our key before */
	EVP_PKEY *pkey;
	struct der key, certv[IDENTITY_CHAIN_MAX];
	unsigned certc;
};

static void destructor(void *arg)
{
	struct identity *id = arg;

	for (unsigned i = 0; i < id->certc; i++)
		OPENSSL_free(id->certv[i].p);
	OPENSSL_clear_free(id->key.p, id->key.n);
	EVP_PKEY_free(id->pkey);
}

static int make(const char *file)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = NULL;
	int err;

	if (!key)
		return EPROTO;
	err = identity_certify(&x, key, key);
	if (!err)
		err = identity_publish(file, x, key);
	X509_free(x);
	EVP_PKEY_free(key);
	return err;
}

/* An encrypted key would make OpenSSL ask on the terminal. */
static int no_password(char *buf, int size, int rw, void *arg)
{
	(void)buf;
	(void)size;
	(void)rw;
	(void)arg;
	return -1;
}

static bool is_p256(const EVP_PKEY *key)
{
	char group[32];

	return EVP_PKEY_is_a(key, "EC") &&
		EVP_PKEY_get_group_name(key, group, sizeof group, NULL) &&
		!strcmp(group, "prime256v1");
}

/* A whole file. */
struct text {
	char *p;
	size_t n;
};

static void text_free(struct text *t)
{
	if (t->p)
		explicit_bzero(t->p, FILE_MAX);
	free(t->p);
}

static int keep_cert(struct identity *id, X509 *x)
{
	struct der *d = &id->certv[id->certc];
	int n;

	if (id->certc == IDENTITY_CHAIN_MAX)
		return EBADMSG;
	n = i2d_X509(x, &d->p);
	if (n <= 0)
		return ENOMEM;
	d->n = (unsigned)n;
	id->certc++;
	return 0;
}

/* Who has signed x, our own: the key before it, which is next in the chain and
 * no authority, or who stands above the chain's last one. */
static int keep_issuer(struct identity *id, X509 *x, X509 *next, X509 *last)
{
	const bool self = X509_self_signed(last, 1) == 1;

	id->issued = id->certc > 1 || X509_self_signed(x, 1) != 1;
	id->renewed = next && !X509_check_ca(next);
	if (id->renewed)
		last = next;
	return (id->renewed || self
		? X509_digest(last, EVP_sha256(), id->issuer, NULL)
		: X509_NAME_digest(X509_get_issuer_name(last), EVP_sha256(),
				   id->issuer, NULL)) ? 0 : ENOMEM;
}

/* Ours comes first, as in TLS: the one that belongs to the key. */
static int read_certs(struct identity *id, BIO *bio, EVP_PKEY *key)
{
	X509 *v[IDENTITY_CHAIN_MAX + 1], *x;
	unsigned n = 0;
	int err = 0;

	while (n < RE_ARRAY_SIZE(v) &&
	       (x = PEM_read_bio_X509(bio, NULL, no_password, NULL)))
		v[n++] = x;
	if (!n || !X509_check_private_key(v[0], key) ||
	    !X509_digest(v[0], EVP_sha256(), id->fp, NULL))
		err = EBADMSG;
	for (unsigned i = 0; i < n && !err; i++)
		err = keep_cert(id, v[i]);
	if (!err)
		err = keep_issuer(id, v[0], n > 1 ? v[1] : NULL, v[n - 1]);
	while (n)
		X509_free(v[--n]);
	return err;
}

static int decode_key(struct identity *id, const struct text *t)
{
	BIO *bio = BIO_new_mem_buf(t->p, (int)t->n);
	int n;

	if (bio)
		id->pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password,
						   NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (!id->pkey)
		return EBADMSG;
	n = i2d_PrivateKey(id->pkey, &id->key.p);
	if (n <= 0)
		return ENOMEM;
	id->key.n = (unsigned)n;
	return 0;
}

static int decode_certs(struct identity *id, const struct text *t)
{
	BIO *bio = BIO_new_mem_buf(t->p, (int)t->n);
	int err = EBADMSG;

	if (bio && is_p256(id->pkey))
		err = read_certs(id, bio, id->pkey);
	BIO_free(bio);
	ERR_clear_error();
	return err;
}

/* The descriptor is checked, not the name: nobody can swap it between. */
static int check_mode(int fd, bool secret)
{
	struct stat st;

	if (fstat(fd, &st))
		return errno;
	if (!S_ISREG(st.st_mode))
		return EBADMSG;
	return secret && st.st_mode & (S_IRWXG | S_IRWXO) ? EPERM : 0;
}

static int read_all(int fd, char *buf, size_t size, size_t *lenp)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, buf + len, size - len);
		if (n < 0 && errno != EINTR)
			return errno;
		len += n > 0 ? (size_t)n : 0;
		if (len == size)
			return EBADMSG;
	} while (n);
	*lenp = len;
	return 0;
}

static int text_read(struct text *t, const char *file, bool secret)
{
	/* NONBLOCK: opening a FIFO must not hang */
	int err, fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return errno;
	err = check_mode(fd, secret);
	if (!err) {
		t->p = malloc(FILE_MAX);
		err = t->p ? read_all(fd, t->p, FILE_MAX, &t->n) : ENOMEM;
	}
	close(fd);
	return err;
}

static int load(struct identity *id, const char *file, const char *certs)
{
	struct text key = { NULL, 0 }, cert = { NULL, 0 };
	int err = text_read(&key, file, true);

	if (!err && certs && text_read(&cert, certs, false))
		err = EBADMSG;
	if (!err)
		err = decode_key(id, &key);
	if (!err)
		err = decode_certs(id, certs ? &cert : &key);
	text_free(&cert);
	text_free(&key);
	return err;
}

/* Our own certificate of a key that is in a token. */
static int make_cert(const char *certs, EVP_PKEY *key)
{
	X509 *x = NULL;
	int err = is_p256(key) ? identity_certify(&x, key, key) : EBADMSG;

	if (!err)
		err = identity_publish(certs, x, NULL);
	X509_free(x);
	return err;
}

static int load_token(struct identity *id, const char *uri,
		      const char *certs)
{
	struct text cert = { NULL, 0 };
	int err = certs ? token_load(&id->pkey, uri) : EINVAL;

	if (err)
		return err;
	err = text_read(&cert, certs, false);
	if (err == ENOENT) {
		err = make_cert(certs, id->pkey);
		if (!err)
			err = text_read(&cert, certs, false);
	}
	if (!err)
		err = decode_certs(id, &cert);
	text_free(&cert);
	return err;
}

int identity_load_with(struct identity **ip, const char *file,
		       const char *certs)
{
	struct identity *id;
	int err;

	if (!ip || !file)
		return EINVAL;
	id = mem_zalloc(sizeof *id, destructor);
	if (!id)
		return ENOMEM;
	err = token_is_uri(file) ? load_token(id, file, certs)
				 : load(id, file, certs);
	if (err == ENOENT && !certs) {
		err = make(file);
		if (!err)
			err = load(id, file, NULL);
	}
	if (err)
		mem_deref(id);
	else
		*ip = id;
	return err;
}

int identity_load(struct identity **ip, const char *file)
{
	return identity_load_with(ip, file, NULL);
}

const uint8_t *identity_fp(const struct identity *id)
{
	return id->fp;
}

const uint8_t *identity_chain(const struct identity *id, unsigned i,
			      unsigned *len)
{
	if (i >= id->certc)
		return NULL;
	*len = id->certv[i].n;
	return id->certv[i].p;
}

const uint8_t *identity_cert(const struct identity *id, unsigned *len)
{
	return identity_chain(id, 0, len);
}

struct evp_pkey_st *identity_pkey(const struct identity *id)
{
	return id->pkey;
}

int identity_sign(const struct identity *id, const uint8_t hash[32],
		  uint8_t *sig, size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(id->pkey, NULL);
	int ok = ctx && EVP_PKEY_sign_init(ctx) > 0 &&
		 EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0 &&
		 EVP_PKEY_sign(ctx, sig, len, hash, sizeof id->fp) > 0;

	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return ok ? 0 : EIO;
}

const uint8_t *identity_issuer(const struct identity *id)
{
	return id->issued ? id->issuer : NULL;
}

bool identity_is_own(const struct identity *id)
{
	return id->key.p && (!id->issued || id->renewed);
}

const uint8_t *identity_key(const struct identity *id, unsigned *len)
{
	*len = id->key.n;
	return id->key.p;
}
