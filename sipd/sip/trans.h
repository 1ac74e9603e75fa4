/*
 * trans.h: what client and server transactions have in common (RFC 3261
 * section 17).
 */
#ifndef DIALTONE_SIP_TRANS_H
#define DIALTONE_SIP_TRANS_H

#include <re.h>
#include "sdp/base/clock.h"

/* Section 17.1.1.1, in ns. */
#define T1 (SIP_T1 * MSEC)
#define T2 (SIP_T2 * MSEC)
#define T4 (SIP_T4 * MSEC)

bool trans_reliable(enum sip_transp tp);

/* Which way the messages of a transaction go. link is the transport's: which
 * of its sockets or connections, compared but not looked into. */
struct trans_way {
	enum sip_transp tp;
	struct sa dst;
	uintptr_t link;
};

bool trans_way_cmp(const struct trans_way *a, const struct trans_way *b);
uint32_t trans_way_hash(const struct trans_way *way);

/* How a transaction sends: mb from pos to end, which stay as they are. */
typedef int (trans_send_h)(const struct trans_way *way, struct mbuf *mb,
			   void *arg);

enum { TRANS_BRANCH = 48 };

/* A new branch: 64 random bits, then mark (at most 16 characters). */
void trans_branch(char branch[TRANS_BRANCH], const char *mark);

/* "Via: ..." of a request of ours. */
int trans_via(struct mbuf *mb, enum sip_transp tp, const struct sa *laddr,
	      const char *branch);

/* A server transaction is known by branch and sent-by of the first Via and its
 * method (section 17.2.3), whatever their length; ACK and CANCEL ask for the
 * INVITE's. The key is a string of trans_key_size bytes. */
size_t trans_key_size(const struct sip_msg *msg);
void trans_key_write(char *key, const struct sip_msg *msg);
bool trans_key_is(const char *key, const struct sip_msg *msg,
		  const struct pl *met);

/* ACK for the failure rsp (section 17.1.1.3), or CANCEL (9.1, rsp NULL), of a
 * request as we sent it; headers: further lines, or NULL. */
int trans_followup(struct mbuf **mbp, const char *met, struct mbuf *sent,
		   const struct sip_msg *rsp, const char *headers);

#endif
