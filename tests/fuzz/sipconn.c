/* fuzz: sipd/sip/malformed.c sipd/sip/precheck.c sipd/sip/quota.c sipd/sip/response.c sipd/sip/tlsctx.c sdp/base/clock.c sdp/base/outside.c
 *
 * SIP on a stream: the first byte says in pieces of which size it comes. However
 * it is cut the same messages are handed over, in their order, none with a byte
 * of another; and a stream that was ended once stays so.
 */
#include <stdlib.h>
#include <re.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fuzz_send(struct tcp_conn *tc, struct mbuf *mb);

#define tcp_send fuzz_send
#include "sipd/sip/sipconn.c"

static struct {
	struct timers *timers;
	uint64_t hash;                  /* of what was handed over */
	unsigned msgs, closes;
} z;

static void need(bool truth)
{
	if (!truth)
		abort();
}

static int fuzz_send(struct tcp_conn *tc, struct mbuf *mb)
{
	need(tc && mb && mbuf_get_left(mb));
	return 0;
}

static void add(const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		z.hash = (z.hash ^ b[i]) * 0x100000001b3;
}

static void msg_handler(struct sip_msg *msg, void *arg)
{
	(void)arg;
	need(!z.closes);
	++z.msgs;
	add(msg->mb->buf, msg->mb->end);
	add("|", 1);
}

static void close_handler_of(struct sipconn *c, int err, const char *why,
			     void *arg)
{
	(void)arg;
	need(c && err && why && !z.closes++);
}

static void fill(struct mbuf *mb, const uint8_t *p, size_t n)
{
	mb->buf = (uint8_t *)(uintptr_t)p;
	mb->pos = 0;
	mb->size = mb->end = n;
}

static uint64_t run(const uint8_t *p, size_t size, size_t piece)
{
	static struct sipcounts counts;
	const struct sipconn_conf conf = {
		.timers = z.timers, .counts = &counts, .idle = 60,
		.msgh = msg_handler, .closeh = close_handler_of,
	};
	struct sa peer;
	struct sipconn *c;
	struct mbuf mb = { 0 };

	need(!sa_set_str(&peer, "192.0.2.1", 5060));
	c = sipconn_new(&conf, &peer);
	need(c && (c->tc = mem_zalloc(1, NULL)));
	z.hash = 0xcbf29ce484222325;
	z.msgs = z.closes = 0;
	estab_handler(c);
	for (size_t i = 0; i < size && c->tc; i += piece) {
		fill(&mb, p + i, MIN(piece, size - i));
		recv_handler(&mb, c);
		need(!c->rx || !c->tc || c->rx->end <= 2 * 65536);
	}
	add(&z.msgs, sizeof z.msgs);
	mem_deref(c);
	return z.hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t whole;

	if (!size)
		return 0;
	if (!z.timers && (libre_init() || timers_alloc(&z.timers)))
		abort();
	whole = run(data + 1, size - 1, size);
	need(whole == run(data + 1, size - 1, data[0] ? data[0] : 4096));
	return 0;
}
