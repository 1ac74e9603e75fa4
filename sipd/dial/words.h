/*
 * words.h: what dial understands, as one table.
 */
#ifndef DIALTONE_WORDS_H
#define DIALTONE_WORDS_H

#include "sipd/dial/parse.h"
#include "tunnels/tunnel.h"

/* A row for each command and for each tunnel that users call for; false: no
 * more. words_find is that of a name. */
bool words_row(struct word_row *r, size_t i);
bool words_find(struct word_row *r, const char *name);

/* What users write for this kind. */
const char *words_verb(const struct tunnel_kind *k);

/* Read the words after this command. ENOENT: it is none. */
int words_command(struct parse *p, const char *word);

#endif
