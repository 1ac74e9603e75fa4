/*
 * sipcounts.h: what came by the SIP sockets of a side.
 */
#ifndef DIALTONE_SIP_SIPCOUNTS_H
#define DIALTONE_SIP_SIPCOUNTS_H

#include <stdint.h>

struct sipcounts {
	uint64_t received;      /* messages, decoded */
	uint64_t dropped;       /* malformed, or an answer that was too much */
	uint64_t limited;       /* refused or dropped for their number */
};

#endif
