/*
 * bundle.h: the tunnels of one session, and their way across the threads.
 *
 *   control thread                     worker thread
 *   bundle: offer, answer  --start-->  item: tunnel_kind.start
 *   handlers               <--post---  progress, done
 *   drop, mem_deref        --stop--->  mem_deref of each tunnel
 *
 * Tunnels come and go while a session runs. Those that were asked for together
 * are a group. A tunnel's line in the descriptions may be used again once it
 * is gone; its number, which is the line's mid, is not: packets of the old one
 * may still be under way.
 *
 *   ours:    planned -> placed in an offer -> taken -> started
 *                                          -> refused
 *   theirs:                        answered = taken -> started
 */
#ifndef DIALTONE_BUNDLE_H
#define DIALTONE_BUNDLE_H

#include "sdp/base/mailbox.h"
#include "tunnels/tunnel.h"

struct bundle;

/* On the control thread; the receiver may mem_deref the bundle. `number` is
 * the tunnel's place in the order of their coming. */
struct bundle_handlers {
	void (*progressh)(unsigned group, unsigned number,
			  const struct tunnel_progress *p, void *arg);
	/* once per tunnel at most */
	void (*doneh)(unsigned group, int err, const char *why, void *arg);
};

int bundle_alloc(struct bundle **bp, struct mailbox *control,
		 const struct bundle_handlers *h, void *arg);

/* A number that no group has had yet. */
unsigned bundle_group_new(struct bundle *b);

/* A group of which something is planned; is refused; was taken since this was
 * asked last. 0: none. */
unsigned bundle_planned(const struct bundle *b);
unsigned bundle_refused(const struct bundle *b);
unsigned bundle_news(struct bundle *b);

/* Forget what is refused. */
void bundle_drop_refused(struct bundle *b);

/* Does a tunnel that is taken need this kind of flow? */
bool bundle_needs(const struct bundle *b, enum flow_need need);

/* Hand the tunnels that are taken, and whose flow is there, to the worker;
 * way's number is not looked at; first: only those of kinds that are. Again
 * when there is more. */
int bundle_start(struct bundle *b, const struct tunnel_way *way, bool first);

/* End a group; its lines in our description become free. */
void bundle_drop_group(struct bundle *b, unsigned group, struct desc *local);

/* Are there tunnels of this group, or of others? */
bool bundle_has(const struct bundle *b, unsigned group);
bool bundle_has_others(const struct bundle *b, unsigned group);

/* Was it asked for on this side? */
bool bundle_ours(const struct bundle *b, unsigned group);

/* Have the tunnels counted on their thread; the answer is there when a round
 * trip to it (worker_barrier) is over. */
void bundle_count(struct bundle *b);

/* What was counted last, "file: files=3 bytes=5120"; for %H. */
int bundle_counters(struct re_printf *pf, const struct bundle *b);

/* "file,pipe", those that there are now; for %H. */
int bundle_running(struct re_printf *pf, const struct bundle *b);

/* The same, all that there have been, for people and the call log. */
const char *bundle_names(const struct bundle *b);

/* Every tunnel of this group (BUNDLE_ALL: of all groups) has said that it is
 * done without an error, or never says so because it ends with the session. */
enum { BUNDLE_ALL = 0 };
bool bundle_complete(const struct bundle *b, unsigned group);

/* A group that is complete; 0: none. */
unsigned bundle_whole(const struct bundle *b);

/* Is there one that was asked for on this side and is not complete? */
bool bundle_owes(const struct bundle *b);

#endif
