/*
 * fileroom.c: the folders that somebody with a quota receives into now. Each
 * has counted what was there when it came; what all have charged since is
 * the same for all:
 *
 *   held = counted + (pending + charged now) - charged when it was counted
 *
 * Pending files may be missed by a count that meets them half way, or at
 * their old place. Called by filerecv.c and fileentry.c.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "tunnels/file/fileroom.h"

struct fileroom {
	struct fileroom *next;
	dev_t dev;
	ino_t ino;
	unsigned users;
	uint64_t charged, pending;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fileroom *rooms;

static struct fileroom *find(const struct stat *st)
{
	struct fileroom *r = rooms;

	while (r && (r->dev != st->st_dev || r->ino != st->st_ino))
		r = r->next;
	return r;
}

static struct fileroom *make(const struct stat *st)
{
	struct fileroom *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->dev = st->st_dev;
	r->ino = st->st_ino;
	r->next = rooms;
	rooms = r;
	return r;
}

int fileroom_join(struct fileroom **rp, int fd)
{
	struct fileroom *r;
	struct stat st;

	if (fstat(fd, &st))
		return errno;
	(void)pthread_mutex_lock(&lock);
	r = find(&st);
	if (!r)
		r = make(&st);
	if (r)
		r->users++;
	(void)pthread_mutex_unlock(&lock);
	*rp = r;
	return r ? 0 : ENOMEM;
}

void fileroom_leave(struct fileroom *r, uint64_t pending)
{
	struct fileroom **p = &rooms;

	if (!r)
		return;
	(void)pthread_mutex_lock(&lock);
	r->pending -= pending;
	if (!--r->users) {
		while (*p != r)
			p = &(*p)->next;
		*p = r->next;
		free(r);
	}
	(void)pthread_mutex_unlock(&lock);
}

uint64_t fileroom_unseen(struct fileroom *r)
{
	uint64_t n;

	(void)pthread_mutex_lock(&lock);
	n = r->pending - r->charged;
	(void)pthread_mutex_unlock(&lock);
	return n;
}

void fileroom_charge(struct fileroom *r, uint64_t bytes, uint64_t pending)
{
	(void)pthread_mutex_lock(&lock);
	r->charged += bytes;
	r->pending += pending;
	(void)pthread_mutex_unlock(&lock);
}

void fileroom_settle(struct fileroom *r, uint64_t pending)
{
	fileroom_charge(r, 0, -pending);
}

uint64_t fileroom_charged(struct fileroom *r)
{
	uint64_t n;

	(void)pthread_mutex_lock(&lock);
	n = r->charged;
	(void)pthread_mutex_unlock(&lock);
	return n;
}
