/*
 * help.c: what dial understands, all of it or one word, as words.c has it.
 *
 * Called by main.c.
 */
#include <errno.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/dial/help.h"
#include "sipd/dial/words.h"

static bool is_word(const char *name)
{
	struct word_row r;

	return words_find(&r, name);
}

/* `dial send --help`, `dial bob send --help`; what follows "--" is a name. */
bool help_asked(int argc, char *argv[], const char **word)
{
	*word = NULL;
	if (!argc || !strcmp(argv[0], "--"))
		return false;
	if (!strcmp(argv[0], "help")) {
		*word = argc > 1 ? argv[1] : NULL;
		return true;
	}
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (strcmp(argv[i], "--help") && strcmp(argv[i], "-h"))
			continue;
		if (is_word(argv[0]))
			*word = argv[0];
		else if (is_word(argv[1]))
			*word = argv[1];
		return true;
	}
	return false;
}

static int print_row(struct re_printf *pf, const struct word_row *r)
{
	return re_hprintf(pf, "  dial %s%s%s%s\n        %s\n",
			  r->tunnel ? "PEER " : "", r->name,
			  *r->usage ? " " : "", r->usage, r->help);
}

static int print_word(struct re_printf *pf, const char *word)
{
	struct word_row r;

	if (!words_find(&r, word))
		return EINVAL;
	return re_hprintf(pf, "usage:\n") | print_row(pf, &r) |
		re_hprintf(pf, "`man dial` tells more.\n");
}

static int print_all(struct re_printf *pf)
{
	struct word_row r;
	int err = re_hprintf(pf, "usage: dial [-jv] [-c FILE] PEER TUNNEL"
			     " [ARGUMENT...]\n       dial [-jv] [-c FILE]"
			     " COMMAND [ARGUMENT...]\n\nPEER is a [peer NAME]"
			     " of sipd.conf, user@host, or sip:192.0.2.7\n\n"
			     "Tunnels:\n");

	for (size_t i = 0; words_row(&r, i); i++)
		if (r.tunnel)
			err |= print_row(pf, &r);
	err |= re_hprintf(pf, "\nCommands:\n");
	for (size_t i = 0; words_row(&r, i); i++)
		if (!r.tunnel)
			err |= print_row(pf, &r);
	return err | re_hprintf(pf, "\nOptions:\n"
		"  -c FILE      the configuration (default"
		" ~/.config/dialtone/sipd.conf,\n               then"
		" /etc/dialtone/sipd.conf)\n"
		"  -h, --help   this; also `dial help`, and `dial help send`"
		" for one word\n"
		"  -j, --json   events as JSON lines on stdout\n"
		"  -v           tell more; twice: even more\n");
}

int help_print(struct re_printf *pf, const char *word)
{
	return word ? print_word(pf, word) : print_all(pf);
}
