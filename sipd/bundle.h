/*
 * bundle.h: the tunnels of one session, and their way across the threads.
 *
 *   control thread                     worker thread
 *   bundle: offer, answer  --start-->  wire: tunnel_kind.start
 *   handlers               <--post---  progress, done
 *   mem_deref              --stop--->  mem_deref of each tunnel
 */
#ifndef DIALTONE_BUNDLE_H
#define DIALTONE_BUNDLE_H

#include "sdp/base/mailbox.h"
#include "tunnels/tunnel.h"

struct bundle;

/* On the control thread; the receiver may mem_deref the bundle. */
struct bundle_handlers {
	void (*progressh)(unsigned number, const struct tunnel_progress *p,
			  void *arg);
	/* once per tunnel at most */
	void (*doneh)(unsigned number, int err, const char *why, void *arg);
};

int bundle_alloc(struct bundle **bp, struct mailbox *control,
		 const struct bundle_handlers *h, void *arg);

/* Ask a kind for our m-line in `local`. Errors as tunnel_kind.offer. */
int bundle_offer(struct bundle *b, struct desc *local,
		 const struct tunnel_kind *kind,
		 const struct tunnel_ask *ask);

/* The same for the peer's m-line `number`; local is ours in the answer and
 * stays rejected on error. */
int bundle_answer(struct bundle *b, unsigned number,
		  const struct tunnel_kind *kind,
		  const struct tunnel_ask *ask,
		  const struct desc_media *remote, struct desc_media *local);

/* Does a tunnel that `remote` takes need this kind of flow? */
bool bundle_needs(const struct bundle *b, const struct desc *remote,
		  enum flow_need need);

/* Hand the tunnels that `remote` takes to the worker, with the flows that
 * they need; way's number is not looked at. ENOENT if none is left. Once. */
int bundle_start(struct bundle *b, const struct desc *remote,
		 const struct tunnel_way *way);

/* Have the tunnels counted on their thread; the answer is there when a round
 * trip to it (worker_barrier) is over. */
void bundle_count(struct bundle *b);

/* What was counted last: "file: files=3 bytes=5120", or "". */
const char *bundle_counters(const struct bundle *b);

/* "file,pipe", for people and the call log. */
const char *bundle_names(const struct bundle *b);

/* Every tunnel has said that it is done without an error, or never says so
 * because it ends with the session. */
bool bundle_complete(const struct bundle *b);

#endif
