/*
 * hours.c: reads spans of the week; owns nothing.
 */
#include <re.h>
#include <string.h>
#include <strings.h>
#include "sipd/hours.h"

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

bool hours_ok(const char *hours)
{
	struct span s;

	while (*hours) {
		if (!read_span(&hours, &s) || (*hours && *hours++ != ','))
			return false;
	}
	return true;
}

bool hours_now(const char *hours, time_t now)
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
