/*
 * desctransp.h: what a description says of the one 5-tuple: ICE, key, DTLS
 * role. RFC 9143 lets these stand on the session or on any bundled m-line, so
 * sections are read in the order of their weight and the first that says a
 * thing wins.
 */
#ifndef DIALTONE_DESCTRANSP_H
#define DIALTONE_DESCTRANSP_H

#include "sdp/desc.h"
#include "sdp/descline.h"

enum {
	TRANSP_UFRAG = 1 << 0,
	TRANSP_PWD   = 1 << 1,
	TRANSP_FP    = 1 << 2,
	TRANSP_SETUP = 1 << 3,
	TRANSP_TLSID = 1 << 4,
	TRANSP_CAND  = 1 << 5,
	TRANSP_HASH  = 1 << 6,  /* a fingerprint by another hash */
	TRANSP_HOLD  = 1 << 7,  /* setup:holdconn */
};

/* All zero but for d is the start. */
struct desctransp {
	struct desc *d;         /* filled in */
	unsigned have;          /* said by earlier sections */
	unsigned now;           /* said by this one, too */
	const char *bad;        /* attribute that EBADMSG is about */
};

/* A section of less weight begins. */
void desctransp_section(struct desctransp *t);

/* Read one line; lines that say nothing of the transport are let pass.
 * EBADMSG: malformed. */
int desctransp_line(struct desctransp *t, const struct descline *l);

/* Add a candidate unless d has an equal one or DESC_CAND_MAX of them: these
 * are no errors. ENOMEM. */
int desctransp_cand(struct desc *d, const struct cand *c);

#endif
