/*
 * finders.h: the finders of one path as one: which kinds there are, which of
 * them run, and whether any is still to be waited for. For path.c.
 *
 * Each call may come back by candh and doneh before it returns, and those may
 * call here again: a finder that is dropped within a call of its own is gone
 * when that has returned. All times are of the monotonic clock, in ns.
 */
#ifndef DIALTONE_FINDERS_H
#define DIALTONE_FINDERS_H

#include "sdp/desc.h"
#include "modules/path/finder.h"

struct finders;

/* None runs yet. candh: a candidate of any of them; doneh: none is waited for
 * any more, each time that comes to be. A reference must be held to what
 * calls here, for as long as the call lasts. */
int finders_alloc(struct finders **fsp, finder_cand_h *candh,
		  finder_done_h *doneh, void *arg);

/* Tell all that is there, anew: what runs is asked again, or starts again if
 * it cannot be; what does not run starts. ENOMEM alone is an error. doneh
 * follows, here or later. */
int finders_gather(struct finders *fs, const struct finder_env *env,
		   uint64_t now);

/* The path in use is silent: those that had found enough start again, and
 * those that own bases see whether they are still there. doneh follows. */
void finders_look_again(struct finders *fs, const struct finder_env *env,
			uint64_t now);

/* What this kind needs has come to be known: it starts, unless it runs. */
void finders_start(struct finders *fs, const struct finder_kind *kind,
		   const struct finder_env *env, uint64_t now);

/* A base in place of in_use, which will not do for much longer. ENOENT: no
 * finder has one; other errors: why not. */
int finders_fresh(struct finders *fs, const struct finder_env *env,
		  const struct sa *in_use, struct sa *base, uint64_t now);

/* Enough is found: those that are of no more use are dropped. */
void finders_found(struct finders *fs);

/* Some are not done yet: doneh is to be called. */
bool finders_waiting(const struct finders *fs);

/* It is now: whoever wants it is ticked. When next: UINT64_MAX for never. */
void finders_tick(struct finders *fs, uint64_t now);
uint64_t finders_next(const struct finders *fs);

/* A STUN answer; true if it was a finder's. */
bool finders_recv(struct finders *fs, int proto, const struct sa *local,
		  const struct sa *src, const struct stun_pkt *m,
		  uint64_t now);

/* Something goes by UDP from local. As of finder.h: ENOENT, it is no base of
 * theirs; 0, send it; EAGAIN, it is kept and goes soon; others, it cannot. */
int finders_send(struct finders *fs, const struct sa *local,
		 const struct sa *dst, const uint8_t *buf, size_t len,
		 uint64_t now);

/* This peer's checks will come: relays are told to let them in. */
void finders_permit(struct finders *fs, const struct desc *remote,
		    uint64_t now);

/* For people, NULL: nobody, nothing. Valid until the next call. */
const char *finders_whose(struct finders *fs, const struct sa *base);
const char *finders_problem(const struct finders *fs);

#endif
