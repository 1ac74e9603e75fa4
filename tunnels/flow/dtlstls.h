/*
 * dtlstls.h: what OpenSSL is told of whom to trust and what to agree on.
 */
#ifndef DIALTONE_DTLSTLS_H
#define DIALTONE_DTLSTLS_H

#include "tunnels/flow/dtlsimpl.h"

/* The context for c's identity, made once for each and kept in ctxl. */
int dtlstls_get(struct tlsctx **tp, struct list *ctxl,
		const struct dtls_conf *conf);

/* A new SSL object with a as its application data. */
SSL *dtlstls_ssl(struct tlsctx *t, struct dassoc *a);

/* Free one, whatever it has come to; NULL is fine. */
void dtlstls_free(SSL *ssl);

/* The peer's certificates, to c->ctl; of a finished handshake. */
void dtlstls_chain(struct dconn *c, SSL *ssl);

/* What a finished handshake has agreed on; ENOTSUP: a cipher that we do not
 * make ourselves. */
int dtlstls_secret(struct rec_secret *s, SSL *ssl, bool client);

#endif
