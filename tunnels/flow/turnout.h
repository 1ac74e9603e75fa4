/*
 * turnout.h: datagrams on their way to peers, by ChannelData (RFC 8656
 * section 12.5). On the worker.
 */
#ifndef DIALTONE_TURNOUT_H
#define DIALTONE_TURNOUT_H

#include "tunnels/flow/turnlinkimpl.h"

/* The channel of this peer, NULL: it has none. */
const struct turnchan *turnout_chan(struct turnconn *c, const struct sa *peer);

/* As link_ops.write. */
int turnout_write(struct turnconn *c, const struct turnchan *ch,
		  const uint8_t *buf, size_t len, size_t seg, size_t *done);

/* UDP: what the socket did not take before. EAGAIN: nor does it now. */
int turnout_flush(struct turnconn *c);

#endif
