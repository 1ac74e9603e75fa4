/*
 * turnout.c: each datagram gets its channel's header, and they go by UDP in
 * batches, or by TCP or TLS, padded. Called by turnconn.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include "tunnels/flow/turnout.h"
#include "tunnels/flow/turnwire.h"

enum { PARTS = UDP_SEGS_MAX / 2 };

const struct turnchan *turnout_chan(struct turnconn *c, const struct sa *peer)
{
	for (unsigned i = 0; i < c->chanc; i++) {
		unsigned k = (c->chan_last + i) % c->chanc;

		if (!sa_cmp(&c->chanv[k].peer, peer, SA_ALL))
			continue;
		c->chan_last = k;
		return &c->chanv[k];
	}
	return NULL;
}

/* As much of the datagrams as fits into size, each with its header; how much
 * of them that was is in *used. */
static size_t wrap(uint8_t *out, size_t size, uint16_t channel,
		   const uint8_t *buf, size_t len, size_t seg, bool pad,
		   size_t *used)
{
	size_t n = 0, pos = 0;

	while (pos < len) {
		const size_t part = min(seg, len - pos);
		const size_t fill = pad ? turnwire_padding(part) : 0;

		if (TURNWIRE_HEADER + part + fill > size - n)
			break;
		turnwire_head(out + n, channel, part);
		memcpy(out + n + TURNWIRE_HEADER, buf + pos, part);
		n += TURNWIRE_HEADER + part;
		memset(out + n, 0, fill);
		n += fill;
		pos += part;
	}
	*used = pos;
	return n;
}

int turnout_flush(struct turnconn *c)
{
	struct udp_to to = { .remote = c->server };
	size_t done;
	int err = 0;

	sa_init(&to.local, AF_UNSPEC);
	if (c->out_start < c->out_len) {
		err = udp_batch_write(c->udp, &to, c->out + c->out_start,
				      c->out_len - c->out_start, c->out_seg,
				      &done);
		c->out_start += done;
	}
	if (err == EAGAIN)
		(void)loop_rewatch(&c->lf, EPOLLIN | EPOLLOUT);
	else
		c->out_start = c->out_len = 0;
	return err;
}

/* A batch with headers may be too much for one write: it goes by halves. */
static int udp_write(struct turnconn *c, uint16_t channel, const uint8_t *buf,
		     size_t len, size_t seg, size_t *done)
{
	int err = 0;

	*done = 0;
	while (*done < len) {
		const size_t most = min(len - *done, seg * PARTS);
		size_t used;
		int e;

		if (c->out_start < c->out_len)
			return EAGAIN;
		c->out_len = wrap(c->out, UDP_BATCH_MAX, channel, buf + *done,
				  most, seg, false, &used);
		if (!used)
			return EMSGSIZE;
		c->out_seg = seg + TURNWIRE_HEADER;
		*done += used;
		e = turnout_flush(c);
		/* what the socket did not take is kept here */
		if (e && e != EAGAIN)
			err = e;
	}
	return err;
}

static int tcp_write(struct turnconn *c, uint16_t channel, const uint8_t *buf,
		     size_t len, size_t seg, size_t *done)
{
	*done = 0;
	while (*done < len) {
		size_t used;
		uint8_t *p;

		/* what waits here only grows old: no more behind it */
		if (tcpconn_busy(c->tcp))
			return EAGAIN;
		p = tcpconn_room(c->tcp, TCPCONN_OUT / 2);
		if (!p)
			return EAGAIN;
		tcpconn_commit(c->tcp, wrap(p, TCPCONN_OUT / 2, channel,
					    buf + *done, len - *done, seg,
					    true, &used));
		if (!used)
			return EMSGSIZE;
		*done += used;
	}
	return 0;
}

int turnout_write(struct turnconn *c, const struct turnchan *ch,
		  const uint8_t *buf, size_t len, size_t seg, size_t *done)
{
	return c->udp ? udp_write(c, ch->number, buf, len, seg, done)
		: tcp_write(c, ch->number, buf, len, seg, done);
}
