/*
 * limits.c: counts calls by the minute; owns the counters.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "sipd/hours.h"
#include "sipd/limits.h"
#include "tunnels/flow/quic.h"

enum {
	BUCKETS = 256,
	PEERS_MAX = 4096,
	UNPROVEN_PART = 4,      /* of `sessions`, from one source */
	TOLD_MAX = 30,          /* calls of strangers, a minute */
};

/* Calls of the minute that began at this time. */
struct window {
	uint64_t begin;         /* ns */
	uint32_t calls;
};

struct caller {
	struct le he;
	struct window window;
	char name[64];
};

struct limits {
	struct window all;
	struct window told;
	struct hash *callerh;
	unsigned callers;
};

static void limits_destructor(void *arg)
{
	struct limits *l = arg;

	hash_flush(l->callerh);
	mem_deref(l->callerh);
}

int limits_alloc(struct limits **lp)
{
	struct limits *l = mem_zalloc(sizeof *l, limits_destructor);
	int err;

	if (!l)
		return ENOMEM;
	err = hash_alloc(&l->callerh, BUCKETS);
	if (err)
		mem_deref(l);
	else
		*lp = l;
	return err;
}

static bool full(struct window *w, uint32_t max, uint64_t now)
{
	if (!w->begin || now - w->begin > 60 * SEC) {
		w->begin = now;
		w->calls = 0;
	}
	return w->calls >= max;
}

/* One more; true: that is too many. */
static bool count(struct window *w, uint32_t max, uint64_t now)
{
	const bool over = full(w, max, now);

	w->calls += !over;
	return over;
}

static void caller_destructor(void *arg)
{
	struct caller *ca = arg;

	hash_unlink(&ca->he);
}

static bool is_caller(struct le *le, void *arg)
{
	const struct caller *ca = le->data;

	return !strcmp(ca->name, arg);
}

/* Those who have been quiet for a minute make room for others. */
static bool forget_old(struct le *le, void *arg)
{
	struct caller *ca = le->data;
	const uint64_t *now = arg;

	if (*now - ca->window.begin > 60 * SEC)
		mem_deref(ca);
	return false;
}

static unsigned forget(struct limits *l, uint64_t now)
{
	unsigned n = 0;

	(void)hash_apply(l->callerh, forget_old, &now);
	for (uint32_t i = 0; i < BUCKETS; i++)
		n += list_count(hash_list(l->callerh, i));
	return n;
}

static struct caller *caller_find(const struct limits *l, const char *name)
{
	return list_ledata(hash_lookup(l->callerh, hash_joaat_str(name),
				       is_caller, (void *)name));
}

/* NULL: there is no room, which only rated peers of a configuration could
 * take. */
static struct caller *caller_of(struct limits *l, const char *name,
				uint64_t now)
{
	struct caller *ca = caller_find(l, name);

	if (ca)
		return ca;
	if (l->callers >= PEERS_MAX)
		l->callers = forget(l, now);
	if (l->callers >= PEERS_MAX)
		return NULL;
	ca = mem_zalloc(sizeof *ca, caller_destructor);
	if (!ca)
		return NULL;
	(void)str_ncpy(ca->name, name, sizeof ca->name);
	hash_append(l->callerh, hash_joaat_str(name), &ca->he, ca);
	l->callers++;
	return ca;
}

static bool too_often(struct limits *l, const struct peer *p, uint64_t now)
{
	struct caller *ca;

	if (!p->rights.rate)
		return false;
	ca = caller_of(l, p->name, now);
	return !ca || count(&ca->window, p->rights.rate, now);
}

static enum reason often(const struct rights *r, char *text, size_t size)
{
	(void)re_snprintf(text, size, "%u calls a minute are allowed",
			  r->rate);
	return REASON_LIMIT;
}

static bool unproven_full(const struct conf *c, uint32_t unproven)
{
	return c->sessions &&
		unproven >= (c->sessions + UNPROVEN_PART - 1) / UNPROVEN_PART;
}

enum reason limits_call(struct limits *l, const struct conf *c,
			const struct peer *p, const struct limits_load *load,
			char *text, size_t size)
{
	const uint64_t now = clock_ns();
	const struct rights *r = &p->rights;
	struct caller *ca = r->rate ? caller_find(l, p->name) : NULL;

	*text = '\0';
	if (c->rate && full(&l->all, c->rate, now))
		return REASON_LIMIT;
	if (c->sessions && load->sessions >= c->sessions)
		return REASON_LIMIT;
	if (unproven_full(c, load->unproven)) {
		(void)str_ncpy(text, "too many calls from there have not shown"
			       " whose they are", size);
		return REASON_LIMIT;
	}
	if (r->sessions && load->peer_sessions >= r->sessions)
		return REASON_LIMIT;
	if (ca && full(&ca->window, r->rate, now))
		return often(r, text, size);
	if (!hours_now(r->hours, time(NULL))) {
		(void)re_snprintf(text, size, "calls are allowed at %s",
				  r->hours);
		return REASON_NOT_ALLOWED;
	}
	return REASON_NONE;
}

enum reason limits_proven(struct limits *l, const struct conf *c,
			  const struct peer *p, uint32_t peer_sessions,
			  char *text, size_t size)
{
	const uint64_t now = clock_ns();
	const struct rights *r = &p->rights;

	*text = '\0';
	if (c->rate && count(&l->all, c->rate, now))
		return REASON_LIMIT;
	if (r->sessions && peer_sessions > r->sessions)
		return REASON_LIMIT;
	return too_often(l, p, now) ? often(r, text, size) : REASON_NONE;
}

bool limits_tell(struct limits *l)
{
	return !count(&l->told, TOLD_MAX, clock_ns());
}

bool limits_over(const struct session_info *in, char *text, size_t size)
{
	const struct rights *r = &in->peer->rights;

	if (!in->incoming || in->state == SESSION_CLOSED)
		return false;
	if (r->duration &&
	    clock_wall() > in->started + (uint64_t)r->duration * 1000) {
		(void)re_snprintf(text, size, "a session may last %u s",
				  r->duration);
		return true;
	}
	if (r->bytes && in->stats->rx_bytes + in->stats->tx_bytes >
	    r->bytes) {
		(void)re_snprintf(text, size, "a session may carry %llu"
				  " bytes", r->bytes);
		return true;
	}
	return false;
}
