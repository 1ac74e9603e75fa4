/*
 * quicsetup.c: what ngtcp2 is told when a connection begins, and the
 * connection ids by which the worker finds it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <gnutls/crypto.h>
#include "tunnels/flow/quicdgram.h"
#include "tunnels/flow/quickeys.h"
#include "tunnels/flow/quicsetup.h"
#include "tunnels/flow/quicstream.h"
#include "tunnels/flow/quictls.h"

#define INITIAL_RTT (50 * MSEC)         /* the first repeat after 150 ms */

enum {
	WINDOW_STREAM = 16 << 20,       /* to begin with: see set_windows */
	WINDOW_CONN = 32 << 20,
	WINDOW_MAX = 64 << 20,          /* of a stream */
	CID_LIMIT = 2,                  /* RFC 9000, 18.2: the least */
	ALERT_BAD_CERTIFICATE = 42,
};

struct quic_cid {
	struct worker_cid wc;
	struct le le;
};

static void cid_destructor(void *arg)
{
	struct quic_cid *qc = arg;

	worker_cid_del(&qc->wc);
	list_unlink(&qc->le);
}

static int handshake_cb(ngtcp2_conn *conn, void *arg)
{
	struct qconn *c = arg;

	if (!quictls_agreed(c)) {
		ngtcp2_conn_set_tls_alert(conn, ALERT_BAD_CERTIFICATE);
		return NGTCP2_ERR_CALLBACK_FAILURE;
	}
	/* The client does not wait for HANDSHAKE_DONE: it knows the server,
	 * whose word on its own key comes a round trip later. */
	c->agreed = true;
	return 0;
}

/* After `secured` there is no TLS session: what comes then is ignored. */
static int crypto_cb(ngtcp2_conn *conn, qc_level level, uint64_t offset,
		     const uint8_t *p, size_t n, void *arg)
{
	const struct qconn *c = arg;

	if (!c->tls)
		return 0;
	return ngtcp2_crypto_recv_crypto_data_cb(conn, level, offset, p, n,
						 arg);
}

/* RFC 9443, 3: the QUIC bit tells QUIC from STUN and DTLS. ngtcp2 0.12 always
 * offers to grease it (RFC 9287), and does so in every packet of a connection
 * if the one random byte asked for at its birth is odd. Nothing else that is
 * asked for as one byte minds being even. */
static void rand_cb(uint8_t *p, size_t n, const ngtcp2_rand_ctx *ctx)
{
	(void)ctx;
	(void)gnutls_rnd(GNUTLS_RND_NONCE, p, n);
	if (n == 1)
		p[0] &= 0xfe;
}

/* A new id that packets to us may carry. */
static int add_cid(struct qconn *c, ngtcp2_cid *cid)
{
	struct quic_cid *qc = mem_zalloc(sizeof *qc, cid_destructor);
	int err;

	if (!qc)
		return ENOMEM;
	do {
		err = quictls_random(cid->data, CID_LEN);
		if (!err)
			err = worker_cid_add(c->w, &qc->wc, cid->data,
					     CID_LEN, c->rxh, c);
	} while (err == EEXIST);
	if (err) {
		mem_deref(qc);
		return err;
	}
	cid->datalen = CID_LEN;
	list_append(&c->cidl, &qc->le, qc);
	return 0;
}

static int new_cid_cb(ngtcp2_conn *conn, ngtcp2_cid *cid, uint8_t *token,
		      size_t cidlen, void *arg)
{
	(void)conn;

	/* no stateless reset is ever sent: the token is nobody's */
	if (cidlen != CID_LEN || add_cid(arg, cid) ||
	    quictls_random(token, NGTCP2_STATELESS_RESET_TOKENLEN))
		return NGTCP2_ERR_CALLBACK_FAILURE;
	return 0;
}

static int remove_cid_cb(ngtcp2_conn *conn, const ngtcp2_cid *cid, void *arg)
{
	struct qconn *c = arg;
	struct le *le;
	(void)conn;

	for (le = list_head(&c->cidl); le; le = le->next) {
		struct quic_cid *qc = le->data;

		if (cid->datalen == qc->wc.len &&
		    !memcmp(cid->data, qc->wc.id, qc->wc.len)) {
			mem_deref(qc);
			break;
		}
	}
	return 0;
}

static void set_callbacks(ngtcp2_callbacks *cb)
{
	memset(cb, 0, sizeof *cb);
	cb->recv_crypto_data = crypto_cb;
	cb->handshake_completed = handshake_cb;
	cb->get_path_challenge_data =
		ngtcp2_crypto_get_path_challenge_data_cb;
	cb->rand = rand_cb;
	cb->get_new_connection_id = new_cid_cb;
	cb->remove_connection_id = remove_cid_cb;
	quickeys_callbacks(cb);
	quicstream_callbacks(cb);
	quicdgram_callbacks(cb);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A stream may have half of the connection's window: one whose reader is slow
 * leaves the others some. They begin with what 1 Gbit/s and 40 ms need while
 * lost packets are repeated, and grow to what the path holds; a window that
 * grows only when it is full costs a round trip each time. */
static void set_windows(struct qconn *c, ngtcp2_settings *st,
			ngtcp2_transport_params *tp)
{
	uint64_t stream;

	if (!c->grant)
		c->grant = quicmem_grant(&c->pool->mem);
	stream = least(c->grant / 2, WINDOW_MAX);
	st->max_window = c->grant;
	st->max_stream_window = stream;
	tp->initial_max_data = least(c->grant, WINDOW_CONN);
	tp->initial_max_stream_data_bidi_local = least(stream, WINDOW_STREAM);
	tp->initial_max_stream_data_bidi_remote =
		tp->initial_max_stream_data_bidi_local;
}

static void set_params(struct qconn *c, ngtcp2_settings *st,
		       ngtcp2_transport_params *tp)
{
	ngtcp2_settings_default(st);
	st->cc_algo = QC_CC_BBR;
	/* not after the first packet was read: 1.x aborts if time goes back */
	st->initial_ts = loop_now(c->f.loop);
	st->initial_rtt = INITIAL_RTT;
	st->max_tx_udp_payload_size = QUIC_PAYLOAD_MAX;
	st->handshake_timeout = UINT64_MAX;     /* ours: from the path on */

	ngtcp2_transport_params_default(tp);
	tp->initial_max_streams_bidi = QUIC_STREAMS_MAX;
	tp->initial_max_streams_uni = 0;
	set_windows(c, st, tp);
	tp->max_idle_timeout = c->conf.idle;
	tp->active_connection_id_limit = CID_LIMIT;
	tp->disable_active_migration = 1;
	tp->max_datagram_frame_size = QUIC_PAYLOAD_MAX;
	tp->grease_quic_bit = 0;        /* see rand_cb */
}

/* The one path that ngtcp2 knows: any two addresses will do. */
const ngtcp2_path *quicsetup_path(void)
{
	static struct sockaddr_in l = { .sin_family = AF_INET, .sin_port = 1 };
	static struct sockaddr_in r = { .sin_family = AF_INET, .sin_port = 2 };
	static const ngtcp2_path path = {
		.local = { (struct sockaddr *)&l, sizeof l },
		.remote = { (struct sockaddr *)&r, sizeof r },
	};

	return &path;
}

/* hd is the client's first packet, NULL if we are the client. */
int quicsetup_conn(struct qconn *c, const ngtcp2_pkt_hd *hd)
{
	ngtcp2_transport_params tp;
	ngtcp2_callbacks cb;
	ngtcp2_settings st;
	ngtcp2_cid scid, dcid;
	int err, e;

	set_callbacks(&cb);
	set_params(c, &st, &tp);
	err = add_cid(c, &scid);
	if (err)
		return err;
	if (hd) {
		qc_set_original_dcid(&tp, &hd->dcid);
		e = ngtcp2_conn_server_new(&c->conn, &hd->scid, &scid,
					   quicsetup_path(), hd->version,
					   &cb, &st, &tp, NULL, c);
	}
	else {
		ngtcp2_cid_init(&dcid, c->odcid, sizeof c->odcid);
		e = ngtcp2_conn_client_new(&c->conn, &dcid, &scid,
					   quicsetup_path(),
					   NGTCP2_PROTO_VER_V1, &cb, &st, &tp,
					   NULL, c);
	}
	if (e) {
		c->conn = NULL;
		return ENOMEM;
	}
	return quictls_start(c->pool->tls, c);
}
