/*
 * cmdline.h: dial's command line, and the order it becomes.
 */
#ifndef DIALTONE_CMDLINE_H
#define DIALTONE_CMDLINE_H

#include "sipd/dial/parse.h"

/* Parse what follows the options. EINVAL with one sentence in why. */
int cmdline_parse(struct word_order *wo, int argc, char *argv[], bool can_ask,
		  char *why, size_t size);

#endif
