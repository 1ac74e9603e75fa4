/*
 * conn.h: a connection to the control socket, of JSON lines: orders in, events
 * out.
 *
 *   {"cmd":"dial","tag":"1","peer":"bob","ask":true,"cwd":"/home/a",
 *    "tunnels":[{"kind":"file","args":["report.pdf"]}]}
 *   {"event":"state","tag":"1","session":"7","peer":"bob","state":"open",..}
 *   {"event":"closed","tag":"1","session":"7","reason":"done","exit":0,..}
 *
 * Every order ends with one event that carries "exit": "closed" for sessions,
 * "end" or "error" for the rest. A `dial` or `wait` lasts as long as its
 * connection. Descriptors for a pipe travel beside their line (SCM_RIGHTS).
 */
#ifndef DIALTONE_CONN_H
#define DIALTONE_CONN_H

#include "sipd/guest.h"
#include "sipd/switchboard.h"

struct conn;

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

/* Serve a connected descriptor, the connection's from now on. It is in connl
 * until it is over. env must outlive it. */
int conn_open(struct list *connl, const struct control_env *env, int fd);

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
