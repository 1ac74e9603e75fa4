/*
 * descline.h: SDP as lines, and the words both ends of it share.
 */
#ifndef DIALTONE_DESCLINE_H
#define DIALTONE_DESCLINE_H

#include <re.h>

enum {
	DESCLINE_MAX = 4096,    /* bytes of one line */
};

/* Indexed by enum desc_proto. */
struct descline_proto {
	const char *proto, *fmt;
};
extern const struct descline_proto descline_protov[2];

/* Indexed by enum desc_setup. */
extern const char *const descline_setupv[3];

struct descline {
	char type;              /* 'a' of "a=..." */
	struct pl val;
	unsigned no;            /* counted from 1 */
};

/* Take the next line off rest; l->no counts on, so zero it at first. Empty
 * lines are skipped. ENOENT: no more. EMSGSIZE: too long. EBADMSG: not
 * "x=...", a NUL, or a CR that ends no line (RFC 8866 section 5). */
int descline_next(struct pl *rest, struct descline *l);

/* True if l is a=name or a=name:val; val (may be NULL) is what follows. */
bool descline_attr(const struct descline *l, const char *name,
		   struct pl *val);

#endif
