/*
 * tlsctx.h: TLS for SIP that looks whom it talks to.
 */
#ifndef DIALTONE_SIP_TLSCTX_H
#define DIALTONE_SIP_TLSCTX_H

#include <re.h>

struct tlsctx;

/* ca: a PEM file or a folder of hashed ones, NULL: the system's; cert: a PEM
 * file with chain and key, or NULL. EINVAL: a file cannot be used. */
int tlsctx_alloc(struct tlsctx **tp, const char *ca, const char *cert);

/* Can it answer handshakes? */
bool tlsctx_has_cert(const struct tlsctx *t);

/* Begin TLS on a connection just made to `name` (a host name or an address,
 * which the certificate must carry), or with NULL on an accepted one. */
int tlsctx_start(struct tls_conn **scp, struct tlsctx *t,
		 struct tcp_conn *tc, const char *name);

/* Did a handshake find a certificate wanting since the last question? Then
 * why says how. */
bool tlsctx_fault(struct tlsctx *t, char *why, size_t size);

#endif
