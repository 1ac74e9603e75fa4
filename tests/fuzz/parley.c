/* fuzz: tunnels/greet.c tunnels/pair.c tunnels/ask.c tunnels/pair/parley.c tunnels/pair/cpace.c tunnels/pair/codewords.c tunnels/ending.c tunnels/record.c tunnels/flow/flow.c tunnels/flow/loop.c sdp/base/mailbox.c sdp/base/clock.c sdp/descparam.c sdp/words.c
 *
 * The other end of a greeting or a pairing says anything, in any pieces: the
 * first byte says which of the two it is and which end is ours, then come
 * pieces of a length byte and as many bytes. Nobody is paired by that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/fakeflow.h"
#include "tunnels/tunnel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct tunnel_kind greet_tunnel, pair_tunnel;

enum { PAIR = 1, CALLER = 2 };

struct game {
	const uint8_t *p;
	size_t n;
	bool caller, pairing;
	struct loop *loop;
	struct flow *ours, *theirs;
	struct stream *liar;
	struct tunnel *t;
	const struct tunnel_kind *kind;
	uint8_t fpv[2][DESC_FP_SIZE];
};

static const char *confh(const char *key, void *arg)
{
	(void)key;
	(void)arg;
	return "velvet-harbor-417";
}

static void progress(const struct tunnel_progress *p, void *arg)
{
	(void)p;
	(void)arg;
}

static void done(int err, const char *why, void *arg)
{
	struct game *g = arg;
	(void)why;

	if (!err && g->pairing)
		abort();
}

static void liar_read(struct stream *s, const uint8_t *p, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	stream_consumed(s, n);
}

static void liar_closed(struct stream *s, int err, uint64_t code, void *arg)
{
	struct game *g = arg;
	(void)s;
	(void)err;
	(void)code;

	g->liar = NULL;
}

static const struct stream_handlers lies = {
	.readh = liar_read, .closeh = liar_closed,
};

static void accepted(struct stream *s, void *arg)
{
	struct game *g = arg;

	if (g->liar)
		return;
	g->liar = s;
	stream_handle(s, &lies, g);
}

static void begin(void *arg)
{
	struct game *g = arg;
	struct tunnel_way way;
	const struct tunnel_events ev = { progress, done, g };

	if (fakeflow_alloc(&g->ours, &g->theirs, g->loop))
		abort();
	memset(&way, 0, sizeof way);
	way.flow = g->ours;
	way.loop = g->loop;
	way.local_fp = g->fpv[0];
	way.remote_fp = g->fpv[1];
	if (g->caller && flow_listen(g->theirs, 0, accepted, g))
		abort();
	if (g->kind->start(g->t, NULL, &way, &ev))
		abort();
	if (!g->caller && stream_open(&g->liar, g->theirs, 0, &lies, g))
		abort();
}

static void say(void *arg)
{
	struct game *g = arg;
	size_t n = g->n ? *g->p++ : 0;

	if (!g->n)
		return;
	--g->n;
	n = n < g->n ? n : g->n;
	if (g->liar)
		(void)stream_write(g->liar, g->p, n);
	g->p += n;
	g->n -= n;
}

static void end(void *arg)
{
	struct game *g = arg;

	if (g->liar)
		stream_fin(g->liar);
	g->t = mem_deref(g->t);
	mem_deref(g->ours);
	mem_deref(g->theirs);
}

static void turn(void *arg)
{
	(void)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct loop *loop;
	char why[256], *code = "velvet-harbor-417", *argv[] = { code };
	struct tunnel_ask ask = {
		.confh = confh, .why = why, .why_size = sizeof why,
		.argv = argv,
	};
	struct game g = { .p = data + 1, .n = size - 1 };

	if (!size)
		return 0;
	if (!loop && (libre_init() || loop_alloc(&loop, "fuzz")))
		abort();
	g.loop = loop;
	g.pairing = *data & PAIR;
	g.caller = *data & CALLER;
	g.kind = g.pairing ? &pair_tunnel : &greet_tunnel;
	ask.argc = g.pairing;
	memset(g.fpv[0], 'a', DESC_FP_SIZE);
	memset(g.fpv[1], 'b', DESC_FP_SIZE);
	if (g.caller ? g.kind->offer(&g.t, &ask, NULL)
	    : g.kind->answer(&g.t, &ask, NULL, NULL))
		abort();
	fake_call(loop, begin, &g);
	while (g.n)
		fake_call(loop, say, &g);
	for (int i = 0; i < 4; i++)
		fake_call(loop, turn, NULL);
	fake_call(loop, end, &g);
	return 0;
}
