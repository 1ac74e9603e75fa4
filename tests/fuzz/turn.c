/* fuzz: tunnels/flow/turnwire.c modules/path/stun.c modules/path/turnmsg.c modules/path/turnreq.c modules/path/turnpeer.c modules/path/turn.c modules/path/keepalive.c */
/*
 * What comes from a relay: ChannelData and Data indications stay within what
 * was read, and add up on a stream however it is cut; no answer but one that
 * is proven brings an allocation.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "modules/path/turn.h"
#include "tunnels/flow/turnwire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const uint8_t *p, size_t n, const uint8_t *data,
		   size_t size)
{
	if (p < data || n > size || p + n > data + size)
		abort();
}

static void wire(const uint8_t *data, size_t size, bool stream)
{
	const uint8_t *p;
	struct turnwire m, half;
	struct sa peer;
	size_t n, pos = 0;

	while (!turnwire_next(&m, data + pos, size - pos, stream)) {
		inside(m.p, m.len, data + pos, size - pos);
		if (!m.size || m.size < m.len || m.size > size - pos)
			abort();
		if (stream && turnwire_next(&half, data + pos, m.size - 1,
					    true) != EAGAIN)
			abort();
		if (!m.channel && turnwire_data(m.p, m.len, &peer, &p, &n))
			inside(p, n, m.p, m.len);
		pos += m.size;
		if (!stream)
			break;
	}
}

static uint8_t tid[STUN_TID_SIZE];

static void sendh(const uint8_t *buf, size_t len, void *arg)
{
	(void)len;
	(void)arg;
	memcpy(tid, buf + 8, sizeof tid);
}

static void bindh(uint16_t channel, const struct sa *peer, void *arg)
{
	(void)channel;
	(void)peer;
	(void)arg;
}

static void datah(const struct sa *relayed, const struct sa *peer,
		  const uint8_t *buf, size_t len, void *arg)
{
	(void)relayed;
	(void)peer;
	(void)buf;
	(void)len;
	(void)arg;
	abort();
}

/* The same answer to each request, with the transaction it wants. */
static void control(const uint8_t *data, size_t size)
{
	const struct turn_conf conf = {
		.user = "al", .password = "what nobody guesses",
		.sendh = sendh, .bindh = bindh, .datah = datah,
	};
	uint8_t buf[STUN_SIZE_MAX];
	struct turn_msg t;
	struct stun_pkt m;
	struct turn *turn;

	if (size < STUN_HEADER_SIZE || size > sizeof buf)
		return;
	memcpy(buf, data, size);
	if (turn_alloc(&turn, &conf, 1))
		return;
	for (uint64_t now = 1; now < 4; now++) {
		memcpy(buf + 8, tid, sizeof tid);
		if (stun_parse(&m, buf, size) || turn_msg_parse(&t, &m))
			break;
		(void)turn_recv(turn, &m, now);
	}
	if (turn_state(turn) == TURN_READY)
		abort();
	mem_deref(turn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	wire(data, size, false);
	wire(data, size, true);
	control(data, size);
	return 0;
}
