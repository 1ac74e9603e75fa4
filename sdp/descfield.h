/*
 * descfield.h: o=, c=, m=, a=mid and a=x-dialtone-tunnel, taken apart.
 */
#ifndef DIALTONE_DESCFIELD_H
#define DIALTONE_DESCFIELD_H

#include "sdp/desc.h"

enum {
	MLINE_MAX = 512,        /* bytes; an answer may have to echo it */
};

/* "media port proto fmt ..." */
struct mline {
	struct pl media;
	uint32_t port;
	struct pl rest;         /* proto and all formats */
	struct pl proto;        /* what is between port and the last word */
	struct pl fmt;          /* the last word */
};

/* Decode the value of an o= line. EBADMSG: malformed. */
int descfield_origin(uint64_t *id, uint64_t *ver, const struct pl *val);

/* Decode the value of a c= line, port 0; what cannot be used (a name, "any")
 * leaves sa unset, for candidates are what counts. EBADMSG: malformed. */
int descfield_conn(struct sa *sa, const struct pl *val);

/* Decode the value of an m= line; m points into it. EBADMSG: malformed. */
int descfield_mline(struct mline *m, const struct pl *val);

/* Is it a tunnel of ours? Then *proto is set. */
bool descfield_is_tunnel(const struct mline *m, enum desc_proto *proto);

/* Is it audio as a plain phone offers it? */
bool descfield_is_audio(const struct mline *m);

/* The text with port 0, for desc_media's raw. */
int descfield_refused(char **rawp, const struct mline *m);

/* Decode a=mid and a=x-dialtone-tunnel into m. A mid or kind longer than we
 * keep is not the peer's mistake: m is then no longer known. EBADMSG:
 * malformed; ENOMEM. */
int descfield_mid(struct desc_media *m, const struct pl *val);
int descfield_tunnel(struct desc_media *m, const struct pl *val);

#endif
