/*
 * commands.c: what the words of the control socket mean: one function per
 * command, one table at the end. What lasts is in orders.c.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "sdp/base/recompat.h"
#include "sipd/approval.h"
#include "sipd/barrier.h"
#include "sipd/check.h"
#include "sipd/commands.h"
#include "sipd/events.h"
#include "sipd/housekey.h"
#include "sipd/logorder.h"
#include "sipd/orders.h"
#include "sipd/pairing.h"
#include "sipd/trustorder.h"

static struct session *find_session(struct conn *cn, const struct odict *o)
{
	const char *id = odict_string(o, "session");

	return id ? board_find(conn_env(cn)->board, id) : NULL;
}

static void cmd_trust_answer(struct conn *cn, const struct odict *o,
			     const char *tag)
{
	struct session *s = find_session(cn, o);
	bool yes = false;

	(void)odict_get_boolean(o, &yes, "accept");
	if (s)
		session_trust(s, yes);
	else
		conn_error(cn, tag, 1, "There is no such session.");
}

static bool hang_up(struct session *s, void *arg)
{
	(void)arg;
	session_hangup(s, session_owes(s) ? REASON_LOCAL_STOP :
		       REASON_LOCAL_HANGUP, NULL);
	return false;
}

static void cmd_hangup(struct conn *cn, const struct odict *o,
		       const char *tag)
{
	const char *id = odict_string(o, "session");
	struct session *s = find_session(cn, o);

	if (s)
		(void)hang_up(s, NULL);
	else if (id && !strcmp(id, "all"))
		(void)board_apply(conn_env(cn)->board, hang_up, NULL);
	else {
		conn_error(cn, tag, 1, "There is no session \"%s\"; `dial"
			   " list` shows them.", id ? id : "");
		return;
	}
	conn_end(cn, tag);
}

struct listing {
	struct conn *cn;
	const char *tag;
};

static bool list_one(struct session *s, void *arg)
{
	const struct listing *ls = arg;
	struct odict *o;
	char running[128];

	if (event_alloc(&o, "session", ls->tag))
		return true;
	event_session(o, s);
	/* what has left is for the log */
	(void)re_snprintf(running, sizeof running, "%H", session_running, s);
	odict_entry_del(o, "tunnels");
	event_str(o, "tunnels", running);
	conn_event(ls->cn, o);
	mem_deref(o);
	return false;
}

/* A list that waits until the worker has counted. */
struct pending {
	struct le le;
	struct conn *conn;
	char *tag;
	struct barrier *barrier;
};

static void pending_destructor(void *arg)
{
	struct pending *p = arg;

	list_unlink(&p->le);
	mem_deref(p->barrier);
	mem_deref(p->tag);
}

static void counted_handler(void *arg)
{
	struct pending *p = arg;
	struct listing ls = { p->conn, p->tag };

	(void)board_apply(conn_env(p->conn)->board, list_one, &ls);
	conn_end(p->conn, p->tag);
	mem_deref(p);
}

static bool count_one(struct session *s, void *arg)
{
	(void)arg;
	session_count(s);
	return false;
}

static void cmd_list(struct conn *cn, const struct odict *o, const char *tag)
{
	const struct board *b = conn_env(cn)->board;
	struct pending *p = mem_zalloc(sizeof *p, pending_destructor);
	(void)o;

	if (!p || (tag && str_dup(&p->tag, tag)))
		goto no_memory;
	p->conn = cn;
	conn_keep(cn, &p->le, p);
	(void)board_apply(b, count_one, NULL);
	if (!barrier_alloc(&p->barrier, board_house(b), counted_handler, p))
		return;
 no_memory:
	mem_deref(p);
	conn_error(cn, tag, 1, "No memory.");
}

static const char *const ua_statev[] = {
	[UA_IDLE]        = "idle",
	[UA_REGISTERING] = "registering",
	[UA_REGISTERED]  = "registered",
	[UA_FAILED]      = "failed",
};

static void status_account(struct conn *cn, const char *tag,
			   const struct account *ac)
{
	char contact[256] = "";
	struct odict *o;

	if (event_alloc(&o, "account", tag))
		return;
	(void)re_snprintf(contact, sizeof contact, "%H", ua_contact, ac->ua);
	event_str(o, "address", ac->conf ? ac->conf->address : NULL);
	event_str(o, "state", ac->conf && ac->conf->registrar
		? ua_statev[ua_state(ac->ua)] : "direct");
	event_str(o, "reached_at", contact);
	if (ac->scode)
		event_int(o, "scode", ac->scode);
	event_str(o, "text", ac->why);
	conn_event(cn, o);
	mem_deref(o);
}

static void status_meeting(struct conn *cn, const char *tag)
{
	const struct control_env *env = conn_env(cn);
	char text[512];
	struct odict *o;

	if (event_alloc(&o, "meeting-point", tag))
		return;
	(void)re_snprintf(text, sizeof text, "%H", env->meetingh,
			  env->meeting);
	event_str(o, "text", text);
	conn_event(cn, o);
	mem_deref(o);
}

static void cmd_status(struct conn *cn, const struct odict *o,
		       const char *tag)
{
	const struct control_env *env = conn_env(cn);
	const struct house *h = board_house(env->board);
	struct le *le;

	if (env->meetingh)
		status_meeting(cn, tag);
	for (le = accounts_list(h->accounts)->head; le; le = le->next)
		status_account(cn, tag, le->data);
	cmd_list(cn, o, tag);
}

static void cmd_identity(struct conn *cn, const struct odict *o,
			 const char *tag)
{
	const struct house *h = board_house(conn_env(cn)->board);
	char fp[FP_TEXT_SIZE], why[400];
	uint8_t md[DESC_FP_SIZE];
	bool renew = false;
	struct odict *e;

	memcpy(md, identity_fp(h->identity), sizeof md);
	(void)odict_get_boolean(o, &renew, "renew");
	if (renew && housekey_renew(h->conf, md, why, sizeof why)) {
		conn_error(cn, tag, 1, "%s", why);
		return;
	}
	fp_print(fp, md);
	if (!event_alloc(&e, "identity", tag)) {
		event_str(e, "fingerprint", fp);
		conn_event(cn, e);
		mem_deref(e);
	}
	conn_end(cn, tag);
}

static bool with_peer(struct session *s, void *arg)
{
	struct session_info in;

	session_info(s, &in);
	return !strcmp(in.peer->name, arg);
}

/* A name as the call has it: of a [peer], else an address in full. */
static void cmd_why(struct conn *cn, const struct odict *o, const char *tag)
{
	const struct board *b = conn_env(cn)->board;
	const char *peer = odict_string(o, "peer"), *text;
	struct session *s;
	char *told = NULL, why[256];
	struct odict *e;
	struct peer p;

	if (!peer || peers_resolve(board_house(b)->peers, peer, &p, why,
				   sizeof why)) {
		conn_error(cn, tag, 2, "%s", peer ? why
			   : "A peer must be named.");
		return;
	}
	s = board_apply(b, with_peer, p.name);
	if (s && why_tell(&told, s))
		told = NULL;
	text = told ? told : why_last(board_why(b), p.name);
	if (!text) {
		conn_error(cn, tag, 1, "There was no session with %s since"
			   " sipd has started.", p.name);
	}
	else if (!event_alloc(&e, "why", tag)) {
		event_str(e, "text", text);
		conn_event(cn, e);
		mem_deref(e);
		conn_end(cn, tag);
	}
	mem_deref(told);
}

static void cmd_reload(struct conn *cn, const struct odict *o,
		       const char *tag)
{
	const struct control_env *env = conn_env(cn);
	char why[400] = "";
	(void)o;

	if (env->reloadh && !env->reloadh(why, sizeof why, env->arg))
		conn_end(cn, tag);
	else
		conn_error(cn, tag, 1, "%s", *why ? why
			   : "There is nothing to reload.");
}

static void cmd_not_for_guests(struct conn *cn, const struct odict *o,
			       const char *tag)
{
	(void)o;
	conn_error(cn, tag, 1, "The sipd here belongs to another user, who"
		   " alone may do that.");
}

command_h *command_find(const char *name, bool guest)
{
	static const struct {
		const char *name;
		command_h *h;
		bool guests;            /* too */
	} commandv[] = {
		{ "dial",     order_dial,       true  },
		{ "wait",     order_wait,       false },
		{ "pair",     order_pair,       false },
		{ "approve",  order_approve,    false },
		{ "deny",     order_deny,       false },
		{ "answer",   cmd_trust_answer, false },
		{ "status",   cmd_status,       false },
		{ "list",     cmd_list,         false },
		{ "hangup",   cmd_hangup,       false },
		{ "log",      order_log,          false },
		{ "check",    check_order,      false },
		{ "why",      cmd_why,          false },
		{ "reload",   cmd_reload,       false },
		{ "trust",    order_trust,      false },
		{ "identity", cmd_identity,     false },
	};

	for (size_t i = 0; i < RE_ARRAY_SIZE(commandv); i++)
		if (!strcmp(commandv[i].name, name))
			return !guest || commandv[i].guests
				? commandv[i].h : cmd_not_for_guests;
	return NULL;
}
