/* fuzz: tunnels/pipe.c tunnels/ask.c tunnels/pipe/command.c tunnels/pipe/pipefd.c tunnels/pipe/pipein.c tunnels/pipe/pipeout.c tunnels/pipe/piperun.c tunnels/backlog.c tunnels/ending.c tunnels/errand.c tunnels/record.c tunnels/flow/flow.c tunnels/flow/loop.c sdp/base/mailbox.c sdp/base/clock.c sdp/desc.c sdp/descdec.c sdp/descenc.c sdp/descfield.c sdp/descfrag.c sdp/descline.c sdp/descparam.c sdp/desctransp.c sdp/cand.c sdp/addr.c sdp/fp.c sdp/words.c */
/*
 * A pipe, either end of it, whose peer sends any records in any order: the first
 * byte says which end is ours, then each is a step. What is written to our
 * output is what came as data, in its order, and nothing else.
 */
#include <fcntl.h>
#include <unistd.h>
#include "tests/fuzz/talk.h"
#include "tunnels/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct tunnel_kind pipe_tunnel;

enum { STEPS = 64, HELLO = 1, DATA, END, STOP, STATUS };

static struct {
	struct talk t;
	struct talk_input in;
	struct desc *offer, *answer;
	struct tunnel *caller, *callee;
	bool called;                    /* our end */
	int out[2];                     /* what the tunnel writes */
	uint8_t next;                   /* of the bytes said, and read */
	uint8_t expected;
	bool raw;                       /* something else was said */
} f;

static void record(uint8_t type, const void *body, size_t n)
{
	uint8_t hdr[RECORD_HDR];

	record_header(hdr, type, (uint32_t)n);
	talk_say(&f.t, 0, hdr, sizeof hdr);
	talk_say(&f.t, 0, body, n);
}

static void say_data(size_t n)
{
	uint8_t buf[256 * 8];

	for (size_t i = 0; i < n; i++)
		buf[i] = f.next++;
	record(DATA, buf, n);
}

static void step(uint8_t b)
{
	uint8_t v[3] = { 1, 0, 0 };

	switch (b % 8) {
	case 0: v[0] = b & 0x80 ? b : 1; record(HELLO, v, 1); break;
	case 1:
	case 2: say_data(talk_byte(&f.in) * 8u); break;
	case 3: record(END, v, 0); break;
	case 4: record(STOP, v, 0); break;
	case 5:
		v[0] = talk_byte(&f.in);
		v[1] = b >> 4;
		v[2] = b;
		record(STATUS, v, 3);
		break;
	case 6:
		talk_fin(&f.t, 0, b & 0x80);
		break;
	default:
		f.raw = true;
		talk_say(&f.t, 0, f.in.p, f.in.n < 8 ? f.in.n : 8);
		break;
	}
}

static void begin(void *arg)
{
	const struct desc *remote = f.called ? f.offer : f.answer;

	(void)arg;
	if (!f.called)
		talk_hear(&f.t, 0);
	talk_start(&f.t, &pipe_tunnel, f.called ? f.callee : f.caller,
		   remote->mediav);
}

static void some(void *arg)
{
	*(bool *)arg = talk_some(&f.t, &f.in, step);
}

static void finish(void *arg)
{
	(void)arg;
	talk_fin(&f.t, 0, true);
	talk_flush(&f.t);
}

static void drain(void)
{
	uint8_t buf[4096];
	ssize_t n;

	while ((n = read(f.out[0], buf, sizeof buf)) > 0)
		for (ssize_t i = 0; i < n && !f.raw; i++)
			if (buf[i] != f.expected++)
				abort();
}

static void words(void)
{
	const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct tunnel_ask ask = { .peer = "x" };
	struct desc_media *m;

	if (null < 0 || pipe2(f.out, O_CLOEXEC | O_NONBLOCK))
		abort();
	ask.fd_in = null;
	ask.fd_out = f.out[1];
	if (desc_alloc(&f.offer) ||
	    media_add(f.offer, &m, DESC_QUIC, "pipe") ||
	    pipe_tunnel.offer(&f.caller, &ask, m) ||
	    desc_answer_init(&f.answer, f.offer) ||
	    pipe_tunnel.answer(&f.callee, &ask, f.offer->mediav,
			       f.answer->mediav))
		abort();
	(void)close(null);
	(void)close(f.out[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool more = size > 1;

	memset(&f, 0, sizeof f);
	f.in = (struct talk_input){ data, size };
	f.called = !(talk_byte(&f.in) & 1);
	words();
	talk_begin(&f.t);
	fake_call(f.t.loop, begin, NULL);
	for (int i = 0; i < STEPS && more; i++) {
		fake_call(f.t.loop, some, &more);
		drain();
	}
	fake_call(f.t.loop, finish, NULL);
	talk_end(&f.t);
	drain();
	mem_deref(f.called ? f.caller : f.callee);
	mem_deref(f.offer);
	mem_deref(f.answer);
	(void)close(f.out[0]);
	return 0;
}
