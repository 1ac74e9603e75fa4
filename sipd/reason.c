/*
 * reason.c: the words, exit codes and sentences of reason.h's list.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include "sipd/reason.h"

static const struct {
	const char *word;
	int code;
	const char *text;
} reasonv[REASON_COUNT] = {
#define REASON_ROW(e, word, code, text) { word, code, text },
	REASONS(REASON_ROW)
#undef REASON_ROW
};

struct out {
	char *p;
	unsigned left;          /* without the terminating NUL */
	bool full;
};

static void put(struct out *o, char c)
{
	if (!o->left) {
		o->full = true;
		return;
	}
	*o->p++ = c;
	--o->left;
}

/* A caller's claimed name comes from the network and goes to a terminal. */
static void put_peer(struct out *o, const char *peer)
{
	for (; *peer; peer++) {
		unsigned char c = (unsigned char)*peer;

		put(o, (char)(c < 0x20 || c == 0x7f ? '?' : c));
	}
}

static unsigned index_of(enum reason r)
{
	unsigned i = (unsigned)r;

	return i < REASON_COUNT ? i : (unsigned)REASON_INTERNAL;
}

const char *reason_name(enum reason r)
{
	return reasonv[index_of(r)].word;
}

enum reason reason_find(const char *name)
{
	for (unsigned i = 0; name && i < REASON_COUNT; i++)
		if (!strcmp(reasonv[i].word, name))
			return (enum reason)i;
	return REASON_NONE;
}

int reason_text(char *buf, unsigned size, enum reason r, const char *peer)
{
	const char *text = reasonv[index_of(r)].text;
	struct out o = { buf, size - 1, false };

	if (!buf || !size)
		return EINVAL;
	for (const char *p = text; *p; p++) {
		if (p[0] != '%' || p[1] != 's') {
			put(&o, *p);
			continue;
		}
		if (!peer || !*peer)
			put_peer(&o, p == text ? "The peer" : "the peer");
		else
			put_peer(&o, peer);
		++p;
	}
	*o.p = '\0';
	return o.full ? EOVERFLOW : 0;
}

int reason_exit(enum reason r)
{
	return reasonv[index_of(r)].code;
}
