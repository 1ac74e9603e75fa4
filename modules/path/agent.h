/*
 * agent.h: a full ICE agent (RFC 8445) for one component, as a pure state
 * machine: packets, candidates and times in; transmits by a handler; events
 * and the next time by asking. No socket, no timer, no clock of its own, so
 * that a test runs it in a time and a network of its own.
 *
 * Times are nanoseconds of any one monotonic clock, greater than 0. After
 * each call with a time ask agent_events and agent_next.
 */
#ifndef DIALTONE_AGENT_H
#define DIALTONE_AGENT_H

#include "sdp/desc.h"
#include "modules/path/keepalive.h"
#include "modules/path/nat64.h"
#include "modules/path/stun.h"

struct agent;
struct creds;

/* Must not call the agent. A way is named by protocol (IPPROTO_UDP or _TCP),
 * base and remote address; one by TCP is connected on demand, and what is
 * sent before it stands may be lost. PATH_TLS: by TCP, and if it must be made,
 * by TLS. 0 or errno: what will never work (no
 * route, no such address) fails the pair, what may pass counts as a lost
 * packet. */
typedef int (agent_send_h)(int proto, const struct sa *local,
			   const struct sa *dst, const uint8_t *buf,
			   size_t len, void *arg);

/* What guess.c needs of the outside. None must call the agent. */
struct agent_guess {
	/* May it begin now? It is asked again if not. */
	bool (*beginh)(void *arg);
	/* Open so many more sockets of base's address and send a packet from
	 * each to dst that opens the NAT; what comes to them is handed in. */
	int (*openh)(const struct sa *base, const struct sa *dst, unsigned n,
		     void *arg);
	/* Over: a direct pair works, or none was found. Of the sockets only
	 * the one that AGENT_FOUND names is needed any more. */
	void (*endh)(bool worked, void *arg);
};

struct agent_conf {
	uint32_t handle;        /* first 4 bytes of our transaction ids, by
	                           which answers find their way here */
	uint64_t seed;          /* random; tie-breaker and jitter come of it.
	                           What must not be guessed does not. */
	bool controlling;
	agent_send_h *sendh;
	/* Has the selected pair carried data since this was asked last? Then
	 * it is watched closely. NULL: never. */
	bool (*busyh)(void *arg);
	const struct agent_guess *guess;        /* NULL: never */
	/* What is known of networks, and learned: how long mappings live that
	 * are in use. Outlives the agent; NULL: nothing. */
	struct keepalive *keepalive;
	/* Who sees our packets speaks in the peer's name, without its key:
	 * refused. NULL: nobody wants to know. Must not call the agent. */
	void (*forgedh)(const struct sa *src, void *arg);
	void *arg;
};

enum agent_event {
	AGENT_FOUND   = 1 << 0, /* agent_selected is new */
	AGENT_CONSENT = 1 << 1, /* agent_consent is later than before */
	AGENT_NO_PAIR = 1 << 2, /* over: nothing worked in time */
	AGENT_EXPIRED = 1 << 3, /* over: 30 s without an answer */
	AGENT_SUSPECT = 1 << 4, /* the pair in use is silent, gone, or given
	                           up for a worse kind: fresh candidates are
	                           welcome */
	AGENT_RENEW   = 1 << 5, /* the mapping in use ends soon: agent_fresh
	                           is welcome */
};

/* With credentials of its own, and no candidates. conf is copied. EINVAL: no
 * sendh. mem_deref ends it without a word to anybody. */
int agent_alloc(struct agent **ap, const struct agent_conf *conf);

/* May the peer's relayed candidates be used? They are unless said so before
 * its description is known. */
void agent_relays(struct agent *a, bool on);

/* Ours. old: of the generation before the last restart, NULL if none; checks
 * for either are to be handed in. */
const char *agent_ufrag(const struct agent *a);
const char *agent_pwd(const struct agent *a);
const char *agent_ufrag_old(const struct agent *a);

/* A local candidate, any time. EALREADY: known or redundant. */
int agent_local(struct agent *a, const struct cand *c, uint64_t now);

/* The base of a new socket; what STUN sees of it may follow. If a pair of it
 * works, the path moves there. */
void agent_fresh(struct agent *a, const struct sa *base, uint64_t now);

/* The same with a relayed one, whose candidates were told before. */
void agent_fresh_relay(struct agent *a, const struct sa *base, uint64_t now);

/* This base is no longer ours: its pairs go, and with the last of an address
 * those by TCP from there. */
void agent_local_gone(struct agent *a, const struct sa *base, uint64_t now);

/* The NAT64 of our network, NULL if we need none: the peer's IPv4 candidates
 * are reached by it, too. */
void agent_nat64(struct agent *a, const struct nat64 *n, uint64_t now);

/* Is guessing of ports allowed by this side? By the peer, its description
 * says. */
void agent_guess(struct agent *a, bool allowed);

/* With this peer nothing else has worked: do not wait long for it. */
void agent_guess_soon(struct agent *a);

/* Somebody on the way forbids it. */
void agent_guess_stop(struct agent *a);

/* No more local candidates are expected for now. */
void agent_gathered(struct agent *a, uint64_t now);

/* The bases of the local host candidates, at most size; returns how many. */
size_t agent_bases(const struct agent *a, struct sa *basev, size_t size);

/* What agent_remote would do with a description of this ufrag. */
enum agent_remote_is {
	AGENT_REMOTE_NEW,       /* the first, or the answer to our restart */
	AGENT_REMOTE_SAME,      /* adds candidates */
	AGENT_REMOTE_STALE,     /* from before our restart: to be ignored */
	AGENT_REMOTE_RESTART,   /* the peer restarts: we must, before it */
};
enum agent_remote_is agent_remote_is(const struct agent *a,
				     const char *ufrag);

/* The peer's credentials and all its candidates so far. EPROTO: it has no
 * ICE. Candidates beyond the limits are left out. EAGAIN: restart first. */
int agent_remote(struct agent *a, const struct desc *d, uint64_t now);

/* A new generation with new credentials and no candidates. The selected pair
 * goes on until the new one is found (RFC 8445 section 9). */
int agent_restart(struct agent *a);

/* A Binding request, answer or error that came to local from src. */
void agent_recv(struct agent *a, int proto, const struct sa *local,
		const struct sa *src, const struct stun_pkt *m, uint64_t now);

/* This way is broken: its connection was reset, its relay is gone. */
void agent_lost(struct agent *a, int proto, const struct sa *local,
		const struct sa *remote, uint64_t now);

/* It is `now`; does all that is due. */
void agent_tick(struct agent *a, uint64_t now);

/* When agent_tick is wanted next; UINT64_MAX: not until something comes. */
uint64_t agent_next(const struct agent *a);

/* What has happened since the last call, as bits. */
unsigned agent_events(struct agent *a);

/* The pair in use; false if there is none. */
bool agent_selected(const struct agent *a, struct cand *local,
		    struct cand *remote);

/* When sending on the selected pair must stop; 0: never started. */
uint64_t agent_consent(const struct agent *a);

/* Every pair with its state, a line each; for re's %H. */
int agent_debug(struct re_printf *pf, const struct agent *a);

#endif
