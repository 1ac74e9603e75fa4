/*
 * proxy.h: what happens to a request (RFC 3261 section 16.3-16.5).
 */
#ifndef DIALTONE_REGISTRAR_PROXY_H
#define DIALTONE_REGISTRAR_PROXY_H

#include "sipd/registrar/core.h"

/* A request from the wire. */
void proxy_request(struct core *c, const struct sip_msg *msg,
		   const struct flow *flow);

#endif
