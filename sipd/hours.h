/*
 * hours.h: times of the week, "mon-fri 08:00-18:00,sat 09:00-12:00"; a span
 * may end on the next day, and without days it is every day's.
 */
#ifndef DIALTONE_HOURS_H
#define DIALTONE_HOURS_H

#include <stdbool.h>
#include <time.h>

/* Can this be read? */
bool hours_ok(const char *hours);

/* Is `now` within them, by the clock of this machine? "" and NULL: always. */
bool hours_now(const char *hours, time_t now);

#endif
