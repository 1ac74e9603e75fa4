/*
 * relay.h: the relay servers that paths may use, and how a connection to one
 * is made. The connections themselves are made elsewhere (the worker has
 * them); this is what both sides agree on.
 */
#ifndef DIALTONE_RELAY_H
#define DIALTONE_RELAY_H

#include <re.h>

enum { RELAY_WAYS = 8, RELAYS_MAX = 4 };

enum relay_transp { RELAY_UDP, RELAY_TCP, RELAY_TLS };

/* One service, to which several ways may lead: tried in their order, the
 * next when the one before has not answered for a while; the first that
 * gives an allocation is kept. A mem object that does not change but for what
 * is learned. */
struct relay {
	char *name;             /* for people: "relayed by NAME" */
	char *user, *password, *secret;         /* as struct turn_conf */
	struct {
		enum relay_transp transp;
		struct sa addr; /* unset: a proxy knows it */
	} wayv[RELAY_WAYS];
	size_t wayc;
	size_t hint;            /* the way that led there last: it is tried at
	                           once, beside the first. When the network
	                           changes there are new relays */
};

struct relay_link;              /* a mem object; mem_deref closes */

struct relay_link_handlers {
	/* it may be sent on; where from and to, as answers will name them */
	void (*uph)(const struct sa *local, const struct sa *server,
		    void *arg);
	/* over; why ends "the relay ...: ". It may be freed in there. */
	void (*downh)(const char *why, void *arg);
};

/* All on the control thread. */
struct relay_ops {
	/* elsewhere: an address that the server named instead, or NULL */
	int (*openh)(struct relay_link **lp, const struct relay *r,
		     size_t way, const struct sa *elsewhere,
		     const struct relay_link_handlers *h, void *harg,
		     void *arg);
	/* a message to the server */
	void (*sendh)(struct relay_link *l, const uint8_t *buf, size_t len);
	/* from now on packets may go from this relayed address by it */
	void (*relayedh)(struct relay_link *l, const struct sa *relayed);
	/* this channel is the peer's */
	void (*bindh)(struct relay_link *l, uint16_t channel,
		      const struct sa *peer);
	/* to be said a moment after mem_deref */
	void (*lasth)(struct relay_link *l, const uint8_t *buf, size_t len);
	void *arg;              /* openh's */
};

#endif
