/*
 * sessionflow.c: reports of the flow and of the tunnels, as what they mean
 * for the session.
 *
 *   quic --secured--> bundle_start --> open
 *   quic --end------> closed          tunnels --done--> closed
 */
#include <errno.h>
#include <string.h>
#include <openssl/evp.h>
#include "sipd/sessionflow.h"

static void progress_handler(unsigned number, const struct tunnel_progress *p,
			     void *arg)
{
	struct session *s = arg;

	if (s->h.progressh)
		s->h.progressh(s, number, p, s->h.arg);
}

/* The caller ends the session when its tunnels are done; the callee waits
 * for that, unless something failed. */
static void done_handler(unsigned number, int err, const char *why, void *arg)
{
	struct session *s = arg;
	(void)number;

	if (err == ENOTCONN && !str_isset(why))
		return;         /* the flow is gone, and will say why */
	if (err)
		session_hangup(s, REASON_TUNNEL_FAILED,
			       str_isset(why) ? why : strerror(err));
	else if (!s->incoming && bundle_complete(s->bundle))
		session_hangup(s, REASON_DONE, why);
}

int session_bundle_open(struct session *s)
{
	static const struct bundle_handlers bh = {
		progress_handler, done_handler
	};

	return bundle_alloc(&s->bundle, s->house->mailbox, &bh, s);
}

static const struct {
	enum quic_end end;
	enum reason reason;
} quic_endv[] = {
	{ QUIC_END_IDLE,      REASON_PEER_LOST     },
	{ QUIC_END_HANDSHAKE, REASON_SECURE_FAILED },
	{ QUIC_END_KEY,       REASON_WRONG_KEY     },
	{ QUIC_END_PROTOCOL,  REASON_BAD_PEER      },
};

static enum reason quic_reason(enum quic_end why)
{
	for (size_t i = 0; i < sizeof quic_endv / sizeof quic_endv[0]; i++)
		if (quic_endv[i].end == why)
			return quic_endv[i].reason;
	return REASON_BAD_PEER;
}

static void closed_late(void *arg)
{
	session_flow_ended(arg);
}

/* When the peer closes the flow its BYE is on the way and tells more: wait
 * for it a moment. */
static void quic_end_handler(enum quic_end why, uint64_t code,
			     const char *text, const uint8_t got_fp[32],
			     void *arg)
{
	struct session *s = arg;
	char want[FP_TEXT_SIZE], got[FP_TEXT_SIZE], both[256];
	(void)code;

	if (why == QUIC_END_CLOSED) {
		(void)timer_start(s->house->timers, &s->timer, 2 * SEC,
				  closed_late, s);
		return;
	}
	if (why == QUIC_END_KEY && got_fp && s->remote) {
		fp_print(want, s->remote->fp);
		fp_print(got, got_fp);
		(void)re_snprintf(both, sizeof both, "expected %s, got %s",
				  want, got);
		text = both;
	}
	session_hangup(s, quic_reason(why),
		       why == QUIC_END_IDLE ? NULL : text);
}

static void secured_handler(struct flow *flow, void *arg)
{
	struct session *s = arg;
	int err;

	s->times.secured = session_since(s);
	err = bundle_start(s->bundle, s->remote, flow, NULL,
			   worker_loop(s->house->worker));
	if (err) {
		session_hangup(s, REASON_INTERNAL, strerror(err));
		return;
	}
	timer_stop(&s->timer);
	session_state_set(s, SESSION_OPEN);
}

/* Both descriptions in the offerer's order: both sides get the same. */
static int make_seed(uint8_t seed[QUIC_SEED_SIZE], const struct session *s)
{
	const struct desc *o = s->incoming ? s->remote : s->local;
	const struct desc *a = s->incoming ? s->local : s->remote;
	char text[4 * (DESC_UFRAG_MAX + 1) + 32];
	unsigned n = QUIC_SEED_SIZE;

	if (re_snprintf(text, sizeof text, "dialtone quic %s:%s %s:%s",
			o->ufrag, o->pwd, a->ufrag, a->pwd) < 0)
		return EOVERFLOW;
	return EVP_Digest(text, strlen(text), seed, &n, EVP_sha256(), NULL)
		? 0 : EPROTO;
}

/* RFC 4145: who says actpass leaves the choice to the other. */
bool session_is_active(const struct session *s)
{
	return s->incoming ? s->local->setup == SETUP_ACTIVE
			   : s->remote->setup != SETUP_ACTIVE;
}

int session_flow_open(struct session *s)
{
	static const struct quic_handlers qh = {
		secured_handler, quic_end_handler
	};
	struct quic_conf qc = {
		.client = session_is_active(s),
		.identity = s->house->identity,
	};
	int err = make_seed(qc.seed, s);

	if (err)
		return err;
	memcpy(qc.peer_fp, s->remote->fp, sizeof qc.peer_fp);
	return quic_alloc(&s->quic, s->house->worker, &qc, &qh, s);
}
