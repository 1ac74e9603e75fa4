/*
 * confallow.h: allow in sipd.conf.
 */
#ifndef DIALTONE_CONFALLOW_H
#define DIALTONE_CONFALLOW_H

#include "sipd/confval.h"

conf_set_h confval_allow;       /* list of tunnel kinds with their words */

/* conf_kind_get, which needs the table that needs us */
typedef const char *(confallow_get_h)(const struct conf *c, const char *kind,
				      const char *key);

/* Does each entry make sense; and, unless geth is NULL, is in c what they
 * name? EINVAL with the rest of a sentence in ctx->why. */
int confallow_check(const char *allow, confallow_get_h *geth,
		    const struct conf *c, const struct conf_ctx *ctx);

#endif
