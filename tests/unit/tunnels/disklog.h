/*
 * disklog.h: what a program does to a folder, call by call, and what a power
 * cut may leave of it.
 *
 *   disklog_start(PATH) ... the program writes below PATH/in ... disklog_stop()
 *   disklog_cut(n, how, seed, TO)      after the n-th call, into the folder TO
 *
 * The calls of libc are taken over here: each is made, and written down. What
 * an fsync of that file or folder, or a syncfs, has followed is on the disk;
 * of the rest any part may be, in any order, as POSIX has it and some file
 * systems do: a name without its bytes, bytes without a name, a rename that
 * has come and gone. A folder's name is its parent's to sync.
 */
#ifndef DIALTONE_DISKLOG_H
#define DIALTONE_DISKLOG_H

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
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

/* What a cut leaves of what was not synced. */
enum disk_how {
	DISK_NOTHING, DISK_ALL, DISK_NAMES, DISK_BYTES, DISK_ANY, DISK_HOWS
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

#define DISK_REAL(fn) ((__typeof__(&fn))dlsym(RTLD_NEXT, #fn))

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

/* --- the calls ----------------------------------------------------------- */

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

int openat(int dirfd, const char *path, int flags, ...)
{
	struct stat st;
	bool fresh;
	mode_t mode;
	va_list ap;
	int fd, dir;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (!(flags & O_CREAT))
		return DISK_REAL(openat)(dirfd, path, flags);
	disk_in();
	dir = disk_fd(dirfd);
	fresh = fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW);
	fd = DISK_REAL(openat)(dirfd, path, flags, mode);
	if (fd >= 0 && dir >= 0 && fresh)
		disk_name(DISK_LINK, disk_new(dirfd, path), dir, path);
	disk_out();
	return fd;
}

int mkdirat(int dirfd, const char *path, mode_t mode)
{
	int err, dir;

	disk_in();
	dir = disk_fd(dirfd);
	err = DISK_REAL(mkdirat)(dirfd, path, mode);
	if (!err && dir >= 0)
		disk_name(DISK_LINK, disk_new(dirfd, path), dir, path);
	disk_out();
	return err;
}

int mkdir(const char *path, mode_t mode)
{
	char parent[DISK_PATH], *slash;
	int err, dir;

	disk_in();
	snprintf(parent, sizeof parent, "%s", path);
	slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	dir = disk.on && slash ? disk_at(AT_FDCWD, parent) : -1;
	err = DISK_REAL(mkdir)(path, mode);
	if (!err && dir >= 0)
		disk_name(DISK_LINK, disk_new(AT_FDCWD, path), dir,
			  slash + 1);
	disk_out();
	return err;
}

int symlinkat(const char *target, int dirfd, const char *path)
{
	int err, dir, node;

	disk_in();
	dir = disk_fd(dirfd);
	err = DISK_REAL(symlinkat)(target, dirfd, path);
	if (!err && dir >= 0) {
		node = disk_new(dirfd, path);
		disk.node[node].target = strdup(target);
		disk_name(DISK_LINK, node, dir, path);
	}
	disk_out();
	return err;
}

int linkat(int from, const char *path, int to, const char *name, int flags)
{
	int err, dir;

	disk_in();
	dir = disk_fd(to);
	err = DISK_REAL(linkat)(from, path, to, name, flags);
	if (!err && dir >= 0)
		disk_name(DISK_LINK, disk_at(to, name), dir, name);
	disk_out();
	return err;
}

int unlinkat(int dirfd, const char *path, int flags)
{
	int err, dir;

	disk_in();
	dir = disk_fd(dirfd);
	err = DISK_REAL(unlinkat)(dirfd, path, flags);
	if (!err && dir >= 0)
		disk_name(DISK_UNLINK, -1, dir, path);
	disk_out();
	return err;
}

int renameat2(int from, const char *path, int to, const char *name,
	      unsigned flags)
{
	struct disk_entry *e;
	int err, dir, dir2, node = -1;

	disk_in();
	dir = disk_fd(from);
	dir2 = disk_fd(to);
	if (dir >= 0)
		node = disk_at(from, path);
	err = DISK_REAL(renameat2)(from, path, to, name, flags);
	if (!err && dir >= 0) {
		e = disk_add(DISK_RENAME, node);
		e->dir = dir;
		e->dir2 = dir2;
		e->name = strdup(path);
		e->name2 = strdup(name);
	}
	disk_out();
	return err;
}

int renameat(int from, const char *path, int to, const char *name)
{
	return renameat2(from, path, to, name, 0);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t off)
{
	ssize_t k;
	int node;

	disk_in();
	node = disk_fd(fd);
	k = DISK_REAL(pwrite)(fd, p, n, off);
	if (k > 0 && node >= 0)
		disk_data(node, (uint64_t)off, p, (size_t)k);
	disk_out();
	return k;
}

ssize_t write(int fd, const void *p, size_t n)
{
	ssize_t k;
	int node;

	if (!disk.on)
		return DISK_REAL(write)(fd, p, n);
	disk_in();
	node = disk_fd(fd);
	k = DISK_REAL(write)(fd, p, n);
	if (k > 0 && node >= 0)
		disk_data(node, (uint64_t)(lseek(fd, 0, SEEK_CUR) - k), p,
			  (size_t)k);
	disk_out();
	return k;
}

int ftruncate(int fd, off_t size)
{
	int err, node;

	disk_in();
	node = disk_fd(fd);
	err = DISK_REAL(ftruncate)(fd, size);
	if (!err && node >= 0)
		disk_add(DISK_SIZE, node)->off = (uint64_t)size;
	disk_out();
	return err;
}

int fallocate(int fd, int mode, off_t off, off_t len)
{
	int err, node;

	disk_in();
	node = disk_fd(fd);
	err = DISK_REAL(fallocate)(fd, mode, off, len);
	if (!err && node >= 0 && mode & FALLOC_FL_PUNCH_HOLE)
		disk_data(node, (uint64_t)off, NULL, (size_t)len);
	disk_out();
	return err;
}

int fchmod(int fd, mode_t mode)
{
	int err, node;

	disk_in();
	node = disk_fd(fd);
	err = DISK_REAL(fchmod)(fd, mode);
	if (!err && node >= 0)
		disk_add(DISK_MODE, node)->mode = mode;
	disk_out();
	return err;
}

int futimens(int fd, const struct timespec ts[2])
{
	int err, node;

	disk_in();
	node = disk_fd(fd);
	err = DISK_REAL(futimens)(fd, ts);
	if (!err && node >= 0)
		disk_add(DISK_TIME, node)->mtime = ts[1];
	disk_out();
	return err;
}

int fsync(int fd)
{
	int err, node;

	disk_in();
	node = disk_fd(fd);
	err = DISK_REAL(fsync)(fd);
	if (!err && node >= 0)
		disk_add(DISK_SYNC, node);
	disk_out();
	return err;
}

int syncfs(int fd)
{
	int err;

	disk_in();
	err = DISK_REAL(syncfs)(fd);
	if (!err && disk_fd(fd) >= 0)
		disk_add(DISK_SYNCFS, -1);
	disk_out();
	return err;
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
	fd = DISK_REAL(openat)(dirfd, name, O_RDONLY | O_NOFOLLOW);
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

/* --- the cut ------------------------------------------------------------- */

/* Where names lead after it. */
struct disk_tree {
	struct {
		int dir, node;
		const char *name;
	} v[DISK_MAX];
	int n;
	char pool[DISK_PATH];           /* files, called by number */
};

static inline uint32_t disk_random(uint32_t seed, int i, int k)
{
	uint32_t x = seed * 2654435761u + (uint32_t)i * 40503u +
		     (uint32_t)k * 69069u + 1;

	x ^= x >> 15;
	x *= 2246822519u;
	x ^= x >> 13;
	return x * 3266489917u >> 16;
}

static inline bool disk_names(enum disk_op op)
{
	return op == DISK_LINK || op == DISK_UNLINK || op == DISK_RENAME;
}

/* Is it kept, though nothing has synced it? */
static inline bool disk_luck(enum disk_how how, enum disk_op op, uint32_t seed,
			     int i, int k)
{
	switch (how) {
	case DISK_NOTHING: return false;
	case DISK_ALL:     return true;
	case DISK_NAMES:   return disk_names(op);
	case DISK_BYTES:   return !disk_names(op);
	default:           return disk_random(seed, i, k) & 1;
	}
}

static inline bool disk_synced(int i, int n, int node)
{
	if (disk.v[i].old)
		return true;
	for (int k = i + 1; k < n; k++)
		if (disk.v[k].op == DISK_SYNCFS ||
		    (disk.v[k].op == DISK_SYNC && disk.v[k].node == node))
			return true;
	return false;
}

static inline void disk_unset(struct disk_tree *t, int dir, const char *name)
{
	for (int i = 0; i < t->n; i++)
		if (t->v[i].dir == dir && !strcmp(t->v[i].name, name))
			t->v[i--] = t->v[--t->n];
}

static inline void disk_set(struct disk_tree *t, int dir, const char *name,
			    int node)
{
	disk_unset(t, dir, name);
	t->v[t->n].dir = dir;
	t->v[t->n].name = name;
	t->v[t->n++].node = node;
}

/* A name that goes elsewhere in one folder does so at once; from one folder
 * to another it may have come and not gone, or gone and not come. */
static inline void disk_rename(struct disk_tree *t, int i, bool from, bool to)
{
	const struct disk_entry *e = &disk.v[i];

	if (from)
		disk_unset(t, e->dir, e->name);
	if (to || (from && e->dir == e->dir2))
		disk_set(t, e->dir2, e->name2, e->node);
}

static inline void disk_write(const struct disk_tree *t, int i, int n,
			      enum disk_how how, uint32_t seed)
{
	const struct disk_entry *e = &disk.v[i];
	const bool synced = disk_synced(i, n, e->node);
	static const uint8_t zeros[DISK_BLOCK];
	char path[DISK_PATH + 16];
	int fd;

	snprintf(path, sizeof path, "%s/%d", t->pool, e->node);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	if (e->op == DISK_SIZE && (synced || disk_luck(how, e->op, seed, i, 0)))
		CU_ASSERT_EQUAL(ftruncate(fd, (off_t)e->off), 0);
	for (size_t at = 0; e->op == DISK_DATA && at < e->len;
	     at += DISK_BLOCK) {
		const size_t k = e->len - at < DISK_BLOCK ? e->len - at :
							    DISK_BLOCK;

		if (synced || disk_luck(how, e->op, seed, i, (int)at))
			(void)!pwrite(fd, e->data ? e->data + at : zeros, k,
				      (off_t)(e->off + at));
	}
	close(fd);
}

static inline void disk_apply(struct disk_tree *t, int i, int n,
			      enum disk_how how, uint32_t seed)
{
	const struct disk_entry *e = &disk.v[i];
	const bool kept = disk_synced(i, n, e->dir) ||
			  disk_luck(how, e->op, seed, i, 0);

	switch (e->op) {
	case DISK_LINK:
		if (kept)
			disk_set(t, e->dir, e->name, e->node);
		break;
	case DISK_UNLINK:
		if (kept)
			disk_unset(t, e->dir, e->name);
		break;
	case DISK_RENAME:
		disk_rename(t, i, kept, disk_synced(i, n, e->dir2) ||
			    disk_luck(how, e->op, seed, i, e->dir ==
				      e->dir2 ? 0 : 1));
		break;
	case DISK_DATA:
	case DISK_SIZE:
		disk_write(t, i, n, how, seed);
		break;
	default:        /* modes and times come last */
		break;
	}
}

/* The last mode and time of it that are kept. */
static inline void disk_meta(const char *path, int node, int n,
			     enum disk_how how, uint32_t seed)
{
	for (int i = 0; i < n; i++) {
		const struct disk_entry *e = &disk.v[i];
		const struct timespec ts[2] = {
			{ .tv_nsec = UTIME_OMIT }, e->mtime
		};

		if (e->node != node || (!disk_synced(i, n, node) &&
					!disk_luck(how, e->op, seed, i, 0)))
			continue;
		if (e->op == DISK_MODE)
			(void)chmod(path, e->mode);
		else if (e->op == DISK_TIME)
			(void)utimensat(AT_FDCWD, path, ts, 0);
	}
}

static inline void disk_make(const struct disk_tree *t, int node,
			     const char *path, int n, enum disk_how how,
			     uint32_t seed)
{
	char file[DISK_PATH + 16], sub[DISK_PATH];

	if (S_ISLNK(disk.node[node].type)) {
		(void)!symlink(disk.node[node].target, path);
		return;
	}
	if (S_ISREG(disk.node[node].type)) {
		snprintf(file, sizeof file, "%s/%d", t->pool, node);
		close(open(file, O_WRONLY | O_CREAT, 0600));
		CU_ASSERT_EQUAL(link(file, path), 0);
		disk_meta(path, node, n, how, seed);
		return;
	}
	CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
	for (int i = 0; i < t->n; i++) {
		if (t->v[i].dir != node)
			continue;
		snprintf(sub, sizeof sub, "%s/%s", path, t->v[i].name);
		disk_make(t, t->v[i].node, sub, n, how, seed);
	}
	disk_meta(path, node, n, how, seed);
}

/* Makes TO what PATH/in may be after the first n calls, or nothing if that is
 * what is left. TO.pool is for the caller to remove. */
static inline void disklog_cut(int n, enum disk_how how, uint32_t seed,
			       const char *to)
{
	static struct disk_tree t;

	t.n = 0;
	snprintf(t.pool, sizeof t.pool, "%s.pool", to);
	(void)mkdir(t.pool, 0700);
	for (int i = 0; i < n; i++)
		disk_apply(&t, i, n, how, seed);
	for (int i = 0; i < t.n; i++)
		if (!t.v[i].dir && !strcmp(t.v[i].name, "in"))
			disk_make(&t, t.v[i].node, to, n, how, seed);
}

#endif
