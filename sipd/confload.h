/*
 * confload.h: how far sipd.conf has been read (confread.c, confsect.c), and
 * what was wrong with it.
 */
#ifndef DIALTONE_CONFLOAD_H
#define DIALTONE_CONFLOAD_H

#include <limits.h>
#include <stdio.h>
#include "sipd/conftab.h"

enum { NAME_SIZE = 64 };        /* of a peer, with its NUL (peers.h) */

struct load {
	struct conf *c;
	FILE *f;
	struct conf_error *e;
	const char *file;       /* as shown */
	char dir[PATH_MAX];
	bool exposed;           /* the file can be read by everybody */
	int err;                /* the first one; EINVAL has its text */
	unsigned line;
	unsigned seen_line[SEC_COUNT];  /* of sections that come once */

	enum conf_sec sec;      /* the section being read */
	unsigned sec_line;      /* 0: before the first one */
	void *base;             /* its struct */
	const char *name;       /* its NAME, owned by the struct */
	bool seen[CONF_KEYS_MAX];       /* in this section, as conf_keys */
};

/* EINVAL, and a sentence on that line of the file, 0: on all of it. The first
 * error is the one that is told. */
int load_fail(struct load *ld, unsigned line, const char *fmt, ...);

/* "[peer bob]", for %H. */
int load_section(struct re_printf *pf, const struct load *ld);

#endif
