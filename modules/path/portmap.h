/*
 * portmap.h: one gateway that is asked to let our port in: by PCP (RFC 6887),
 * NAT-PMP (RFC 6886) or UPnP, whichever it has, all probed at once.
 *
 *   packets, answers, times --> [portmap] --> udph, httph
 *                                   '------> portmap_external
 *
 * A pure state machine, as the ICE agent: no socket, no timer, no clock.
 * Times are ns of a monotonic clock. After each call with a time ask
 * portmap_external and portmap_next.
 */
#ifndef DIALTONE_PORTMAP_H
#define DIALTONE_PORTMAP_H

#include <re.h>

struct portmap;

enum portmap_proto {
	PORTMAP_PCP, PORTMAP_NATPMP, PORTMAP_UPNP, PORTMAP_PROTOS
};

struct portmap_conf {
	struct sa gateway;              /* port 0 */
	struct sa local;                /* our address there, and the port */
	const uint8_t *nonce;           /* by which a PCP server knows whose a
	                                   mapping is, 12 bytes; kept, that of
	                                   a process before is ours again */
	/* Send a datagram from local's address; a loss is no error. Must not
	 * call the portmap, as httph must not. */
	void (*udph)(const struct sa *dst, const uint8_t *buf, size_t len,
		     void *arg);
	/* Ask by HTTP. Unless it fails, portmap_http follows, once. Never two
	 * at a time. */
	int (*httph)(const struct sa *dst, const char *req, size_t len,
		     void *arg);
	void *arg;
};

/* Begins at once: the first probes are sent in portmap_tick. */
int portmap_alloc(struct portmap **pp, const struct portmap_conf *conf);

/* A datagram to the socket that udph sends from, or an announcement. */
void portmap_recv(struct portmap *p, const struct sa *src,
		  const uint8_t *buf, size_t len, uint64_t now);

/* What httph brought; scode 0: nothing. */
void portmap_http(struct portmap *p, unsigned scode, const struct pl *body,
		  uint64_t now);

/* All that is due; when that is wanted next, UINT64_MAX: never. */
void portmap_tick(struct portmap *p, uint64_t now);
uint64_t portmap_next(const struct portmap *p);

/* Under which address the port is reached from outside; unset: none. */
const struct sa *portmap_external(const struct portmap *p);

/* A bit for each enum portmap_proto that the gateway has answered by. All
 * have had their time 250 ms after the first tick; while it is probed again,
 * those of before are among them. */
unsigned portmap_found(const struct portmap *p);

/* Remove the mapping. Over when portmap_released, within a second of HTTP or
 * 300 ms of UDP; at once if there is none. */
void portmap_release(struct portmap *p, uint64_t now);
bool portmap_released(const struct portmap *p);

/* "PCP", "NAT-PMP", "UPnP". */
const char *portmap_proto_name(enum portmap_proto proto);

#endif
