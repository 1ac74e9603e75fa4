/*
 * orders.c: the two commands that last: `dial` makes one session, `wait`
 * answers those that come. An order lives as long as its connection; when it
 * goes, its sessions are hung up.
 *
 *   dial -> a session with that peer runs: joined -> begun ... closed
 *                                             |
 *                 it was over already:        +--> a session of its own
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "sipd/events.h"
#include "sipd/orders.h"
#include "sipd/wants.h"

struct order {
	struct le le;
	struct conn *conn;
	char *tag;
	struct wait *wait;
	bool waiting;           /* a wait, not a dial */
	bool once;              /* the wait ends with its first session */
	int fdv[2];
	struct odict *said;     /* by a dial */
	bool joined;            /* a session that ran already */
	bool begun;             /* the peer has taken what was asked for */
	struct timer again;
};

static void close_fds(struct order *or)
{
	for (int i = 0; i < 2; i++) {
		if (or->fdv[i] >= 0)
			(void)close(or->fdv[i]);
		or->fdv[i] = -1;
	}
}

static void order_destructor(void *arg)
{
	struct order *or = arg;

	timer_stop(&or->again);
	list_unlink(&or->le);
	mem_deref(or->wait);
	board_drop(conn_env(or->conn)->board, or);
	close_fds(or);
	mem_deref(or->said);
	mem_deref(or->tag);
}

static int order_alloc(struct order **op, struct conn *cn, const char *tag)
{
	struct order *or = mem_zalloc(sizeof *or, order_destructor);

	if (!or)
		return ENOMEM;
	or->conn = cn;
	or->fdv[0] = or->fdv[1] = -1;
	if (tag && str_dup(&or->tag, tag)) {
		mem_deref(or);
		return ENOMEM;
	}
	(void)conn_take_fds(cn, &or->fdv[0], &or->fdv[1]);
	conn_keep(cn, &or->le, or);
	*op = or;
	return 0;
}

/* The session, or our part of it, is over. */
static void closed_event(struct order *or, const struct session *s,
			 enum reason r, const char *detail, bool peer_said)
{
	struct session_info in;
	char text[512];
	struct odict *o;
	bool last = !or->waiting || or->once;

	if (event_alloc(&o, "closed", or->tag))
		return;
	session_info(s, &in);
	event_session(o, s);
	event_str(o, "reason", reason_name(r));
	(void)reason_text(text, sizeof text, r, in.peer->name);
	event_str(o, "text", text);
	event_str(o, peer_said ? "peer_says" : "detail", detail);
	if (last)
		event_int(o, "exit", (uint64_t)reason_exit(r));
	conn_event(or->conn, o);
	mem_deref(o);
	if (last)
		mem_deref(or);
}

/* The session that was joined was at its end, or is known here alone: the
 * peer has been started anew, a server has forgotten the call. Nothing of
 * what was asked for has begun, so it can be dialled. */
static bool dial_again(struct order *or, enum reason r)
{
	const bool gone = r == REASON_PEER_HANGUP || r == REASON_PEER_STOPPED ||
			  r == REASON_PEER_LOST || r == REASON_PATH_LOST ||
			  r == REASON_UNREACHABLE || r == REASON_DONE ||
			  r == REASON_TUNNEL_FAILED;    /* another one */

	if (!or->joined || or->begun || !gone)
		return false;
	or->joined = false;
	return !timer_start(conn_env(or->conn)->timers, &or->again, 0,
			    or->again.h, or);
}

static void state_handler(struct session *s, void *arg)
{
	struct order *or = arg;
	struct session_info in;
	struct odict *o;

	session_info(s, &in);
	if (in.state == SESSION_CLOSED) {
		if (!dial_again(or, in.reason))
			closed_event(or, s, in.reason, in.text, in.peer_said);
		return;
	}
	or->begun = true;
	close_fds(or);                  /* the tunnels have their own */
	if (or->once)
		or->wait = mem_deref(or->wait);
	if (event_alloc(&o, in.state == SESSION_OPEN ? "open" : "state",
			or->tag))
		return;
	event_session(o, s);
	conn_event(or->conn, o);
	mem_deref(o);
}

static void end_handler(struct session *s, unsigned group, enum reason r,
			const char *text, void *arg)
{
	(void)group;
	if (!dial_again(arg, r))
		closed_event(arg, s, r, text, false);
}

static void ask_handler(struct session *s, const uint8_t *fp, void *arg)
{
	struct order *or = arg;
	struct session_info in;
	struct odict *o;
	char text[300];
	(void)fp;

	if (event_alloc(&o, "ask", or->tag)) {
		session_trust(s, false);
		return;
	}
	session_info(s, &in);
	event_session(o, s);
	event_str(o, "about", in.peer->pinned || in.vouched ? "offer" : "key");
	if (re_snprintf(text, sizeof text, "%H", session_offered, s) > 0)
		event_str(o, "offer", text);
	conn_event(or->conn, o);
	mem_deref(o);
}

static void progress_handler(struct session *s, unsigned group,
			     unsigned tunnel, const struct tunnel_progress *p,
			     void *arg)
{
	struct order *or = arg;
	struct session_info in;
	struct odict *o;
	(void)group;

	if (event_alloc(&o, p->note ? "note" : "progress", or->tag))
		return;
	session_info(s, &in);
	event_str(o, "session", in.id);
	event_int(o, "tunnel", tunnel);
	event_str(o, "text", p->note);
	event_str(o, "name", p->name);
	event_int(o, "bytes", p->bytes);
	event_int(o, "total", p->total);
	event_int(o, "files", p->files);
	event_int(o, "files_total", p->files_total);
	event_int(o, "part", p->part);
	event_int(o, "part_total", p->part_total);
	conn_event(or->conn, o);
	mem_deref(o);
}

static struct session_handlers order_handlers(struct order *or)
{
	const struct session_handlers sh = {
		.stateh = state_handler, .askh = ask_handler,
		.progressh = progress_handler, .endh = end_handler, .arg = or
	};

	return sh;
}

static unsigned order_flags(const struct odict *o)
{
	bool ask = false, anew = false;

	(void)odict_get_boolean(o, &ask, "ask");
	(void)odict_get_boolean(o, &anew, "anew");
	return (ask ? SESSION_CAN_ASK : 0) | (anew ? SESSION_ANEW : 0);
}

/* What this process may not read or write a process of the user's may. */
static void right_error(struct conn *cn, const char *tag, const char *why)
{
	struct odict *o;

	if (event_alloc(&o, "error", tag))
		return;
	event_str(o, "text", why);
	(void)odict_entry_add(o, "own", ODICT_BOOL, true);
	event_int(o, "exit", 2);
	conn_event(cn, o);
	mem_deref(o);
}

static void dial_error(struct conn *cn, const char *tag, int err,
		       enum reason r, const char *peer, const char *why)
{
	char text[400];

	if (err == EPERM && r == REASON_TUNNEL_FAILED && str_isset(why)) {
		right_error(cn, tag, why);
		return;
	}
	(void)reason_text(text, sizeof text, r, peer);
	if (str_isset(why))
		conn_error(cn, tag, r == REASON_TUNNEL_FAILED ||
			   r == REASON_BAD_ADDRESS ? 2 : reason_exit(r),
			   "%s", why);
	else
		conn_error(cn, tag, reason_exit(r), "%s", text);
}

static bool guest_allowed(struct conn *cn, const struct wants *ws, char *why,
			  size_t size)
{
	const struct guest *g = conn_guest(cn);
	const struct conf *c = board_house(conn_env(cn)->board)->conf;

	for (size_t i = 0; i < ws->n && g; i++)
		if (!guest_may(g, c, ws->v[i].kind->name, ws->v[i].ask.argv,
			       ws->v[i].ask.argc, why, size))
			return false;
	return true;
}

/* The last thing that is done. */
static void order_fail(struct order *or, int code, const char *why)
{
	conn_error(or->conn, or->tag, code, "%s", why);
	mem_deref(or);
}

static void place_order(struct order *or, unsigned flags,
			const struct wants *ws, char *why, size_t size)
{
	const char *peer = odict_string(or->said, "peer");
	const struct session_handlers sh = order_handlers(or);
	enum reason r = REASON_INTERNAL;
	struct session_info in;
	struct session *s;
	int err;

	if (!guest_allowed(or->conn, ws, why, size)) {
		order_fail(or, 1, why);
		return;
	}
	err = board_dial(&s, conn_env(or->conn)->board, peer, ws->v, ws->n,
			 flags, &sh, &r, why, size);
	if (err) {
		dial_error(or->conn, or->tag, err, r, peer, why);
		mem_deref(or);
		return;
	}
	session_info(s, &in);
	or->joined = in.state == SESSION_OPEN;
	if (!or->joined)
		close_fds(or);          /* the tunnels have their own */
}

/* The last thing that is done, too. */
static void order_place(struct order *or, unsigned flags)
{
	const struct conf *c = board_house(conn_env(or->conn)->board)->conf;
	struct wants *ws;
	char why[400];
	int err;

	if (!odict_string(or->said, "peer")) {
		order_fail(or, 2, "A peer must be named.");
		return;
	}
	err = wants_read(&ws, or->said, or->fdv, c, why, sizeof why);
	if (err) {
		order_fail(or, err == ENOMEM ? 1 : 2, why);
		return;
	}
	place_order(or, flags, ws, why, sizeof why);
	mem_deref(ws);
}

/* What a guest says counts for less. */
static unsigned dial_flags(const struct order *or)
{
	return conn_guest(or->conn) ? 0 : order_flags(or->said);
}

static void again_handler(void *arg)
{
	struct order *or = arg;

	order_place(or, dial_flags(or) | SESSION_ANEW);
}

void order_dial(struct conn *cn, const struct odict *o, const char *tag)
{
	struct order *or;

	if (order_alloc(&or, cn, tag)) {
		conn_error(cn, tag, 1, "No memory.");
		return;
	}
	or->said = mem_ref((void *)o);
	or->again.h = again_handler;
	order_place(or, dial_flags(or));
}

/* Where one is called, and where files are found then. */
static void tell_waiting(const struct order *or, const struct wait_conf *wc)
{
	const struct house *h = board_house(conn_env(or->conn)->board);
	const bool files = !wc->kind || !strcmp(wc->kind->name, "file");
	const char *into = wc->into ? wc->into
		: conf_kind_get(h->conf, "file", "inbox");
	char text[1024];
	struct odict *o;

	if (event_alloc(&o, "note", or->tag))
		return;
	if (re_snprintf(text, sizeof text, "waiting for calls to %H%s%s",
			accounts_called, h->accounts, files
			? "; files go to " : "", files ? into : "") > 0)
		event_str(o, "text", text);
	conn_event(or->conn, o);
	mem_deref(o);
}

void order_wait(struct conn *cn, const struct odict *o, const char *tag)
{
	const char *kind = odict_string(o, "kind");
	struct wait_conf wc = {
		.kind = kind ? tunnel_find(kind) : NULL,
		.from = odict_string(o, "from"),
		.into = odict_string(o, "into"),
		.flags = order_flags(o),
	};
	struct order *or;

	if (kind && !wc.kind) {
		conn_error(cn, tag, 2, "There is no tunnel \"%s\".", kind);
		return;
	}
	if (order_alloc(&or, cn, tag)) {
		conn_error(cn, tag, 1, "No memory.");
		return;
	}
	or->waiting = true;
	(void)odict_get_boolean(o, &or->once, "once");
	wc.fd_in = or->fdv[0];
	wc.fd_out = or->fdv[1];
	wc.sh = order_handlers(or);
	if (wait_alloc(&or->wait, board_waits(conn_env(cn)->board), &wc)) {
		conn_error(cn, tag, 1, "No memory.");
		mem_deref(or);
		return;
	}
	tell_waiting(or, &wc);
}
