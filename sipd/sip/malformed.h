/*
 * malformed.h: the answer to a request that is not worth decoding.
 */
#ifndef DIALTONE_SIP_MALFORMED_H
#define DIALTONE_SIP_MALFORMED_H

#include <re.h>

/* 400 or 505, without state, to the n bytes that precheck or the decoder
 * refused. *dst comes as where they are from and, for UDP, gets the port that
 * the Via wants. EBADMSG: nobody to answer: no request, an ACK, no Via. */
int malformed_answer(struct mbuf **mbp, struct sa *dst, bool udp,
		     const uint8_t *p, size_t n);

#endif
