/*
 * igd.h: the talk with a UPnP gateway: one question at a time, until the port
 * is mapped or it will not be.
 *
 *   igd_locate, then  ask: igd_request --> gateway --> igd_answer: MORE: ask
 *   again; GRANTED, FAILED, REMOVED: over
 */
#ifndef DIALTONE_IGD_H
#define DIALTONE_IGD_H

#include "modules/path/upnp.h"

enum igd_step {
	IGD_IDLE, IGD_DESCRIBE, IGD_ADDRESS, IGD_ADD_ANY, IGD_ADD, IGD_REMOVE
};

/* All zero: no gateway is known. */
struct igd {
	enum igd_step step;
	struct upnp_url where;          /* description */
	struct upnp_url control;        /* of the service below */
	const char *type;               /* NULL: not described yet */
	struct sa client;               /* ours, with the port to map */
	struct sa external;             /* what it is mapped to */
	uint32_t lifetime;              /* s, 0: until it is removed */
	unsigned tries;                 /* ports */
	bool mapped;                    /* external is ours */
};

enum igd_result { IGD_MORE, IGD_GRANTED, IGD_FAILED, IGD_REMOVED };

/* Take in what may be the gateway's answer to a search. EBADMSG: it is none
 * that can be used. */
int igd_locate(struct igd *g, const struct sa *gateway, const char *p,
	       size_t len);

/* Begin to map client for so many s, or to renew that, or to remove it. */
void igd_map(struct igd *g, const struct sa *client, uint32_t lifetime);
void igd_remove(struct igd *g);

/* The next question, and to whom. The length, 0 if it does not fit. */
size_t igd_request(char *buf, size_t size, struct sa *dst,
		   const struct igd *g);

/* Its answer; scode 0: none came. */
enum igd_result igd_answer(struct igd *g, unsigned scode,
			   const struct pl *body);

#endif
