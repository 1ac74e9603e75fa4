/*
 * message.h: SIP messages as the proxy passes them on (RFC 3261 section 16.6,
 * 16.7).
 */
#ifndef DIALTONE_REGISTRAR_MESSAGE_H
#define DIALTONE_REGISTRAR_MESSAGE_H

#include <re.h>
#include "sipd/registrar/transport.h"

enum { METHOD_SIZE = 64 };

/* What is wrong with a request, as the phrase of a 400; NULL: nothing. */
const char *message_fault(const struct sip_msg *msg);

bool message_is(const struct sip_msg *msg, const char *met);

/* A response without its first Via. challenges: header lines in place of its
 * WWW- and Proxy-Authenticate (merged of several branches), or NULL. */
int message_forward_response(struct mbuf **mbp, const struct sip_msg *msg,
			     const struct mbuf *challenges);

/* A request passed on. */
struct message_forward {
	const struct sip_msg *msg;
	const char *uri;                /* the new Request-URI */
	const char *branch;
	enum sip_transp tp;             /* of the way out */
	const struct sa *laddr;
	unsigned routes;                /* Route values of ours to remove */
	const char *realm;              /* whose Proxy-Authorization is ours */
	const struct mbuf *record;      /* Record-Route lines, or NULL */
};

int message_forward_request(struct mbuf **mbp,
			    const struct message_forward *fw);

#endif
