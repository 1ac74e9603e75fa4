/*
 * transp.h: the sockets and connections of one account.
 */
#ifndef DIALTONE_UA_TRANSP_H
#define DIALTONE_UA_TRANSP_H

#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/ua/hop.h"
#include "sipd/sip/quota.h"

struct transp;

struct transp_conf {
	const char *ca, *cert;  /* as in ua.h */
	const char *interfaces;
	struct quota *quota;    /* or NULL; it outlives us */
	uint16_t port;          /* 0: any */
	uint32_t transactions;  /* for stack.c, as in ua.h */
	/* a decoded message; it may be kept by mem_ref */
	void (*msgh)(const struct sip_msg *msg, void *arg);
	/* what was sent to sock (streams) or dst (UDP) will not arrive;
	 * EACCES: TLS, why says what is wrong with the certificate */
	void (*failh)(const void *sock, enum sip_transp tp,
		      const struct sa *dst, int err, const char *why,
		      void *arg);
	/* a STUN packet on a UDP socket */
	void (*stunh)(const struct sa *src, const struct mbuf *mb, void *arg);
	void *arg;
};

int transp_alloc(struct transp **tp, struct timers *timers,
		 const struct transp_conf *conf);

/* Listen for UDP, TCP and TLS on a local address. EADDRINUSE. */
int transp_open(struct transp *t, const struct sa *laddr);

/* Listen on every address (all) or forget the addresses that are gone. */
int transp_sync(struct transp *t, bool all);

/* Close all sockets and connections; failh is not called. */
void transp_flush(struct transp *t);

/* The address to write into Via and Contact for this hop; opens a socket, or
 * a connection, on demand. */
int transp_local(struct transp *t, struct sa *laddr, const struct hop *hop);

/* Of the first address of now, for people; ENOENT if there is none. */
int transp_first(const struct transp *t, struct sa *laddr);

/* Send. *sockp, if given, is what failh would call it; for streams it may wait
 * for the connection. */
int transp_send(struct transp *t, const struct hop *hop, struct mbuf *mb,
		const void **sockp);

/* Keep the way to hop open: CRLF; on streams expect an answer within so many
 * seconds, 0: none. */
int transp_ping(struct transp *t, const struct hop *hop, unsigned wait);

#endif
