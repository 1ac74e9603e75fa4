/*
 * quickeys.h: QUIC's packet protection (RFC 9001, 5 and 6): GnuTLS makes the
 * secrets, the keys are aead.h's. Version 1 and SHA-256 alone: nothing else is
 * offered.
 */
#ifndef DIALTONE_QUICKEYS_H
#define DIALTONE_QUICKEYS_H

#include "tunnels/flow/quicimpl.h"

/* Fill in all that ngtcp2 asks about keys. */
void quickeys_callbacks(ngtcp2_callbacks *cb);

/* GnuTLS's secret function; its session's pointer must be a
 * ngtcp2_crypto_conn_ref. */
int quickeys_secrets(gnutls_session_t tls,
		     gnutls_record_encryption_level_t level, const void *rx,
		     const void *tx, size_t n);

#endif
