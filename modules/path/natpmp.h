/*
 * natpmp.h: NAT-PMP messages (RFC 6886) as a client writes and reads them.
 */
#ifndef DIALTONE_NATPMP_H
#define DIALTONE_NATPMP_H

#include <re.h>

enum { NATPMP_REQUEST_MAX = 12 };

/* Write a request: for the external address, or to map a UDP port. external:
 * suggested. Lifetime in s; 0 with external 0 removes the mapping. Returns
 * the length, 0 if buf is too small. */
size_t natpmp_address(uint8_t *buf, size_t size);
size_t natpmp_map(uint8_t *buf, size_t size, uint16_t internal,
		  uint16_t external, uint32_t lifetime);

struct natpmp_answer {
	bool map;                       /* else: the external address */
	uint16_t result;                /* 0: success */
	uint32_t epoch;                 /* s since the gateway began */
	uint32_t address;               /* IPv4, host order */
	uint16_t internal, external;    /* ports */
	uint32_t lifetime;              /* s */
};

/* Read an answer; EBADMSG: none, or one to what is never asked here. */
int natpmp_decode(struct natpmp_answer *a, const uint8_t *buf, size_t len);

/* Has the gateway lost its state between two epochs that were read `passed`
 * seconds apart? RFC 6886 section 3.6. */
bool natpmp_epoch_lost(uint32_t before, uint32_t epoch, uint64_t passed);

#endif
