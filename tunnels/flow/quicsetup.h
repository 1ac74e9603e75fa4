/*
 * quicsetup.h: how a QUIC connection begins.
 */
#ifndef DIALTONE_QUICSETUP_H
#define DIALTONE_QUICSETUP_H

#include "tunnels/flow/quicimpl.h"

/* Make c->conn and c->tls. hd: of the client's first packet; NULL: we are
 * the client. On error the caller undoes what was made. */
int quicsetup_conn(struct qconn *c, const ngtcp2_pkt_hd *hd);

/* The one path that ngtcp2 knows. */
const ngtcp2_path *quicsetup_path(void);

#endif
