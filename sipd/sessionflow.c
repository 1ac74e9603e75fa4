/*
 * sessionflow.c: the session's flows, and what their reports mean for it.
 *
 *   quic, dtls --all secured--> (vouchh) --> bundle_start --> open
 *   either     --end----------> closed
 *
 * A tunnel that comes later may need a flow that is not there yet: it gets
 * the path that was found long ago.
 */
#include <errno.h>
#include <string.h>
#include <openssl/evp.h>
#include "sipd/sessionflow.h"

enum { SEED_SIZE = 32 };        /* of either flow */

static const struct {
	enum flow_end end;
	enum reason reason;
} flow_endv[] = {
	{ FLOW_END_IDLE,      REASON_PEER_LOST     },
	{ FLOW_END_HANDSHAKE, REASON_SECURE_FAILED },
	{ FLOW_END_KEY,       REASON_WRONG_KEY     },
	{ FLOW_END_PROTOCOL,  REASON_BAD_PEER      },
};

static enum reason flow_reason(enum flow_end why)
{
	for (size_t i = 0; i < sizeof flow_endv / sizeof flow_endv[0]; i++)
		if (flow_endv[i].end == why)
			return flow_endv[i].reason;
	return REASON_BAD_PEER;
}

static void closed_late(void *arg)
{
	session_flow_ended(arg);
}

/* When the peer closes the flow its BYE is on the way and tells more: wait
 * for it a moment. */
static void flow_end_handler(enum flow_end why, uint64_t code,
			     const char *text, const uint8_t got_fp[32],
			     void *arg)
{
	struct session *s = arg;
	char want[FP_TEXT_SIZE], got[FP_TEXT_SIZE], both[256];
	(void)code;

	if (why == FLOW_END_CLOSED) {
		(void)timer_start(s->house->timers, &s->timer, 2 * SEC,
				  closed_late, s);
		return;
	}
	if (why == FLOW_END_KEY && got_fp && s->remote) {
		fp_print(want, s->remote->fp);
		fp_print(got, got_fp);
		(void)re_snprintf(both, sizeof both, "expected %s, got %s",
				  want, got);
		text = both;
	}
	session_hangup(s, flow_reason(why),
		       why == FLOW_END_IDLE ? NULL : text);
}

int session_flow_start(struct session *s)
{
	const struct tunnel_way way = {
		.flow = s->flow, .dgram = s->dgram,
		.loop = worker_loop(s->house->worker),
		.local_fp = identity_fp(s->house->identity),
		.remote_fp = s->remote->fp,
	};

	return s->state == SESSION_OPEN || s->times.secured ?
		bundle_start(s->bundle, &way, s->greeting) : 0;
}

/* When all that is needed at first is there; later, one by one. */
void session_flow_go(struct session *s)
{
	int err;

	if (s->state != SESSION_OPEN &&
	    ((s->quic && !s->flow) || (s->dtls && !s->dgram)))
		return;
	if (!s->times.secured)
		s->times.secured = session_since(s);
	if (s->vouchh) {
		void (*vouchh)(struct session *) = s->vouchh;

		s->vouchh = NULL;
		vouchh(s);      /* comes back, if it may go on */
		return;
	}
	err = session_flow_start(s);
	if (err) {
		session_hangup(s, REASON_INTERNAL, strerror(err));
		return;
	}
	if (s->state == SESSION_OPEN)
		return;
	timer_stop(&s->timer);
	if (!s->greeting)
		session_state_set(s, SESSION_OPEN);
}

static void quic_secured_handler(struct flow *flow, void *arg)
{
	struct session *s = arg;

	s->flow = flow;
	session_flow_go(s);
}

static void dtls_secured_handler(struct dgram *dgram, void *arg)
{
	struct session *s = arg;

	s->dgram = dgram;
	session_flow_go(s);
}

/* Both descriptions in the offerer's order: both sides get the same. */
static int make_seed(uint8_t seed[SEED_SIZE], const struct session *s,
		     const char *use)
{
	const struct desc *o = s->incoming ? s->remote : s->local;
	const struct desc *a = s->incoming ? s->local : s->remote;
	char text[4 * (DESC_UFRAG_MAX + 1) + 32];
	unsigned n = SEED_SIZE;

	if (re_snprintf(text, sizeof text, "dialtone %s %s:%s %s:%s", use,
			o->ufrag, o->pwd, a->ufrag, a->pwd) < 0)
		return EOVERFLOW;
	return EVP_Digest(text, strlen(text), seed, &n, EVP_sha256(), NULL)
		? 0 : EPROTO;
}

/* RFC 4145: who says actpass leaves the choice to the other. What was agreed
 * on for the first flow is so for the second. */
bool session_is_active(const struct session *s)
{
	if (s->quic || s->dtls)
		return s->active;
	return s->incoming ? s->local->setup == SETUP_ACTIVE
			   : s->remote->setup != SETUP_ACTIVE;
}

static int open_quic(struct session *s)
{
	static const struct quic_handlers qh = {
		quic_secured_handler, flow_end_handler
	};
	struct quic_conf qc = {
		.client = session_is_active(s),
		.identity = s->house->identity,
	};
	int err = make_seed(qc.seed, s, "quic");

	qc.chain = s->vouchh != NULL;
	if (err)
		return err;
	memcpy(qc.peer_fp, s->remote->fp, sizeof qc.peer_fp);
	return quic_alloc(&s->quic, s->house->worker, &qc, &qh, s);
}

static int open_dtls(struct session *s)
{
	static const struct dtls_handlers dh = {
		dtls_secured_handler, flow_end_handler
	};
	struct dtls_conf dc = {
		.client = session_is_active(s),
		.identity = s->house->identity,
	};
	int err = make_seed(dc.seed, s, "dtls");

	dc.chain = s->vouchh != NULL;
	if (err)
		return err;
	memcpy(dc.peer_fp, s->remote->fp, sizeof dc.peer_fp);
	return dtls_alloc(&s->dtls, s->house->worker, &dc, &dh, s);
}

void session_flow_path(struct session *s, int proto, const struct sa *local,
		       const struct sa *remote)
{
	quic_path(s->quic, proto, local, remote);
	dtls_path(s->dtls, proto, local, remote);
}

uint64_t session_flow_bytes(const struct session *s)
{
	struct quic_stats q = { 0 };
	struct dtls_stats d = { 0 };

	quic_stats(s->quic, &q);
	dtls_stats(s->dtls, &d);
	return q.rx_bytes + q.tx_bytes + d.rx_bytes + d.tx_bytes;
}

void session_flow_consent(struct session *s, uint64_t until)
{
	quic_consent(s->quic, until);
	dtls_consent(s->dtls, until);
}

/* The path is known already. */
static void give_path(struct session *s)
{
	if (!s->times.found)
		return;
	session_flow_path(s, s->local_cand.transp == CAND_UDP ? IPPROTO_UDP
			  : IPPROTO_TCP, &s->local_cand.base,
			  &s->remote_cand.addr);
	session_flow_consent(s, s->consent);
}

int session_flow_open(struct session *s)
{
	const bool quic = !s->quic && bundle_needs(s->bundle, FLOW_STREAM);
	const bool dtls = !s->dtls && bundle_needs(s->bundle, FLOW_DATAGRAM);
	int err = 0;

	s->active = session_is_active(s);
	if (quic)
		err = open_quic(s);
	if (!err && dtls)
		err = open_dtls(s);
	if (err)
		return err;
	if (quic || dtls)
		give_path(s);
	return s->quic || s->dtls ? 0 : ENOENT;
}
