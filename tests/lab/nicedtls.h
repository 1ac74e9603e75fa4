/*
 * nicedtls.h: DTLS 1.2 by OpenSSL over a way that libnice found, both sides
 * with a certificate, as those who use libnice do it (WebRTC): what our byte
 * is compared with, which is protected, too.
 */
#ifndef DIALTONE_NICEDTLS_H
#define DIALTONE_NICEDTLS_H

#include <stdbool.h>
#include <stddef.h>

struct nicedtls;

/* Less than len: it could not be sent now, and is kept. */
typedef int (nicedtls_send_h)(const char *buf, size_t len, void *arg);

/* NULL: no memory. The key is made here. */
struct nicedtls *nicedtls_new(bool client, nicedtls_send_h *sendh, void *arg);

/* There is a way to the peer now, or time has passed: say what is due. */
void nicedtls_go(struct nicedtls *d);

/* Something has come; true if it was protected data. The server answers the
 * client's last flight with some, too. */
bool nicedtls_recv(struct nicedtls *d, const char *buf, size_t len);

#endif
