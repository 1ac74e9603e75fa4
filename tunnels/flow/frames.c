/*
 * frames.c: [len][packet][len][packet]... to [packet packet packet], so that
 * they go on as a batch. No input or output of its own.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/flow/frames.h"

enum { BATCH_MAX = 65000 };             /* UDP_BATCH_MAX */

struct batch {
	uint8_t *p;
	size_t len, seg;
	frames_h *h;
	void *arg;
};

void frames_head(uint8_t head[FRAMES_HEAD], size_t n)
{
	head[0] = (uint8_t)(n >> 8);
	head[1] = (uint8_t)n;
}

static bool deliver(struct batch *b)
{
	const size_t len = b->len;

	b->len = 0;
	return !len || b->h(b->p, len, b->seg, b->arg);
}

/* One more; false: the taker wants no more of them. */
static bool add(struct batch *b, uint8_t *p, size_t len)
{
	bool ends = len > b->seg || b->len % b->seg ||
		b->len + len > BATCH_MAX;

	if (b->len && ends && !deliver(b))
		return false;
	if (b->len)
		memmove(b->p + b->len, p, len);
	else {
		b->p = p;
		b->seg = len;
	}
	b->len += len;
	return true;
}

/* The packet at p: the bytes of its head and of itself. false: it is not all
 * there. */
static bool next(const uint8_t *p, size_t left, enum framing framing,
		 size_t *head, size_t *len)
{
	if (framing == FRAMING_STUN) {
		*head = 0;
		if (left < FRAMES_STUN_HEAD)
			return false;
		*len = FRAMES_STUN_HEAD + (size_t)(p[2] << 8 | p[3]);
		return true;
	}
	*head = FRAMES_HEAD;
	if (left < FRAMES_HEAD)
		return false;
	*len = (size_t)(p[0] << 8 | p[1]);
	return true;
}

int frames_parse(uint8_t *in, size_t n, enum framing framing, size_t most,
		 frames_h *h, void *arg, size_t *used)
{
	struct batch b = { .h = h, .arg = arg, .seg = 1 };
	size_t head, len;

	for (*used = 0; next(in + *used, n - *used, framing, &head, &len); ) {
		uint8_t *p = in + *used;

		if (len > most || (framing == FRAMING_STUN && *p > 3))
			return EBADMSG;
		if (head + len > n - *used)
			break;
		*used += head + len;
		/* of length 0 there may be some, and mean nothing */
		if (len && !add(&b, p + head, len))
			return 0;
	}
	(void)deliver(&b);
	return 0;
}
