/*
 * onward.h: what a request looks like when it leaves us (RFC 3261 section
 * 16.6).
 */
#ifndef DIALTONE_REGISTRAR_ONWARD_H
#define DIALTONE_REGISTRAR_ONWARD_H

#include "sipd/registrar/core.h"

/* A branch that marks the request as having passed with this target. */
void onward_branch(char branch[TRANS_BRANCH], const struct core *c,
		   const struct sip_msg *msg);

/* Did this request pass here before, unchanged (section 16.3 step 4)? */
bool onward_loops(const struct core *c, const struct sip_msg *msg);

/* Does it begin a dialog that must stay on our path? */
bool onward_records(const struct sip_msg *msg);

/* The two Record-Route lines, for the caller's flow and the callee's. */
int onward_record(struct mbuf **mbp, const struct core *c,
		  const struct route *in, const struct route *out);

/* The request as sent on that flow; laddr, tp and realm of fw are filled in.
 * ENOTCONN if the flow is gone. */
int onward_request(struct mbuf **mbp, const struct core *c,
		   struct message_forward *fw, const struct flow *to);

/* An ACK goes its way without a trace. */
void onward_ack(struct core *c, const struct sip_msg *msg,
		const struct flow *to, unsigned routes);

#endif
