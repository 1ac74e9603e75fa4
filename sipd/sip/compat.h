/*
 * compat.h: where libre 1.1 (Debian 12) and later ones differ for this room.
 */
#ifndef DIALTONE_SIP_COMPAT_H
#define DIALTONE_SIP_COMPAT_H

#include <re.h>
#include <openssl/ssl.h>

/* The OpenSSL context inside libre's; renamed in 2.9. */
static inline SSL_CTX *compat_ssl_ctx(const struct tls *tls)
{
#if RE_VER >= 20900
	return tls_ssl_ctx(tls);
#else
	return tls_openssl_context(tls);
#endif
}

/* 4.0 left one descriptor to a UDP socket. */
static inline int compat_udp_fd(const struct udp_sock *us, int af)
{
#if RE_VER >= 40000
	(void)af;
	return udp_sock_fd(us);
#else
	return udp_sock_fd(us, af);
#endif
}

#endif
