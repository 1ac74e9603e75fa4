/*
 * parse.c: one word of the command line after the other, and the sentences
 * about those that do not belong there.
 *
 * Called by words.c and cmdline.c.
 */
#include <errno.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/dial/parse.h"
#include "sipd/dial/usage.h"

int parse_fail(const struct parse *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)re_vsnprintf(p->why, p->size, fmt, ap);
	va_end(ap);
	return EINVAL;
}

void parse_str(struct parse *p, const char *key, const char *val)
{
	if (val)
		(void)odict_entry_add(p->wo->o, key, ODICT_STRING, val);
}

const char *parse_next(struct parse *p)
{
	return p->argc ? (--p->argc, *p->argv++) : NULL;
}

int parse_usage(struct re_printf *pf, const struct word_row *r)
{
	return re_hprintf(pf, "`dial %s%s%s%s`", r->tunnel ? "PEER " : "",
			  r->name, *r->usage ? " " : "", r->usage);
}

/* dial's own options stand before the words. */
bool parse_is_own(const char *w)
{
	return !strcmp(w, "-j") || !strcmp(w, "--json") || !strcmp(w, "-v") ||
		!strcmp(w, "-c");
}

int parse_no_option(const struct parse *p, const char *w)
{
	char near[40];

	if (parse_is_own(w))
		return parse_fail(p, "%s goes first: write `dial %s %s%s ...`.",
				  w, w, p->row.tunnel ? "PEER " : "",
				  p->row.name);
	usage_nearest(p->row.usage, w, near, sizeof near);
	if (*near)
		return parse_fail(p, "`%s` has no option %s; did you mean"
				  " '%s'?", p->row.name, w, near);
	return parse_fail(p, "There is no option %s here: write %H.", w,
			  parse_usage, &p->row);
}

static int no_word(const struct parse *p, const char *w)
{
	if (*w == '-' && w[1])
		return parse_no_option(p, w);
	return parse_fail(p, "\"%s\" is one word too many: write %H.", w,
			  parse_usage, &p->row);
}

int parse_no_more(struct parse *p)
{
	return p->argc ? no_word(p, *p->argv) : 0;
}
