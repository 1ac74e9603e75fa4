/*
 * path.h: how we reach the peer. One path per session: an ICE agent, the
 * finders that feed it, and the timers that drive it.
 *
 *   finders --cand--> [agent] <--packet, tick-- [path] <--STUN-- worker
 *                        |--transmits, events-->  |----send----> worker
 *
 * The agent (agent.h) is pure: packets and times in, packets and events out.
 * All calls and handlers here are on the control thread.
 */
#ifndef DIALTONE_PATH_H
#define DIALTONE_PATH_H

#include "sdp/base/clock.h"
#include "sdp/desc.h"
#include "modules/path/nat64.h"
#include "modules/path/relay.h"

struct path;
struct paths;

/* In place of IPPROTO_TCP where something is sent: a connection that has to
 * be made for it is made by TLS. What comes in by it comes by TCP. */
enum { PATH_TLS = 0x100 | IPPROTO_TCP };

/* Sockets beside that of all paths, for guesses (guess.c) and to renew what
 * a NAT ends (renew.c): made elsewhere, as relays are. */
struct guess_links;             /* a mem object; mem_deref closes them all */

struct guess_ops {
	/* None yet. stoph: somebody on the way forbids it. */
	int (*openh)(struct guess_links **lp, const struct sa *base,
		     const struct sa *dst, void (*stoph)(void *arg),
		     void *harg, void *arg);
	/* n more, each of which sends a packet that opens the NAT */
	int (*moreh)(struct guess_links *l, unsigned n);
	/* all but that of this base go */
	void (*keeph)(struct guess_links *l, const struct sa *base);
	/* Not of a guess: one for whomever, which sends nothing by itself.
	 * Of base's address; its port becomes base's. */
	int (*oneh)(struct guess_links **lp, struct sa *base, void *arg);
	void *arg;              /* openh's, oneh's */
};

/* What all paths of a process share: where to send, and whom to ask. */
struct paths_conf {
	struct timers *timers;          /* of the control thread */
	uint16_t port4, port6;          /* local UDP ports, 0: family absent */
	uint16_t tcp4, tcp6;            /* the same of TCP, 0: without */
	uint16_t tls4, tls6;            /* where TCP takes TLS, too */
	const char *interfaces;         /* comma list of names or patterns,
	                                   NULL or "": all but loopback;
	                                   loopback is used when nothing else
	                                   is there or it is named */
	struct sa stunv[4];             /* STUN servers */
	size_t stunc;
	const struct relay_ops *relay_ops;      /* NULL: there are no relays;
	                                   outlives the paths */
	const struct guess_ops *guess_ops;      /* the same */
	/* Send one packet by UDP, TCP (IPPROTO_) or PATH_TLS from local to
	 * dst: a base of a candidate. 0 or errno; ENETUNREACH... fail the
	 * pair. */
	int (*sendh)(int proto, const struct sa *local, const struct sa *dst,
		     const uint8_t *buf, size_t len, void *arg);
	/* The NAT that makes `mapped` of local forgets what is not used each
	 * idle seconds, and all after life seconds (0: it does not). NULL:
	 * nobody wants to know. */
	void (*forgetsh)(const struct sa *local, const struct sa *mapped,
			 unsigned idle, unsigned life, void *arg);
	void *arg;
};

/* A gateway lets `external` in to base. */
struct path_mapping {
	struct sa base, external;       /* with ports */
};

enum { PATH_MAPPINGS_MAX = 4 };

/* conf is copied, with its strings. EINVAL: timers or sendh are missing. Each
 * path holds a reference. */
int paths_alloc(struct paths **pp, const struct paths_conf *conf);

/* STUN servers learned later (by DNS); replaces those known. */
void paths_stun_set(struct paths *ps, const struct sa *sav, size_t sac);

/* Relays, in place of those known: for paths that gather from now on, and
 * for those that have none yet. References are taken. */
void paths_relays_set(struct paths *ps, struct relay *const *v, size_t n);

/* The relays known now; the list is theirs. */
size_t paths_relays(const struct paths *ps, struct relay *const **v);

/* The STUN servers known now. */
size_t paths_stun(const struct paths *ps, const struct sa **sav);

/* The NAT64 of this network, NULL: none. Used while the host itself has no
 * IPv4: for the peers' candidates, and the STUN servers. */
void paths_nat64_set(struct paths *ps, const struct nat64 *n);

/* What forgetsh has told, in a process before. */
void paths_forgets(struct paths *ps, const struct sa *local,
		   const struct sa *mapped, unsigned idle, unsigned life);

/* The host has IPv6 addresses, and no other. */
bool paths_six_only(struct paths *ps);

/* All mappings of gateways there are now (mapper.h). Every path learns of
 * them; it does not lose those that are gone. */
void paths_mapped_set(struct paths *ps, const struct path_mapping *v,
		      size_t n);

/* Hand in one packet whose first byte is 0..3. Any source, any length,
 * hostile. Finds the path by the ufrag in USERNAME or by transaction. */
void paths_recv(struct paths *ps, int proto, const struct sa *local,
		const struct sa *src, const uint8_t *buf, size_t len);

/* This way has come to its end: a connection was reset, could not be made. */
void paths_lost(struct paths *ps, int proto, const struct sa *local,
		const struct sa *remote);

/* The host's addresses changed: every path gathers again and re-checks. */
void paths_changed(struct paths *ps);

enum path_fail {
	PATH_FAIL_CHECKS,       /* no pair worked in time (39.5 s, RFC 8863) */
	PATH_FAIL_CONSENT,      /* no answer for 30 s (RFC 7675) */
};

/* Facts reported upward. found is called again whenever the path moves.
 * The receiver may mem_deref the path in any of them. */
struct path_handlers {
	void (*candh)(const struct cand *c, void *arg); /* new local */
	void (*gatheredh)(void *arg);   /* exactly once for each time it
	                                   gathers: path_gather, a restart */
	void (*foundh)(const struct cand *local, const struct cand *remote,
		       void *arg);
	/* sending must stop at `until` (CLOCK_MONOTONIC ns), 30 s after the
	 * peer was last heard, unless a later time is told (RFC 7675) */
	void (*consenth)(uint64_t until, void *arg);
	void (*failh)(enum path_fail why, void *arg);
	/* Ports could be guessed: now? It asks again if not. Then, unless the
	 * path goes before, how that ended. Both must leave the path alone,
	 * and may be NULL: never. */
	bool (*guessh)(void *arg);
	void (*guessedh)(bool worked, void *arg);
	/* Has the session carried data since this was asked last? Then the
	 * path is watched more closely. NULL: never. Must not free. */
	bool (*busyh)(void *arg);
	/* The local candidates of this base are no more. NULL: nobody wants
	 * to know. Must leave the path alone. */
	void (*goneh)(const struct sa *base, void *arg);
	/* A message in the name of the peer without its key, or of a server
	 * and not from there, was refused. NULL, must leave the path alone: as
	 * above. */
	void (*forgedh)(const struct sa *src, void *arg);
};

/* A path that has not gathered yet. `controlling`: the offerer is. ufrag and
 * pwd of this side are made here. mem_deref ends all its checks. */
int path_alloc(struct path **pp, struct paths *ps, bool controlling,
	       const struct path_handlers *h, void *arg);

/* This side's credentials, for the description; valid as long as p. */
const char *path_ufrag(const struct path *p);
const char *path_pwd(const struct path *p);

/* What relays may be used for; before path_gather, AUTO if it is not called.
 * NEVER: the peer's are not used either. ONLY: no address of ours is told or
 * sent from but relayed ones. */
enum path_relay { PATH_RELAY_AUTO, PATH_RELAY_NEVER, PATH_RELAY_ONLY };
void path_relay_set(struct path *p, enum path_relay relay);

/* For people: which relay carries what is sent from this base, NULL: none;
 * what keeps relays from being used, NULL: nothing. Valid until the next
 * call. */
const char *path_relay_name(const struct path *p, const struct sa *base);
const char *path_relay_problem(const struct path *p);

/* Guess ports where nothing else leads to a direct way, if the peer's
 * description says guess, too. Before path_remote. */
void path_guess(struct path *p, bool allowed);

/* It was what worked with this peer: begin soon. */
void path_guess_soon(struct path *p);

/* Start the finders. Host candidates come within the call itself. */
int path_gather(struct path *p);

/* The peer's credentials and candidates. Called again with the same ufrag it
 * adds candidates (trickle); with another ufrag it is an ICE restart (RFC 8445
 * section 9): ours are new as well after this and belong into the answer, and
 * we gather again, while the selected pair goes on until a new one is found.
 * EPROTO: no ufrag or pwd. The 39.5 s of the checks begin here: a callee calls
 * it when the call is answered. */
int path_remote(struct path *p, const struct desc *remote);

/* Every pair with state, for `dial why` and the log; for re's %H. */
int path_debug(struct re_printf *pf, const struct path *p);

#endif
