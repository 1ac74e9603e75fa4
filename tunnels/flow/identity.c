/*
 * identity.c: the installation's long-term key.
 *
 * One PEM file, mode 0600, holds an ECDSA P-256 key and a certificate that it
 * signed itself. Who we are is the SHA-256 of that certificate, so neither
 * may ever change once it is made. Or somebody else has signed it: then those
 * above it follow in the file, and go out with it. sipd and dial may start for the first time
 * at the same moment; the file therefore appears complete or not at all:
 *
 *   FILE.XXXXXX (O_EXCL, 0600) -> fsync -> link(2) to FILE -> unlink
 *                                            | EEXIST: the other one won
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <re.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include "tunnels/flow/identity.h"

enum {
	FILE_MAX    = 65536,    /* bytes; ours has about 1000 */
	SERIAL_SIZE = 16,       /* bytes; RFC 5280 4.1.2.2 allows 20 */
	YEARS_100   = 36525,    /* days */
};

struct der {
	uint8_t *p;             /* OpenSSL's memory */
	unsigned n;
};

struct identity {
	uint8_t fp[32], issuer[32];
	bool issued;            /* by somebody else */
	struct der key, certv[IDENTITY_CHAIN_MAX];
	unsigned certc;
};

static void destructor(void *arg)
{
	struct identity *id = arg;

	for (unsigned i = 0; i < id->certc; i++)
		OPENSSL_free(id->certv[i].p);
	OPENSSL_clear_free(id->key.p, id->key.n);
}

/* Random and positive (RFC 5280 section 4.1.2.2). */
static int set_serial(X509 *x)
{
	uint8_t buf[SERIAL_SIZE];
	BIGNUM *bn = NULL;
	int err = EPROTO;

	if (RAND_bytes(buf, sizeof buf) != 1)
		return EIO;
	buf[0] = (buf[0] & 0x7f) | 0x40;
	bn = BN_bin2bn(buf, sizeof buf, NULL);
	if (bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)))
		err = 0;
	BN_free(bn);
	return err;
}

/* Nobody checks the dates, but a peer's clock may be slow: a day back. */
static int set_dates(X509 *x)
{
	if (!X509_time_adj_ex(X509_getm_notBefore(x), -1, 0, NULL))
		return EPROTO;
	if (!X509_time_adj_ex(X509_getm_notAfter(x), YEARS_100, 0, NULL))
		return EPROTO;
	return 0;
}

static int set_names(X509 *x)
{
	X509_NAME *name = X509_get_subject_name(x);

	if (!X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					(const uint8_t *)"dialtone",
					-1, -1, 0))
		return EPROTO;
	return X509_set_issuer_name(x, name) ? 0 : EPROTO;
}

static int selfsign(X509 **xp, EVP_PKEY *key)
{
	X509 *x = X509_new();
	int err = x ? 0 : ENOMEM;

	if (!err && !X509_set_version(x, X509_VERSION_3))
		err = EPROTO;
	if (!err)
		err = set_serial(x);
	if (!err)
		err = set_dates(x);
	if (!err)
		err = set_names(x);
	if (!err && (!X509_set_pubkey(x, key) ||
		     !X509_sign(x, key, EVP_sha256())))
		err = EPROTO;
	if (err)
		X509_free(x);
	else
		*xp = x;
	return err;
}

static int write_pem(int fd, X509 *x, EVP_PKEY *key)
{
	BIO *bio = BIO_new_fd(fd, BIO_NOCLOSE);
	int err = 0;

	if (!bio)
		return ENOMEM;
	errno = 0;
	if (!PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL,
					   NULL) ||
	    !PEM_write_bio_X509(bio, x))
		err = errno ? errno : EIO;
	BIO_free(bio);
	if (!err && fsync(fd))
		err = errno;
	return err;
}

/* So that the new name survives a power cut. */
static int sync_folder(const char *file)
{
	char buf[PATH_MAX];
	int fd, err = 0;

	str_ncpy(buf, file, sizeof buf);
	fd = open(dirname(buf), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (fsync(fd))
		err = errno;
	close(fd);
	return err;
}

static int publish(const char *file, X509 *x, EVP_PKEY *key)
{
	char tmp[PATH_MAX];
	int fd, err;

	if (re_snprintf(tmp, sizeof tmp, "%s.XXXXXX", file) < 0)
		return ENAMETOOLONG;
	fd = mkostemp(tmp, O_CLOEXEC);          /* O_EXCL, 0600 */
	if (fd < 0)
		return errno;
	err = write_pem(fd, x, key);
	close(fd);
	if (!err && link(tmp, file))
		err = errno == EEXIST ? 0 : errno;
	unlink(tmp);
	return err ? err : sync_folder(file);
}

static int make(const char *file)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = NULL;
	int err;

	if (!key)
		return EPROTO;
	err = selfsign(&x, key);
	if (!err)
		err = publish(file, x, key);
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

/* x is the chain's last one. */
static int keep_issuer(struct identity *id, X509 *x)
{
	const bool self = X509_self_signed(x, 0) == 1;

	id->issued = !self || id->certc > 1;
	return (self ? X509_digest(x, EVP_sha256(), id->issuer, NULL)
		     : X509_NAME_digest(X509_get_issuer_name(x), EVP_sha256(),
					id->issuer, NULL)) ? 0 : ENOMEM;
}

static int keep_key(struct identity *id, EVP_PKEY *key)
{
	int n = i2d_PrivateKey(key, &id->key.p);

	if (n <= 0)
		return ENOMEM;
	id->key.n = (unsigned)n;
	return 0;
}

/* Ours comes first, as in TLS: the one that belongs to the key. */
static int read_certs(struct identity *id, BIO *bio, EVP_PKEY *key)
{
	X509 *x, *last = NULL;
	int err = 0;

	while (!err && (x = PEM_read_bio_X509(bio, NULL, no_password,
					      NULL))) {
		if (!last && (!X509_check_private_key(x, key) ||
			      !X509_digest(x, EVP_sha256(), id->fp, NULL)))
			err = EBADMSG;
		if (!err)
			err = keep_cert(id, x);
		X509_free(last);
		last = x;
	}
	if (!err)
		err = last ? keep_issuer(id, last) : EBADMSG;
	X509_free(last);
	return err;
}

static int decode(struct identity *id, const struct text *keyt,
		  const struct text *certt)
{
	BIO *kb = BIO_new_mem_buf(keyt->p, (int)keyt->n);
	BIO *xb = BIO_new_mem_buf(certt->p, (int)certt->n);
	EVP_PKEY *key = NULL;
	int err = EBADMSG;

	if (kb && xb)
		key = PEM_read_bio_PrivateKey(kb, NULL, no_password, NULL);
	if (key && is_p256(key))
		err = read_certs(id, xb, key);
	if (!err)
		err = keep_key(id, key);
	EVP_PKEY_free(key);
	BIO_free(xb);
	BIO_free(kb);
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
		err = decode(id, &key, certs ? &cert : &key);
	text_free(&cert);
	text_free(&key);
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
	err = load(id, file, certs);
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

const uint8_t *identity_issuer(const struct identity *id)
{
	return id->issued ? id->issuer : NULL;
}

const uint8_t *identity_key(const struct identity *id, unsigned *len)
{
	*len = id->key.n;
	return id->key.p;
}
