/*
 * lines.c: the lines of the switchboard, and how to find them.
 */
#include <errno.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/lines.h"

enum { BUCKETS = 256 };

struct lines {
	struct list list;
	struct hash *sourceh;           /* until proven */
	struct hash *peerh;
	uint32_t n;
};

static void lines_destructor(void *arg)
{
	struct lines *ls = arg;

	list_flush(&ls->list);
	mem_deref(ls->peerh);
	mem_deref(ls->sourceh);
}

int lines_alloc(struct lines **lp)
{
	struct lines *ls = mem_zalloc(sizeof *ls, lines_destructor);
	int err;

	if (!ls)
		return ENOMEM;
	err  = hash_alloc(&ls->peerh, BUCKETS);
	err |= hash_alloc(&ls->sourceh, BUCKETS);
	if (err)
		mem_deref(ls);
	else
		*lp = ls;
	return err;
}

void lines_flush(struct lines *ls)
{
	if (ls)
		list_flush(&ls->list);
}

/* IPv6 by /64, as quota.c. */
static bool same_source(const struct sa *a, const struct sa *b)
{
	if (sa_af(a) != AF_INET6 || sa_af(b) != AF_INET6)
		return sa_cmp(a, b, SA_ADDR);
	return !memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, 8);
}

static uint32_t source_hash(const struct sa *src)
{
	return sa_af(src) == AF_INET6
		? hash_joaat(src->u.in6.sin6_addr.s6_addr, 8)
		: sa_hash(src, SA_ADDR);
}

int lines_add(struct line **lp, struct lines *ls, const char *peer,
	      const struct line_handlers *h,
	      const struct session_handlers *owner)
{
	struct line *l;
	int err = line_alloc(&l, peer, h);

	if (err)
		return err;
	if (owner)
		err = line_stake(l, 1, owner);
	if (err) {
		mem_deref(l);
		return err;
	}
	list_append(&ls->list, &l->le, l);
	hash_append(ls->peerh, hash_joaat_str(l->peer), &l->he, l);
	ls->n++;
	*lp = l;
	return 0;
}

void lines_source(struct lines *ls, struct line *l, const struct sa *src)
{
	l->src = *src;
	hash_append(ls->sourceh, source_hash(src), &l->se, l);
}

void lines_cancel(struct lines *ls, struct line *l)
{
	ls->n--;
	mem_deref(l);
}

void lines_closed(struct lines *ls)
{
	ls->n--;
}

uint32_t lines_count(const struct lines *ls)
{
	return ls->n;
}

uint32_t lines_of_peer(const struct lines *ls, const char *peer)
{
	uint32_t n = 0;
	struct le *le = list_head(hash_list(ls->peerh,
					    hash_joaat_str(peer)));

	for (; le; le = le->next) {
		const struct line *l = le->data;

		n += l->proven && !strcmp(l->peer, peer);
	}
	return n;
}

uint32_t lines_unproven(const struct lines *ls, const struct sa *src)
{
	uint32_t n = 0;
	struct le *le = list_head(hash_list(ls->sourceh, source_hash(src)));

	for (; le; le = le->next) {
		const struct line *l = le->data;

		n += same_source(&l->src, src);
	}
	return n;
}

unsigned lines_held(const struct lines *ls)
{
	unsigned n = 0;

	for (struct le *le = ls->list.head; le; le = le->next)
		n += session_is_held(((const struct line *)le->data)->s);
	return n;
}

struct line *lines_joinable(const struct lines *ls, const struct peer *p,
			    size_t n)
{
	struct le *le = list_head(hash_list(ls->peerh,
					    hash_joaat_str(p->name)));

	for (; le && p->pinned; le = le->next) {
		struct line *l = le->data;
		struct session_info si;

		session_info(l->s, &si);
		if (!strcmp(l->peer, p->name) && session_has_room(l->s, n) &&
		    si.fp && !memcmp(si.fp, p->fp, sizeof p->fp))
			return l;
	}
	return NULL;
}

struct line *lines_of(const struct lines *ls, const struct session *s)
{
	for (struct le *le = ls->list.head; le; le = le->next) {
		struct line *l = le->data;

		if (l->s == s)
			return l;
	}
	return NULL;
}

const struct list *lines_list(const struct lines *ls)
{
	return &ls->list;
}
