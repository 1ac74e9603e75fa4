/*
 * command.h: the configured command at the far end of a pipe.
 */
#ifndef DIALTONE_COMMAND_H
#define DIALTONE_COMMAND_H

#include <stdbool.h>
#include "tunnels/flow/loop.h"

struct command;

/* It has ended: its exit status, or the number of the signal that ended it.
 * On the loop, once. */
typedef void (command_exit_h)(bool signalled, int status, void *arg);

/* Run `/bin/sh -c line` in a process group of its own, with a clean
 * environment (PATH, HOME, LANG, DIALTONE_PEER). *in and *out: our ends of
 * its stdin and stdout, non-blocking, the caller's. mem_deref ends what still
 * runs: first politely, after two seconds not. */
int command_run(struct command **cp, struct loop *l, const char *line,
		const char *peer, int *in, int *out, command_exit_h *exith,
		void *arg);

#endif
