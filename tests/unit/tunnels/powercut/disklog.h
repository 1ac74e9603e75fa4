/*
 * disklog.h: what a program does to a folder, call by call.
 *
 *   disklog_start(PATH) ... the program writes below PATH/in ... disklog_stop()
 *
 *   diskcalls.h  the calls of libc, which are made and written down here
 *   diskcut.h    what a power cut may leave of them
 */
#ifndef DIALTONE_POWERCUT_DISKLOG_H
#define DIALTONE_POWERCUT_DISKLOG_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/unit/unit.h"

enum { DISK_MAX = 8192, DISK_PATH = 512, DISK_BLOCK = 4096 };

enum disk_op {
	DISK_LINK, DISK_UNLINK, DISK_RENAME,    /* of folders */
	DISK_DATA, DISK_SIZE, DISK_MODE, DISK_TIME,
	DISK_SYNC, DISK_SYNCFS,
};

struct disk_entry {
	enum disk_op op;
	int node;                       /* what it is done to */
	int dir, dir2;                  /* where a name is; RENAME: to */
	char *name, *name2;
	uint64_t off;                   /* DATA; SIZE: the size */
	size_t len;
	uint8_t *data;                  /* NULL: zeros */
	mode_t mode;
	struct timespec mtime;
	bool old;                       /* was there at the start */
};

static struct {
	pthread_mutex_t lock;
	_Atomic bool on;
	bool old;
	dev_t dev;
	struct disk_entry v[DISK_MAX];
	int n;
	struct {
		ino_t ino;
		mode_t type;
		char *target;           /* of a link */
	} node[DISK_MAX];
	int nodes;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER };

static inline struct disk_entry *disk_add(enum disk_op op, int node)
{
	struct disk_entry *e = &disk.v[disk.n++];

	if (disk.n > DISK_MAX)
		abort();
	memset(e, 0, sizeof *e);
	e->op = op;
	e->node = node;
	e->old = disk.old;
	return e;
}

static inline void disk_name(enum disk_op op, int node, int dir,
			     const char *name)
{
	struct disk_entry *e = disk_add(op, node);

	e->dir = dir;
	e->name = strdup(name);
}

/* -1: none of ours. Numbers come back, so the last one counts. */
static inline int disk_find(const struct stat *st)
{
	int i = st->st_dev == disk.dev ? disk.nodes : 0;

	while (i-- && disk.node[i].ino != st->st_ino)
		;
	return i;
}

static inline int disk_fd(int fd)
{
	struct stat st;

	return disk.on && !fstat(fd, &st) ? disk_find(&st) : -1;
}

static inline int disk_at(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) ? -1 :
		disk_find(&st);
}

/* Something new; returns what it is called here. */
static inline int disk_new(int dirfd, const char *name)
{
	struct disk_entry *e;
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) ||
	    disk.nodes == DISK_MAX)
		abort();
	disk.node[disk.nodes].ino = st.st_ino;
	disk.node[disk.nodes].type = st.st_mode & S_IFMT;
	disk.nodes++;
	/* where its name gets to, its kind and mode do */
	e = disk_add(DISK_MODE, disk.nodes - 1);
	e->mode = st.st_mode & 07777;
	e->old = true;
	return disk.nodes - 1;
}

static inline void disk_data(int node, uint64_t off, const void *p, size_t n)
{
	struct disk_entry *e = disk_add(DISK_DATA, node);

	e->off = off;
	e->len = n;
	e->data = p ? malloc(n ? n : 1) : NULL;
	if (p)
		memcpy(e->data, p, n);
}

static inline void disk_in(void)
{
	pthread_mutex_lock(&disk.lock);
}

static inline void disk_out(void)
{
	const int err = errno;

	pthread_mutex_unlock(&disk.lock);
	errno = err;
}

/* --- what was there before ----------------------------------------------- */

static inline void disk_walk(int dirfd, int dir);

static inline void disk_had(int dirfd, int dir, const char *name)
{
	static uint8_t buf[1 << 20];
	const int node = disk_new(dirfd, name);
	struct stat st;
	ssize_t n;
	int fd;

	disk_name(DISK_LINK, node, dir, name);
	if (S_ISLNK(disk.node[node].type)) {
		n = readlinkat(dirfd, name, (char *)buf, sizeof buf);
		disk.node[node].target = strndup((char *)buf, (size_t)n);
		return;
	}
	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW);
	if (S_ISDIR(disk.node[node].type)) {
		disk_walk(fd, node);
	}
	else {
		n = read(fd, buf, sizeof buf);
		disk_data(node, 0, buf, (size_t)n);
	}
	(void)fstat(fd, &st);
	disk_add(DISK_TIME, node)->mtime = st.st_mtim;
	close(fd);
}

static inline void disk_walk(int dirfd, int dir)
{
	DIR *d = fdopendir(dup(dirfd));
	struct dirent *de;

	while (d && (de = readdir(d)))
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			disk_had(dirfd, dir, de->d_name);
	if (d)
		closedir(d);
}

/* synced: is what is in PATH/in by now on the disk, as its own name is? */
static inline void disklog_start(const char *path, bool synced)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	struct stat st;

	CU_ASSERT_FATAL(fd >= 0 && !fstat(fd, &st));
	disk.n = disk.nodes = 0;
	disk.dev = st.st_dev;
	disk.old = synced;
	(void)disk_new(fd, ".");
	if (!fstatat(fd, "in", &st, AT_SYMLINK_NOFOLLOW))
		disk_had(fd, 0, "in");
	for (int i = 0; i < disk.n; i++)
		if (disk.v[i].op == DISK_LINK && !disk.v[i].dir)
			disk.v[i].old = true;
	disk.old = false;
	disk.on = true;
	close(fd);
}

static inline void disklog_stop(void)
{
	disk_in();
	disk.on = false;
	disk_out();
}

/* How many calls there were. */
static inline int disklog_count(void)
{
	return disk.n;
}

static inline void disklog_free(void)
{
	for (int i = 0; i < disk.n; i++) {
		free(disk.v[i].name);
		free(disk.v[i].name2);
		free(disk.v[i].data);
	}
	for (int i = 0; i < disk.nodes; i++) {
		free(disk.node[i].target);
		disk.node[i].target = NULL;
	}
	disk.n = disk.nodes = 0;
}

#endif
