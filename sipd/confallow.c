/*
 * confallow.c: what an allow line says: kinds of tunnels, each with words of
 * its own behind it, which the kind itself judges.
 *
 * Called by rows of conftab.c, and by confread.c once all sections are there.
 */
#include <errno.h>
#include <string.h>
#include "sipd/confallow.h"
#include "sipd/nearest.h"
#include "tunnels/tunnel.h"

enum { ENTRY_SIZE = 256, WHY_SIZE = 160 };

struct lookup {
	confallow_get_h *geth;
	const struct conf *conf;
	const char *kind;
};

static const char *lookup_handler(const char *key, void *arg)
{
	const struct lookup *l = arg;

	return l->geth(l->conf, l->kind, key);
}

static int no_kind(const char *word, const struct conf_ctx *ctx)
{
	struct nearest near = { NULL, 0 };

	for (size_t i = 0; tunnel_kinds[i]; i++)
		nearest_try(&near, word, tunnel_kinds[i]->name);
	return confval_bad(ctx, "has '%s', which is no kind of tunnel%H", word,
			   nearest_print, &near);
}

/* "file /srv/in" -> "file", and its words. */
static const char *split(char *entry)
{
	char *words = entry + strcspn(entry, " \t");

	if (*words)
		*words++ = '\0';
	return words + strspn(words, " \t");
}

/* A kind has all its entries' words as one text: "/a" and "/b" were a folder
 * of the name "/a /b". */
static int check_once(const char *allow, const struct tunnel_kind *k,
		      const struct conf_ctx *ctx)
{
	char entry[ENTRY_SIZE];
	bool had = false;

	while (confval_item(&allow, entry, sizeof entry)) {
		const char *words = split(entry);

		if (!*words || tunnel_find(entry) != k)
			continue;
		if (had)
			return confval_bad(ctx, "has a second %s, '%s': %s,"
					   " name that alone", k->name, words,
					   k->once);
		had = true;
	}
	return 0;
}

/* What stands behind the kind; k NULL: it is "all". */
static int check_words(const struct tunnel_kind *k, const char *words,
		       struct lookup *l, const struct conf_ctx *ctx)
{
	char why[WHY_SIZE] = "";
	const struct tunnel_ask ask = {
		.allow = words, .confh = l->geth ? lookup_handler : NULL,
		.arg = l, .why = why, .why_size = sizeof why,
	};
	int err;

	if (!k || !k->allow)
		return confval_bad(ctx, "is wrong behind %s: nothing may stand"
				   " there, not '%s'", l->kind, words);
	err = k->allow(&ask);
	return err == EINVAL ? confval_bad(ctx, "is wrong behind %s: %s",
					   l->kind, why) : err;
}

int confallow_check(const char *allow, confallow_get_h *geth,
		    const struct conf *c, const struct conf_ctx *ctx)
{
	struct lookup l = { geth, c, NULL };
	const char *p = allow;
	char entry[ENTRY_SIZE];
	int err = 0;

	while (!err && confval_item(&p, entry, sizeof entry)) {
		const char *words = split(entry);
		const struct tunnel_kind *k = tunnel_find(entry);

		l.kind = entry;
		if (!k && str_casecmp(entry, "all") && strcmp(entry, "*"))
			err = no_kind(entry, ctx);
		else if (*words)
			err = check_words(k, words, &l, ctx);
		if (!err && k && k->once)
			err = check_once(allow, k, ctx);
	}
	return err;
}

int confval_allow(void *field, const struct conf_key *k, const char *value,
		  const struct conf_ctx *ctx)
{
	const int err = confallow_check(value, NULL, NULL, ctx);

	return err ? err : confval_list(field, k, value, ctx);
}
