/*
 * tlsshape.h: TLS for no more than its shape: some networks let nothing else
 * out. Neither side knows the other by it: nothing is checked, and whoever
 * stands between sees what he would see without, for inside are checks with
 * their keys (RFC 8445), and QUIC or DTLS, where the peer's key is compared.
 */
#ifndef DIALTONE_TLSSHAPE_H
#define DIALTONE_TLSSHAPE_H

#include <openssl/ssl.h>

/* For who listens: a key and a certificate that last as long as this context.
 * Not those of the identity: strangers would have it sign, and learn who is
 * here. SSL_CTX_free. */
int tlsshape_server(SSL_CTX **cp);

/* For who connects. */
int tlsshape_client(SSL_CTX **cp);

#endif
