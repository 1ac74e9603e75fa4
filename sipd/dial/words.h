/*
 * words.h: dial's command line, as one table: what there is, how it is
 * written, and the order it becomes.
 */
#ifndef DIALTONE_WORDS_H
#define DIALTONE_WORDS_H

#include "sipd/dial/client.h"

struct word_order {
	struct odict *o;                /* the line for sipd; owned */
	enum client_mode mode;
	enum house_role role;
	bool fds;                       /* stdin and stdout go along */
	bool quiet;                     /* stdout and the terminal are used */
	bool lasting;                   /* a session: may ask, shows states */
};

/* Parse what follows the options. EINVAL with one sentence in why. */
int words_parse(struct word_order *wo, int argc, char *argv[], bool can_ask,
		char *why, size_t size);

/* What there is, a row each: commands and the verbs of tunnels. */
struct word_row {
	const char *name, *usage;
	const char *help;               /* of commands */
	bool tunnel;                    /* stands after a peer */
};
bool words_row(struct word_row *r, size_t i);

/* The usage of everything; for re's %H. */
int words_usage(struct re_printf *pf, void *unused);

#endif
