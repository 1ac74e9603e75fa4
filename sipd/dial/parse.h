/*
 * parse.h: a command line that is being read.
 */
#ifndef DIALTONE_DIAL_PARSE_H
#define DIALTONE_DIAL_PARSE_H

#include "sipd/dial/client.h"

struct word_order {
	struct odict *o;                /* the line for sipd; owned */
	enum client_mode mode;
	enum house_role role;
	bool fds;                       /* stdin and stdout go along */
	bool quiet;                     /* stdout and the terminal are used */
	bool lasting;                   /* a session: may ask, shows states */
};

/* A row of the table: a command, or the verb of a tunnel. */
struct word_row {
	const char *name, *usage;
	const char *help;
	bool tunnel;                    /* stands after a peer */
};

struct parse {
	struct word_order *wo;
	int argc;                       /* of the words still to come */
	char **argv;
	char *why;
	size_t size;
	struct word_row row;            /* what the line is about */
};

/* The next word, or NULL. */
const char *parse_next(struct parse *p);

/* Add a string to the order; NULL: nothing. */
void parse_str(struct parse *p, const char *key, const char *val);

/* EINVAL, with the sentence in why. */
int parse_fail(const struct parse *p, const char *fmt, ...);

/* The same about an option that the row does not have. */
int parse_no_option(const struct parse *p, const char *w);

/* The same if there are words left, else 0. */
int parse_no_more(struct parse *p);

/* Does the word belong before all others, like -j? */
bool parse_is_own(const char *w);

/* How the row is written; for re's %H. */
int parse_usage(struct re_printf *pf, const struct word_row *r);

#endif
