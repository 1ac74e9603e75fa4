/*
 * confparts.h: accounts, peers and values of tunnel kinds in a struct conf.
 */
#ifndef DIALTONE_CONFPARTS_H
#define DIALTONE_CONFPARTS_H

#include "sipd/conftab.h"

/* Give a section's struct the defaults of the table. */
int conf_set_defaults(void *base, enum conf_sec sec);

/* Append one with its defaults; owned by c. */
int conf_account_add(struct conf *c, struct conf_account **ap,
		     const char *name);
int conf_peer_add(struct conf *c, struct conf_peer **pp, const char *name);
int conf_group_add(struct conf *c, struct conf_group **gp, const char *name);
int conf_turn_add(struct conf *c, struct conf_turn **tp, const char *name);
int conf_kind_add(struct conf *c, const char *kind, const char *key,
		  const char *value);

/* The same in place of the value that is there. */
int conf_kind_set(struct conf *c, const char *kind, const char *key,
		  const char *value);

/* NULL if there is none. */
struct conf_account *conf_account_find(const struct conf *c,
				       const char *name);
struct conf_turn *conf_turn_find(const struct conf *c, const char *name);
struct conf_group *conf_group_find(const struct conf *c, const char *name);
struct conf_peer *conf_peer_find(const struct conf *c, const char *name);

#endif
