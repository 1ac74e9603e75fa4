/*
 * pairing.c: the order that lasts until two machines know each other, or the
 * code is dead. Lives as long as its connection.
 *
 *   host:  code --> wait(pair) --call--> session --complete--> pin
 *             \--10 min, 3 wrong guesses--> error
 *   guest: board_dial(pair CODE) --complete--> pin
 *
 * The host takes one call at a time, so that guesses can be counted: each
 * session that has got as far as the tunnel is one.
 */
#include <errno.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/events.h"
#include "sipd/paircode.h"
#include "sipd/pairing.h"

enum { GUESSES = 3 };

static const uint64_t code_life = 600 * SEC;

struct pairing {
	struct le le;
	struct conn *conn;
	struct board *board;
	char *tag;
	char code[PAIRCODE_SIZE];
	struct wait *wait;      /* host, while no session is there */
	bool host;
	unsigned wrong;
	struct timer timer;
};

static void destructor(void *arg)
{
	struct pairing *p = arg;

	list_unlink(&p->le);
	timer_stop(&p->timer);
	mem_deref(p->wait);
	board_drop(p->board, p);
	mem_deref(p->tag);
	explicit_bzero(p->code, sizeof p->code);
}

static const struct tunnel_kind *pair_kind(void)
{
	return tunnel_find("pair");
}

static void paired(struct pairing *p, const struct session_info *in)
{
	struct peers *peers = board_house(p->board)->peers;
	char fp[FP_TEXT_SIZE];
	struct odict *o;
	int err = peers_pin(peers, in->peer->address, in->peer->name, in->fp);

	if (err) {
		conn_error(p->conn, p->tag, 1, "The key of %s could not be"
			   " kept: %m.", in->peer->name, err);
		return;
	}
	fp_print(fp, in->fp);
	if (!event_alloc(&o, "paired", p->tag)) {
		event_str(o, "peer", in->peer->name);
		event_str(o, "address", in->peer->address);
		event_str(o, "fingerprint", fp);
		conn_event(p->conn, o);
		mem_deref(o);
	}
	conn_end(p->conn, p->tag);
}

static void failed(struct pairing *p, const struct session_info *in)
{
	char text[400];

	(void)reason_text(text, sizeof text, in->reason, in->peer->name);
	if (in->reason == REASON_TUNNEL_FAILED)
		conn_error(p->conn, p->tag, 1, "%s Ask for a new code.",
			   *in->text ? in->text : text);
	else
		conn_error(p->conn, p->tag, reason_exit(in->reason),
			   *in->text ? "%s (%s)" : "%s", text, in->text);
}

static void note(const struct pairing *p, const struct session_info *in)
{
	char text[400];
	struct odict *o;

	if (event_alloc(&o, "note", p->tag))
		return;
	(void)re_snprintf(text, sizeof text, "%s tried and does not know the"
			  " code, or somebody stood in between; %u more"
			  " wrong guess%s.", in->peer->name,
			  GUESSES - p->wrong,
			  GUESSES - p->wrong == 1 ? "" : "es");
	event_str(o, "text", text);
	conn_event(p->conn, o);
	mem_deref(o);
}

static void state_handler(struct session *s, void *arg);

static int wait_again(struct pairing *p)
{
	const struct wait_conf wc = {
		.kind = pair_kind(), .code = p->code, .fd_in = -1,
		.fd_out = -1, .flags = SESSION_ANY_KEY,
		.sh = { .stateh = state_handler, .arg = p },
	};

	return wait_alloc(&p->wait, board_waits(p->board), &wc);
}

/* A session of the host has ended without agreement; true: the code lives. */
static bool guess_again(struct pairing *p, const struct session_info *in)
{
	if (!in->times.open)    /* it has not come to a guess */
		return !wait_again(p);
	++p->wrong;
	if (p->wrong < GUESSES) {
		note(p, in);
		return !wait_again(p);
	}
	conn_error(p->conn, p->tag, 1, "Three wrong guesses: this code is"
		   " dead. Make a new one, and tell it where nobody else"
		   " hears it.");
	return false;
}

static void state_handler(struct session *s, void *arg)
{
	struct pairing *p = arg;
	struct session_info in;

	session_info(s, &in);
	if (in.state != SESSION_CLOSED) {
		p->wait = mem_deref(p->wait);
		return;
	}
	if (in.complete)
		paired(p, &in);
	else if (!p->host)
		failed(p, &in);
	else if (guess_again(p, &in))
		return;
	mem_deref(p);
}

static void timeout_handler(void *arg)
{
	struct pairing *p = arg;

	conn_error(p->conn, p->tag, 1, "Nobody has come with this code for"
		   " ten minutes: it is dead.");
	mem_deref(p);
}

static void tell_code(struct pairing *p)
{
	const struct house *h = board_house(p->board);
	struct odict *o;
	char uri[256];

	if (event_alloc(&o, "pairing", p->tag))
		return;
	if (re_snprintf(uri, sizeof uri, "%H", accounts_called,
			h->accounts) > 0)
		event_str(o, "address", uri);
	event_str(o, "code", p->code);
	conn_event(p->conn, o);
	mem_deref(o);
}

static bool under_way(struct board *b)
{
	for (struct le *le = board_waits(b)->head; le; le = le->next) {
		const struct wait *w = le->data;

		if (w->conf.code)
			return true;
	}
	return false;
}

static int host(struct pairing *p)
{
	int err;

	p->host = true;
	if (under_way(p->board)) {
		conn_error(p->conn, p->tag, 1, "Another pairing waits"
			   " already: finish it first, or end it.");
		return EBUSY;
	}
	paircode_make(p->code);
	err = wait_again(p);
	if (!err)
		err = timer_start(conn_env(p->conn)->timers, &p->timer,
				  code_life, timeout_handler, p);
	if (err)
		conn_error(p->conn, p->tag, 1, "No memory.");
	else
		tell_code(p);
	return err;
}

static const char *conf_handler(const char *key, void *arg)
{
	(void)key;
	(void)arg;
	return NULL;
}

static int guest(struct pairing *p, const char *code, const char *peer)
{
	const struct session_handlers sh = { .stateh = state_handler,
					     .arg = p };
	char why[400] = "", text[400], *argv[1] = { p->code };
	struct session_want want = {
		.kind = pair_kind(),
		.ask = { .argv = argv, .argc = 1, .fd_in = -1, .fd_out = -1,
			 .peer = peer, .confh = conf_handler, .why = why,
			 .why_size = sizeof why },
	};
	enum reason r = REASON_INTERNAL;
	struct session *s;
	int err = paircode_read(p->code, code, why, sizeof why);

	if (err) {
		conn_error(p->conn, p->tag, 2, "%s", why);
		return err;
	}
	err = board_dial(&s, p->board, peer, &want, 1, SESSION_ANY_KEY, &sh,
			 &r, why, sizeof why);
	if (err) {
		(void)reason_text(text, sizeof text, r, peer);
		conn_error(p->conn, p->tag, *why ? 2 : reason_exit(r), "%s",
			   *why ? why : text);
	}
	return err;
}

void order_pair(struct conn *cn, const struct odict *o, const char *tag)
{
	const char *code = odict_string(o, "code");
	const char *peer = odict_string(o, "peer");
	struct pairing *p = mem_zalloc(sizeof *p, destructor);

	if (!p)
		goto no_memory;
	p->conn = cn;
	p->board = conn_env(cn)->board;
	if (!pair_kind() || (tag && str_dup(&p->tag, tag)))
		goto no_memory;
	conn_keep(cn, &p->le, p);
	if (code && peer ? guest(p, code, peer) : host(p))
		mem_deref(p);
	return;
 no_memory:
	conn_error(cn, tag, 1, "No memory.");
	mem_deref(p);
}
