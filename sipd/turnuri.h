/*
 * turnuri.h: the addresses of relays as RFC 7065 writes them:
 *
 *   turn:HOST[:PORT][?transport=udp|tcp]     turns:HOST[:PORT]
 */
#ifndef DIALTONE_TURNURI_H
#define DIALTONE_TURNURI_H

#include <re.h>

struct turnuri {
	bool tls;
	bool udp, tcp;          /* to be tried, UDP first */
	char host[256];         /* without brackets */
	uint16_t port;          /* 0: not given */
};

/* EINVAL: it is none. */
int turnuri_decode(struct turnuri *u, const char *text);

/* 3478, 5349 with TLS. */
uint16_t turnuri_port(const struct turnuri *u);

/* http://[USER:PASSWORD@]HOST:PORT, a proxy. login "": none. */
struct proxyuri {
	char host[256];
	char login[256];
	uint16_t port;
};
int proxyuri_decode(struct proxyuri *u, const char *text);

#endif
