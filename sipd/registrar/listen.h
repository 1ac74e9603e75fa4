/*
 * listen.h: "udp:0.0.0.0:5060,tls:[::]:5061" as addresses.
 */
#ifndef DIALTONE_REGISTRAR_LISTEN_H
#define DIALTONE_REGISTRAR_LISTEN_H

#include <re.h>

enum { LISTEN_MAX = 16 };       /* entries of the configured list */

struct listen_addr {
	enum sip_transp tp;     /* UDP, TCP or TLS */
	struct sa sa;
};

/* Decode the list; why gets one sentence on error. */
int listen_decode(struct listen_addr v[LISTEN_MAX], unsigned *n,
		  const char *list, char *why, size_t why_size);

typedef int (listen_addr_h)(enum sip_transp tp, const struct sa *sa,
			    void *arg);

/* Call h with each concrete address meant: a wildcard is every address of
 * every interface of its family, but IPv6 link-local ones. Stops at and
 * returns the first error of h. */
int listen_apply(const struct listen_addr *la, listen_addr_h *h, void *arg);

#endif
