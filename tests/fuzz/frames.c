/* fuzz:
 *
 * Framed packets on TCP, frames.c, which is included: the same bytes in one
 * piece and in many give the same packets as a plain reading of RFC 4571, and
 * nothing is touched outside of what was read.
 */
#include <stdlib.h>
#include <string.h>
#include "tunnels/flow/frames.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE = 70000, MOST = 65535 };

struct log {
	uint8_t buf[2 * SIZE];
	size_t n;
	uint8_t *in;
};

/* Each packet as its length and itself. */
static bool note(uint8_t *p, size_t len, size_t seg, void *arg)
{
	struct log *l = arg;

	if (!len || !seg || len > BATCH_MAX || p < l->in)
		abort();
	while (len) {
		size_t part = len < seg ? len : seg;

		frames_head(l->buf + l->n, part);
		memcpy(l->buf + l->n + 2, p, part);
		l->n += part + 2;
		p += part;
		len -= part;
	}
	return true;
}

static int feed(struct log *l, const uint8_t *data, size_t size,
		enum framing framing, size_t most, size_t step)
{
	static uint8_t in[2 * SIZE];
	size_t have = 0, used;
	int err = 0;

	l->n = 0;
	l->in = in;
	while (size && !err) {
		size_t n = step < size ? step : size;

		memcpy(in + have, data, n);
		have += n;
		data += n;
		size -= n;
		err = frames_parse(in, have, framing, most, note, l, &used);
		if (used > have)
			abort();
		have -= used;
		memmove(in, in + used, have);
	}
	return err;
}

/* What RFC 4571 says, packet by packet. */
static size_t plain(uint8_t *out, const uint8_t *p, size_t n, size_t most)
{
	size_t got = 0;

	while (n >= 2) {
		size_t len = (size_t)(p[0] << 8 | p[1]);

		if (len > most || len + 2 > n)
			break;
		if (len) {
			memcpy(out + got, p, len + 2);
			got += len + 2;
		}
		p += len + 2;
		n -= len + 2;
	}
	return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct log a, b;
	static uint8_t want[2 * SIZE];
	size_t step, most, n;
	enum framing framing;
	int err;

	if (size < 3 || size > SIZE)
		return 0;
	framing = data[0] & 1 ? FRAMING_STUN : FRAMING_RFC4571;
	most = data[0] & 2 ? MOST : 2046;
	step = 1 + data[1];
	data += 2;
	size -= 2;
	err = feed(&a, data, size, framing, most, size);
	if (err != feed(&b, data, size, framing, most, step))
		abort();
	if (err)
		return 0;
	if (a.n != b.n || memcmp(a.buf, b.buf, a.n))
		abort();
	if (framing == FRAMING_STUN)
		return 0;
	n = plain(want, data, size, most);
	if (a.n != n || memcmp(a.buf, want, n))
		abort();
	return 0;
}
