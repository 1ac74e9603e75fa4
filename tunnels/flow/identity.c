/*
 * identity.c: the installation's long-term key.
 *
 * One PEM file, mode 0600, holds an ECDSA P-256 key and a certificate that it
 * signed itself. Who we are is the SHA-256 of that certificate, so neither
 * may ever change once it is made. sipd and dial may start for the first time
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

struct identity {
	uint8_t fp[32];
	uint8_t *cert, *key;    /* DER, OpenSSL's memory */
	unsigned certlen, keylen;
};

static void destructor(void *arg)
{
	struct identity *id = arg;

	OPENSSL_free(id->cert);
	OPENSSL_clear_free(id->key, id->keylen);
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

static int keep(struct identity *id, X509 *x, EVP_PKEY *key)
{
	int n = i2d_X509(x, &id->cert), k;

	if (n <= 0)
		return ENOMEM;
	id->certlen = (unsigned)n;
	k = i2d_PrivateKey(key, &id->key);
	if (k <= 0)
		return ENOMEM;
	id->keylen = (unsigned)k;
	return X509_digest(x, EVP_sha256(), id->fp, NULL) ? 0 : ENOMEM;
}

static int decode(struct identity *id, const char *pem, int len)
{
	BIO *kb = BIO_new_mem_buf(pem, len), *xb = BIO_new_mem_buf(pem, len);
	EVP_PKEY *key = NULL;
	X509 *x = NULL;
	int err = EBADMSG;

	if (kb && xb) {
		key = PEM_read_bio_PrivateKey(kb, NULL, no_password, NULL);
		x = PEM_read_bio_X509(xb, NULL, no_password, NULL);
	}
	if (key && x && is_p256(key) && X509_check_private_key(x, key))
		err = keep(id, x, key);
	X509_free(x);
	EVP_PKEY_free(key);
	BIO_free(xb);
	BIO_free(kb);
	ERR_clear_error();
	return err;
}

/* The descriptor is checked, not the name: nobody can swap it between. */
static int check_mode(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return errno;
	if (!S_ISREG(st.st_mode))
		return EBADMSG;
	return st.st_mode & (S_IRWXG | S_IRWXO) ? EPERM : 0;
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

static int load(struct identity *id, const char *file)
{
	char *pem = NULL;
	size_t len = 0;
	int err, fd;

	/* NONBLOCK: opening a FIFO must not hang */
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno;
	err = check_mode(fd);
	if (err)
		goto out;
	pem = malloc(FILE_MAX);
	if (!pem) {
		err = ENOMEM;
		goto out;
	}
	err = read_all(fd, pem, FILE_MAX, &len);
	if (!err)
		err = decode(id, pem, (int)len);
	explicit_bzero(pem, FILE_MAX);
 out:
	free(pem);
	close(fd);
	return err;
}

int identity_load(struct identity **ip, const char *file)
{
	struct identity *id;
	int err;

	if (!ip || !file)
		return EINVAL;
	id = mem_zalloc(sizeof *id, destructor);
	if (!id)
		return ENOMEM;
	err = load(id, file);
	if (err == ENOENT) {
		err = make(file);
		if (!err)
			err = load(id, file);
	}
	if (err)
		mem_deref(id);
	else
		*ip = id;
	return err;
}

const uint8_t *identity_fp(const struct identity *id)
{
	return id->fp;
}

const uint8_t *identity_cert(const struct identity *id, unsigned *len)
{
	*len = id->certlen;
	return id->cert;
}

const uint8_t *identity_key(const struct identity *id, unsigned *len)
{
	*len = id->keylen;
	return id->key;
}
