/*
 * outside.c: one list of the process; the lock is held for a look at it.
 * outside_index is asked for each datagram of the control thread: without an
 * exit it costs a look at a counter.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include "sdp/base/outside.h"

struct outside {
	struct le le;
	struct sa sa;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct list outsidel;
static struct outside_local localv[OUTSIDE_LOCALS];
static size_t localc;
static atomic_uint exits;

static void outside_destructor(void *arg)
{
	struct outside *o = arg;

	(void)pthread_mutex_lock(&lock);
	list_unlink(&o->le);
	(void)pthread_mutex_unlock(&lock);
}

int outside_alloc(struct outside **op, const struct sa *sa)
{
	struct outside *o = mem_zalloc(sizeof *o, outside_destructor);

	if (!o)
		return ENOMEM;
	sa_cpy(&o->sa, sa);
	(void)pthread_mutex_lock(&lock);
	list_append(&outsidel, &o->le, o);
	(void)pthread_mutex_unlock(&lock);
	*op = o;
	return 0;
}

static bool has(const struct sa *v, size_t n, const struct sa *sa)
{
	for (size_t i = 0; i < n; i++)
		if (sa_cmp(&v[i], sa, SA_ADDR))
			return true;
	return false;
}

size_t outside_list(struct sa *v, size_t max)
{
	size_t n = 0;

	(void)pthread_mutex_lock(&lock);
	for (struct le *le = outsidel.head; le && n < max; le = le->next) {
		const struct outside *o = le->data;

		if (!has(v, n, &o->sa))
			sa_cpy(&v[n++], &o->sa);
	}
	(void)pthread_mutex_unlock(&lock);
	return n;
}

void outside_locals(const struct outside_local *v, size_t n)
{
	(void)pthread_mutex_lock(&lock);
	localc = min(n, (size_t)OUTSIDE_LOCALS);
	for (size_t i = 0; i < localc; i++)
		localv[i] = v[i];
	(void)pthread_mutex_unlock(&lock);
}

void outside_exit(bool on)
{
	if (on)
		atomic_fetch_add(&exits, 1);
	else
		atomic_fetch_sub(&exits, 1);
}

unsigned outside_index(const struct sa *local)
{
	unsigned index = 0;

	if (!atomic_load(&exits))
		return 0;
	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < localc && !index; i++)
		if (sa_cmp(&localv[i].sa, local, SA_ADDR))
			index = localv[i].index;
	(void)pthread_mutex_unlock(&lock);
	return index;
}
