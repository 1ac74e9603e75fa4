/*
 * descparam.h: the grammar of a tunnel's parameters, for the decoder.
 */
#ifndef DIALTONE_DESCPARAM_H
#define DIALTONE_DESCPARAM_H

#include <re.h>

/* True for what [a-z0-9-] and nothing else makes up: keys and kinds. */
bool descparam_name(const struct pl *name);

/* True if text is "key=value;key=value...", as desc_param_set writes it and
 * no longer than DESC_PARAM_MAX. */
bool descparam_valid(const struct pl *text);

#endif
