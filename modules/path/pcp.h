/*
 * pcp.h: PCP messages (RFC 6887) as a client writes and reads them: MAP for
 * UDP and ANNOUNCE. The FILTER option is deliberately absent: our one mapping
 * serves all sessions, also those still to come from peers nobody knows yet.
 */
#ifndef DIALTONE_PCP_H
#define DIALTONE_PCP_H

#include <re.h>

enum {
	PCP_PORT = 5351,                /* of servers */
	PCP_ANNOUNCE_PORT = 5350,       /* of clients, for announcements */
	PCP_NONCE_SIZE = 12,
	PCP_MSG_MAX = 1100,             /* RFC 6887 section 7 */
	PCP_REQUEST_MAX = 60,           /* the largest of ours */
};

enum pcp_op { PCP_ANNOUNCE = 0, PCP_MAP = 1 };

enum { PCP_SUCCESS = 0 };         /* of results */

/* A mapping that is asked for. Lifetime 0 removes it. */
struct pcp_want {
	const struct sa *client;        /* ours, with the port to be mapped */
	const struct sa *external;      /* suggested; unset: any */
	const uint8_t *nonce;           /* of PCP_NONCE_SIZE, kept for good */
	uint32_t lifetime;              /* s */
};

/* Write a request; returns its length, 0 if buf is too small. */
size_t pcp_announce(uint8_t *buf, size_t size, const struct sa *client);
size_t pcp_map(uint8_t *buf, size_t size, const struct pcp_want *want);

struct pcp_answer {
	enum pcp_op op;
	uint8_t result;
	uint32_t lifetime;              /* s; of the error, if it is one */
	uint32_t epoch;                 /* s since the server lost its state */
	const uint8_t *nonce;           /* MAP only, into the buffer */
	uint16_t internal;
	struct sa external;
};

/* Read an answer; EBADMSG: none, or one to what is never asked here. */
int pcp_decode(struct pcp_answer *a, const uint8_t *buf, size_t len);

/* Has the server lost its state between two epochs that were read `passed`
 * seconds apart? RFC 6887 section 8.5. */
bool pcp_epoch_lost(uint32_t before, uint32_t epoch, uint64_t passed);

#endif
