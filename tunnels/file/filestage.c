/*
 * filestage.c: the hidden folders of files not synced yet. Their files are
 * called by number and never resumed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <re.h>
#include "tunnels/file/filestage.h"
#include "tunnels/file/filestore.h"
#include "tunnels/file/filetail.h"

enum { LANES = 3 };

struct lane {
	int fd;                         /* locked; -1: not made yet */
	mode_t mask;
	char name[FILESTORE_NAME];
};

struct filestage {
	atomic_int refs;
	int root;
	struct filetail tail;           /* begun: the worker has left */
	pthread_mutex_t lock;           /* of what follows */
	pthread_cond_t cond;            /* next is another */
	struct lane lanev[LANES];
	bool swept;
	unsigned turns;                 /* that were taken */
	unsigned next;                  /* whose turn it is */
	uint64_t passed;                /* bit i: next + i is passed on */
};

/* Take the files out of a folder that nobody else uses, and the folder. */
static void sweep(int root, int fd, const char *name)
{
	DIR *d = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	struct dirent *de;

	while (d && (de = readdir(d)))
		(void)unlinkat(dirfd(d), de->d_name, 0);
	if (d)
		(void)closedir(d);
	(void)unlinkat(root, name, AT_REMOVEDIR);
}

/* -1 unless it is a folder of ours that nobody has locked. */
static int open_locked(int root, const char *name)
{
	int fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
			O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	/* nlink 0: swept between our open and our lock */
	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &st) ||
	    !st.st_nlink || st.st_uid != geteuid()) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* What crashed sessions have left. */
static void sweep_stale(int root)
{
	DIR *d = fdopendir(openat(root, ".", O_RDONLY | O_DIRECTORY |
				  O_CLOEXEC));
	struct dirent *de;

	while (d && (de = readdir(d))) {
		int fd;

		if (strncmp(de->d_name, FILESTORE_STAGE,
			    strlen(FILESTORE_STAGE)))
			continue;
		fd = open_locked(root, de->d_name);
		if (fd < 0)
			continue;
		sweep(root, fd, de->d_name);
		(void)close(fd);
	}
	if (d)
		(void)closedir(d);
}

int filestage_alloc(struct filestage **sp, int root)
{
	struct filestage *s = calloc(1, sizeof *s);

	if (!s)
		return ENOMEM;
	for (int i = 0; i < LANES; i++)
		s->lanev[i].fd = -1;
	s->root = fcntl(root, F_DUPFD_CLOEXEC, 3);
	if (s->root < 0) {
		free(s);
		return errno;
	}
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->cond, NULL);
	atomic_init(&s->refs, 1);
	*sp = s;
	return 0;
}

struct filestage *filestage_ref(struct filestage *s)
{
	(void)atomic_fetch_add(&s->refs, 1);
	return s;
}

void filestage_unref(struct filestage *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	for (struct lane *l = s->lanev; l < s->lanev + LANES; l++) {
		if (l->fd < 0)
			continue;
		sweep(s->root, l->fd, l->name);
		(void)close(l->fd);
	}
	(void)pthread_cond_destroy(&s->cond);
	(void)pthread_mutex_destroy(&s->lock);
	(void)close(s->root);
	filetail_end(&s->tail);
	free(s);
}

void filestage_leave(struct filestage *s)
{
	filetail_begin(&s->tail, s->root);
	filestage_unref(s);
}

int filestage_root(const struct filestage *s)
{
	return s->root;
}

unsigned filestage_turn(struct filestage *s)
{
	unsigned turn;

	(void)pthread_mutex_lock(&s->lock);
	turn = s->turns++;
	(void)pthread_mutex_unlock(&s->lock);
	return turn;
}

void filestage_wait(struct filestage *s, unsigned turn)
{
	(void)pthread_mutex_lock(&s->lock);
	while (s->next != turn)
		(void)pthread_cond_wait(&s->cond, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
}

/* Few are taken at a time: those that run, and the one that is filled. */
void filestage_pass(struct filestage *s, unsigned turn)
{
	(void)pthread_mutex_lock(&s->lock);
	s->passed |= UINT64_C(1) << (turn - s->next);
	for (; s->passed & 1; s->passed >>= 1)
		s->next++;
	(void)pthread_cond_broadcast(&s->cond);
	(void)pthread_mutex_unlock(&s->lock);
}

/* By the process's mask, an inherited ACL, what the file system has. */
static mode_t find_mask(int fd)
{
	static const char name[] = "mode";
	mode_t mask = 0777;
	struct stat st;
	int probe = openat(fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			   0777);

	if (probe < 0)
		return mask;
	if (!fstat(probe, &st))
		mask &= ~st.st_mode;
	(void)close(probe);
	(void)unlinkat(fd, name, 0);
	return mask;
}

static int lane_make(struct lane *l, int root)
{
	for (int i = 0; i < 10 && l->fd < 0; i++) {
		uint32_t token = 0;

		/* not OpenSSL's, which may be cleaning up: the program can
		 * be at its exit while this thread works */
		(void)getrandom(&token, sizeof token, 0);
		(void)snprintf(l->name, sizeof l->name, "%s%08x",
			       FILESTORE_STAGE, token);
		if (mkdirat(root, l->name, 0700) && errno != EEXIST)
			return errno;
		l->fd = open_locked(root, l->name);
		if (l->fd >= 0)
			l->mask = find_mask(l->fd);
	}
	return l->fd < 0 ? EBUSY : 0;
}

int filestage_open(struct filestage *s, unsigned turn, int *fdp,
		   mode_t *mask)
{
	struct lane *l = &s->lanev[turn % LANES];
	int err;

	(void)pthread_mutex_lock(&s->lock);
	if (!s->swept)
		sweep_stale(s->root);
	s->swept = true;
	err = lane_make(l, s->root);
	*fdp = l->fd;
	*mask = l->mask;
	(void)pthread_mutex_unlock(&s->lock);
	return err;
}
