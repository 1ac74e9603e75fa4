/*
 * commands.c: what the words of the control socket mean. One function per
 * command, one table at the end.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "sdp/base/recompat.h"
#include "sipd/commands.h"
#include "tunnels/flow/quic.h"

enum { ARG_MAX_COUNT = 4096, LOG_LINES = 20 };

/* A dial or a wait, as long as its connection. */
struct order {
	struct le le;
	struct conn *conn;
	char *tag;
	struct wait *wait;
	bool waiting;           /* a wait, not a dial */
	bool once;              /* the wait ends with its first session */
	int fdv[2];
};

static void order_destructor(void *arg)
{
	struct order *or = arg;

	list_unlink(&or->le);
	mem_deref(or->wait);
	board_drop(conn_env(or->conn)->board, or);
	for (int i = 0; i < 2; i++)
		if (or->fdv[i] >= 0)
			(void)close(or->fdv[i]);
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

/* --- words ------------------------------------------------------------- */

static void add_str(struct odict *o, const char *key, const char *val)
{
	if (str_isset(val))
		(void)odict_entry_add(o, key, ODICT_STRING, val);
}

static void add_int(struct odict *o, const char *key, uint64_t val)
{
	(void)odict_entry_add(o, key, ODICT_INT, (int64_t)val);
}

static void add_cand(struct odict *o, const char *key, const struct cand *c)
{
	char text[128];

	(void)re_snprintf(text, sizeof text, "%s %J", cand_type_name(c->type),
			  &c->addr);
	add_str(o, key, text);
}

static const char *path_word(const struct session_info *in)
{
	return in->local.type == CAND_RELAY || in->remote.type == CAND_RELAY
		? "relayed" : in->local.transp != CAND_UDP ? "tcp" : "direct";
}

static void add_times(struct odict *o, const struct session_times *t)
{
	struct odict *ms;

	if (odict_alloc(&ms, 8))
		return;
	add_int(ms, "gather", t->offered);
	add_int(ms, "answer", t->answered - t->offered);
	add_int(ms, "path", t->found - t->answered);
	add_int(ms, "secure", t->secured - t->found);
	add_int(ms, "total", t->open);
	(void)odict_entry_add(o, "setup_ms", ODICT_OBJECT, ms);
	mem_deref(ms);
}

/* Everything that can be told of a session. */
static void add_session(struct odict *o, const struct session *s)
{
	struct session_info in;
	char fp[FP_TEXT_SIZE];

	session_info(s, &in);
	add_str(o, "session", in.id);
	add_str(o, "peer", in.peer->name);
	add_str(o, "address", in.peer->address);
	add_str(o, "direction", in.incoming ? "in" : "out");
	add_str(o, "tunnels", in.tunnels);
	add_str(o, "state", session_state_name(in.state));
	if (in.fp) {
		fp_print(fp, in.fp);
		add_str(o, "fingerprint", fp);
	}
	if (in.times.found) {
		add_str(o, "path", path_word(&in));
		add_cand(o, "local", &in.local);
		add_cand(o, "remote", &in.remote);
	}
	if (in.times.open) {
		add_times(o, &in.times);
		add_int(o, "rx_bytes", in.stats->rx_bytes);
		add_int(o, "tx_bytes", in.stats->tx_bytes);
		add_int(o, "rtt_us", in.stats->rtt / 1000);
	}
}

static int event_alloc(struct odict **op, const char *event, const char *tag)
{
	int err = odict_alloc(op, 16);

	if (err)
		return err;
	add_str(*op, "event", event);
	add_str(*op, "tag", tag);
	return 0;
}

/* --- dial and wait ----------------------------------------------------- */

static void closed_event(struct order *or, const struct session *s)
{
	struct session_info in;
	char text[512];
	struct odict *o;
	bool last = !or->waiting || or->once;

	if (event_alloc(&o, "closed", or->tag))
		return;
	session_info(s, &in);
	add_session(o, s);
	add_str(o, "reason", reason_name(in.reason));
	(void)reason_text(text, sizeof text, in.reason, in.peer->name);
	add_str(o, "text", text);
	add_str(o, in.peer_said ? "peer_says" : "detail", in.text);
	if (last)
		add_int(o, "exit", (uint64_t)reason_exit(in.reason));
	conn_event(or->conn, o);
	mem_deref(o);
}

static void state_handler(struct session *s, void *arg)
{
	struct order *or = arg;
	struct session_info in;
	struct odict *o;

	session_info(s, &in);
	if (in.state == SESSION_CLOSED) {
		closed_event(or, s);
		if (!or->waiting || or->once)
			mem_deref(or);
		return;
	}
	if (or->once)
		or->wait = mem_deref(or->wait);
	if (event_alloc(&o, in.state == SESSION_OPEN ? "open" : "state",
			or->tag))
		return;
	add_session(o, s);
	conn_event(or->conn, o);
	mem_deref(o);
}

static void ask_handler(struct session *s, const uint8_t *fp, void *arg)
{
	struct order *or = arg;
	struct odict *o;
	(void)fp;

	if (event_alloc(&o, "ask", or->tag)) {
		session_trust(s, false);
		return;
	}
	add_session(o, s);
	conn_event(or->conn, o);
	mem_deref(o);
}

static void progress_handler(struct session *s, unsigned tunnel,
			     const struct tunnel_progress *p, void *arg)
{
	struct order *or = arg;
	struct session_info in;
	struct odict *o;

	if (event_alloc(&o, p->note ? "note" : "progress", or->tag))
		return;
	session_info(s, &in);
	add_str(o, "session", in.id);
	add_int(o, "tunnel", tunnel);
	add_str(o, "text", p->note);
	add_str(o, "name", p->name);
	add_int(o, "bytes", p->bytes);
	add_int(o, "total", p->total);
	add_int(o, "files", p->files);
	add_int(o, "files_total", p->files_total);
	conn_event(or->conn, o);
	mem_deref(o);
}

static struct session_handlers order_handlers(struct order *or)
{
	const struct session_handlers sh = {
		state_handler, ask_handler, progress_handler, or
	};

	return sh;
}

static unsigned order_flags(const struct odict *o)
{
	bool ask = false;

	(void)odict_get_boolean(o, &ask, "ask");
	return ask ? SESSION_CAN_ASK : 0;
}

static const char *conf_handler(const char *key, void *arg)
{
	(void)key;
	(void)arg;
	return NULL;    /* what is offered is the user's own word */
}

/* The words of one tunnel into an argument vector; strings stay o's. */
static size_t read_args(char **argv, size_t max, const struct odict *o)
{
	const struct odict_entry *e = odict_lookup(o, "args");
	struct le *le;
	size_t n = 0;

	if (!e || e->type != ODICT_ARRAY)
		return 0;
	for (le = e->u.odict->lst.head; le && n < max; le = le->next) {
		const struct odict_entry *a = le->data;

		if (a->type == ODICT_STRING)
			argv[n++] = a->u.str;
	}
	return n;
}

/* {"tunnels":[{"kind":..,"args":[..]},..]} into wants; 0 on nonsense. */
static size_t read_wants(struct session_want *wantv, size_t max, char **argv,
			 const struct odict *o, char *why, size_t size)
{
	const struct odict_entry *e = odict_lookup(o, "tunnels");
	size_t n = 0, argc = 0;

	(void)re_snprintf(why, size, "No tunnel was named.");
	if (!e || e->type != ODICT_ARRAY)
		return 0;
	for (struct le *le = e->u.odict->lst.head; le; le = le->next) {
		const struct odict_entry *t = le->data;
		struct session_want *w = &wantv[n];
		const char *kind;

		if (t->type != ODICT_OBJECT || n == max)
			return 0;
		kind = odict_string(t->u.odict, "kind");
		w->kind = kind ? tunnel_find(kind) : NULL;
		if (!w->kind) {
			(void)re_snprintf(why, size, "There is no tunnel"
					  " \"%s\".", kind ? kind : "");
			return 0;
		}
		w->ask.argv = argv + argc;
		w->ask.argc = read_args(argv + argc, ARG_MAX_COUNT - argc,
					t->u.odict);
		argc += w->ask.argc;
		w->ask.confh = conf_handler;
		w->ask.why = why;
		w->ask.why_size = size;
		++n;
	}
	*why = '\0';
	return n;
}

static void dial_error(struct conn *cn, const char *tag, enum reason r,
		       const char *peer, const char *why)
{
	char text[400];

	(void)reason_text(text, sizeof text, r, peer);
	if (str_isset(why))
		conn_error(cn, tag, r == REASON_TUNNEL_FAILED ||
			   r == REASON_BAD_ADDRESS ? 2 : reason_exit(r),
			   "%s", why);
	else
		conn_error(cn, tag, reason_exit(r), "%s", text);
}

static void cmd_dial(struct conn *cn, const struct odict *o, const char *tag)
{
	struct session_want wantv[DESC_MEDIA_MAX];
	const char *peer = odict_string(o, "peer");
	char why[400], **argv;
	enum reason r = REASON_INTERNAL;
	struct session_handlers sh;
	struct session *s;
	struct order *or = NULL;
	size_t n;

	memset(wantv, 0, sizeof wantv);
	argv = mem_zalloc(ARG_MAX_COUNT * sizeof *argv, NULL);
	if (!argv || order_alloc(&or, cn, tag)) {
		conn_error(cn, tag, 1, "No memory.");
		goto out;
	}
	n = peer ? read_wants(wantv, DESC_MEDIA_MAX, argv, o, why,
			      sizeof why) : 0;
	if (!n) {
		conn_error(cn, tag, 2, "%s", peer ? why
			   : "A peer must be named.");
		mem_deref(or);
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		wantv[i].ask.cwd = odict_string(o, "cwd");
		wantv[i].ask.peer = peer;
		wantv[i].ask.fd_in = or->fdv[0];
		wantv[i].ask.fd_out = or->fdv[1];
	}
	sh = order_handlers(or);
	if (board_dial(&s, conn_env(cn)->board, peer, wantv, n,
		       order_flags(o), &sh, &r, why, sizeof why)) {
		dial_error(cn, tag, r, peer, why);
		mem_deref(or);
	}
 out:
	mem_deref(argv);
}

static void cmd_wait(struct conn *cn, const struct odict *o, const char *tag)
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
	if (board_wait(&or->wait, conn_env(cn)->board, &wc)) {
		conn_error(cn, tag, 1, "No memory.");
		mem_deref(or);
	}
}

/* --- the rest ---------------------------------------------------------- */

static bool by_id(struct session *s, void *arg)
{
	struct session_info in;

	session_info(s, &in);
	return !strcmp(in.id, arg);
}

static struct session *find_session(struct conn *cn, const struct odict *o)
{
	const char *id = odict_string(o, "session");

	return id ? board_apply(conn_env(cn)->board, by_id, (void *)id)
		  : NULL;
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
	session_hangup(s, REASON_LOCAL_HANGUP, NULL);
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

	if (event_alloc(&o, "session", ls->tag))
		return true;
	add_session(o, s);
	conn_event(ls->cn, o);
	mem_deref(o);
	return false;
}

static void cmd_list(struct conn *cn, const struct odict *o, const char *tag)
{
	struct listing ls = { cn, tag };
	(void)o;

	(void)board_apply(conn_env(cn)->board, list_one, &ls);
	conn_end(cn, tag);
}

static const char *const ua_statev[] = {
	[UA_IDLE]        = "idle",
	[UA_REGISTERING] = "registering",
	[UA_REGISTERED]  = "registered",
	[UA_FAILED]      = "failed",
};

static void status_account(struct conn *cn, const char *tag,
			   const struct house_account *ac)
{
	char contact[256] = "";
	struct odict *o;

	if (event_alloc(&o, "account", tag))
		return;
	(void)re_snprintf(contact, sizeof contact, "%H", ua_contact, ac->ua);
	add_str(o, "address", ac->conf ? ac->conf->address : NULL);
	add_str(o, "state", ac->conf && ac->conf->registrar
		? ua_statev[ua_state(ac->ua)] : "direct");
	add_str(o, "reached_at", contact);
	if (ac->scode)
		add_int(o, "scode", ac->scode);
	add_str(o, "text", ac->why);
	conn_event(cn, o);
	mem_deref(o);
}

static void cmd_status(struct conn *cn, const struct odict *o,
		       const char *tag)
{
	const struct control_env *env = conn_env(cn);
	const struct house *h = board_house(env->board);
	struct le *le;
	(void)o;

	for (le = h->accountl.head; le; le = le->next)
		status_account(cn, tag, le->data);
	cmd_list(cn, o, tag);
}

static void log_line(const char *line, void *arg)
{
	const struct listing *ls = arg;
	struct odict *o;

	if (event_alloc(&o, "call", ls->tag))
		return;
	add_str(o, "line", line);
	conn_event(ls->cn, o);
	mem_deref(o);
}

static void cmd_log(struct conn *cn, const struct odict *o, const char *tag)
{
	const struct house *h = board_house(conn_env(cn)->board);
	struct listing ls = { cn, tag };
	uint64_t n = LOG_LINES;
	char file[600];

	(void)odict_get_number(o, &n, "lines");
	(void)re_snprintf(file, sizeof file, "%s/calls.log", h->conf->state);
	(void)calllog_tail(file, (size_t)MIN(n, 100000u), log_line, &ls);
	conn_end(cn, tag);
}

static void cmd_identity(struct conn *cn, const struct odict *o,
			 const char *tag)
{
	const struct house *h = board_house(conn_env(cn)->board);
	char fp[FP_TEXT_SIZE];
	struct odict *e;
	(void)o;

	fp_print(fp, identity_fp(h->identity));
	if (!event_alloc(&e, "identity", tag)) {
		add_str(e, "fingerprint", fp);
		conn_event(cn, e);
		mem_deref(e);
	}
	conn_end(cn, tag);
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

static void list_peer(const struct peer *p, void *arg)
{
	const struct listing *ls = arg;
	char fp[FP_TEXT_SIZE];
	struct odict *o;

	if (event_alloc(&o, "peer", ls->tag))
		return;
	add_str(o, "name", p->name);
	add_str(o, "address", p->address);
	if (p->pinned) {
		fp_print(fp, p->fp);
		add_str(o, "fingerprint", fp);
	}
	add_str(o, "allow", p->allow);
	conn_event(ls->cn, o);
	mem_deref(o);
}

/* Pin, or list what is pinned. */
static void cmd_trust(struct conn *cn, const struct odict *o,
		      const char *tag)
{
	const struct house *h = board_house(conn_env(cn)->board);
	const char *peer = odict_string(o, "peer");
	const char *text = odict_string(o, "fingerprint");
	struct listing ls = { cn, tag };
	uint8_t fp[DESC_FP_SIZE];
	char why[256];
	struct peer p;
	struct pl pl;
	int err;

	if (!peer) {
		peers_apply(h->peers, list_peer, &ls);
		conn_end(cn, tag);
		return;
	}
	if (peers_resolve(h->peers, peer, &p, why, sizeof why)) {
		conn_error(cn, tag, 2, "%s", why);
		return;
	}
	if (!text) {
		list_peer(&p, &ls);
		conn_end(cn, tag);
		return;
	}
	pl_set_str(&pl, text);
	if (fp_decode(fp, &pl)) {
		conn_error(cn, tag, 2, "\"%s\" is not a fingerprint: it has"
			   " 64 hexadecimal digits.", text);
		return;
	}
	err = peers_pin(h->peers, p.address, p.name, fp);
	if (err)
		conn_error(cn, tag, 1, "The key could not be kept: %m.", err);
	else
		conn_end(cn, tag);
}

command_h *command_find(const char *name)
{
	static const struct {
		const char *name;
		command_h *h;
	} commandv[] = {
		{ "dial",     cmd_dial         },
		{ "wait",     cmd_wait         },
		{ "answer",   cmd_trust_answer },
		{ "status",   cmd_status       },
		{ "list",     cmd_list         },
		{ "hangup",   cmd_hangup       },
		{ "log",      cmd_log          },
		{ "reload",   cmd_reload       },
		{ "trust",    cmd_trust        },
		{ "identity", cmd_identity     },
	};

	for (size_t i = 0; i < RE_ARRAY_SIZE(commandv); i++)
		if (!strcmp(commandv[i].name, name))
			return commandv[i].h;
	return NULL;
}
