/*
 * confsect.h: where a section of sipd.conf begins and ends; for confread.c.
 * Both return 0, EINVAL with load_fail called, or ENOMEM.
 */
#ifndef DIALTONE_CONFSECT_H
#define DIALTONE_CONFSECT_H

struct load;

/* "[word name]" comes at ld->line: ld->base is its struct from now on. */
int confsect_begin(struct load *ld, const char *word, const char *name);

/* The last one, if any, is whole: is all there that it must have? */
int confsect_end(struct load *ld);

#endif
