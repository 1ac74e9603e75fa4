/*
 * control.h: JSON lines on a Unix socket: orders in, events out.
 *
 *   {"cmd":"dial","tag":"1","peer":"bob","ask":true,"cwd":"/home/a",
 *    "tunnels":[{"kind":"file","args":["report.pdf"]}]}
 *   {"event":"state","tag":"1","session":"7","peer":"bob","state":"open",..}
 *   {"event":"closed","tag":"1","session":"7","reason":"done","exit":0,..}
 *
 * Every order ends with one event that carries "exit": "closed" for sessions,
 * "end" or "error" for the rest. A `dial` or `wait` lasts as long as its
 * connection. Descriptors for a pipe travel beside their line (SCM_RIGHTS).
 * The socket is made with mode 0600: who may open it may do everything. If
 * the configuration expects guests it is open to all, and each connection is
 * judged by its user (guest.h).
 */
#ifndef DIALTONE_CONTROL_H
#define DIALTONE_CONTROL_H

#include "sipd/guest.h"
#include "sipd/switchboard.h"

struct control;
struct timers;
struct conn;
struct order;

enum { CONTROL_LINE_MAX = 65536 };

/* One command: o is its line, tag what the events are to carry (or NULL). */
typedef void (command_h)(struct conn *cn, const struct odict *o,
			 const char *tag);

/* What the commands are and what they may need. */
struct control_env {
	command_h *(*findh)(const char *name, bool guest);
	struct board *board;
	struct timers *timers;
	int (*reloadh)(char *why, size_t size, void *arg);      /* or NULL */
	re_printf_h *meetingh;          /* of the meeting point, or NULL */
	void *meeting;
	void *arg;
};

/* env is copied; the board must outlive the control. */
int control_alloc(struct control **cp, const struct control_env *env);

/* Listen on a socket path; an old socket that nobody answers is replaced.
 * open: for guests too. EADDRINUSE: somebody does. */
int control_listen(struct control *c, const char *path, bool open);

/* Serve one connected descriptor, which is then the control's. */
int control_serve(struct control *c, int fd);

const struct control_env *conn_env(const struct conn *cn);

/* NULL: the user of sipd itself. */
const struct guest *conn_guest(const struct conn *cn);

/* For the commands: send one event; o is not kept. */
void conn_event(struct conn *cn, const struct odict *o);

/* The last event of an order: "end" with exit 0, or "error" with a sentence
 * and an exit code. tag may be NULL. */
void conn_end(struct conn *cn, const char *tag);
void conn_error(struct conn *cn, const char *tag, int code,
		const char *fmt, ...);

/* Descriptors that came with the present line: they become the caller's.
 * false: there were none. */
bool conn_take_fds(struct conn *cn, int *in, int *out);

/* What lasts as long as the connection: freed with it, or earlier by
 * mem_deref of the owner. */
void conn_keep(struct conn *cn, struct le *le, void *data);

#endif
