/*
 * quicdgram.c: DATAGRAM frames of a QUIC connection.
 *
 *   put --> [len][bytes][len][bytes]... --> ngtcp2, before the streams' data
 */
#include <errno.h>
#include <string.h>
#include "tunnels/flow/quicdgram.h"

enum {
	QUEUE_MAX = 256 << 10,          /* then they are lost, as by a net */
	OVERHEAD = 60,                  /* of a packet, at most */
	LEN_SIZE = 2,
};

int quicdgram_put(struct flow *f, const uint8_t *hdr, size_t hdr_len,
		  const uint8_t *p, size_t n)
{
	struct qconn *c = (struct qconn *)(void *)f;
	const size_t len = hdr_len + n;
	const uint8_t size[LEN_SIZE] = { (uint8_t)(len >> 8), (uint8_t)len };
	int err;

	if (c->state != CONN_RUNNING)
		return ENOTCONN;
	if (len + OVERHEAD > (c->small ? QUIC_PAYLOAD_MIN :
	    ngtcp2_conn_get_path_max_tx_udp_payload_size(c->conn)))
		return EMSGSIZE;
	if (backlog_left(&c->dgrams) + LEN_SIZE + len > QUEUE_MAX)
		return EAGAIN;
	err = backlog_add(&c->dgrams, size, sizeof size);
	if (!err)
		err = backlog_add(&c->dgrams, hdr, hdr_len);
	if (!err)
		err = backlog_add(&c->dgrams, p, n);
	if (err)                /* half of one is none */
		backlog_free(&c->dgrams);
	quic_kick(c);
	return err;
}

int quicdgram_write(struct qconn *c, ngtcp2_pkt_info *pi, uint8_t *p,
		    size_t size, uint64_t now, ngtcp2_ssize *len)
{
	while (backlog_left(&c->dgrams)) {
		const uint8_t *q = backlog_data(&c->dgrams);
		ngtcp2_vec v = {
			(uint8_t *)q + LEN_SIZE, (size_t)q[0] << 8 | q[1]
		};
		int taken = 0;

		*len = ngtcp2_conn_writev_datagram(c->conn, NULL, pi, p,
			size, &taken, NGTCP2_WRITE_DATAGRAM_FLAG_MORE, 0, &v,
			1, now + c->ahead);
		/* a peer that takes none has never been asked: lost */
		if (taken || *len == NGTCP2_ERR_INVALID_ARGUMENT ||
		    *len == NGTCP2_ERR_INVALID_STATE)
			backlog_take(&c->dgrams, LEN_SIZE + v.len);
		else if (*len != NGTCP2_ERR_WRITE_MORE)
			return 0;
		if (taken && *len != NGTCP2_ERR_WRITE_MORE)
			return 0;
	}
	return EAGAIN;
}

static int recv_cb(ngtcp2_conn *conn, uint32_t flags, const uint8_t *p,
		   size_t n, void *arg)
{
	struct qconn *c = arg;

	(void)conn;
	(void)flags;
	c->rx_data = true;
	flow_rx_datagram(&c->f, p, n);
	return 0;
}

void quicdgram_callbacks(ngtcp2_callbacks *cb)
{
	cb->recv_datagram = recv_cb;
}

void quicdgram_end(struct qconn *c)
{
	backlog_free(&c->dgrams);
}
