/*
 * approval.c: somebody has looked at a call that rings. An approval lasts
 * until the session is open or over; then the session is nobody's, as that of
 * a known peer is.
 */
#include <errno.h>
#include <string.h>
#include "sipd/approval.h"
#include "sipd/events.h"

struct approval {
	struct le le;
	struct conn *conn;
	char *tag;
	bool named;             /* the key, so that nobody is asked */
	uint8_t fp[DESC_FP_SIZE];
};

static void destructor(void *arg)
{
	struct approval *a = arg;

	list_unlink(&a->le);
	board_drop(conn_env(a->conn)->board, a);
	mem_deref(a->tag);
}

static void finish(struct approval *a, const struct session_info *in)
{
	char text[400];

	if (in->state == SESSION_OPEN) {
		board_release(conn_env(a->conn)->board, a);
		conn_end(a->conn, a->tag);
	}
	else {
		(void)reason_text(text, sizeof text, in->reason,
				  in->peer->name);
		conn_error(a->conn, a->tag, 1, "%s%s%s", text,
			   *in->text ? " " : "", in->text);
	}
	mem_deref(a);
}

static void state_handler(struct session *s, void *arg)
{
	struct session_info in;

	session_info(s, &in);
	if (in.state == SESSION_OPEN || in.state == SESSION_CLOSED)
		finish(arg, &in);
}

static void ask_handler(struct session *s, const uint8_t *fp, void *arg)
{
	struct approval *a = arg;
	struct odict *o;

	if (a->named) {
		session_trust(s, !memcmp(fp, a->fp, sizeof a->fp));
		return;
	}
	if (event_alloc(&o, "ask", a->tag)) {
		session_trust(s, false);
		return;
	}
	event_session(o, s);
	conn_event(a->conn, o);
	mem_deref(o);
}

/* The session that an order names, if its key waits for a decision. */
static struct session *find(struct conn *cn, const struct odict *o,
			    const char *tag)
{
	const char *id = odict_string(o, "session");
	struct session *s = id ? board_find(conn_env(cn)->board, id) : NULL;

	if (s && session_is_held(s))
		return s;
	conn_error(cn, tag, 1, "No call \"%s\" waits for an answer; `dial"
		   " list` shows those that ring.", id ? id : "");
	return NULL;
}

/* Whose call the user takes it for: a program that has shown the key names
 * it, and cannot be asked; on a terminal words are compared. */
static bool read_key(struct approval *a, struct session *s,
		     const struct odict *o)
{
	const char *text = odict_string(o, "fingerprint");
	struct session_info in;
	bool can_ask = false;
	struct pl pl;

	(void)odict_get_boolean(o, &can_ask, "ask");
	a->named = text != NULL;
	if (!text && !can_ask) {
		conn_error(a->conn, a->tag, 2, "There is no terminal to"
			   " compare words at: name the key that you trust,"
			   " dial approve ID FINGERPRINT.");
		return false;
	}
	if (!text)
		return true;
	pl_set_str(&pl, text);
	session_info(s, &in);
	if (fp_decode(a->fp, &pl)) {
		conn_error(a->conn, a->tag, 2, "\"%s\" is not a fingerprint:"
			   " it has 64 hexadecimal digits.", text);
		return false;
	}
	if (in.fp && !memcmp(in.fp, a->fp, sizeof a->fp))
		return true;
	conn_error(a->conn, a->tag, 1, "The call shows another key; `dial"
		   " --json list` tells it.");
	return false;
}

void order_approve(struct conn *cn, const struct odict *o, const char *tag)
{
	struct session_handlers sh = { .stateh = state_handler,
				       .askh = ask_handler };
	struct session *s = find(cn, o, tag);
	struct approval *a;

	if (!s)
		return;
	a = mem_zalloc(sizeof *a, destructor);
	sh.arg = a;
	if (!a)
		goto no_memory;
	a->conn = cn;
	if (tag && str_dup(&a->tag, tag))
		goto no_memory;
	conn_keep(cn, &a->le, a);
	if (!read_key(a, s, o)) {
		mem_deref(a);
		return;
	}
	if (board_adopt(conn_env(cn)->board, s, &sh))
		goto no_memory;
	session_admit(s);
	return;
 no_memory:
	conn_error(cn, tag, 1, "No memory.");
	mem_deref(a);
}

void order_deny(struct conn *cn, const struct odict *o, const char *tag)
{
	struct session *s = find(cn, o, tag);

	if (!s)
		return;
	session_hangup(s, REASON_NOT_TRUSTED, NULL);
	conn_end(cn, tag);
}
