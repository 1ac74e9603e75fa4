/*
 * cand.h: one ICE candidate, as RFC 8839 (UDP) and RFC 6544 (TCP) write it.
 */
#ifndef DIALTONE_CAND_H
#define DIALTONE_CAND_H

#include <re.h>

enum cand_type { CAND_HOST, CAND_SRFLX, CAND_PRFLX, CAND_RELAY };
/* CAND_TLS_PASSIVE is passive TCP that takes TLS around it, too: for networks
 * that let nothing else out. To others it looks like any passive one. */
enum cand_transp { CAND_UDP, CAND_TCP_ACTIVE, CAND_TCP_PASSIVE, CAND_TCP_SO,
		   CAND_TLS_PASSIVE };

enum { CAND_FOUNDATION_MAX = 32 };      /* RFC 8839 section 5.1 */

struct cand {
	enum cand_type type;
	enum cand_transp transp;
	char foundation[CAND_FOUNDATION_MAX + 1];
	uint32_t prio;
	struct sa addr;         /* what the peer sends to */
	struct sa base;         /* local candidates: what we send from */
	struct sa rel;          /* raddr/rport; unset if absent */
};

/* "host", "srflx", "prflx", "relay". */
const char *cand_type_name(enum cand_type type);

/* IPPROTO_UDP or IPPROTO_TCP. */
int cand_proto(const struct cand *c);

/* It waits for others to connect. */
bool cand_passive(const struct cand *c);

/* "UDP", "TCP", "TLS": for people. */
const char *cand_transp_name(enum cand_transp transp);

/* RFC 8445 section 5.1.2.1; local_pref 0..65535, component 1. */
uint32_t cand_prio(enum cand_type type, uint16_t local_pref);

/* The same for TCP, always below UDP's and above a relay's (RFC 6544 section
 * 4.2); other_pref: 0..8191, of which the largest are meant if it is more. */
uint32_t cand_prio_tcp(enum cand_type type, enum cand_transp transp,
		       uint16_t other_pref);

/* Set the foundation from type, base, transport and server (may be NULL):
 * equal inputs give equal foundations (RFC 8445 section 5.1.1.3). */
void cand_foundation(struct cand *c, const struct sa *server);

/* Print the value of an a=candidate line; for re's %H. */
int cand_print(struct re_printf *pf, const struct cand *c);

/* Decode that value. EBADMSG: malformed. ENOTSUP: well formed but of no use
 * here (a host name, .local, component 2, unknown type): skip the line. */
int cand_decode(struct cand *c, const struct pl *val);

#endif
