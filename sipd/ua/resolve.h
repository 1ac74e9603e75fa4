/*
 * resolve.h: from a SIP URI to the addresses to try, in order (RFC 3263).
 */
#ifndef DIALTONE_UA_RESOLVE_H
#define DIALTONE_UA_RESOLVE_H

#include <re.h>
#include "sdp/base/clock.h"
#include "sipd/ua/hop.h"

struct resolver;        /* what the machine knows: hosts file, DNS servers */
struct resolve;         /* one question */

enum { RESOLVE_MAX = 8 };

struct target {
	enum sip_transp tp;
	struct sa dst;
};

/* err 0: at least one target; EHOSTUNREACH: the name is not known,
 * ENETUNREACH: there is no route to where it leads, ETIMEDOUT: no DNS server
 * answered, EPROTONOSUPPORT: unknown transport. */
typedef void (resolve_h)(int err, const struct target *v, size_t n,
			 void *arg);

/* dns: servers instead of those in /etc/resolv.conf, or NULL. */
int resolver_alloc(struct resolver **rp, struct timers *timers,
		   const struct sa *dns, uint32_t dnsc);

/* Addresses without a route become those of a NAT64: a SIP server writes its
 * IPv4 address into Record-Route and Contact, which no DNS64 has seen (RFC
 * 8305 section 7.1). */
void resolver_nat64(struct resolver *r, hop_nat64_h *h, void *arg);

/* Read /etc/resolv.conf again. */
int resolver_refresh(struct resolver *r);

/* Find the targets of uri's host, port and transport. An address or a name
 * of the hosts file is answered before this returns. mem_deref gives up. */
int resolve(struct resolve **qp, struct resolver *r, const struct uri *uri,
	    resolve_h *h, void *arg);

#endif
