/*
 * mapper.h: has every gateway of this host let our UDP port in, once for the
 * process; all its sessions share that. On the control thread.
 */
#ifndef DIALTONE_MAPPER_H
#define DIALTONE_MAPPER_H

#include "modules/path/path.h"
#include "modules/path/portmap.h"

struct mapper;

enum { MAPPER_NONCE_SIZE = 12 };

struct mapper_conf {
	struct timers *timers;
	uint16_t port4, port6;          /* to be mapped; 0: family absent */
	const char *interfaces;         /* as in paths_conf */
	uint8_t nonce[MAPPER_NONCE_SIZE];       /* of PCP, see portmap.h */
	/* All mappings there are, whenever that changes. */
	void (*mappedh)(const struct path_mapping *v, size_t n, void *arg);
	void *arg;
};

/* Begins at once; never in the way of anybody. */
int mapper_alloc(struct mapper **mp, const struct mapper_conf *conf);

/* The host's addresses or routes have changed: look for gateways anew. */
void mapper_changed(struct mapper *m);

/* Remove all mappings, then doneh, within about a second. It may be called
 * at once, and may drop the mapper. */
void mapper_close(struct mapper *m, void (*doneh)(void *arg), void *arg);

/* Each gateway there is. */
void mapper_apply(const struct mapper *m,
		  void (*h)(const struct sa *gateway, const struct portmap *p,
			    void *arg), void *arg);

#endif
