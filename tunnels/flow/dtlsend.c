/*
 * dtlsend.c: how a DTLS association ends.
 *
 *   close_notify, idle, no handshake -> silent ------------------> OVER
 *   control ---------> close -> CLOSING (close_notify, repeated) -> OVER
 */
#include "tunnels/flow/dtlsassoc.h"
#include "tunnels/flow/dtlsend.h"
#include "tunnels/flow/dtlspool.h"
#include "tunnels/flow/dtlssend.h"

enum {
	CLOSES = 3,                     /* nobody answers it: it may be lost */
	ALERT_WARNING = 1,
	ALERT_CLOSE_NOTIFY = 0,
	ALERT_FATAL = 2,
};

#define CLOSE_STEP (100 * MSEC)

void dtlsend_over(struct dconn *c)
{
	c->state = DCONN_OVER;
	c->d.over = 1;
	timer_stop(&c->deadline);
	timer_stop(&c->tick);
	dpool_tag_del(c);
	for (unsigned i = 0; i < DTLS_ADDRS; i++)
		dpool_addr_del(&c->addrv[i]);
	dtlssend_end(c);
	c->tx = NULL;
	c->next = mem_deref(c->next);
	c->cur = mem_deref(c->cur);
	c->old = mem_deref(c->old);
	c->early = mem_deref(c->early);
	if (c->dropped)
		mem_deref(c);
}

void dtlsend_silent(struct dconn *c, enum flow_end why, uint64_t code,
		    const char *text)
{
	if (c->state == DCONN_OVER)
		return;
	if (c->state != DCONN_CLOSING)
		flowctl_ended(&c->ctl, why, code, text);
	dtlsend_over(c);
}

static void say_goodbye(struct dconn *c)
{
	static const uint8_t alert[] = { ALERT_WARNING, ALERT_CLOSE_NOTIFY };

	if (c->tx->ssl)
		dtlsassoc_shutdown(c->tx);
	else
		(void)dtlssend_record(c, REC_ALERT, alert, sizeof alert);
}

static void closing_handler(void *arg)
{
	struct dconn *c = arg;

	if (c->closes++ >= CLOSES) {
		dtlsend_over(c);
		return;
	}
	say_goodbye(c);
	(void)timer_start(loop_timers(c->ctl.loop), &c->deadline, CLOSE_STEP,
			  closing_handler, c);
}

void dtlsend_close(struct dconn *c)
{
	if (c->state == DCONN_CLOSING || c->state == DCONN_OVER)
		return;
	c->d.over = 1;
	if (!c->tx) {
		dtlsend_over(c);
		return;
	}
	c->state = DCONN_CLOSING;
	timer_stop(&c->tick);
	c->next = mem_deref(c->next);
	closing_handler(c);
}

/* RFC 5246, 7.2.2: bad, unsupported, revoked, expired, unknown certificate,
 * unknown authority. */
static bool about_key(uint64_t alert)
{
	return (alert >= 42 && alert <= 46) || alert == 48;
}

void dtlsend_alert(struct dconn *c, unsigned level, unsigned alert)
{
	char text[64];

	if (alert == ALERT_CLOSE_NOTIFY) {
		dtlsend_silent(c, FLOW_END_CLOSED, 0, "");
		return;
	}
	if (level != ALERT_FATAL)
		return;
	(void)re_snprintf(text, sizeof text, "the peer reports: %s",
			  SSL_alert_desc_string_long((int)alert));
	dtlsend_silent(c, FLOW_END_PROTOCOL, alert, text);
}

void dtlsend_handshake(struct dconn *c, const struct dassoc *a,
		       uint64_t alert, bool peers)
{
	char text[64];

	if (a->key_bad) {
		memcpy(c->ctl.got_fp, a->got_fp, sizeof c->ctl.got_fp);
		dtlsend_silent(c, FLOW_END_KEY, alert,
			       "the peer has another key");
	}
	else if (peers && about_key(alert)) {
		dtlsend_silent(c, FLOW_END_CLOSED, alert,
			       "the peer refuses our key");
	}
	else {
		(void)re_snprintf(text, sizeof text, "%s: %s", peers
				  ? "the peer reports" : "DTLS", peers
				  ? SSL_alert_desc_string_long((int)alert)
				  : "the handshake failed");
		dtlsend_silent(c, FLOW_END_PROTOCOL, alert, text);
	}
}
