/*
 * guessbook.c: what became of guesses, for the last peers. Called by
 * sessionpath.c.
 */
#include <errno.h>
#include <string.h>
#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/guessbook.h"

#define PAUSE (3600 * SEC)      /* after one that failed */

enum { PEERS = 64 };            /* the oldest makes room */

struct entry {
	uint8_t key[32];
	uint64_t at;            /* 0: free */
	bool worked;
};

struct guessbook {
	struct entry entryv[PEERS];
	struct entry *running;
};

int guessbook_alloc(struct guessbook **gp)
{
	*gp = mem_zalloc(sizeof **gp, NULL);
	return *gp ? 0 : ENOMEM;
}

static struct entry *find(struct guessbook *g, const uint8_t key[32])
{
	struct entry *old = &g->entryv[0];

	for (size_t i = 0; i < PEERS; i++) {
		struct entry *e = &g->entryv[i];

		if (e->at && !memcmp(e->key, key, sizeof e->key))
			return e;
		if (e->at < old->at)
			old = e;
	}
	memset(old, 0, sizeof *old);
	memcpy(old->key, key, sizeof old->key);
	return old;
}

bool guessbook_begin(struct guessbook *g, const uint8_t key[32],
		     uint64_t now)
{
	struct entry *e;

	if (g->running)
		return false;
	e = find(g, key);
	if (e->at && !e->worked && now < e->at + PAUSE)
		return false;
	e->at = now;
	g->running = e;
	return true;
}

void guessbook_end(struct guessbook *g, bool worked)
{
	if (!g->running)
		return;
	g->running->worked = worked;
	g->running = NULL;
}
