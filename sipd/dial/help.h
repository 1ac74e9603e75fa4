/*
 * help.h: `dial help`, `dial help WORD`, and --help after a word.
 */
#ifndef DIALTONE_HELP_H
#define DIALTONE_HELP_H

#include <re.h>

/* Is it asked for in these words, which follow the options? *word is the
 * command or tunnel that it is about, NULL: all. */
bool help_asked(int argc, char *argv[], const char **word);

/* The usage of that word, or of everything; for re's %H. EINVAL, and nothing
 * is printed: there is no such word. */
int help_print(struct re_printf *pf, const char *word);

#endif
