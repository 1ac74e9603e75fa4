/*
 * paths.h: how a path joins those that share a process's sockets. The part
 * of struct paths that path.c needs; path.h has what others call.
 */
#ifndef DIALTONE_PATHS_H
#define DIALTONE_PATHS_H

#include "modules/path/finder.h"
#include "modules/path/path.h"

/* What all paths share has changed. */
enum paths_news {
	PATHS_ADDRESSES,        /* of the host */
	PATHS_SERVERS,          /* STUN's, and the NAT64 */
	PATHS_MAPPINGS,         /* of gateways */
	PATHS_RELAYS,
};

/* Embedded in each path; set the handlers, then join. */
struct member {
	void (*recvh)(int proto, const struct sa *local,
		      const struct sa *src, const struct stun_pkt *m,
		      void *arg);
	void (*losth)(int proto, const struct sa *local,
		      const struct sa *remote, void *arg);
	void (*newsh)(enum paths_news news, void *arg);
	void *arg;
	struct paths *ps;               /* a reference, while joined */
	uint32_t handle;                /* bears answers home, O(1) */
	struct {
		struct le le;
		const char *ufrag;
	} name[2];                      /* bear requests home */
};

/* m has a handle from now on, and what is for it is handed in; ENOMEM. m must
 * leave before it goes. */
int paths_join(struct paths *ps, struct member *m);

/* Safe on one that has not joined. */
void paths_leave(struct member *m);

/* The ufrags requests may name m by; old may be NULL. The strings must stay
 * until the next call. */
void paths_name(struct member *m, const char *ufrag, const char *old);

/* What finders need, with addresses not older than 2 s. The handlers and arg
 * are the caller's to set. */
int paths_env(struct paths *ps, struct finder_env *env,
	      const struct member *m);

/* That of our network, NULL if we need none. */
const struct nat64 *paths_nat64(struct paths *ps);

/* What is known of networks; to be learned by. */
struct keepalive *paths_keepalive(struct paths *ps);

/* As it was given to paths_alloc. */
const struct paths_conf *paths_conf(const struct paths *ps);

#endif
