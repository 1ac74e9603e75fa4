/*
 * tlsfd.h: the bytes of one connected TCP socket, within TLS. Not blocking;
 * never a SIGPIPE, which OpenSSL's own BIO would raise in a program that has
 * other uses for it.
 *
 *   tlsfd_alloc --> tlsfd_handshake ... 0 --> tlsfd_send, tlsfd_recv
 */
#ifndef DIALTONE_TLSFD_H
#define DIALTONE_TLSFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tlsfd;
struct ssl_st;
struct ssl_ctx_st;

/* Around fd, which stays the caller's and outlives it; so does what
 * tlsfd_ssl gives. A mem object. Who listens is the server. */
int tlsfd_alloc(struct tlsfd **tp, struct ssl_ctx_st *ctx, int fd,
		bool server);

/* For what is particular to one connection, before its handshake. */
struct ssl_st *tlsfd_ssl(const struct tlsfd *t);

/* A step; whenever the socket is ready for it. 0: done; EAGAIN: *out, it
 * waits to send, else to receive; EPROTO: it fails. */
int tlsfd_handshake(struct tlsfd *t, bool *out);

/* n > 0: so much of it is done; 0: not now; < 0: it is broken. What could not
 * be sent now must be what is sent next. */
ssize_t tlsfd_send(struct tlsfd *t, const uint8_t *p, size_t n);
ssize_t tlsfd_recv(struct tlsfd *t, uint8_t *p, size_t n);

/* There is more that does not make the socket readable. */
bool tlsfd_pending(const struct tlsfd *t);

#endif
