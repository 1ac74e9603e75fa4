/*
 * filewish.h: what `get` asks for: the caller's list of paths, and the callee
 * who finds them in its folders.
 *
 *   caller                              callee
 *   HELLO version               -->
 *   WISH path ...               -->
 *   FINISH                      -->
 *                               <--     FAIL, or a stream of files
 */
#ifndef DIALTONE_FILEWISH_H
#define DIALTONE_FILEWISH_H

#include "tunnels/file/filewalk.h"
#include "tunnels/flow/flow.h"

struct filewish;

/* The caller: ask for argv (copied). failh: the peer cannot, or its stream
 * broke; why is one sentence. Nothing is told when all is well. */
typedef void (filewish_fail_h)(int err, const char *why, void *arg);
int filewish_ask(struct filewish **wp, struct flow *flow, unsigned number,
		 char *const *argv, size_t argc, filewish_fail_h *failh,
		 void *arg);

/* The callee: wait for a wish and find it in the folders of list. foundh is
 * called once; what it is given is valid until mem_deref. */
typedef void (filewish_found_h)(const struct filewalk_arg *argv, size_t argc,
				void *arg);
int filewish_hear(struct filewish **wp, struct flow *flow, unsigned number,
		  const char *list, filewish_found_h *foundh,
		  filewish_fail_h *failh, void *arg);

#endif
