/*
 * dtlsassoc.c: one handshake by OpenSSL, and the keys taken over from it.
 *
 *   datagram --> SSL_do_handshake --> BIO --> tagged --> now
 *                     | done
 *                     v
 *              keys derived again, the SSL object freed
 *
 * SSL must not write in epoch 1 once we do: two counters under one key. The
 * client has nothing more to say then; the server may have to repeat its
 * last flight, which is therefore kept as datagrams (RFC 6347, 4.2.4).
 *
 * Records of epoch 0 are not protected by anything, so that the upper bits of
 * their sequence numbers are free to say whose handshake they are of: 28 bits
 * of session, 4 of its handshakes' count, 16 that count records.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include "tunnels/flow/dtlsassoc.h"
#include "tunnels/flow/dtlssend.h"
#include "tunnels/flow/dtlstls.h"

enum {
	DATAGRAM_MAX = 2048,
	TIMER_FIRST = 150000,           /* us */
	TIMER_MAX = 2000000,
	SEQ = 5,                        /* of a record's header */
};

#define AGAIN_TIME (50 * MSEC)

static void assoc_destructor(void *arg)
{
	struct dassoc *a = arg;

	timer_stop(&a->timer);
	timer_stop(&a->deadline);
	dtlstls_free(a->ssl);
	rec_close(&a->rec);
	free(a->flight);
}

static void put_tag(uint8_t *rec, const struct dassoc *a)
{
	const uint32_t tag = htonl(a->c->tag | a->gen);

	memcpy(rec + SEQ, &tag, sizeof tag);
}

/* What SSL has used of epoch 1 is not ours any more, nonces included. */
static void note_used(struct dassoc *a, const uint8_t *rec, size_t len)
{
	const uint64_t seq = (uint64_t)rec[9] << 8 | rec[10];

	if (seq >= a->used)
		a->used = seq + 1;
	if (len > REC_HEADER + 2)
		a->ssl_nonce = (uint16_t)(rec[REC_HEADER] << 8 |
					  rec[REC_HEADER + 1]);
}

static void note_flight(struct dassoc *a, const uint8_t *p, size_t n)
{
	if (!a->flight)
		a->flight = malloc(DTLS_FLIGHT_MAX);
	if (!a->flight || a->flight_len + 2 + n > DTLS_FLIGHT_MAX)
		return;
	a->flight[a->flight_len] = (uint8_t)(n >> 8);
	a->flight[a->flight_len + 1] = (uint8_t)n;
	memcpy(a->flight + a->flight_len + 2, p, n);
	a->flight_len += 2 + n;
}

/* A datagram that SSL has written. */
static void out(struct dassoc *a, const uint8_t *p, size_t n)
{
	uint8_t buf[DATAGRAM_MAX];
	size_t pos = 0, len;

	if (a->ready && n >= REC_HEADER && rec_epoch(p)) {
		(void)dtlssend_append(a->c, p, n);
		return;
	}
	if (n > sizeof buf)
		return;
	memcpy(buf, p, n);
	for (; (len = rec_length(buf + pos, n - pos)); pos += len)
		if (rec_epoch(buf + pos) == 0)
			put_tag(buf + pos, a);
		else
			note_used(a, buf + pos, len);
	if (!a->c->conf.client)
		note_flight(a, buf, n);
	(void)dtlssend_now(a->c, buf, n);
}

static int bio_write(BIO *b, const char *p, int n)
{
	BIO_clear_retry_flags(b);
	if (n > 0)
		out(BIO_get_data(b), (const uint8_t *)p, (size_t)n);
	return n;
}

static int bio_read(BIO *b, char *p, int n)
{
	struct dassoc *a = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (!a->in || n <= 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	if ((size_t)n > a->in_len)
		n = (int)a->in_len;
	memcpy(p, a->in, (size_t)n);
	a->in = NULL;
	return n;
}

static long bio_ctrl(BIO *b, int cmd, long n, void *p)
{
	(void)b;
	(void)n;
	(void)p;
	return cmd == BIO_CTRL_FLUSH;
}

/* Made once and never freed: as OpenSSL's own are. */
static BIO_METHOD *method;

static void make_method(void)
{
	method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "datagram");
	if (!method)
		return;
	(void)BIO_meth_set_write(method, bio_write);
	(void)BIO_meth_set_read(method, bio_read);
	(void)BIO_meth_set_ctrl(method, bio_ctrl);
}

static unsigned next_timer(SSL *ssl, unsigned us)
{
	(void)ssl;
	if (!us)
		return TIMER_FIRST;
	return 2 * us < TIMER_MAX ? 2 * us : TIMER_MAX;
}

static int open_ssl(struct dassoc *a)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	BIO *b;

	(void)pthread_once(&once, make_method);
	a->ssl = method ? dtlstls_ssl(a->c->tls, a) : NULL;
	b = a->ssl ? BIO_new(method) : NULL;
	if (!b)
		return ENOMEM;
	BIO_set_data(b, a);
	BIO_set_init(b, 1);
	SSL_set_bio(a->ssl, b, b);
	DTLS_set_timer_cb(a->ssl, next_timer);
	(void)DTLS_set_link_mtu(a->ssl, DTLS_LINK_MTU);
	if (a->c->conf.client)
		SSL_set_connect_state(a->ssl);
	else
		SSL_set_accept_state(a->ssl);
	return 0;
}

/* From here on records are ours. */
static int take_over(struct dassoc *a)
{
	struct rec_secret s;
	int err = dtlstls_secret(&s, a->ssl, a->c->conf.client);

	if (!err)
		err = rec_init(&a->rec, &s, a->used);
	OPENSSL_cleanse(&s, sizeof s);
	if (err)
		return err;
	/* SSL's nonces start anywhere; ours must never get there */
	if (a->ssl_nonce == a->rec.nonce_high)
		a->rec.nonce_high ^= 0x8000;
	dtlstls_free(a->ssl);
	a->ssl = NULL;
	return 0;
}

static void done(struct dassoc *a)
{
	struct dconn *c = a->c;

	timer_stop(&a->timer);
	timer_stop(&a->deadline);
	if (c->conf.chain && !c->is_secured)
		dtlstls_chain(c, a->ssl);
	if (!c->conf.by_ssl && take_over(a)) {
		c->failedh(a, 0, false);
		return;
	}
	a->ready = true;
	c->readyh(a);
}

/* RFC 5246, 7.2: the alert, of whoever's it was. */
static void failed(struct dassoc *a)
{
	const unsigned long e = ERR_peek_last_error();
	const int reason = ERR_GET_REASON(e);
	const bool peers = ERR_GET_LIB(e) == ERR_LIB_SSL &&
			   reason > SSL_AD_REASON_OFFSET;

	ERR_clear_error();
	a->c->failedh(a, peers ? (uint64_t)(reason - SSL_AD_REASON_OFFSET)
			       : 0, peers);
}

static void set_timer(struct dassoc *a, timer_h *h)
{
	struct timeval tv;

	timer_stop(&a->timer);
	if (DTLSv1_get_timeout(a->ssl, &tv))
		(void)timer_start(loop_timers(a->c->ctl.loop), &a->timer,
				  (uint64_t)tv.tv_sec * SEC +
				  (uint64_t)tv.tv_usec * 1000 + MSEC, h, a);
}

static void timeout_handler(void *arg)
{
	struct dassoc *a = arg;

	ERR_clear_error();
	/* too often: the deadline will end it, not OpenSSL's patience */
	if (DTLSv1_handle_timeout(a->ssl) < 0)
		ERR_clear_error();
	set_timer(a, timeout_handler);
}

static void go_on(struct dassoc *a)
{
	int rc;

	ERR_clear_error();
	rc = SSL_do_handshake(a->ssl);
	a->in = NULL;
	if (rc == 1)
		done(a);
	else if (SSL_get_error(a->ssl, rc) != SSL_ERROR_WANT_READ)
		failed(a);
	else
		set_timer(a, timeout_handler);
}

static void late_handler(void *arg)
{
	struct dassoc *a = arg;

	a->c->failedh(a, 0, false);
}

int dtlsassoc_begin(struct dconn *c, unsigned gen)
{
	struct dassoc *a = mem_zalloc(sizeof *a, assoc_destructor);

	if (!a)
		return ENOMEM;
	a->c = c;
	a->gen = gen;
	a->born = clock_ns();
	if (open_ssl(a)) {
		mem_deref(a);
		return ENOMEM;
	}
	c->next = a;
	c->gen = gen;
	(void)timer_start(loop_timers(c->ctl.loop), &a->deadline,
			  DTLS_HANDSHAKE_TIME, late_handler, a);
	if (c->conf.client)
		go_on(a);
	return 0;
}

void dtlsassoc_feed(struct dassoc *a, const uint8_t *p, size_t n)
{
	a->in = p;
	a->in_len = n;
	/* only the last flight is kept */
	if (p[0] == REC_HANDSHAKE)
		a->flight_len = 0;
	go_on(a);
}

void dtlsassoc_again(struct dassoc *a, uint64_t now)
{
	size_t pos = 0;

	if (now < a->flight_at + AGAIN_TIME)
		return;
	a->flight_at = now;
	while (pos < a->flight_len) {
		const size_t n = (size_t)a->flight[pos] << 8 |
				 a->flight[pos + 1];

		(void)dtlssend_now(a->c, a->flight + pos + 2, n);
		pos += 2 + n;
	}
}

size_t dtlsassoc_read(struct dassoc *a, const uint8_t *in, size_t n,
		      uint8_t *p, size_t size, bool *closed)
{
	int rc;

	if (in) {
		a->in = in;
		a->in_len = n;
	}
	ERR_clear_error();
	rc = SSL_read(a->ssl, p, (int)size);
	/* an empty record is 0 too, and no end */
	*closed = rc <= 0 &&
		  (SSL_get_error(a->ssl, rc) == SSL_ERROR_SSL ||
		   SSL_get_shutdown(a->ssl) & SSL_RECEIVED_SHUTDOWN);
	if (rc > 0)
		return (size_t)rc;
	a->in = NULL;
	ERR_clear_error();
	return 0;
}

void dtlsassoc_shutdown(struct dassoc *a)
{
	ERR_clear_error();
	(void)SSL_shutdown(a->ssl);
	ERR_clear_error();
}
