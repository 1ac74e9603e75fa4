/*
 * rights.c: finds out what counts, and says it in words. The switchboard and
 * peers ask; owns nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "sdp/base/recompat.h"
#include "sipd/confparts.h"
#include "sipd/rights.h"

static const char *const dayv[] = {
	"sun", "mon", "tue", "wed", "thu", "fri", "sat"
};

enum { DAYS = 7, MINUTES = 24 * 60 };

/* From day a to day b, from minute begin to minute end; end may be of the
 * next day. */
struct span {
	unsigned a, b;
	unsigned begin, end;
};

static bool read_day(const char **p, unsigned *day)
{
	for (unsigned i = 0; i < DAYS; i++)
		if (!strncasecmp(*p, dayv[i], 3)) {
			*p += 3;
			*day = i;
			return true;
		}
	return false;
}

/* HH:MM, up to 24:00 */
static bool read_time(const char **p, unsigned *minute)
{
	unsigned v[2] = { 0, 0 };

	for (unsigned i = 0; i < 2; i++) {
		if (i && *(*p)++ != ':')
			return false;
		for (unsigned n = 0; n < 2; n++, (*p)++) {
			if (**p < '0' || **p > '9')
				return false;
			v[i] = 10 * v[i] + (unsigned)(**p - '0');
		}
	}
	*minute = 60 * v[0] + v[1];
	return v[1] < 60 && *minute <= MINUTES;
}

static bool read_span(const char **p, struct span *s)
{
	s->a = 0;
	s->b = DAYS - 1;
	*p += strspn(*p, " \t");
	if (read_day(p, &s->a)) {
		s->b = s->a;
		if (**p == '-') {
			++*p;
			if (!read_day(p, &s->b))
				return false;
		}
		*p += strspn(*p, " \t");
	}
	if (!read_time(p, &s->begin) || *(*p)++ != '-' ||
	    !read_time(p, &s->end))
		return false;
	*p += strspn(*p, " \t");
	return s->begin != s->end && s->begin < MINUTES;
}

static bool day_in(const struct span *s, unsigned day)
{
	return s->a <= s->b ? day >= s->a && day <= s->b
			    : day >= s->a || day <= s->b;
}

static bool in_span(const struct span *s, unsigned day, unsigned minute)
{
	const unsigned yesterday = (day + DAYS - 1) % DAYS;

	if (s->begin < s->end)
		return day_in(s, day) && minute >= s->begin &&
			minute < s->end;
	return (day_in(s, day) && minute >= s->begin) ||
		(day_in(s, yesterday) && minute < s->end);
}

bool rights_hours_ok(const char *hours)
{
	struct span s;

	while (*hours) {
		if (!read_span(&hours, &s) || (*hours && *hours++ != ','))
			return false;
	}
	return true;
}

bool rights_hours_now(const char *hours, time_t now)
{
	struct span s;
	struct tm tm;

	if (!str_isset(hours))
		return true;
	if (!localtime_r(&now, &tm))
		return false;
	while (*hours && read_span(&hours, &s)) {
		if (in_span(&s, (unsigned)tm.tm_wday,
			    (unsigned)(60 * tm.tm_hour + tm.tm_min)))
			return true;
		hours += *hours == ',';
	}
	return false;
}

/* --- whose ------------------------------------------------------------- */

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

void rights_explain(const struct rights *r,
		    void (*h)(const char *line, void *arg), void *arg)
{
	const struct teller t = { h, arg };

	if (r->group)
		tell(&t, "is in [group %s]", r->group);
	tell_allow(&t, r->allow);
	if (str_isset(r->hours))
		tell(&t, "may call only %s%s", r->hours,
		     rights_hours_now(r->hours, time(NULL)) ? " (now)"
		     : " (not now)");
	if (r->sessions)
		tell(&t, "may have %u sessions at once", r->sessions);
	if (r->rate)
		tell(&t, "may call %u times a minute", r->rate);
	if (r->duration)
		tell(&t, "is hung up after %u seconds", r->duration);
	if (r->bytes)
		tell(&t, "is hung up after %llu bytes", r->bytes);
}
