/*
 * line.c: one session and who is told of it.
 *
 *   session --facts--> line --its group's--> owner (an order, a wait)
 *                        \--closed, offers--> switchboard
 */
#include <errno.h>
#include "sipd/line.h"
#include "sipd/log.h"

struct stake {
	struct le le;
	unsigned group;
	struct session_handlers owner;
};

static void stake_destructor(void *arg)
{
	struct stake *st = arg;

	list_unlink(&st->le);
}

static void line_destructor(void *arg)
{
	struct line *l = arg;

	list_unlink(&l->le);
	hash_unlink(&l->he);
	hash_unlink(&l->se);
	list_flush(&l->stakel);
	mem_deref(l->s);
}

int line_alloc(struct line **lp, const char *peer,
	       const struct line_handlers *h)
{
	struct line *l = mem_zalloc(sizeof *l, line_destructor);

	if (!l)
		return ENOMEM;
	(void)str_ncpy(l->peer, peer, sizeof l->peer);
	l->h = *h;
	*lp = l;
	return 0;
}

int line_stake(struct line *l, unsigned group,
	       const struct session_handlers *owner)
{
	struct stake *st = mem_zalloc(sizeof *st, stake_destructor);

	if (!st)
		return ENOMEM;
	st->group = group;
	st->owner = *owner;
	list_append(&l->stakel, &st->le, st);
	return 0;
}

static struct stake *stake_find(const struct line *l, unsigned group)
{
	for (struct le *le = list_head(&l->stakel); le; le = le->next) {
		struct stake *st = le->data;

		if (st->group == group)
			return st;
	}
	return NULL;
}

static void tell_state(struct session *s, const struct stake *st)
{
	if (st && st->owner.stateh)
		st->owner.stateh(s, st->owner.arg);
}

static void closed(struct line *l, struct session *s)
{
	struct le *le;

	l->h.closedh(s, l->h.arg);
	while ((le = list_head(&l->stakel))) {
		struct stake *st = le->data;

		list_unlink(&st->le);
		tell_state(s, st);
		mem_deref(st);
	}
	mem_deref(l);
}

static bool proven(struct line *l)
{
	const bool was = l->proven;

	l->proven = true;
	hash_unlink(&l->se);
	if (!was)
		l->h.openh(l, l->h.arg);
	return was;
}

/* Before it is closed, only its first owner has seen it grow. */
static void state_handler(struct session *s, void *arg)
{
	struct line *l = mem_ref(arg);
	struct session_info in;

	session_info(s, &in);
	if (in.state == SESSION_CLOSED) {
		closed(l, s);
	}
	else {
		if (in.state == SESSION_OPEN && !proven(l))
			session_info(s, &in);
		if (in.state != SESSION_CLOSED)
			tell_state(s, stake_find(l, 1));
	}
	mem_deref(l);
}

static void ask_handler(struct session *s, const uint8_t *fp, void *arg)
{
	const struct stake *st = stake_find(arg, 1);

	if (st && st->owner.askh)
		st->owner.askh(s, fp, st->owner.arg);
	else
		session_trust(s, false);
}

static void progress_handler(struct session *s, unsigned group,
			     unsigned tunnel, const struct tunnel_progress *p,
			     void *arg)
{
	const struct line *l = arg;
	const struct stake *st = stake_find(l, group);

	if (p->note)
		log_info("session with %s: %s", l->peer, p->note);
	if (st && st->owner.progressh)
		st->owner.progressh(s, group, tunnel, p, st->owner.arg);
}

static void taken_handler(struct session *s, unsigned group, void *arg)
{
	tell_state(s, stake_find(arg, group));
}

static void end_handler(struct session *s, unsigned group, enum reason r,
			const char *text, void *arg)
{
	struct stake *st = stake_find(arg, group);

	log_info("session with %s: a part of it is over: %s %s",
		 ((const struct line *)arg)->peer, reason_name(r),
		 text ? text : "");
	if (!st || !st->owner.endh)
		return;         /* who is told of whole sessions only */
	list_unlink(&st->le);
	st->owner.endh(s, group, r, text, st->owner.arg);
	mem_deref(st);
}

static void offer_handler(struct session *s, unsigned group,
			  const struct desc_media *m,
			  struct session_want *want, enum reason *rp,
			  void *arg)
{
	struct session_handlers owner = { .arg = NULL };
	struct line *l = arg;

	l->h.offerh(s, m, want, &owner, rp, l->h.arg);
	if (want->kind && owner.arg && !stake_find(l, group) &&
	    line_stake(l, group, &owner))
		want->kind = NULL;
}

struct session_handlers line_handlers(struct line *l)
{
	const struct session_handlers sh = {
		state_handler, ask_handler, progress_handler, taken_handler,
		end_handler, offer_handler, l
	};

	return sh;
}

void line_release(struct line *l, const void *owner)
{
	struct le *le = list_head(&l->stakel);

	while (le) {
		struct stake *st = le->data;

		le = le->next;
		if (st->owner.arg == owner)
			mem_deref(st);
	}
}

void line_drop(struct line *l, const void *owner)
{
	struct line *ref = mem_ref(l);
	struct le *le = list_head(&l->stakel);

	while (le) {
		struct stake *st = le->data;
		const unsigned group = st->group;

		le = le->next;
		if (st->owner.arg != owner)
			continue;
		mem_deref(st);
		session_drop(l->s, group, REASON_LOCAL_HANGUP, NULL);
		le = list_head(&l->stakel);     /* may have changed */
	}
	mem_deref(ref);
}
