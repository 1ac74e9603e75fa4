/*
 * frames.h: packets in a stream of bytes, each behind its length in two bytes
 * (RFC 4571), or STUN messages with lengths of their own. Of what was read
 * from a peer whom nobody knows.
 */
#ifndef DIALTONE_FRAMES_H
#define DIALTONE_FRAMES_H

#include <re.h>

enum framing { FRAMING_RFC4571, FRAMING_STUN };

enum {
	FRAMES_HEAD = 2,                /* RFC 4571 section 2 */
	FRAMES_STUN_HEAD = 20,          /* RFC 8489 section 5 */
};

/* Several packets of seg bytes, the last may be shorter. false: no more. */
typedef bool (frames_h)(uint8_t *p, size_t len, size_t seg, void *arg);

/* Hand over all packets of the n bytes at in that are complete; *used: how
 * many bytes that were. Those of one size move together, over the lengths
 * between them. EBADMSG: one longer than `most`, or no STUN. */
int frames_parse(uint8_t *in, size_t n, enum framing framing, size_t most,
		 frames_h *h, void *arg, size_t *used);

/* The head of a packet of n bytes; FRAMING_RFC4571 only. */
void frames_head(uint8_t head[FRAMES_HEAD], size_t n);

#endif
