/*
 * vpnset.h: what one side wants of a network: [vpn NAME] and the words on
 * dial's line; and what the sides tell each other (SDP parameters).
 *
 *   offer:   v=1;net=office;address=10.7.0.9;routes=192.168.4.0/24;partial=1
 *   answer:  v=1;net=office;address=10.7.0.9/24,fd00::9/64;
 *            gateway=10.7.0.1,fd00::1;routes=192.168.8.0/24;
 *            dns=10.7.0.1;partial=1
 */
#ifndef DIALTONE_VPN_VPNSET_H
#define DIALTONE_VPN_VPNSET_H

#include "tunnels/tunnel.h"
#include "tunnels/vpn/prefix.h"

enum { VPN_NAME_SIZE = 64, VPN_IF_SIZE = 16 };

enum vpn_exit { EXIT_NO, EXIT_OFFER, EXIT_USE };

struct vpnset {
	char name[VPN_NAME_SIZE];       /* "": none was named */
	char interface[VPN_IF_SIZE];    /* "": any */
	struct prefixes address;        /* ours, with lengths */
	struct prefixes pool;           /* for callers */
	struct prefixes routes;         /* offered */
	struct prefixes accept;         /* taken if offered */
	struct prefixes dns;            /* handed over */
	bool accept_all;                /* take what is offered */
	bool accept_dns;
	bool nat;
	bool peer_to_peer;
	enum vpn_exit exit;
	size_t mtu;                     /* at most, 0: what the path takes */
};

/* What was told by the other side. */
struct vpnsaid {
	char net[VPN_NAME_SIZE];
	struct prefixes address, gateway, routes, dns;
	bool partial;
};

/* Read [vpn NAME] by ask->confh with keys "NAME/key"; without such a section
 * defaults only. "/" has the first section's name, "NAME/" is there if the
 * section is. */
int vpnset_read(struct vpnset *s, const char *name,
		const struct tunnel_ask *ask);

/* One word of dial's line behind NAME: exit, routes, dns. EINVAL. */
int vpnset_word(struct vpnset *s, const char *word);

/* tunnel_kind.allow */
int vpnset_allow(const struct tunnel_ask *ask);

/* Which of our networks does the peer get? asked: its word, may be "".
 * allow: "NAME ADDRESS ...", addresses and networks of its own to theirs.
 * EACCES or EBADMSG with ask->why. */
int vpnset_choose(char name[VPN_NAME_SIZE], struct prefixes *theirs,
		  const char *asked, const struct tunnel_ask *ask);

/* May a peer give us an address in this network? A private one (RFC 1918,
 * 4193, 6598), or what our configuration names. */
bool vpnset_may(const struct vpnset *s, const struct prefix *p);

/* Read the parameters of the peer's m-line. EBADMSG. */
int vpnsaid_read(struct vpnsaid *said, const struct desc_media *m);

/* Routes that we offer, the exit among them. */
int vpnset_offered(struct prefixes *ps, const struct vpnset *s);

/* What we take of what is offered: all, some, the exit in halves, so that it
 * wins over the default route without touching it. */
int vpnset_taken(struct prefixes *ps, const struct vpnset *s,
		 const struct prefixes *offered);

#endif
