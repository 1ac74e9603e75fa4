/*
 * identitymake.c: a certificate that a key signs itself, and how it comes into
 * a file. sipd and dial may start for the first time at the same moment; the
 * file therefore appears complete or not at all:
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
#include <unistd.h>
#include <re.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include "tunnels/flow/identitymake.h"

enum {
	SERIAL_SIZE = 16,       /* bytes; RFC 5280 4.1.2.2 allows 20 */
	YEARS_100   = 36525,    /* days */
};

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

int identity_certify(X509 **xp, EVP_PKEY *key, EVP_PKEY *by)
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
		     !X509_sign(x, by, EVP_sha256())))
		err = EPROTO;
	if (err)
		X509_free(x);
	else
		*xp = x;
	return err;
}

static int write_pem(int fd, X509 *const *v, unsigned n, EVP_PKEY *key)
{
	BIO *bio = BIO_new_fd(fd, BIO_NOCLOSE);
	int err = 0, ok;

	if (!bio)
		return ENOMEM;
	errno = 0;
	ok = !key || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0,
						   NULL, NULL);
	for (unsigned i = 0; ok && i < n; i++)
		ok = PEM_write_bio_X509(bio, v[i]);
	if (!ok)
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

/* All of it under another name. */
static int write_beside(char tmp[PATH_MAX], const char *file, X509 *const *v,
			unsigned n, EVP_PKEY *key)
{
	int fd, err;

	if (re_snprintf(tmp, PATH_MAX, "%s.XXXXXX", file) < 0)
		return ENAMETOOLONG;
	fd = mkostemp(tmp, O_CLOEXEC);          /* O_EXCL, 0600 */
	if (fd < 0)
		return errno;
	err = write_pem(fd, v, n, key);
	close(fd);
	if (err)
		unlink(tmp);
	return err;
}

int identity_replace(const char *file, X509 *const *v, unsigned n,
		     EVP_PKEY *key)
{
	char tmp[PATH_MAX], old[PATH_MAX];
	int err;

	if (re_snprintf(old, sizeof old, "%s.old", file) < 0)
		return ENAMETOOLONG;
	err = write_beside(tmp, file, v, n, key);
	if (err)
		return err;
	(void)unlink(old);
	if (link(file, old) || rename(tmp, file)) {
		err = errno;
		unlink(tmp);
	}
	return err ? err : sync_folder(file);
}

int identity_publish(const char *file, X509 *x, EVP_PKEY *key)
{
	char tmp[PATH_MAX];
	int err = write_beside(tmp, file, &x, 1, key);

	if (err)
		return err;
	if (link(tmp, file))
		err = errno == EEXIST ? 0 : errno;
	unlink(tmp);
	return err ? err : sync_folder(file);
}
