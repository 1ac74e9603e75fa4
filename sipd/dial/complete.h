/*
 * complete.h: completions for shells, made of the same table as the help.
 */
#ifndef DIALTONE_COMPLETE_H
#define DIALTONE_COMPLETE_H

#include <re.h>

/* The script for "bash", "zsh" or "fish"; for re's %H. EINVAL: another. */
int complete_print(struct re_printf *pf, const char *shell);

#endif
