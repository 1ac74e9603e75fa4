/*
 * switchboard.c: keeps the sessions, gives each a line to those who are to be
 * told of it, and writes it down when it is over. Calls in come by admit.c.
 */
#include <errno.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/admit.h"
#include "sipd/boardimpl.h"
#include "sipd/heap.h"
#include "sipd/record.h"

static const uint64_t watch_every = 2 * SEC;
/* Once flows have lingered, and once TCP connections that may be used again. */
static const uint64_t tidyv[] = { 8 * SEC, 70 * SEC };

static void board_destructor(void *arg)
{
	struct board *b = arg;

	timer_stop(&b->watch);
	lines_flush(b->lines);
	while (b->waitl.head)
		list_unlink(b->waitl.head);
	mem_deref(b->judged);
	mem_deref(b->why);
	mem_deref(b->limits);
	mem_deref(b->house);
	mem_deref(b->lines);
}

/* --- lines ------------------------------------------------------------- */

static void closed_handler(struct session *s, void *arg)
{
	struct board *b = arg;

	lines_closed(b->lines);
	b->left_at = clock_ns();
	b->tidied = 0;
	record_session(b->house->calllog, s);
	why_note(b->why, s);
}

/* Whose call it is was a claim until now. */
static void open_handler(struct line *l, void *arg)
{
	struct board *b = arg;
	struct session_info in;
	char text[128];

	session_info(l->s, &in);
	if (limits_proven(b->limits, b->conf, in.peer,
			  lines_of_peer(b->lines, l->peer), text,
			  sizeof text) != REASON_NONE)
		session_hangup(l->s, REASON_LIMIT, text);
}

static void offer_handler(struct session *s, const struct desc_media *m,
			  struct session_want *want,
			  struct session_handlers *owner, enum reason *rp,
			  void *arg)
{
	struct board *b = arg;
	struct session_info si;

	session_info(s, &si);
	if (!b->judged)
		b->judged = mem_alloc(sizeof *b->judged, NULL);
	if (b->judged && judge_offer(b->judged, b->house, &b->waitl, &si,
				     m, want, owner)) {
		*rp = REASON_REFUSED;
		return;
	}
	*rp = b->judged ? b->judged->in.reason : REASON_INTERNAL;
	want->kind = NULL;
	record_offer(b->house->calllog, s, m->kind, *rp);
}

/* --- the house --------------------------------------------------------- */

/* What sessions have left free between what lives on is the system's again,
 * when no packet has to wait for that. */
static void tidy(struct board *b)
{
	if (lines_count(b->lines) || !b->left_at ||
	    b->tidied == RE_ARRAY_SIZE(tidyv) ||
	    clock_ns() < b->left_at + tidyv[b->tidied])
		return;
	b->tidied++;
	heap_give_back();
}

/* Who has had what the rights allow is hung up. */
static void watch_handler(void *arg)
{
	struct board *b = arg;
	struct le *le = lines_list(b->lines)->head;

	while (le) {
		struct line *l = le->data;
		struct session_info in;
		char text[128];

		le = le->next;
		session_info(l->s, &in);
		if (limits_over(&in, text, sizeof text))
			session_hangup(l->s, REASON_LIMIT, text);
	}
	tidy(b);
	(void)timer_start(b->house->timers, &b->watch, watch_every, watch_handler,
			  b);
}

static void moved_handler(void *arg)
{
	struct board *b = arg;

	for (struct le *le = lines_list(b->lines)->head; le; le = le->next) {
		struct line *l = le->data;

		session_refresh(l->s);
	}
}

static void call_handler(struct ua *ua, struct call *c, void *arg)
{
	(void)ua;
	admit_call(arg, c);
}

/* --- orders ------------------------------------------------------------ */

int board_alloc(struct board **bp, const struct conf *conf,
		enum house_role role, char *why, size_t size)
{
	struct house_handlers hh = { call_handler, moved_handler, NULL };
	struct board *b;
	int err;

	b = mem_zalloc(sizeof *b, board_destructor);
	if (!b)
		return ENOMEM;
	b->conf = conf;
	b->lh = (struct line_handlers){
		.closedh = closed_handler, .openh = open_handler,
		.offerh = offer_handler, .arg = b,
	};
	hh.arg = b;
	err = lines_alloc(&b->lines);
	if (!err)
		err = limits_alloc(&b->limits);
	if (!err)
		err = why_alloc(&b->why);
	if (!err)
		err = house_alloc(&b->house, conf, role, &hh, why, size);
	if (!err)
		err = timer_start(b->house->timers, &b->watch, watch_every,
				  watch_handler, b);
	if (err)
		mem_deref(b);
	else
		*bp = b;
	return err;
}

struct house *board_house(const struct board *b)
{
	return b->house;
}

void board_close(struct board *b, void (*doneh)(void *arg), void *arg)
{
	const enum reason r = b->house->role == HOUSE_DAEMON
		? REASON_SHUTDOWN : REASON_INTERRUPTED;
	struct le *le;

	b->closing = true;
	while ((le = lines_list(b->lines)->head)) {
		struct line *l = le->data;

		session_hangup(l->s, r, NULL);
	}
	house_close(b->house, doneh, arg);
}

int board_reload(struct board *b, const struct conf *conf, char *why,
		 size_t size)
{
	int err = house_reload(b->house, conf, why, size);

	if (!err)
		b->conf = conf;
	return err;
}

static int join(struct session **sp, struct line *l,
		const struct session_want *wantv, size_t wantc,
		const struct session_handlers *owner, enum reason *rp)
{
	unsigned group;
	int err = session_add(l->s, wantv, wantc, &group);

	*rp = REASON_TUNNEL_FAILED;
	if (err)
		return err;
	*rp = REASON_INTERNAL;
	err = line_stake(l, group, owner);
	if (err)
		session_drop(l->s, group, REASON_INTERNAL, NULL);
	else
		*sp = l->s;
	return err;
}

static int dial_anew(struct session **sp, struct board *b,
		     const struct peer *p, const struct session_want *wantv,
		     size_t wantc, unsigned flags,
		     const struct session_handlers *owner, enum reason *rp)
{
	struct session_handlers sh;
	struct line *l;
	int err;

	*rp = REASON_LIMIT;
	if (b->conf->sessions &&
	    lines_count(b->lines) >= b->conf->sessions)
		return EAGAIN;
	*rp = REASON_INTERNAL;
	err = lines_add(&l, b->lines, p->name, &b->lh, owner);
	if (err)
		return err;
	l->proven = true;
	sh = line_handlers(l);
	err = session_dial(&l->s, b->house, p, wantv, wantc, flags, &sh, rp);
	if (err)
		lines_cancel(b->lines, l);
	else
		*sp = l->s;
	return err;
}

int board_dial(struct session **sp, struct board *b, const char *text,
	       const struct session_want *wantv, size_t wantc,
	       unsigned flags, const struct session_handlers *owner,
	       enum reason *rp, char *why, size_t size)
{
	struct line *l;
	struct peer p;
	int err;

	*rp = REASON_BAD_ADDRESS;
	err = peers_resolve(b->house->peers, text, &p, why, size);
	if (err)
		return err;
	*why = '\0';
	l = flags & (SESSION_ANY_KEY | SESSION_ANEW) ? NULL
		: lines_joinable(b->lines, &p, wantc);
	if (l)
		return join(sp, l, wantv, wantc, owner, rp);
	return dial_anew(sp, b, &p, wantv, wantc, flags, owner, rp);
}

struct list *board_waits(struct board *b)
{
	return &b->waitl;
}

struct session *board_apply(const struct board *b, board_session_h *h,
			    void *arg)
{
	struct le *le = lines_list(b->lines)->head;

	while (le) {
		struct line *l = le->data;

		le = le->next;
		if (h(l->s, arg))
			return l->s;
	}
	return NULL;
}

int board_adopt(struct board *b, struct session *s,
		const struct session_handlers *owner)
{
	struct line *l = lines_of(b->lines, s);

	return l ? line_stake(l, 1, owner) : ENOENT;
}

void board_release(struct board *b, const void *owner)
{
	for (struct le *le = lines_list(b->lines)->head; le; le = le->next)
		line_release(le->data, owner);
}

const struct why *board_why(const struct board *b)
{
	return b->why;
}

static bool by_id(struct session *s, void *arg)
{
	struct session_info in;

	session_info(s, &in);
	return !strcmp(in.id, arg);
}

struct session *board_find(const struct board *b, const char *id)
{
	return board_apply(b, by_id, (void *)id);
}

void board_drop(struct board *b, const void *owner)
{
	struct le *le = lines_list(b->lines)->head;

	while (owner && le) {
		struct line *l = le->data;

		le = le->next;
		line_drop(l, owner);
	}
}
