/*
 * precheck.h: what a message must be like before libre's decoder sees it,
 * on datagrams and streams alike.
 */
#ifndef DIALTONE_SIP_PRECHECK_H
#define DIALTONE_SIP_PRECHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PRE_START  = 512,       /* bytes of a start line */
	PRE_FIELD  = 1024,      /* of a header the decoder matches */
	PRE_HEADER = 4096,      /* of any other */
	PRE_HEAD   = 16384,     /* of all headers */
	PRE_COUNT  = 128,       /* headers */
	PRE_COMMAS = 256,       /* values in lists */
	PRE_BODY   = 65536,
};

struct precheck {
	size_t head;            /* start line, headers and the empty line */
	size_t clen;            /* Content-Length */
	bool has_clen;
};

/* Look at the beginning of a message. 0: its head is complete and harmless;
 * ENODATA: harmless so far, more is needed; EBADMSG: malformed; EMSGSIZE: a
 * limit is exceeded. Takes time linear in n. */
int precheck(struct precheck *pc, const uint8_t *p, size_t n);

/* The full name of the header that a line begins, if it is one that is looked
 * into; NULL. *value: where what follows the colon begins. */
const char *precheck_header(const uint8_t *p, size_t n, size_t *value);

#endif
