/*
 * register.h: the registrar (RFC 3261 section 10.3, 5626).
 */
#ifndef DIALTONE_REGISTRAR_REGISTER_H
#define DIALTONE_REGISTRAR_REGISTER_H

#include "sipd/registrar/core.h"

/* Answer a REGISTER whose Request-URI is ours. */
void register_request(struct core *c, const struct sip_msg *msg,
		      const struct flow *flow);

#endif
