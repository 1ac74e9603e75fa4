/*
 * resolve.h: host names to addresses as the system does it (hosts file,
 * search list and all) without blocking the caller's thread.
 */
#ifndef DIALTONE_RESOLVE_H
#define DIALTONE_RESOLVE_H

#include <re.h>
#include "sdp/base/mailbox.h"

struct resolve;

enum { RESOLVE_MAX = 8 };

/* sac 0 when the name has no address: then err says why (ENOENT, EAGAIN). */
typedef void (resolve_h)(int err, const struct sa *sav, size_t sac,
			 void *arg);

/* Look up host:port; h is called once, by the mailbox, in its owner's thread.
 * mem_deref in that thread forgets the question. */
int resolve_name(struct resolve **rp, struct mailbox *box, const char *host,
		 uint16_t port, resolve_h *h, void *arg);

/* The same for a service, "_turn._udp": by its SRV records (RFC 2782), the
 * most wanted first; without any, the host's own address and this port. */
int resolve_service(struct resolve **rp, struct mailbox *box,
		    const char *service, const char *host, uint16_t port,
		    resolve_h *h, void *arg);

#endif
