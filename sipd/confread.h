/*
 * confread.h: the file's part of conf.c.
 */
#ifndef DIALTONE_CONFREAD_H
#define DIALTONE_CONFREAD_H

#include "sipd/conftab.h"

/* Read FILE into c, whose defaults are set. EINVAL with e filled in, or
 * ENOMEM. */
int conf_read(struct conf *c, const char *file, struct conf_error *e);

#endif
