/*
 * tunnel.h: a tunnel kind: one file, one const struct named after it.
 *
 * offer and answer are words only and run on the control thread; nothing on
 * the machine is touched. start, and all that follows, mem_deref included,
 * runs on the flow's worker thread.
 *
 *   offer:  user's words -> parameters of our m-line
 *   answer: the peer's parameters + what it may do -> our parameters
 *   start:  devices are opened, streams listened for or opened
 *   done:   told once; mem_deref may come before, and undoes all
 */
#ifndef DIALTONE_TUNNEL_H
#define DIALTONE_TUNNEL_H

#include "sdp/desc.h"
#include "tunnels/flow/dgram.h"
#include "tunnels/flow/flow.h"

struct tunnel;                  /* each kind completes its own */

/* What a kind needs of the flow. */
enum flow_need { FLOW_STREAM, FLOW_DATAGRAM };

/* What the user, the configuration and the rules say. Valid during the call:
 * a kind copies what it keeps. */
struct tunnel_ask {
	char *const *argv;      /* offer: the user's words after the kind */
	size_t argc;
	const char *cwd;        /* offer: where relative names start */
	int fd_in, fd_out;      /* the user's stdin and stdout, -1: none;
	                           the kind dups what it keeps */
	const char *allow;      /* answer: rest of the peer's allow entry for
	                           this kind, "" if none was given */
	const char *peer;       /* name for messages and folders */
	/* value of a key in the kind's section of the configuration, or its
	 * default, or NULL */
	const char *(*confh)(const char *key, void *arg);
	void *arg;
	char *why;              /* on error: one sentence for the user */
	size_t why_size;
};

/* How far it is, for people. */
struct tunnel_progress {
	uint64_t bytes, total;  /* total 0: unknown */
	uint64_t files, files_total;
	const char *name;       /* what is being moved, NULL if nothing */
	uint64_t part, part_total;      /* of it */
	const char *note;       /* one line to show once, NULL if none: e.g.
	                           "listening on 127.0.0.1:8080" */
};

/* Reports, on the worker thread. doneh at most once, and it may be the last
 * thing a callback does: the receiver may free the tunnel after it returns.
 * err 0 is success; why is one sentence, "" if none. */
struct tunnel_events {
	void (*progressh)(const struct tunnel_progress *p, void *arg);
	void (*doneh)(int err, const char *why, void *arg);
	void *arg;
};

/* Where a tunnel's bytes go; what its kind does not need is NULL. */
struct tunnel_way {
	struct flow *flow;              /* FLOW_STREAM */
	struct dgram *dgram;            /* FLOW_DATAGRAM */
	unsigned number;                /* of its m-line, names its streams */
	struct loop *loop;              /* of the worker */
	/* SHA-256 of the certificates that the flow was secured with, valid
	 * during the start */
	const uint8_t *local_fp, *remote_fp;
};

struct tunnel_kind {
	const char *name;       /* in SDP, in sipd.conf, on dial's line */
	const char *verb;       /* on dial's line instead; NULL: the name */
	const char *usage;      /* words after the kind, for `dial help`; NULL:
	                           not for users, a command makes it */
	const char *help;       /* a line on what it does, with them */
	enum flow_need need;
	bool first;             /* runs while the key is not trusted yet, and
	                           the others wait for it */
	bool endless;           /* never done by itself: as long as the session */
	/* Do these words need the user's stdin and stdout? NULL: none do. */
	bool (*stdio)(char *const *argv, size_t argc);
	/* Do the words behind the kind in an allow entry make sense? Only
	 * ask->allow and why are there, and confh if what they name is to be
	 * there. EINVAL: the rest of a sentence in ask->why. NULL: there may
	 * be none. */
	int (*allow)(const struct tunnel_ask *ask);
	const char *once;       /* why only one entry of an allow line may have
	                           words; NULL: each adds its own */
	/* Our m-line for what the user asks. *tp: the new tunnel. EINVAL with
	 * ask->why: what was asked makes no sense; EPERM: this process may not
	 * read or write there, one of the user's own might. */
	int (*offer)(struct tunnel **tp, const struct tunnel_ask *ask,
		     struct desc_media *local);
	/* The peer's m-line answered. EACCES with ask->why: not allowed;
	 * EBADMSG: nonsense. */
	int (*answer)(struct tunnel **tp, const struct tunnel_ask *ask,
		      const struct desc_media *remote,
		      struct desc_media *local);
	/* Go. `remote` is the peer's m-line. */
	int (*start)(struct tunnel *t, const struct desc_media *remote,
		     const struct tunnel_way *way,
		     const struct tunnel_events *ev);
	/* Counters for `dial status`, "a=1 b=2"; may be NULL. */
	int (*status)(struct re_printf *pf, const struct tunnel *t);
};

/* The table that the Makefile makes of tunnels/ *.c, NULL-terminated. */
extern const struct tunnel_kind *const tunnel_kinds[];

/* Find a kind by name; NULL if there is none. */
const struct tunnel_kind *tunnel_find(const char *name);

#endif
