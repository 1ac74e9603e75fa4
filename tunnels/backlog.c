/*
 * backlog.c: bytes that a descriptor did not take yet.
 */
#include <errno.h>
#include <string.h>
#include <re.h>
#include "tunnels/backlog.h"

enum { CAP_MIN = 16 * 1024 };

static int grow(struct backlog *b, size_t need)
{
	size_t cap = b->cap ? b->cap : CAP_MIN;
	uint8_t *buf;

	while (cap < need)
		cap *= 2;
	buf = mem_alloc(cap, NULL);
	if (!buf)
		return ENOMEM;
	if (b->buf)
		memcpy(buf, b->buf + b->start, b->end - b->start);
	mem_deref(b->buf);
	b->buf = buf;
	b->cap = cap;
	b->end -= b->start;
	b->start = 0;
	return 0;
}

int backlog_add(struct backlog *b, const uint8_t *p, size_t n)
{
	const size_t left = backlog_left(b);

	if (!n)
		return 0;
	/* moved down only when that frees at least as much as is moved */
	if (b->end + n > b->cap && left + n <= b->cap && b->start >= left) {
		memmove(b->buf, b->buf + b->start, left);
		b->start = 0;
		b->end = left;
	}
	else if (b->end + n > b->cap && grow(b, left + n)) {
		return ENOMEM;
	}
	memcpy(b->buf + b->end, p, n);
	b->end += n;
	return 0;
}

size_t backlog_left(const struct backlog *b)
{
	return b->end - b->start;
}

const uint8_t *backlog_data(const struct backlog *b)
{
	return b->buf + b->start;
}

void backlog_take(struct backlog *b, size_t n)
{
	b->start += n;
	if (b->start == b->end)
		backlog_free(b);
}

void backlog_free(struct backlog *b)
{
	b->buf = mem_deref(b->buf);
	b->cap = b->start = b->end = 0;
}
