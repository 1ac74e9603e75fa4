/*
 * turnwire.h: what a TURN server and its client say to each other that is
 * not control: ChannelData messages and Data indications (RFC 8656 sections
 * 11 and 12), read and written in place. All of it is hostile.
 */
#ifndef DIALTONE_TURNWIRE_H
#define DIALTONE_TURNWIRE_H

#include <re.h>

enum {
	TURNWIRE_HEADER = 4,            /* channel number, length */
	TURNWIRE_CHANNEL_MIN = 0x4000,
	TURNWIRE_CHANNEL_MAX = 0x4fff,
};

struct turnwire {
	uint16_t channel;       /* 0: a STUN message */
	const uint8_t *p;       /* the data, or the whole STUN message */
	size_t len;
	size_t size;            /* with header and padding */
};

/* Read the message at buf; on a stream (RFC 8656 section 12.5: padded to 4
 * bytes) more may follow. EAGAIN: it is not whole yet, m->size says how much
 * it will be or is 0; EBADMSG: neither of the two. */
int turnwire_next(struct turnwire *m, const uint8_t *buf, size_t len,
		  bool stream);

void turnwire_head(uint8_t h[TURNWIRE_HEADER], uint16_t channel, size_t len);

/* How many bytes follow n of data on a stream. */
size_t turnwire_padding(size_t n);

/* A Data indication's peer and data; false: it is something else. */
bool turnwire_data(const uint8_t *buf, size_t len, struct sa *peer,
		   const uint8_t **p, size_t *n);

#endif
