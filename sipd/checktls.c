/*
 * checktls.c: connect, a true ClientHello, and the first byte of what comes.
 * Called by check.c.
 */
#include <errno.h>
#include <openssl/ssl.h>
#include "sipd/checktls.h"

#define LIMIT (3 * SEC)

enum { TLS_ALERT = 21, TLS_HANDSHAKE = 22 };

struct checktls {
	struct tcp_conn *tc;
	struct timer timer;
	uint64_t begin;
	void (*h)(enum checktls_result r, uint64_t ns, void *arg);
	void *arg;
};

static void checktls_destructor(void *arg)
{
	struct checktls *c = arg;

	timer_stop(&c->timer);
	mem_deref(c->tc);
}

/* Last in whatever calls it. */
static void tell(struct checktls *c, enum checktls_result r)
{
	timer_stop(&c->timer);
	c->tc = mem_deref(c->tc);
	c->h(r, clock_ns() - c->begin, c->arg);
}

static void timer_handler(void *arg)
{
	tell(arg, CHECKTLS_SILENT);
}

static int hello(struct mbuf *mb)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = ctx ? SSL_new(ctx) : NULL;
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	int err = ENOMEM;
	char *p;
	long n;

	if (!ssl || !in || !out) {
		BIO_free(in);
		BIO_free(out);
		goto fail;
	}
	SSL_set_bio(ssl, in, out);
	(void)SSL_connect(ssl);
	n = BIO_get_mem_data(out, &p);
	err = n > 0 ? mbuf_write_mem(mb, (uint8_t *)p, (size_t)n) : EPROTO;
	mb->pos = 0;
 fail:
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return err;
}

static void estab_handler(void *arg)
{
	struct checktls *c = arg;
	struct mbuf *mb = mbuf_alloc(1024);

	if (!mb || hello(mb) || tcp_send(c->tc, mb))
		tell(c, CHECKTLS_SILENT);
	mem_deref(mb);
}

static void recv_handler(struct mbuf *mb, void *arg)
{
	const uint8_t first = *mbuf_buf(mb);

	tell(arg, first == TLS_ALERT || first == TLS_HANDSHAKE ? CHECKTLS_YES
	     : CHECKTLS_OTHER);
}

static void close_handler(int err, void *arg)
{
	tell(arg, err == ECONNREFUSED ? CHECKTLS_REFUSED
	     : err == ETIMEDOUT || err == EHOSTUNREACH || err == ENETUNREACH
	     ? CHECKTLS_SILENT : CHECKTLS_OTHER);
}

int checktls_alloc(struct checktls **cp, struct timers *timers,
		   const struct sa *server,
		   void (*h)(enum checktls_result r, uint64_t ns, void *arg),
		   void *arg)
{
	struct checktls *c = mem_zalloc(sizeof *c, checktls_destructor);
	int err;

	if (!c)
		return ENOMEM;
	c->h = h;
	c->arg = arg;
	c->begin = clock_ns();
	err = timer_start(timers, &c->timer, LIMIT, timer_handler, c);
	if (!err)
		err = tcp_connect(&c->tc, server, estab_handler,
				  recv_handler, close_handler, c);
	if (err)
		mem_deref(c);
	else
		*cp = c;
	return err;
}
