/*
 * quicend.c: how a QUIC connection ends.
 *
 *   the peer closed, idle, no handshake -> end ----------------> OVER
 *   an error, a wrong key --------------> fail  \
 *   control --------------------------> close -> CLOSING (told) -> OVER
 *
 * Streams are over first, so that tunnels know before control does.
 */
#include <stdlib.h>
#include <string.h>
#include "tunnels/flow/quicend.h"
#include "tunnels/flow/quicsend.h"
#include "tunnels/flow/quicstream.h"
#include "tunnels/flow/quictls.h"

#define CLOSE_STEP_MIN (50 * MSEC)
#define CLOSE_STEP_MAX (1 * SEC)

enum {
	CLOSE_TIMES = 3,                /* sent unasked */
	ALERT_BAD_CERTIFICATE = 42,
	CRYPTO_ERROR = 0x100,           /* RFC 9001, 4.8: plus the alert */
};

/* All that the network could still reach is undone. */
void quicend_release(struct qconn *c)
{
	list_flush(&c->cidl);
	worker_cid_del(&c->first);
	timer_stop(&c->timer);
	timer_stop(&c->deadline);
	loop_defer_cancel(c->f.loop, &c->defer);
	quicsend_end(c);
	worker_unroute(&c->to);
	list_flush(&c->earlyl);
}

static void release_conn(struct qconn *c)
{
	if (c->conn)
		ngtcp2_conn_del(c->conn);
	c->conn = NULL;
	if (c->pool)
		quicmem_return(&c->pool->mem, c->grant);
	c->grant = 0;
	quictls_end(c);
}

/* The streams, then what carried them. */
void quicend_down(struct qconn *c)
{
	flow_down(&c->f, ENOTCONN);
	quicstream_end(c);
	timer_stop(&c->timer);
	loop_defer_cancel(c->f.loop, &c->defer);
	quicsend_end(c);
	release_conn(c);
}

void quicend_over(struct qconn *c)
{
	c->state = CONN_OVER;
	quicend_release(c);
	if (c->dropped)
		mem_deref(c);
}

/* Over without a word to the peer. */
void quicend_silent(struct qconn *c, enum flow_end why, uint64_t code,
		    const char *text)
{
	quicend_down(c);
	flowctl_ended(&c->ctl, why, code, text);
	quicend_over(c);
}

/* RFC 9000, 10.2.1: for a while, who still sends is told again. */
void quicend_rx(struct qconn *c)
{
	++c->close_rx;
	if (!(c->close_rx & (c->close_rx - 1)))
		quicsend_one(c, c->close_pkt, c->close_len);
}

static uint64_t close_step(struct qconn *c)
{
	const uint64_t pto = ngtcp2_conn_get_pto(c->conn);

	if (pto < CLOSE_STEP_MIN)
		return CLOSE_STEP_MIN;
	return pto < CLOSE_STEP_MAX ? pto : CLOSE_STEP_MAX;
}

static void closing_handler(void *arg)
{
	struct qconn *c = arg;

	if (++c->close_tx >= CLOSE_TIMES) {
		quicend_over(c);
		return;
	}
	quicsend_one(c, c->close_pkt, c->close_len);
	(void)timer_start(loop_timers(c->f.loop), &c->deadline,
			  c->close_step, closing_handler, c);
}

/* Send CONNECTION_CLOSE and linger; over at once if none can be sent. */
static void closing(struct qconn *c, const qc_close *ce)
{
	ngtcp2_pkt_info pi;
	ngtcp2_ssize n = -1;

	if (c->conn && quicsend_allowed(c, clock_ns()))
		n = ngtcp2_conn_write_connection_close(c->conn, NULL, &pi,
						       c->close_pkt,
						       sizeof c->close_pkt,
						       ce, clock_ns() +
						       c->ahead);
	if (n > 0)
		c->close_step = close_step(c);
	quicend_down(c);
	if (n <= 0) {
		quicend_over(c);
		return;
	}
	c->state = CONN_CLOSING;
	c->close_len = (size_t)n;
	quicsend_one(c, c->close_pkt, c->close_len);
	(void)timer_start(loop_timers(c->f.loop), &c->deadline, c->close_step,
			  closing_handler, c);
}

/* An error of ours or of what the peer sent. */
static void fail(struct qconn *c, int liberr)
{
	const bool tls = liberr == NGTCP2_ERR_CRYPTO;
	uint8_t alert = c->conn ? ngtcp2_conn_get_tls_alert(c->conn) : 0;
	char text[FLOWCTL_TEXT_MAX];
	qc_close ce;

	if (!alert || c->key_bad)
		alert = ALERT_BAD_CERTIFICATE;
	qc_close_init(&ce);
	if (tls)
		qc_close_set_alert(&ce, alert, NULL, 0);
	else
		qc_close_set_lib(&ce, liberr, NULL, 0);
	if (tls)
		(void)re_snprintf(text, sizeof text, "TLS: %s",
				  gnutls_alert_get_name(alert));
	else
		str_ncpy(text, ngtcp2_strerror(liberr), sizeof text);
	if (c->key_bad)
		flowctl_ended(&c->ctl, FLOW_END_KEY, ce.error_code,
			      "the peer has another key");
	else
		flowctl_ended(&c->ctl, FLOW_END_PROTOCOL, ce.error_code,
			      text);
	closing(c, &ce);
}

/* A peer's words, fit for a terminal and a log. */
static void sanitise(char *dst, const uint8_t *p, size_t n)
{
	size_t i;

	if (n > FLOWCTL_TEXT_MAX - 1)
		n = FLOWCTL_TEXT_MAX - 1;
	for (i = 0; i < n; i++)
		dst[i] = (char)(p[i] >= ' ' && p[i] < 0x7f ? p[i] : '?');
	dst[i] = '\0';
}

/* RFC 8446, 6.2: bad, unsupported, revoked, expired, unknown, required. */
static bool about_key(uint64_t code)
{
	switch (code) {
	case CRYPTO_ERROR + 42:
	case CRYPTO_ERROR + 43:
	case CRYPTO_ERROR + 44:
	case CRYPTO_ERROR + 45:
	case CRYPTO_ERROR + 46:
	case CRYPTO_ERROR + 48:
	case CRYPTO_ERROR + 116:
		return true;
	default:
		return false;
	}
}

/* The peer's CONNECTION_CLOSE. */
static void closed_by_peer(struct qconn *c)
{
	char text[FLOWCTL_TEXT_MAX];
	enum flow_end why = FLOW_END_CLOSED;
	qc_close ce;

	qc_close_get(c->conn, &ce);
	sanitise(text, ce.reason, ce.reasonlen);
	if (ce.type != QC_CLOSE_APP && about_key(ce.error_code))
		str_ncpy(text, "the peer refuses our key", sizeof text);
	else if (ce.type != QC_CLOSE_APP && ce.error_code &&
		 ce.error_code != NGTCP2_APPLICATION_ERROR)
		why = FLOW_END_PROTOCOL;
	if (why == FLOW_END_PROTOCOL && !text[0])
		(void)re_snprintf(text, sizeof text, "the peer reports error"
				  " 0x%llx", (unsigned long long)
				  ce.error_code);
	quicend_silent(c, why, ce.error_code, text);
}

/* Nonsense before the handshake: as if it had never come. */
void quicend_restart(struct qconn *c)
{
	timer_stop(&c->timer);
	loop_defer_cancel(c->f.loop, &c->defer);
	release_conn(c);
	list_flush(&c->cidl);
	c->state = CONN_WAITING;
}

void quicend_failed(struct qconn *c, int liberr)
{
	switch (liberr) {
	case NGTCP2_ERR_DRAINING:
		closed_by_peer(c);
		break;
	case NGTCP2_ERR_CLOSING:
		break;
	case NGTCP2_ERR_IDLE_CLOSE:
		if (c->is_secured)
			quicend_silent(c, FLOW_END_IDLE, 0,
				       "nothing heard any more");
		else
			quicend_silent(c, FLOW_END_HANDSHAKE, 0, "no answer");
		break;
	case NGTCP2_ERR_DROP_CONN:
	case NGTCP2_ERR_RETRY:
		if (!c->conf.client) {
			quicend_restart(c);
			break;
		}
		/* fall through */
	default:
		fail(c, liberr);
		break;
	}
}

void quicend_close(struct qconn *c, uint64_t code, const char *text)
{
	qc_close ce;

	if (c->state == CONN_CLOSING || c->state == CONN_OVER)
		return;
	qc_close_init(&ce);
	qc_close_set_app(&ce, code, (const uint8_t *)text, strlen(text));
	closing(c, &ce);
}
