/*
 * pathenv.h: what the agent and the finders of a path call, of path.c. All
 * handlers take the path as their arg.
 */
#ifndef DIALTONE_PATHENV_H
#define DIALTONE_PATHENV_H

#include "modules/path/pathimpl.h"

/* Its handlers in the agent's conf, but those of guesses. */
void pathenv_agent(struct agent_conf *conf, struct path *p);

/* Valid as that of paths_env, whose errors it has. */
int pathenv_finders(struct finder_env *env, struct path *p);

/* For finders_alloc: a candidate of ours goes to the agent, and to the session
 * if the peer is to know of it; all finders are done. */
finder_cand_h pathenv_cand;
finder_done_h pathenv_done;

/* A base that is no more. */
void pathenv_gone(const struct sa *base, void *arg);

/* A link-local address means something on one link only: that of ours. */
void pathenv_scope(struct sa *remote, const struct sa *local);

#endif
