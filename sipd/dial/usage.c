/*
 * usage.c: a usage line says what may be written: words that begin with '-'
 * or are in small letters as they are, names in capitals for something else.
 * Completions and the sentences about mistyped words are made of it.
 *
 * Called by words.c and complete.c.
 */
#include <ctype.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/dial/usage.h"
#include "sipd/nearest.h"

enum { LITERAL_MAX = 40 };

bool usage_next(const char **p, struct pl *word)
{
	static const char between[] = " []|";

	*p += strspn(*p, between);
	word->p = *p;
	word->l = strcspn(*p, between);
	*p += word->l;
	return word->l > 0;
}

bool usage_literal(const struct pl *word)
{
	for (size_t i = 0; i < word->l; i++)
		if (!islower((unsigned char)word->p[i]) &&
		    !(word->p[i] == '-' && word->l > 1) &&
		    !(i && word->p[i - 1] == '-'))
			return false;
	return true;
}

bool usage_has(const char *usage, const char *word)
{
	struct pl w;

	while (usage_next(&usage, &w))
		if (usage_literal(&w) && !pl_strcmp(&w, word))
			return true;
	return false;
}

void usage_nearest(const char *usage, const char *word, char *buf, size_t size)
{
	struct nearest best = { NULL, 0 };
	char lit[LITERAL_MAX];
	struct pl w;

	*buf = '\0';
	while (usage_next(&usage, &w)) {
		struct nearest near = { NULL, 0 };

		if (!usage_literal(&w) || pl_strcpy(&w, lit, sizeof lit))
			continue;
		nearest_try(&near, word, lit);
		if (near.best && (!best.best || near.dist < best.dist)) {
			(void)str_ncpy(buf, lit, size);
			best.best = buf;
			best.dist = near.dist;
		}
	}
}
