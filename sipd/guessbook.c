/*
 * guessbook.c: what became of guesses. One that has begun has failed, until it
 * is known to have worked: so it counts if this process ends meanwhile. Called
 * by sessionpath.c and sessioncore.c.
 */
#include <errno.h>
#include <string.h>
#include "sipd/guessbook.h"

enum {
	PAUSE    = 3600,                /* s, after one that failed */
	REMEMBER = 30 * 24 * 3600,      /* one that worked */
	NAME_SIZE = 2 * 32 + 1,
};

static const char kind[] = "guess", worked_word[] = "worked";

struct guessbook {
	struct learned *l;
	bool running;
	char name[NAME_SIZE];
};

int guessbook_alloc(struct guessbook **gp, struct learned *l)
{
	struct guessbook *g = mem_zalloc(sizeof *g, NULL);

	if (!g)
		return ENOMEM;
	g->l = l;
	*gp = g;
	return 0;
}

static void name_of(char *name, const uint8_t key[32])
{
	(void)re_snprintf(name, NAME_SIZE, "%w", key, (size_t)32);
}

bool guessbook_worked(const struct guessbook *g, const uint8_t key[32],
		      time_t now)
{
	char name[NAME_SIZE];
	const char *v;

	name_of(name, key);
	v = learned_get(g->l, kind, name, now);
	return v && !strcmp(v, worked_word);
}

bool guessbook_begin(struct guessbook *g, const uint8_t key[32], time_t now)
{
	if (g->running)
		return false;
	name_of(g->name, key);
	if (learned_get(g->l, kind, g->name, now) &&
	    !guessbook_worked(g, key, now))
		return false;
	g->running = true;
	(void)learned_set(g->l, kind, g->name, "failed", now, PAUSE);
	return true;
}

void guessbook_end(struct guessbook *g, bool worked, time_t now)
{
	if (g->running && worked)
		(void)learned_set(g->l, kind, g->name, worked_word, now,
				  REMEMBER);
	g->running = false;
}
