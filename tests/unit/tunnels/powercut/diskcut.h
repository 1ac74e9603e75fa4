/*
 * diskcut.h: what a power cut may leave of what disklog.h has written down.
 *
 *   disklog_cut(n, how, seed, TO)      after the n-th call, into the folder TO
 *
 * What an fsync of that file or folder, or a syncfs, has followed is on the
 * disk; of the rest any part may be, in any order, as POSIX has it and some
 * file systems do: a name without its bytes, bytes without a name, a rename
 * that has come and gone. A folder's name is its parent's to sync.
 */
#ifndef DIALTONE_POWERCUT_DISKCUT_H
#define DIALTONE_POWERCUT_DISKCUT_H

#include <stdio.h>
#include "tests/unit/tunnels/powercut/disklog.h"

/* What a cut leaves of what was not synced. */
enum disk_how {
	DISK_NOTHING, DISK_ALL, DISK_NAMES, DISK_BYTES, DISK_ANY, DISK_HOWS
};

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
