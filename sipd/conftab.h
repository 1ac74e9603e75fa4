/*
 * conftab.h: every key of sipd.conf: section, type, default, place in struct
 * conf. One table; reading, checking and printing follow it.
 */
#ifndef DIALTONE_CONFTAB_H
#define DIALTONE_CONFTAB_H

#include "sipd/conf.h"

enum conf_sec {
	SEC_SIPD, SEC_TRUST, SEC_ACCOUNT, SEC_NAT, SEC_TURN, SEC_GROUP,
	SEC_PEER, SEC_FILE, SEC_PIPE, SEC_VPN, SEC_REGISTRAR,
	SEC_COUNT
};

enum sec_name { NAME_NO, NAME_MAY, NAME_MUST };

struct conf_section {
	const char *word;
	enum sec_name name;     /* [word NAME]? */
	bool kind;              /* of a tunnel: strings in conf.kindl, with a
	                           name under "NAME/key" */
	bool optional;          /* to be there means something: commented out
	                           in etc/sipd.conf */
};

extern const struct conf_section conf_sections[SEC_COUNT];

/* What a value is read with, and where its sentence of refusal goes. */
struct conf_ctx {
	const char *dir;        /* relative paths start here */
	bool exposed;           /* the file can be read by everybody */
	char *why;
	size_t size;
};

struct conf_key;

/* Check value and write it to the field. EINVAL with the rest of a sentence
 * in ctx->why: "must be yes or no". */
typedef int (conf_set_h)(void *field, const struct conf_key *k,
			 const char *value, const struct conf_ctx *ctx);

struct conf_key {
	enum conf_sec sec;
	const char *word;
	conf_set_h *seth;
	size_t offset;          /* into the section's struct */
	const char *def;        /* default, NULL: none or computed */
	const char *show;       /* in etc/sipd.conf when def is NULL */
	bool list;              /* may be given again, appends */
	uint32_t min, max;      /* of numbers */
};

enum { CONF_KEYS_MAX = 160 };

extern const struct conf_key conf_keys[];
extern const size_t conf_keyc;

/* The key of a section, NULL if there is none. */
const struct conf_key *conf_key_find(enum conf_sec sec, const char *word);

#endif
