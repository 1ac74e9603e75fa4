/*
 * asker.h: who asks for tunnels in a running session of alice and bob, and
 * waits in their loop for what comes of it.
 */
#ifndef DIALTONE_SESSION_ASKER_H
#define DIALTONE_SESSION_ASKER_H

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "tests/unit/sipd/session/twosides.h"

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

static inline void map_port(void)
{
	const struct house *h = board_house(alice.board);
	struct path_mapping m;

	map_late = false;
	(void)sa_set_str(&m.base, "127.0.0.1", worker_port(h->worker,
							   AF_INET));
	(void)sa_set_str(&m.external, late_addr, 4000);
	paths_mapped_set(h->paths, &m, 1);
}

static inline void asker_state(struct session *s, void *arg)
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

static inline void asker_end(struct session *s, unsigned group, enum reason r,
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
static inline void ask_with(struct asker *a, struct side *side, const char *to,
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

static inline void ask_for(struct asker *a, struct side *side, const char *to,
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

static inline void until_handler(void *arg)
{
	struct until *u = arg;

	if (u->cond(u->arg) || !u->tries--)
		re_cancel();
	else
		(void)timer_start(board_house(alice.board)->timers,
				  &u->timer, 10 * MSEC, until_handler, u);
}

static inline bool until(bool (*cond)(void *arg), void *arg)
{
	struct until u = { .cond = cond, .arg = arg, .tries = 1500 };

	until_handler(&u);
	if (!cond(arg))
		(void)re_main(NULL);
	timer_stop(&u.timer);
	return cond(arg);
}

static inline bool is_open(void *arg)
{
	return ((const struct asker *)arg)->open;
}

static inline bool is_unsettled(struct session *s, void *arg)
{
	struct session_info in;
	(void)arg;

	session_info(s, &in);
	return in.state != SESSION_OPEN;
}

/* What there is, is open on both sides: who asks now, joins it. */
static inline bool settled(void *arg)
{
	(void)arg;
	return !board_apply(alice.board, is_unsettled, NULL) &&
		!board_apply(bob.board, is_unsettled, NULL);
}

static inline bool is_over(void *arg)
{
	return ((const struct asker *)arg)->over;
}

static inline bool count_session(struct session *s, void *arg)
{
	(void)s;
	++*(unsigned *)arg;
	return false;
}

static inline unsigned sessions(const struct side *sd)
{
	unsigned n = 0;

	(void)board_apply(sd->board, count_session, &n);
	return n;
}

static inline bool no_sessions(void *arg)
{
	(void)arg;
	return !sessions(&alice) && !sessions(&bob);
}

static char alice_uri[128];

static inline const uint8_t *board_fp(const struct side *sd)
{
	return identity_fp(board_house(sd->board)->identity);
}

/* Both know each other; bob may send files, forward and pipe. */
static inline void friends(const char *allow_at_bob)
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

static inline void begin(struct asker *f)
{
	ask_for(f, &alice, bob_uri, "forward", forward_word);
	CU_ASSERT(until(is_open, f));
	CU_ASSERT(until(settled, NULL));
	CU_ASSERT_EQUAL(sessions(&alice), 1);
}

static inline void finish(struct asker *f)
{
	CU_ASSERT_FALSE(f->over);
	board_drop(alice.board, f);
	CU_ASSERT(until(no_sessions, NULL));
	both_close();
}

static inline void hello(char *file, size_t size, const struct side *from)
{
	(void)re_snprintf(file, size, "%s/hello", from->dir);
	write_file(file, "hello\n");
}

#endif
