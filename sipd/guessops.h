/*
 * guessops.h: how paths reach the worker's sockets for guessing.
 */
#ifndef DIALTONE_GUESSOPS_H
#define DIALTONE_GUESSOPS_H

#include "modules/path/path.h"
#include "tunnels/flow/worker.h"

/* By the worker that is in *wp by then. */
void guess_ops_init(struct guess_ops *ops, struct worker **wp);

#endif
