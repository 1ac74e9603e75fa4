/*
 * flowend.h: how a flow of either kind ends, for the control thread.
 */
#ifndef DIALTONE_FLOWEND_H
#define DIALTONE_FLOWEND_H

#include <stdint.h>

enum flow_end {
	FLOW_END_CLOSED,        /* the peer closed; text is its reason */
	FLOW_END_IDLE,          /* nothing heard for `idle` */
	FLOW_END_HANDSHAKE,     /* not secured within 15 s of the first path */
	FLOW_END_KEY,           /* the peer has another key: got_fp */
	FLOW_END_PROTOCOL,      /* the peer broke the protocol */
};

/* At most once, and nothing after it; not after the flow's close. code: QUIC's
 * error code or TLS's alert. */
typedef void (flow_end_h)(enum flow_end why, uint64_t code, const char *text,
			  const uint8_t got_fp[32], void *arg);

#endif
