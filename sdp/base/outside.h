/*
 * outside.h: whom this process itself talks to: SIP servers, relays. The way
 * to them must stay outside of every tunnel that it makes, an exit to the
 * Internet included. Said by who has the connection, asked by the VPNs; from
 * any thread.
 *
 * The peers' addresses that are only tried get no route of their own, for
 * they may be reached through the tunnel as well, by others than us: what is
 * sent to them is told its interface instead.
 */
#ifndef DIALTONE_OUTSIDE_H
#define DIALTONE_OUTSIDE_H

#include <re.h>

struct outside;

/* As long as *op is there, this address is one. Several may name the same. */
int outside_alloc(struct outside **op, const struct sa *sa);

/* All of them, each once, max at most: how many. */
size_t outside_list(struct sa *v, size_t max);

enum { OUTSIDE_LOCALS = 16 };

/* An address of this host and its interface. */
struct outside_local {
	struct sa sa;
	unsigned index;
};

/* Those that datagrams are sent from, at most OUTSIDE_LOCALS: told whenever
 * they have been read. */
void outside_locals(const struct outside_local *v, size_t n);

/* A tunnel that everything leads into is there; false: it has gone. */
void outside_exit(bool on);

/* By which interface a datagram from this address must leave, for else it
 * would go into such a tunnel. 0: the routing table knows. */
unsigned outside_index(const struct sa *local);

#endif
