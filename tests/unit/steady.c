/*
 * steady.c: the clock of steady.h: true time less what was lost.
 *
 *	true     |----|----|...........|----|        ... the test did not run
 *	steady   |----|----|--|----|                 lost: all of it but 20 ms
 *
 * What our objects call is replaced by the linker (--wrap, see the Makefile).
 */
#include <stdbool.h>
#include <time.h>
#include <sys/timerfd.h>
#include "sdp/base/clock.h"
#include "tests/unit/steady.h"

#define LATE (20 * MSEC)         /* that is no matter */

enum { FDS = 256 };

static __thread bool on;
static __thread uint64_t last;          /* what the clock said */
static __thread uint64_t lost;          /* true time is ahead of it by this */
static __thread uint64_t due[FDS];      /* a timerfd's expiry; 0: unset */

/* The names that --wrap gives. */
int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __real_timerfd_settime(int fd, int flags, const struct itimerspec *its,
			   struct itimerspec *old);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *its,
			   struct itimerspec *old);

static uint64_t ns_of(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * SEC + (uint64_t)ts->tv_nsec;
}

static struct timespec spec_of(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / SEC), (long)(ns % SEC) };
}

static uint64_t true_time(void)
{
	struct timespec ts;

	(void)__real_clock_gettime(CLOCK_MONOTONIC, &ts);
	return ns_of(&ts);
}

void steady_begin(void)
{
	for (int i = 0; i < FDS; i++)
		due[i] = 0;
	lost = 0;
	last = true_time();
	on = true;
}

/* What the clock may say at most, now that it is looked at. */
static uint64_t limit(void)
{
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < FDS; i++)
		if (due[i] && due[i] < next)
			next = due[i];
	return LATE + (next == UINT64_MAX || next < last ? last : next);
}

void steady_skip(uint64_t ns)
{
	last += ns;
	lost -= ns;             /* it may be ahead as well */
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	uint64_t now, most;
	int err = __real_clock_gettime(id, ts);

	if (!on || err || id != CLOCK_MONOTONIC)
		return err;
	now = ns_of(ts) - lost;
	most = limit();
	if (now > most) {
		lost += now - most;
		now = most;
	}
	last = now;
	*ts = spec_of(now);
	return 0;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *its,
			   struct itimerspec *old)
{
	struct itimerspec t = *its;
	uint64_t when = ns_of(&its->it_value);

	if (!on || fd < 0 || fd >= FDS || !(flags & TFD_TIMER_ABSTIME))
		return __real_timerfd_settime(fd, flags, its, old);
	due[fd] = when;
	if (when)
		t.it_value = spec_of(when + lost);
	return __real_timerfd_settime(fd, flags, &t, old);
}
