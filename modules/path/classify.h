/*
 * classify.h: how the NAT in front of us behaves, in the words of RFC 4787,
 * found out with STUN servers (RFC 5780): by one that has two addresses
 * exactly, by several as far as they can show.
 *
 * A pure state machine, as the ICE agent: the caller has the sockets, which
 * must be fresh, and the time. The behaviour of the NAT towards other sockets
 * of this host is the same.
 */
#ifndef DIALTONE_CLASSIFY_H
#define DIALTONE_CLASSIFY_H

#include <re.h>

struct classify;

enum { CLASSIFY_SOCKETS = 6, CLASSIFY_SERVERS = 4 };

enum nat_kind {
	NAT_UNKNOWN,
	NAT_NONE,               /* no translation; nothing is filtered */
	NAT_INDEPENDENT,        /* of the endpoint */
	NAT_ADDRESS,            /* address-dependent */
	NAT_ADDRESS_PORT,       /* address and port-dependent */
	NAT_DEPENDENT,          /* one of the two; which is not known */
};

enum nat_has { NAT_HAS_UNKNOWN, NAT_HAS_NOT, NAT_HAS };

struct classify_conf {
	struct sa serverv[CLASSIFY_SERVERS];    /* of one family */
	size_t serverc;
	struct sa basev[CLASSIFY_SOCKETS];      /* of the sockets */
	bool hairpin;           /* probe that, too: to some firewalls it looks
	                           like an attack */
	void (*sendh)(unsigned sock, const struct sa *dst,
		      const uint8_t *buf, size_t len, void *arg);
	void *arg;
};

struct nat {
	bool udp;               /* some server has answered */
	struct sa server;       /* the one that told most */
	uint64_t rtt;           /* to it, ns */
	struct sa mapped;       /* how it sees socket 0 */
	enum nat_kind mapping, filtering;
	enum nat_has preserves; /* the port number */
	enum nat_has hairpin;
	unsigned delta;         /* ports are given out in steps of this; 0: in
	                           no order, or not known */
};

/* Begins at `now`. EINVAL: no server. */
int classify_alloc(struct classify **cp, const struct classify_conf *conf,
		   uint64_t now);

/* Whatever came to socket sock. */
void classify_recv(struct classify *c, unsigned sock, const struct sa *src,
		   const uint8_t *buf, size_t len, uint64_t now);

/* Send what is due. */
void classify_tick(struct classify *c, uint64_t now);

/* UINT64_MAX: it is over. */
uint64_t classify_next(const struct classify *c);

/* What is known so far. */
void classify_result(struct nat *nat, const struct classify *c);

/* "endpoint-independent" ... */
const char *nat_kind_name(enum nat_kind kind);

#endif
