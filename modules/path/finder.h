/*
 * finder.h: what brings addresses: one file and one const struct for each
 * kind. A finder does not choose; the agent does.
 *
 *   start --> candh, candh, ... --> doneh --> candh (late) ... mem_deref
 *
 * Finders have neither socket nor timer: they send by the environment, are
 * handed the STUN answers that bear the path's handle, and say when they
 * want to be ticked.
 */
#ifndef DIALTONE_FINDER_H
#define DIALTONE_FINDER_H

#include "modules/path/keepalive.h"
#include "modules/path/netif.h"
#include "modules/path/relay.h"
#include "modules/path/stun.h"
#include "sdp/cand.h"

enum { FINDER_DISCARD = 9 };    /* the port of active TCP, RFC 6544 4.5 */

struct path_mapping;
struct guess_ops;
struct finder;                  /* each kind completes its own */

/* Valid during start only, but for the handlers. */
struct finder_env {
	const struct netif *netv;       /* this host's addresses */
	size_t netc;
	uint16_t port4, port6;          /* UDP; 0: no such family */
	uint16_t tcp4, tcp6;            /* the same of TCP */
	uint16_t tls4, tls6;            /* of TCP that takes TLS, too */
	const struct sa *stunv;
	size_t stunc;
	const struct path_mapping *mapv;
	size_t mapc;
	struct relay *const *relayv;
	size_t relayc;
	const struct relay_ops *relay_ops;      /* lives as long as finders */
	const struct guess_ops *guess_ops;      /* the same */
	bool relays;                    /* may be used */
	bool private;                   /* our addresses are not to be told */
	struct keepalive *keepalive;    /* NULL: none; outlives finders */
	uint32_t handle;                /* first 4 bytes of transaction ids */
	int (*sendh)(int proto, const struct sa *local, const struct sa *dst,
		     const uint8_t *buf, size_t len, void *arg);
	/* a base that is no more: its candidates go */
	void (*goneh)(const struct sa *base, void *arg);
	/* an answer in a server's name that is not its; may be NULL */
	void (*forgedh)(const struct sa *src, void *arg);
	/* a base whose candidates were told is what `fresh` was asked for */
	void (*freshh)(const struct sa *base, void *arg);
	/* something came from outside: a tick is wanted, now; the last thing
	 * a handler does */
	void (*wakeh)(void *arg);
	void *arg;
};

typedef void (finder_cand_h)(const struct cand *c, void *arg);
typedef void (finder_done_h)(void *arg);

struct finder_kind {
	const char *name;
	bool until_found;       /* of no more use once a pair is selected */
	/* Begin. Unless it fails, doneh is called exactly once, here or later;
	 * *fp may be NULL if nothing remains to be done. */
	int (*start)(struct finder **fp, const struct finder_env *env,
		     uint64_t now, finder_cand_h *candh, finder_done_h *doneh,
		     void *arg);
	/* A STUN answer; true if it was this finder's. May be NULL, as
	 * tick and next. */
	bool (*recv)(struct finder *f, int proto, const struct sa *local,
		     const struct sa *src, const struct stun_pkt *m,
		     uint64_t now);
	void (*tick)(struct finder *f, uint64_t now);
	uint64_t (*next)(const struct finder *f);

	/* What follows is for those that own the bases they bring (relays);
	 * all may be NULL. */

	/* The host's addresses have changed or ICE restarts: tell what is
	 * there once more. Without it the finder is started anew. */
	void (*again)(struct finder *f, const struct finder_env *env,
		      uint64_t now);
	/* doneh is still to be called. NULL: start calls it. */
	bool (*waits)(const struct finder *f);
	/* Something is to be sent from local. ENOENT: not one of its bases;
	 * 0: send it; EAGAIN: it is kept and goes soon; other errors: it
	 * cannot go. */
	int (*send)(struct finder *f, const struct sa *local,
		    const struct sa *dst, const uint8_t *buf, size_t len,
		    uint64_t now);
	/* This peer will send to us. */
	void (*permit)(struct finder *f, const struct sa *peer,
		       uint64_t now);
	/* The NAT will end the mapping of in_use, the base that packets go
	 * from: *base becomes another one. Its candidates follow. ENOENT: not
	 * one of its bases; EINPROGRESS: another is told by freshh. */
	int (*fresh)(struct finder *f, const struct finder_env *env,
		     const struct sa *in_use, struct sa *base, uint64_t now);
	/* The path is silent: is what it goes by still there? */
	void (*probe)(struct finder *f, uint64_t now);
	/* For people: who carries what is sent from this base, NULL if it is
	 * not its; what stands in the way, NULL if nothing does. */
	const char *(*whose)(struct finder *f, const struct sa *base);
	const char *(*problem)(const struct finder *f);
};

extern const struct finder_kind host_finder, portmap_finder, stun_finder,
	turn_finder, tcp_finder, spare_finder;

/* The base that sends from address number i of env, with its port; false if
 * we have no socket of its family. */
bool finder_base(struct sa *base, const struct finder_env *env, size_t i);

/* This address is one of those. By the address alone: the sockets beside the
 * worker's have other ports. */
bool finder_has(const struct finder_env *env, const struct sa *sa);

/* A server there could answer what is sent from this base. */
bool finder_reaches(const struct sa *base, const struct sa *server);

/* Preference among the candidates of one type: the order of addresses. */
uint16_t finder_pref(size_t i);

#endif
