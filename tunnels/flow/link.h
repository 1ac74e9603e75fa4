/*
 * link.h: a way for packets that is not the worker's own UDP sockets: a
 * relay's allocation, a TCP connection, a socket of its own.
 *
 *   flow --worker_write--> [link] --> its descriptor
 *   worker_rx <-- the packet, as if a socket had brought it -- [link]
 *
 * A path is named by protocol, local and remote. A relayed candidate's base
 * is its relayed address (RFC 8445 section 5.1.1.2), so what is sent from
 * there belongs to the link that has it as `local`. The protocol is the one
 * between the two ends of the pair: UDP for all that a relay hands on.
 *
 * Embed struct link at the start of a mem object that lives on the worker's
 * thread. All of this is called there.
 */
#ifndef DIALTONE_LINK_H
#define DIALTONE_LINK_H

#include <re.h>

struct link;

struct link_ops {
	/* As udp_batch_write: datagrams of seg bytes, the last may be
	 * shorter. EAGAIN: *done bytes of it are taken, come back with the
	 * rest when link_room is called; other errors: they are lost. */
	int (*write)(struct link *l, const struct sa *remote,
		     const uint8_t *buf, size_t len, size_t seg,
		     size_t *done);
};

struct link {
	struct le le;                   /* of the worker's table */
	const struct link_ops *ops;     /* NULL: gone */
	int proto;                      /* IPPROTO_UDP, IPPROTO_TCP */
	struct sa local;                /* any address: the port decides */
	struct sa remote;               /* unset: any */
	struct list waitl;              /* for room to send */
};

/* Embed one in whoever writes; all zero is "does not wait". */
struct worker_wait {
	struct le le;
	void (*h)(void *arg);
	void *arg;
};

/* remote NULL: whomever. Not in a table yet: worker_link_add. */
void link_init(struct link *l, const struct link_ops *ops, int proto,
	       const struct sa *local, const struct sa *remote);

/* Which of them packets from local to remote go by; one with a remote of its
 * own is preferred. NULL: none. */
struct link *link_find(const struct list *links, int proto,
		       const struct sa *local, const struct sa *remote);

/* ENOTCONN once it is gone. */
int link_write(struct link *l, const struct sa *remote, const uint8_t *buf,
	       size_t len, size_t seg, size_t *done);

/* There is room again after an EAGAIN: all that wait are called. */
void link_room(struct link *l);

/* The same for any list of worker_wait. */
void waits_run(struct list *waitl);
void waits_add(struct list *waitl, struct worker_wait *wait,
	       void (*h)(void *arg), void *arg);

#endif
