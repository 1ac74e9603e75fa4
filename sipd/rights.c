/*
 * rights.c: finds out what counts, and says it in words. The switchboard and
 * peers ask; owns nothing.
 */
#include <stdlib.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/confparts.h"
#include "sipd/hours.h"
#include "sipd/rights.h"

static void overlay(struct rights *r, const struct conf_rights *cr)
{
	if (cr->allow)
		r->allow = cr->allow;
	if (cr->hours)
		r->hours = cr->hours;
	if (cr->sessions)
		r->sessions = cr->sessions;
	if (cr->rate)
		r->rate = cr->rate;
	if (cr->duration)
		r->duration = cr->duration;
	if (cr->bytes)
		r->bytes = strtoull(cr->bytes, NULL, 10);
}

void rights_of(struct rights *r, const struct conf *c,
	       const struct conf_peer *p)
{
	const struct conf_group *g = NULL;

	memset(r, 0, sizeof *r);
	r->allow = p ? "" : c->allow;
	r->hours = "";
	r->sessions = c->per_peer;
	if (p && p->group)
		g = conf_group_find(c, p->group);
	if (g) {
		r->group = g->name;
		overlay(r, &g->rights);
	}
	if (p)
		overlay(r, &p->rights);
}

/* --- words ------------------------------------------------------------- */

struct teller {
	void (*h)(const char *line, void *arg);
	void *arg;
};

static void tell(const struct teller *t, const char *fmt, ...)
{
	char line[800];
	va_list ap;

	va_start(ap, fmt);
	(void)re_vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	t->h(line, t->arg);
}

static void tell_allow(const struct teller *t, const char *allow)
{
	char *copy, *save = NULL;

	if (!str_isset(allow)) {
		tell(t, "may do nothing here");
		return;
	}
	if (str_dup(&copy, allow))
		return;
	for (char *p = strtok_r(copy, ",", &save); p;
	     p = strtok_r(NULL, ",", &save)) {
		p += strspn(p, " ");
		if (!strcmp(p, "all") || !strcmp(p, "*"))
			tell(t, "may use every kind of tunnel, forwards only"
			     " to targets that another entry names");
		else
			tell(t, "may use %s", p);
	}
	mem_deref(copy);
}

struct unit {
	uint64_t size;
	char letter;
};

static const struct unit secondv[] = {
	{ 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 0, '\0' }
};
static const struct unit bytev[] = {
	{ 1ULL << 40, 'T' }, { 1ULL << 30, 'G' }, { 1ULL << 20, 'M' },
	{ 1ULL << 10, 'K' }, { 0, '\0' }
};

/* As it stands in the configuration, where that comes out even. */
static void tell_amount(const struct teller *t, uint64_t n,
			const struct unit *u, const char *small)
{
	while (u->size && n % u->size)
		u++;
	if (u->size)
		tell(t, "is hung up after %llu%c", n / u->size, u->letter);
	else
		tell(t, "is hung up after %llu%s", n, small);
}

void rights_explain(const struct rights *r,
		    void (*h)(const char *line, void *arg), void *arg)
{
	const struct teller t = { h, arg };

	if (r->group)
		tell(&t, "is in [group %s]", r->group);
	tell_allow(&t, r->allow);
	if (str_isset(r->hours))
		tell(&t, "may call only %s%s", r->hours,
		     hours_now(r->hours, time(NULL)) ? " (now)"
		     : " (not now)");
	if (r->sessions)
		tell(&t, "may have %u sessions at once", r->sessions);
	if (r->rate)
		tell(&t, "may call %u times a minute", r->rate);
	if (r->duration)
		tell_amount(&t, r->duration, secondv, " seconds");
	if (r->bytes)
		tell_amount(&t, r->bytes, bytev, " bytes");
}
