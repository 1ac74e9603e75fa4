/*
 * session.c: two whole sides, alice and bob, in one loop: each has its key,
 * peers, sockets and worker; they call each other directly on loopback.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "tests/unit/unit.h"
#include "sipd/switchboard.h"

enum { PATIENCE = 20 };         /* s, per call */

struct side {
	char dir[64], fp[FP_TEXT_SIZE];
	struct conf *conf;
	struct board *board;
};

static struct side alice, bob;
static char bob_uri[128];

/* What one call came to. */
static struct {
	enum reason reason;
	char text[256];
	bool opened, asked, accept, hang_when_open;
	struct session *s;
	struct session_times times;
} got;

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	(void)fputs(text, f);
	(void)fclose(f);
	(void)chmod(path, 0600);
}

static void side_key(struct side *sd, const char *name)
{
	char file[128];
	struct identity *id;

	(void)re_snprintf(sd->dir, sizeof sd->dir,
			  "/tmp/dialtone-%s-XXXXXX", name);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(sd->dir));
	(void)re_snprintf(file, sizeof file, "%s/identity.pem", sd->dir);
	CU_ASSERT_EQUAL_FATAL(identity_load(&id, file), 0);
	fp_print(sd->fp, identity_fp(id));
	mem_deref(id);
}

static void side_open(struct side *sd, const char *more)
{
	char file[128], text[1024], why[256];
	struct conf_error ce;

	(void)re_snprintf(file, sizeof file, "%s/sipd.conf", sd->dir);
	(void)re_snprintf(text, sizeof text, "[sipd]\nstate = %s\nport = 0\n"
			  "%s\n[nat]\ninterfaces = lo\n", sd->dir, more);
	write_file(file, text);
	CU_ASSERT_EQUAL_FATAL(conf_load(&sd->conf, file, &ce), 0);
	CU_ASSERT_EQUAL_FATAL(board_alloc(&sd->board, sd->conf, HOUSE_WAITER,
					  why, sizeof why), 0);
}

static void side_close(struct side *sd)
{
	char cmd[128];

	sd->board = mem_deref(sd->board);
	sd->conf = mem_deref(sd->conf);
	(void)re_snprintf(cmd, sizeof cmd, "rm -rf %s", sd->dir);
	CU_ASSERT_EQUAL(system(cmd), 0);
}

/* alice and bob, each with these lines in its configuration; %s is the
 * other's fingerprint. */
static void both_open(const char *a, const char *b)
{
	char more[512];
	const struct house *h;
	const struct account *direct;

	memset(&got, 0, sizeof got);
	side_key(&alice, "alice");
	side_key(&bob, "bob");
	(void)re_snprintf(more, sizeof more, b, alice.fp);
	side_open(&bob, more);
	(void)re_snprintf(more, sizeof more, a, bob.fp);
	side_open(&alice, more);
	h = board_house(bob.board);
	direct = list_tail(accounts_list(h->accounts))->data;
	(void)re_snprintf(bob_uri, sizeof bob_uri, "%H", ua_contact,
			  direct->ua);
}

static void both_close(void)
{
	side_close(&alice);
	side_close(&bob);
}

static void state_handler(struct session *s, void *arg)
{
	struct session_info in;
	(void)arg;

	session_info(s, &in);
	if (in.state == SESSION_OPEN) {
		got.opened = true;
		got.times = in.times;
		if (got.hang_when_open)
			session_hangup(s, REASON_LOCAL_HANGUP, NULL);
		return;
	}
	if (in.state != SESSION_CLOSED)
		return;
	got.reason = in.reason;
	(void)str_ncpy(got.text, in.text, sizeof got.text);
	re_cancel();
}

static void ask_handler(struct session *s, const uint8_t *fp, void *arg)
{
	(void)fp;
	(void)arg;
	got.asked = true;
	session_trust(s, got.accept);
}

static const struct session_handlers owner = {
	.stateh = state_handler, .askh = ask_handler
};

static const char *no_conf(const char *key, void *arg)
{
	(void)key;
	(void)arg;
	return NULL;
}

static void patience_handler(void *arg)
{
	(void)arg;
	CU_FAIL("nothing happened in time");
	re_cancel();
}

/* alice sends bob a small file. */
static void call(const char *to, unsigned flags)
{
	char file[128], why[256] = "";
	char *argv[1] = { file };
	struct session_want want = {
		.kind = tunnel_find("file"),
		.ask = { .argv = argv, .argc = 1, .cwd = "/", .fd_in = -1,
			 .fd_out = -1, .confh = no_conf, .why = why,
			 .why_size = sizeof why },
	};
	struct timer patience = { 0 };
	struct house *h = board_house(alice.board);

	(void)re_snprintf(file, sizeof file, "%s/hello", alice.dir);
	write_file(file, "hello\n");
	if (board_dial(&got.s, alice.board, to, &want, 1, flags, &owner,
		       &got.reason, why, sizeof why))
		return;
	(void)timer_start(h->timers, &patience, PATIENCE * SEC,
			  patience_handler, NULL);
	(void)re_main(NULL);
	timer_stop(&patience);
}

static bool arrived(void)
{
	char file[128];
	struct stat st;

	(void)re_snprintf(file, sizeof file, "%s/inbox/hello", bob.dir);
	return !stat(file, &st) && st.st_size == 6;
}

static const char known[] =
	"[peer other]\nfingerprint = %s\nallow = file\n";

static void test_send(void)
{
	both_open(known, known);
	/* the peer by its address: pinned in alice's known_peers */
	got.accept = true;
	call(bob_uri, SESSION_CAN_ASK);
	CU_ASSERT_EQUAL(got.reason, REASON_DONE);
	CU_ASSERT(got.opened);
	CU_ASSERT(got.asked);
	CU_ASSERT(arrived());
	got.asked = false;
	call(bob_uri, SESSION_CAN_ASK);
	CU_ASSERT_EQUAL(got.reason, REASON_DONE);
	CU_ASSERT_FALSE(got.asked);     /* it was kept */
	both_close();
}

static void test_declined_key(void)
{
	both_open("", known);
	call(bob_uri, SESSION_CAN_ASK);
	CU_ASSERT_EQUAL(got.reason, REASON_NOT_TRUSTED);
	CU_ASSERT_FALSE(got.opened);
	got.asked = false;
	call(bob_uri, 0);               /* nobody to ask */
	CU_ASSERT_EQUAL(got.reason, REASON_NOT_TRUSTED);
	CU_ASSERT_FALSE(got.asked);
	CU_ASSERT_FALSE(arrived());
	both_close();
}

static void test_unknown_caller(void)
{
	both_open("unknown = pin", "");
	call(bob_uri, 0);
	CU_ASSERT_EQUAL(got.reason, REASON_UNKNOWN_THERE);
	both_close();
}

static void test_pin_both(void)
{
	both_open("unknown = pin", "unknown = pin\nallow = file");
	call(bob_uri, 0);
	CU_ASSERT_EQUAL(got.reason, REASON_DONE);
	CU_ASSERT(arrived());
	both_close();
}

static void test_not_allowed(void)
{
	both_open("unknown = pin", "[peer other]\nfingerprint = %s\n"
		  "allow = pipe\n");
	call(bob_uri, 0);
	CU_ASSERT_EQUAL(got.reason, REASON_NOT_ALLOWED);
	both_close();
}

static void test_wrong_key(void)
{
	struct peers *ps = NULL;
	struct pl pl;
	uint8_t fp[DESC_FP_SIZE];

	both_open("", known);
	/* pin alice's own key for bob's address: certainly not bob's */
	ps = board_house(alice.board)->peers;
	pl_set_str(&pl, alice.fp);
	CU_ASSERT_EQUAL(fp_decode(fp, &pl), 0);
	CU_ASSERT_EQUAL(peers_pin(ps, bob_uri, "bob", fp), 0);
	call(bob_uri, SESSION_CAN_ASK);
	CU_ASSERT_EQUAL(got.reason, REASON_WRONG_KEY);
	CU_ASSERT_PTR_NOT_NULL(strstr(got.text, bob.fp));
	CU_ASSERT_PTR_NOT_NULL(strstr(got.text, alice.fp));
	both_close();
}

static void test_limit(void)
{
	both_open("unknown = pin", "unknown = pin\nallow = file\nrate = 1");
	call(bob_uri, 0);
	CU_ASSERT_EQUAL(got.reason, REASON_DONE);
	call(bob_uri, 0);
	CU_ASSERT_EQUAL(got.reason, REASON_BUSY);
	both_close();
}

static void test_hangup(void)
{
	both_open("unknown = pin", "unknown = pin\nallow = file");
	got.hang_when_open = true;
	call(bob_uri, 0);
	CU_ASSERT_EQUAL(got.reason, REASON_LOCAL_HANGUP);
	both_close();
}

static void test_nobody_there(void)
{
	both_open("", "");
	call("sip:127.0.0.1:9", 0);
	CU_ASSERT_EQUAL(got.reason, REASON_UNREACHABLE);
	call("not an address at all", 0);
	CU_ASSERT_EQUAL(got.reason, REASON_BAD_ADDRESS);
	both_close();
}

/* --- tunnels that come and go in a running session ---------------------- */

/* One who has asked for tunnels. */
struct asker {
	struct side *side;
	struct session *s;
	bool open, over, asked_for;
	enum reason reason;
};

/* alice's router maps a port when her offer is on its way already. */
static bool map_late;
static const char late_addr[] = "203.0.113.9";

static void map_port(void)
{
	const struct house *h = board_house(alice.board);
	struct path_mapping m;

	map_late = false;
	(void)sa_set_str(&m.base, "127.0.0.1", worker_port(h->worker,
							   AF_INET));
	(void)sa_set_str(&m.external, late_addr, 4000);
	paths_mapped_set(h->paths, &m, 1);
}

static void asker_state(struct session *s, void *arg)
{
	struct asker *a = arg;
	struct session_info in;

	session_info(s, &in);
	a->open |= in.state == SESSION_OPEN;
	if (map_late && in.state == SESSION_OFFERING)
		map_port();
	if (in.state != SESSION_CLOSED)
		return;
	a->over = true;
	a->reason = in.reason;
}

static void asker_end(struct session *s, unsigned group, enum reason r,
		      const char *text, void *arg)
{
	struct asker *a = arg;
	(void)s;
	(void)group;
	(void)text;

	CU_ASSERT_FALSE(a->over);
	a->over = true;
	a->reason = r;
}

/* fd: of a pipe, which has them then. */
static void ask_with(struct asker *a, struct side *side, const char *to,
		     const char *kind, char *word, const int *fd)
{
	const struct session_handlers sh = {
		.stateh = asker_state, .endh = asker_end, .arg = a
	};
	char why[256] = "", *argv[1] = { word };
	struct session_want want = {
		.kind = tunnel_find(kind),
		.ask = { .argv = argv, .argc = word != NULL, .cwd = "/",
			 .fd_in = fd ? fd[0] : -1,
			 .fd_out = fd ? fd[1] : -1, .confh = no_conf,
			 .why = why, .why_size = sizeof why },
	};

	memset(a, 0, sizeof *a);
	a->side = side;
	a->asked_for = !board_dial(&a->s, side->board, to, &want, 1, 0, &sh,
				   &a->reason, why, sizeof why);
	CU_ASSERT(a->asked_for);
	if (fd) {
		(void)close(fd[0]);
		(void)close(fd[1]);
	}
}

static void ask_for(struct asker *a, struct side *side, const char *to,
		    const char *kind, char *word)
{
	int fd[2];

	if (!word)              /* a pipe that says nothing */
		CU_ASSERT_EQUAL(pipe2(fd, O_CLOEXEC), 0);
	ask_with(a, side, to, kind, word, word ? NULL : fd);
}

struct until {
	bool (*cond)(void *arg);
	void *arg;
	struct timer timer;
	unsigned tries;
};

static void until_handler(void *arg)
{
	struct until *u = arg;

	if (u->cond(u->arg) || !u->tries--)
		re_cancel();
	else
		(void)timer_start(board_house(alice.board)->timers,
				  &u->timer, 10 * MSEC, until_handler, u);
}

static bool until(bool (*cond)(void *arg), void *arg)
{
	struct until u = { .cond = cond, .arg = arg, .tries = 1500 };

	until_handler(&u);
	if (!cond(arg))
		(void)re_main(NULL);
	timer_stop(&u.timer);
	return cond(arg);
}

static bool is_open(void *arg)
{
	return ((const struct asker *)arg)->open;
}

static bool is_over(void *arg)
{
	return ((const struct asker *)arg)->over;
}

static bool count_session(struct session *s, void *arg)
{
	(void)s;
	++*(unsigned *)arg;
	return false;
}

static unsigned sessions(const struct side *sd)
{
	unsigned n = 0;

	(void)board_apply(sd->board, count_session, &n);
	return n;
}

static bool no_sessions(void *arg)
{
	(void)arg;
	return !sessions(&alice) && !sessions(&bob);
}

static char alice_uri[128];

static const uint8_t *board_fp(const struct side *sd)
{
	return identity_fp(board_house(sd->board)->identity);
}

/* Both know each other; bob may send files, forward and pipe. */
static void friends(const char *allow_at_bob)
{
	const struct account *direct;
	char a[256], b[256];
	struct peer p;

	(void)re_snprintf(a, sizeof a, "[peer bob]\nfingerprint = %%s\n"
			  "allow = file, pipe, forward 127.0.0.1:9\n"
			  "[pipe]\ncommand = cat");
	(void)re_snprintf(b, sizeof b, "[peer alice]\nfingerprint = %%s\n"
			  "allow = %s", allow_at_bob);
	both_open(a, b);
	direct = list_tail(accounts_list(board_house(alice.board)->accounts))
		->data;
	(void)re_snprintf(alice_uri, sizeof alice_uri, "%H", ua_contact,
			  direct->ua);
	CU_ASSERT_EQUAL(peers_pin(board_house(alice.board)->peers, bob_uri,
				  "bob", board_fp(&bob)), 0);
	CU_ASSERT_EQUAL(peers_pin(board_house(bob.board)->peers, alice_uri,
				  "alice", board_fp(&alice)), 0);
	CU_ASSERT_EQUAL(peers_resolve(board_house(alice.board)->peers,
				      bob_uri, &p, a, sizeof a), 0);
	CU_ASSERT_TRUE(p.pinned);
}

static char forward_word[] = "0:127.0.0.1:9";

static void begin(struct asker *f)
{
	ask_for(f, &alice, bob_uri, "forward", forward_word);
	CU_ASSERT(until(is_open, f));
	CU_ASSERT_EQUAL(sessions(&alice), 1);
}

static void finish(struct asker *f)
{
	CU_ASSERT_FALSE(f->over);
	board_drop(alice.board, f);
	CU_ASSERT(until(no_sessions, NULL));
	both_close();
}

static void hello(char *file, size_t size, const struct side *from)
{
	(void)re_snprintf(file, size, "%s/hello", from->dir);
	write_file(file, "hello\n");
}

static bool has_file(const struct side *at)
{
	char file[128];
	struct stat st;

	(void)re_snprintf(file, sizeof file, "%s/inbox/hello", at->dir);
	return !stat(file, &st) && st.st_size == 6;
}

/* By the caller, then by the callee: files within the forward's session. */
static void test_add(void)
{
	struct asker f, a;
	char file[128];

	friends("file, forward 127.0.0.1:9");
	begin(&f);
	hello(file, sizeof file, &alice);
	for (int i = 0; i < 12; i++) {  /* more often than there are lines */
		ask_for(&a, &alice, bob_uri, "file", file);
		CU_ASSERT_PTR_EQUAL(a.s, f.s);
		CU_ASSERT(until(is_over, &a));
		CU_ASSERT(a.open);
		CU_ASSERT_EQUAL(a.reason, REASON_DONE);
		CU_ASSERT_EQUAL(sessions(&alice), 1);
	}
	CU_ASSERT(has_file(&bob));
	hello(file, sizeof file, &bob);
	ask_for(&a, &bob, alice_uri, "file", file);
	CU_ASSERT(until(is_over, &a));
	CU_ASSERT_EQUAL(a.reason, REASON_DONE);
	CU_ASSERT(has_file(&alice));
	CU_ASSERT_EQUAL(sessions(&bob), 1);
	finish(&f);
}

static bool has_late(struct session *s, void *arg)
{
	struct session_info in;
	struct sa sa;
	(void)arg;

	session_info(s, &in);
	(void)sa_set_str(&sa, late_addr, 4000);
	for (size_t i = 0; in.remote_desc && i < in.remote_desc->candc; i++)
		if (sa_cmp(&in.remote_desc->candv[i].addr, &sa, SA_ALL))
			return true;
	return false;
}

static bool knows_late(void *arg)
{
	return board_apply(bob.board, has_late, arg) != NULL;
}

/* A candidate that is found while it rings is told when it is answered. */
static void test_late_candidate(void)
{
	struct asker f;

	friends("file, forward 127.0.0.1:9");
	map_late = true;
	begin(&f);
	CU_ASSERT_FALSE(map_late);
	CU_ASSERT(until(knows_late, NULL));
	finish(&f);
}

/* Both at the same moment: 491, and both come through. */
static void test_glare(void)
{
	struct asker f, a, b;
	char fa[128], fb[128];

	friends("file, forward 127.0.0.1:9");
	begin(&f);
	hello(fa, sizeof fa, &alice);
	hello(fb, sizeof fb, &bob);
	ask_for(&a, &alice, bob_uri, "file", fa);
	ask_for(&b, &bob, alice_uri, "file", fb);
	CU_ASSERT(until(is_over, &a));
	CU_ASSERT(until(is_over, &b));
	CU_ASSERT_EQUAL(a.reason, REASON_DONE);
	CU_ASSERT_EQUAL(b.reason, REASON_DONE);
	CU_ASSERT(has_file(&alice));
	CU_ASSERT(has_file(&bob));
	finish(&f);
}

/* What is not allowed is refused, and nothing else suffers. */
static void test_add_refused(void)
{
	struct asker f, a;
	char file[128];

	friends("forward 127.0.0.1:9, pipe");
	begin(&f);
	hello(file, sizeof file, &alice);
	ask_for(&a, &alice, bob_uri, "file", file);
	CU_ASSERT(until(is_over, &a));
	CU_ASSERT_FALSE(a.open);
	CU_ASSERT_EQUAL(a.reason, REASON_NOT_ALLOWED);
	/* allowed, but nobody is at its other end */
	ask_for(&a, &alice, bob_uri, "pipe", NULL);
	CU_ASSERT(until(is_over, &a));
	CU_ASSERT_EQUAL(a.reason, REASON_REFUSED);
	/* it was no line of the session: the next one is taken */
	ask_for(&a, &alice, bob_uri, "forward", forward_word);
	CU_ASSERT(until(is_open, &a));
	CU_ASSERT_PTR_EQUAL(a.s, f.s);
	board_drop(alice.board, &a);
	CU_ASSERT_FALSE(a.over);        /* nobody is told any more */
	finish(&f);
}

/* Whoever began may go first: the rest of the session stays. */
static void test_drop(void)
{
	struct asker f, g;

	friends("forward 127.0.0.1:9");
	begin(&f);
	ask_for(&g, &alice, bob_uri, "forward", forward_word);
	CU_ASSERT(until(is_open, &g));
	board_drop(alice.board, &f);
	CU_ASSERT_EQUAL(sessions(&alice), 1);
	/* the dropped line is used again */
	ask_for(&f, &alice, bob_uri, "forward", forward_word);
	CU_ASSERT(until(is_open, &f));
	CU_ASSERT_PTR_EQUAL(f.s, g.s);
	board_drop(alice.board, &g);
	finish(&f);
}

static bool is_later(void *arg)
{
	unsigned *turns = arg;

	return ++*turns > 8;
}

/* A pipe that ends well when *in is closed. */
static void pipe_open(struct asker *a, struct side *side, const char *to,
		      int *in)
{
	int p[2], fd[2];

	CU_ASSERT_EQUAL(pipe2(p, O_CLOEXEC), 0);
	*in = p[1];
	fd[0] = p[0];
	fd[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
	ask_with(a, side, to, "pipe", NULL, fd);
	CU_ASSERT(until(is_open, a));
}

/* An offer of one who has not heard yet that a tunnel is over does not bring
 * it back: here it ends while both wait after a 491. */
static void test_drop_glare(void)
{
	struct asker f, g, a, b;
	char fa[128], fb[128];
	unsigned turns = 0;
	int in;

	friends("file, pipe, forward 127.0.0.1:9\n[pipe]\ncommand = cat");
	begin(&f);
	pipe_open(&g, &alice, bob_uri, &in);
	hello(fa, sizeof fa, &alice);
	hello(fb, sizeof fb, &bob);
	ask_for(&a, &alice, bob_uri, "file", fa);
	ask_for(&b, &bob, alice_uri, "file", fb);
	CU_ASSERT(until(is_later, &turns));
	(void)close(in);        /* the end of its input */
	CU_ASSERT(until(is_over, &g));
	CU_ASSERT_EQUAL(g.reason, REASON_DONE);
	CU_ASSERT(until(is_over, &a));
	CU_ASSERT(until(is_over, &b));
	CU_ASSERT_EQUAL(a.reason, REASON_DONE);
	CU_ASSERT_EQUAL(b.reason, REASON_DONE);
	finish(&f);
}

/* Each ends its own, and both are all there is. */
static void test_last_two(void)
{
	struct asker a, b;
	int in_a, in_b;

	friends("pipe\n[pipe]\ncommand = cat");
	pipe_open(&a, &alice, bob_uri, &in_a);
	pipe_open(&b, &bob, alice_uri, &in_b);
	CU_ASSERT_EQUAL(sessions(&alice), 1);
	(void)close(in_a);
	(void)close(in_b);
	CU_ASSERT(until(is_over, &a));
	CU_ASSERT(until(is_over, &b));
	CU_ASSERT_EQUAL(a.reason, REASON_DONE);
	CU_ASSERT_EQUAL(b.reason, REASON_DONE);
	CU_ASSERT(until(no_sessions, NULL));
	both_close();
}

/* What one side calls done is not, if the other has asked for more. */
static void test_done_too_early(void)
{
	struct asker f, b;
	int in;

	friends("pipe, forward 127.0.0.1:9\n[pipe]\ncommand = cat");
	begin(&f);
	pipe_open(&b, &bob, alice_uri, &in);
	CU_ASSERT_TRUE(session_owes(b.s));
	CU_ASSERT_FALSE(session_owes(f.s));
	session_hangup(f.s, REASON_DONE, NULL);
	CU_ASSERT(until(is_over, &b));
	CU_ASSERT_EQUAL(b.reason, REASON_PEER_STOPPED);
	(void)close(in);
	both_close();
}

static bool any_session(struct session *s, void *arg)
{
	(void)s;
	(void)arg;
	return true;
}

/* The peer ends the session of both: what it cuts off is no success, and the
 * forward, which would have gone on for ever, is none the worse for it. */
static void test_cut_off(void)
{
	struct asker f, a;
	int in;

	friends("pipe, forward 127.0.0.1:9\n[pipe]\ncommand = cat");
	begin(&f);
	pipe_open(&a, &alice, bob_uri, &in);
	CU_ASSERT_EQUAL(sessions(&alice), 1);
	session_hangup(board_apply(bob.board, any_session, NULL),
		       REASON_LOCAL_HANGUP, NULL);
	CU_ASSERT(until(is_over, &f));
	CU_ASSERT(until(is_over, &a));
	CU_ASSERT_EQUAL(f.reason, REASON_PEER_HANGUP);
	CU_ASSERT_EQUAL(a.reason, REASON_PEER_STOPPED);
	(void)close(in);
	both_close();
}

UNIT_SUITE("session",
	   { "send", test_send },
	   { "declined key", test_declined_key },
	   { "unknown caller", test_unknown_caller },
	   { "pin both", test_pin_both },
	   { "not allowed", test_not_allowed },
	   { "wrong key", test_wrong_key },
	   { "limit", test_limit },
	   { "hangup", test_hangup },
	   { "nobody there", test_nobody_there },
	   { "add", test_add },
	   { "late candidate", test_late_candidate },
	   { "glare", test_glare },
	   { "add refused", test_add_refused },
	   { "drop", test_drop },
	   { "drop and glare", test_drop_glare },
	   { "the last two", test_last_two },
	   { "done too early", test_done_too_early },
	   { "cut off", test_cut_off })
