/*
 * tlsfd.c: OpenSSL over a socket by a BIO of ours. Used by tcpconn.c (to
 * relays, whose certificates are checked) and by framed.c (as a shape only).
 */
#include <errno.h>
#include <sys/socket.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <re.h>
#include "tunnels/flow/tlsfd.h"

struct tlsfd {
	SSL *ssl;
	BIO_METHOD *method;
	int fd;
};

static void tlsfd_destructor(void *arg)
{
	struct tlsfd *t = arg;

	SSL_free(t->ssl);
	BIO_meth_free(t->method);
}

static int bio_write(BIO *b, const char *p, int n)
{
	const struct tlsfd *t = BIO_get_data(b);
	ssize_t sent = send(t->fd, p, (size_t)n, MSG_NOSIGNAL);

	BIO_clear_retry_flags(b);
	if (sent < 0 && errno == EAGAIN)
		BIO_set_retry_write(b);
	return (int)sent;
}

static int bio_read(BIO *b, char *p, int n)
{
	const struct tlsfd *t = BIO_get_data(b);
	ssize_t got = recv(t->fd, p, (size_t)n, 0);

	BIO_clear_retry_flags(b);
	if (got < 0 && errno == EAGAIN)
		BIO_set_retry_read(b);
	return (int)got;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

static int bio_new(BIO **bp, struct tlsfd *t)
{
	t->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tlsfd");
	if (!t->method || !BIO_meth_set_write(t->method, bio_write) ||
	    !BIO_meth_set_read(t->method, bio_read) ||
	    !BIO_meth_set_ctrl(t->method, bio_ctrl))
		return ENOMEM;
	*bp = BIO_new(t->method);
	if (!*bp)
		return ENOMEM;
	BIO_set_data(*bp, t);
	BIO_set_init(*bp, 1);
	return 0;
}

int tlsfd_alloc(struct tlsfd **tp, SSL_CTX *ctx, int fd, bool server)
{
	struct tlsfd *t = mem_zalloc(sizeof *t, tlsfd_destructor);
	BIO *bio;
	int err = ENOMEM;

	if (!t)
		return ENOMEM;
	t->fd = fd;
	t->ssl = SSL_new(ctx);
	if (t->ssl)
		err = bio_new(&bio, t);
	if (err) {
		mem_deref(t);
		return err;
	}
	(void)SSL_set_mode(t->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
			   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_set_bio(t->ssl, bio, bio);
	if (server)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	*tp = t;
	return 0;
}

SSL *tlsfd_ssl(const struct tlsfd *t)
{
	return t->ssl;
}

int tlsfd_handshake(struct tlsfd *t, bool *out)
{
	int ret;

	ERR_clear_error();
	*out = false;
	ret = SSL_do_handshake(t->ssl);
	if (ret == 1)
		return 0;
	switch (SSL_get_error(t->ssl, ret)) {
	case SSL_ERROR_WANT_WRITE:
		*out = true;
		return EAGAIN;
	case SSL_ERROR_WANT_READ:
		return EAGAIN;
	default:
		return EPROTO;
	}
}

static ssize_t result(const struct tlsfd *t, int ret)
{
	int e;

	if (ret > 0)
		return ret;
	e = SSL_get_error(t->ssl, ret);
	return e == SSL_ERROR_WANT_WRITE || e == SSL_ERROR_WANT_READ ? 0 : -1;
}

ssize_t tlsfd_send(struct tlsfd *t, const uint8_t *p, size_t n)
{
	ERR_clear_error();
	return result(t, SSL_write(t->ssl, p, (int)n));
}

ssize_t tlsfd_recv(struct tlsfd *t, uint8_t *p, size_t n)
{
	ERR_clear_error();
	return result(t, SSL_read(t->ssl, p, (int)n));
}

bool tlsfd_pending(const struct tlsfd *t)
{
	return SSL_pending(t->ssl) > 0;
}
