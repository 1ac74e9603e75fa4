/*
 * pipetunnel.h: a pipe as its own files see it.
 *
 *   pipe.c: the kind, and what it is given
 *   piperun.c: the pipe while it runs
 */
#ifndef DIALTONE_PIPETUNNEL_H
#define DIALTONE_PIPETUNNEL_H

#include "tunnels/ending.h"
#include "tunnels/pipe/command.h"
#include "tunnels/pipe/pipein.h"
#include "tunnels/pipe/pipeout.h"

enum pipe_how { HOW_NONE, HOW_EXIT, HOW_SIGNAL };

struct tunnel {
	bool caller;
	struct pipefd fd_in, fd_out;    /* until they are started */
	char *line;                     /* the command, NULL: none */
	char *peer;
	struct flow *flow;
	unsigned number;
	struct loop *loop;
	struct ending end;
	struct timer linger;

	struct stream *s;
	struct record_reader rd;
	struct record_writer wr;
	struct pipein *in;
	struct pipeout *out;
	struct command *command;
	bool in_done;                   /* EOF is said */
	bool out_done;                  /* all is written, or no more can be */
	bool peer_eof;
	bool exited;
	bool said, told;                /* STATUS: ours, the peer's */
	int err;                        /* what went wrong here */
	enum pipe_how how;              /* the command's end */
	uint8_t status;
	int peer_err;
	uint64_t sent, received;        /* by ends that are over */
	size_t kept;                    /* by out: not given back yet */
	char why[256];                  /* for the user, "" if all is well */
};

#endif
