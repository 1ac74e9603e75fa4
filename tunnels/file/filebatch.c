/*
 * filebatch.c: received entries on their way to their names.
 *
 *   write small files into the stage  --> our turn? sync  --> rename, link,
 *   (large ones are written already)      times in order  --> sync folders
 *
 * A few files are synced one by one, many by one syncfs: it also writes what
 * other programs have left unwritten, and still is much the cheaper. What is
 * on another mount is out of the reach of both, the stage's and syncfs's: it
 * is written, synced and named one by one, in its own folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "tunnels/file/filebatch.h"

enum { FEW = 8 };               /* entries that are synced one by one */

static bool few(const struct filebatch *b)
{
	return b->count <= FEW && !b->fresh;
}

/* Synced by itself? */
static bool alone(const struct filebatch *b, const struct fileop *op)
{
	return few(b) || op->apart;
}

/* The folder last used: most entries share it with the one before. */
struct folder {
	const char *path;
	int fd;
};

static void fileop_destructor(void *arg)
{
	struct fileop *op = arg;

	list_unlink(&op->le);
	if (op->fd >= 0)
		(void)close(op->fd);
	mem_deref(op->part);
	mem_deref(op->as);
	mem_deref(op->data);
}

int fileop_alloc(struct fileop **opp, enum fileop_kind kind, const char *dir,
		 const char *name)
{
	const size_t d = strlen(dir) + 1, n = strlen(name) + 1;
	struct fileop *op = mem_zalloc(sizeof *op + d + n,
				       fileop_destructor);
	char *text;

	if (!op)
		return ENOMEM;
	text = (char *)(op + 1);        /* the names are behind it */
	op->kind = kind;
	op->fd = -1;
	op->dir = memcpy(text, dir, d);
	op->name = memcpy(text + d, name, n);
	*opp = op;
	return 0;
}

static void filebatch_destructor(void *arg)
{
	struct filebatch *b = arg;

	list_flush(&b->opl);
	if (!b->passed)
		filestage_pass(b->stage, b->turn);
	filestage_unref(b->stage);
}

int filebatch_alloc(struct filebatch **bp, struct filestage *stage,
		    enum filestore_taken taken)
{
	struct filebatch *b = mem_zalloc(sizeof *b, filebatch_destructor);

	if (!b)
		return ENOMEM;
	b->stage = filestage_ref(stage);
	b->turn = filestage_turn(stage);
	b->fd = -1;
	b->taken = taken;
	*bp = b;
	return 0;
}

void filebatch_add(struct filebatch *b, struct fileop *op)
{
	list_append(&b->opl, &op->le, op);
	b->count++;
	b->open += op->fd >= 0;
	b->bytes += op->size + sizeof *op;
}

bool filebatch_fatal(int err)
{
	return err == ENOSPC || err == EDQUOT || err == EROFS ||
	       err == EIO || err == EMFILE || err == ENFILE ||
	       err == ENOMEM;
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return errno;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

/* What a small file is called in the stage. */
static const char *stage_name(char buf[24], const struct fileop *op)
{
	(void)snprintf(buf, 24, "%llu", (unsigned long long)op->entry);
	return buf;
}

static void set_time(int fd, const struct fileop *op)
{
	const struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT },
					op->mtime };

	/* a time the file system cannot hold is no reason to fail */
	(void)futimens(fd, ts);
}

/* Nor is a mode that it cannot hold: it is our own file. */
static int set_mode(int fd, const struct fileop *op)
{
	return fchmod(fd, op->mode) && errno != EPERM ? errno : 0;
}

static int set_meta(int fd, const struct fileop *op)
{
	set_time(fd, op);
	/* last: a folder is new until then, see filestore_mkdir */
	return set_mode(fd, op);
}

/* All of a small file, synced if it is alone. moded: it was made with its
 * mode. */
static int small_fill(const struct filebatch *b, const struct fileop *op,
		      int fd, bool moded)
{
	int err = write_all(fd, op->data, op->size);

	if (!err)
		set_time(fd, op);
	if (!err && !moded)
		err = set_mode(fd, op);
	if (!err && alone(b, op) && fsync(fd))
		err = errno;
	return err;
}

static int small_write(const struct filebatch *b, struct fileop *op)
{
	const bool moded = !(op->mode & b->mask);
	char part[24];
	int fd, err;

	/* nobody else gets into the stage: it may have its mode at once */
	fd = openat(b->fd, stage_name(part, op), O_WRONLY | O_CREAT |
		    O_EXCL | O_CLOEXEC, moded ? op->mode : 0600);
	if (fd < 0)
		return errno;
	err = small_fill(b, op, fd, moded);
	/* some file systems tell of a full disk only here */
	if (close(fd) && !err)
		err = errno;
	if (err)
		(void)unlinkat(b->fd, part, 0);
	return err;
}

static int large_finish(const struct filebatch *b, const struct fileop *op)
{
	int err = op->had ? 0 : set_meta(op->fd, op);

	if (!err && alone(b, op) && fsync(op->fd))
		err = errno;
	return err;
}

static void write_files(struct filebatch *b)
{
	struct le *le;

	for (le = list_head(&b->opl); le; le = le->next) {
		struct fileop *op = le->data;

		if (op->kind == FILEOP_SMALL && !op->apart) {
			op->err = b->err;
			if (!op->err && b->fd < 0)
				op->err = filestage_open(b->stage, b->turn,
							 &b->fd, &b->mask);
			if (!op->err)
				op->err = small_write(b, op);
			op->data = mem_deref(op->data);
		}
		else if (op->kind == FILEOP_LARGE) {
			op->err = large_finish(b, op);
		}
		if (filebatch_fatal(op->err))
			b->err = op->err;
	}
}

static int folder_open(struct folder *f, const struct filebatch *b,
		       const char *path)
{
	if (f->fd >= 0 && !strcmp(f->path, path))
		return 0;
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
	f->path = path;
	return filestore_dir(&f->fd, filestage_root(b->stage), path);
}

/* Written and synced where its name will be; locked until it has that. */
static int place_apart(const struct filebatch *b, struct fileop *op, int dir,
		       char as[FILESTORE_NAME])
{
	char part[FILESTORE_NAME];
	int fd, err = b->err;

	if (!err)
		err = filestore_part(&fd, part, dir, op->name);
	if (err)
		return err;
	/* there may be one of another time */
	err = ftruncate(fd, 0) ? errno : small_fill(b, op, fd, false);
	if (!err)
		err = filestore_place(dir, part, dir, op->name, b->taken, as,
				      &op->had);
	if (err)
		(void)unlinkat(dir, part, 0);
	(void)close(fd);
	return err;
}

static int place_small(const struct filebatch *b, struct fileop *op, int dir,
		       char as[FILESTORE_NAME])
{
	char part[24];

	if (op->apart)
		return place_apart(b, op, dir, as);
	return filestore_place(b->fd, stage_name(part, op), dir, op->name,
			       b->taken, as, &op->had);
}

static int place(const struct filebatch *b, struct fileop *op, int dir,
		 char as[FILESTORE_NAME])
{
	switch (op->kind) {
	case FILEOP_SMALL:
		return place_small(b, op, dir, as);
	case FILEOP_LARGE:
		if (op->had)
			return unlinkat(dir, op->part, 0) ? errno : 0;
		return filestore_place(dir, op->part, dir, op->name, b->taken,
				       as, &op->had);
	case FILEOP_LINK:
		return filestore_link((const char *)op->data, dir, op->name,
				      b->taken, as, &op->had);
	case FILEOP_LEAVE:
		return set_meta(dir, op);
	}
	return EINVAL;
}

static int op_place(const struct filebatch *b, struct fileop *op, int dir)
{
	char as[FILESTORE_NAME] = "";
	int err = place(b, op, dir, as);

	return err || !*as || !strcmp(as, op->name) ? err :
		str_dup(&op->as, as);
}

/* Its name, in dir; a folder's is its parent's to sync. What was there
 * already may be somebody else's, who has not synced it. */
static int op_sync(const struct fileop *op, int dir)
{
	int err = 0;

	if (op->kind == FILEOP_LEAVE)
		err = filestore_sync(dir, "..");
	else if (op->had && op->kind != FILEOP_LINK)
		err = filestore_sync(dir, op->as ? op->as : op->name);
	if (!err && fsync(dir))
		err = errno;
	return err;
}

/* The same order as sent: a folder's times are set after its last file.
 * err: the sync failed, nothing may get its name. */
static void name_entries(struct filebatch *b, int err)
{
	struct folder f = { NULL, -1 };
	struct le *le;

	for (le = list_head(&b->opl); le; le = le->next) {
		struct fileop *op = le->data;

		if (!op->err)
			op->err = err;
		if (!op->err)
			op->err = folder_open(&f, b, op->dir);
		if (!op->err)
			op->err = op_place(b, op, f.fd);
		if (!op->err && alone(b, op))
			op->err = op_sync(op, f.fd);
		if (filebatch_fatal(op->err))
			b->err = op->err;
		if (op->fd >= 0)        /* and its lock */
			(void)close(op->fd);
		op->fd = -1;
	}
	if (f.fd >= 0)
		(void)close(f.fd);
}

static int sync_all(struct filebatch *b)
{
	if (few(b) || !syncfs(filestage_root(b->stage)))
		return 0;
	b->err = errno;
	return b->err;
}

void filebatch_run(struct filebatch *b)
{
	int err;

	write_files(b);
	filestage_wait(b->stage, b->turn);
	err = sync_all(b);
	name_entries(b, err);
	if (!err)
		(void)sync_all(b);
	b->passed = true;
	filestage_pass(b->stage, b->turn);
}
