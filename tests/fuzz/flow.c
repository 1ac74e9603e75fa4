/* fuzz: tunnels/flow/loop.c sdp/base/clock.c sdp/base/mailbox.c
 *
 * Streams and datagrams that a peer opens on a flow, whose tunnels listen, stop
 * listening, read or refuse: two bytes a step, what, and which stream or how
 * much of what follows. Each byte goes back into the window once; what waits
 * is counted; nobody gets what is another tunnel's.
 */
#include <stdlib.h>
#include "tunnels/flow/flow.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STREAMS = 8, TUNNELS = 4 };

struct fuzzstream {
	struct stream s;
	uint64_t received, consumed;
};

static struct {
	struct flow f;
	struct fuzzstream *v[STREAMS];  /* the peer's, that are not gone */
	bool slow;                      /* the tunnels do not read on */
} z;

static const unsigned tunnelv[TUNNELS] = { 0, 1, 64, FLOW_TUNNEL_MAX };

static void need(bool truth)
{
	if (!truth)
		abort();
}

static void destructor(void *arg)
{
	struct fuzzstream *fs = arg;

	stream_close(&fs->s);
	for (size_t i = 0; i < STREAMS; i++)
		if (z.v[i] == fs)
			z.v[i] = NULL;
}

static void op_consumed(struct stream *s, size_t n)
{
	struct fuzzstream *fs = (struct fuzzstream *)(void *)s;

	fs->consumed += n;
	need(fs->consumed <= fs->received);
}

static void op_reset(struct stream *s, uint64_t code)
{
	(void)code;
	need(s->phase == STREAM_GONE);
}

static const struct flow_ops ops = {
	.consumed = op_consumed, .reset = op_reset,
};

static void read_handler(struct stream *s, const uint8_t *p, size_t n,
			 void *arg)
{
	const unsigned *tunnel = arg;

	need(s->tunnel == *tunnel && n);
	if (p[0] == 0xee)
		stream_reset(s, 7);
	else if (!z.slow)
		stream_consumed(s, n);
}

static void fin_handler(struct stream *s, void *arg)
{
	(void)arg;
	need(s->fin_rx);
}

static void close_handler(struct stream *s, int err, uint64_t code, void *arg)
{
	(void)s;
	(void)code;
	(void)arg;
	need(err != 0);
}

static void accept_handler(struct stream *s, void *arg)
{
	static const struct stream_handlers h = {
		.readh = read_handler, .finh = fin_handler,
		.closeh = close_handler,
	};

	need(s->tunnel == *(const unsigned *)arg);
	if (z.slow && s->hdr_len > 2)
		stream_reset(s, 9);             /* not this one */
	else
		stream_handle(s, &h, arg);
}

static void datagram_handler(const uint8_t *p, size_t n, void *arg)
{
	need(arg && (p || !n));
}

static void listen_on(uint8_t b)
{
	const unsigned *t = &tunnelv[b % TUNNELS];

	if (b & 0x80) {
		(void)flow_listen(&z.f, *t, NULL, NULL);
		return;
	}
	need(!flow_listen(&z.f, *t, accept_handler, (void *)(uintptr_t)t));
	if (b & 0x40)
		flow_datagrams(&z.f, *t, datagram_handler,
			       (void *)(uintptr_t)t);
}

static struct fuzzstream *stream_at(size_t i)
{
	struct fuzzstream *fs = z.v[i];

	if (fs)
		return fs;
	fs = mem_zalloc(sizeof *fs, destructor);
	need(fs && !stream_init(&fs->s, &z.f, true));
	return z.v[i] = fs;
}

static size_t bytes(size_t i, const uint8_t *p, size_t n)
{
	struct fuzzstream *fs = mem_ref(stream_at(i));

	fs->received += n;
	if (!fs->s.fin_rx)
		stream_rx(&fs->s, p, n);
	if (fs->s.phase == STREAM_GONE)
		need(fs->consumed == fs->received || fs->s.fin_rx);
	mem_deref(fs);
	return n;
}

static void end(struct fuzzstream *fs)
{
	mem_ref(fs);
	stream_rx_fin(&fs->s);
	mem_deref(fs);
}

/* What the flow says of those that wait is true. */
static void count(void)
{
	unsigned waiting = 0;

	for (struct le *le = z.f.streaml.head; le; le = le->next) {
		const struct stream *s = le->data;

		waiting += s->phase == STREAM_HEADER ||
			s->phase == STREAM_WAITING;
		need(s->phase != STREAM_GONE);
		need(s->phase == STREAM_HEADER || s->tunnel <= FLOW_TUNNEL_MAX);
	}
	need(waiting == z.f.waiting);
}

static size_t step(uint8_t what, uint8_t b, const uint8_t *p, size_t n)
{
	const size_t i = b % STREAMS;

	switch (what % 8) {
	case 0: listen_on(b); break;
	case 1: end(stream_at(i)); break;
	case 2:
		if (z.v[i])
			stream_over(&z.v[i]->s, ECONNRESET, b);
		break;
	case 3: z.slow = b & 1; break;
	case 4:
		flow_rx_datagram(&z.f, p, MIN(n, (size_t)b % 16));
		return MIN(n, (size_t)b % 16);
	default:
		return bytes(i, p, MIN(n, (size_t)b / STREAMS));
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(&z, 0, sizeof z);
	flow_init(&z.f, &ops, NULL);
	while (size >= 2) {
		const size_t n = step(data[0], data[1], data + 2, size - 2);

		count();
		data += 2 + n;
		size -= 2 + n;
	}
	flow_down(&z.f, ECONNRESET);
	flow_reset(&z.f);
	need(!z.f.streaml.head && !z.f.waiting);
	return 0;
}
