/*
 * turnconn.h: a connection to a TURN server, on the worker. What control
 * wants of it comes by turnlink.c.
 */
#ifndef DIALTONE_TURNCONN_H
#define DIALTONE_TURNCONN_H

#include "tunnels/flow/turnlinkimpl.h"

/* Not open yet. Its reports are the caller's to set. */
int turnconn_alloc(struct turnconn **cp, struct worker *w,
		   const struct turnlink_conf *conf);

/* Open it: from here on the worker's table owns it. */
void turnconn_start(void *data);

/* As turnlink_relayed, _bind, _last. */
void turnconn_relayed(struct turnconn *c, const struct sa *relayed);
void turnconn_bind(struct turnconn *c, uint16_t channel,
		   const struct sa *peer);
void turnconn_last(struct turnconn *c, const uint8_t *buf, size_t len);

/* It goes, a moment later if there is a last word. */
void turnconn_drop(struct turnconn *c);

#endif
