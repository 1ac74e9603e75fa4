/*
 * dtlssend.h: a DTLS association's datagrams on their way out.
 */
#ifndef DIALTONE_DTLSSEND_H
#define DIALTONE_DTLSSEND_H

#include "tunnels/flow/dtlsimpl.h"

extern const struct dgram_ops dtlssend_ops;

/* A whole datagram as it is: now, or into the batch (EAGAIN as dgram_put). */
int dtlssend_now(struct dconn *c, const uint8_t *p, size_t n);
int dtlssend_append(struct dconn *c, const uint8_t *p, size_t n);

/* One record of the association we send by, now; lost if the socket is full.
 * EMSGSIZE: larger than the interface takes. */
int dtlssend_record(struct dconn *c, enum rec_type type, const void *p,
		    size_t n);

/* What it adds to a packet. */
size_t dtlssend_overhead(const struct dconn *c);

/* The path's MTU has been looked at: tell the tunnel. */
void dtlssend_mtu(struct dconn *c);

/* Where to send from now on; what waited for room tries the new way. */
void dtlssend_path(struct dconn *c, int proto, const struct sa *local,
		   const struct sa *remote);

/* Nothing of what was put is sent any more. */
void dtlssend_end(struct dconn *c);

#endif
