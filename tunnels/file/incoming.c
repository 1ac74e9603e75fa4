/*
 * incoming.c: one file that is being received.
 *
 * What is on disk from an earlier time, whole under its name or unfinished,
 * is told to the sender at once and hashed on a thread. The sender passes over
 * it, goes on after it, and comes back only if its own hash is another:
 *
 *      0 ....... gap ............ gap_end ....... off ..... size
 *      has come  is there, not    comes now
 *                settled yet
 *
 * What was written before the sender knew is the same bytes, or the hashes
 * differ. So nothing is sent twice, and nobody waits for a hash while there
 * is something to send.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include "tunnels/file/filehash.h"
#include "tunnels/file/fileprefix.h"
#include "tunnels/file/incoming.h"

enum {
	GATHER = 256 * 1024,    /* bytes of one write(2): packets are small */
	DIRECT = 64 * 1024,     /* so many at once are not copied first */
};

struct incoming {
	struct fileop *op;              /* what it becomes */
	struct errand *errand;
	incoming_have_h *haveh;
	void *arg;
	XXH3_state_t *hash;             /* LARGE */
	int dir;                        /* LARGE: where it goes */
	uint64_t size;                  /* as it will be */
	uint64_t off, end;              /* what comes next, and its end */
	uint64_t had;                   /* from earlier, unfinished */
	uint64_t part;                  /* told to the sender; 0: nothing */
	uint64_t gap, gap_end;          /* passed over, not settled */
	bool whole;                     /* part is the whole, by name */
	bool forget;
	uint8_t *buf;                   /* SMALL: all; LARGE: gathered */
	size_t len;                     /* gathered */
};

static int write_at(int fd, const uint8_t *p, size_t n, uint64_t off)
{
	while (n) {
		ssize_t k = pwrite(fd, p, n, (off_t)off);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return errno;
		p += k;
		n -= (size_t)k;
		off += (uint64_t)k;
	}
	return 0;
}

/* Hashed here, not as it comes: XXH3 is three times as fast on long pieces,
 * and these are still in the processor's cache. */
static int flush(struct incoming *in)
{
	int err;

	(void)XXH3_128bits_update(in->hash, in->buf, in->len);
	err = write_at(in->op->fd, in->buf, in->len, in->off - in->len);
	if (!err)
		in->len = 0;
	return err;
}

/* Cut it so that it holds nothing but what may be this file's first bytes:
 * a hash will tell the next time. */
static void keep(struct incoming *in)
{
	uint64_t n;

	if (!in->forget && in->len)
		(void)flush(in);
	n = in->off - in->len;
	if (in->whole)          /* little came until it was known to differ, */
		n = 0;          /* and would hide that it may be the same */
	else if (in->end == in->size && in->had > n)
		n = in->had;
	if (in->forget || in->op->had || !n)
		(void)unlinkat(in->dir, in->op->part, 0);
	else if (ftruncate(in->op->fd, (off_t)n))
		(void)unlinkat(in->dir, in->op->part, 0);
}

static void incoming_destructor(void *arg)
{
	struct incoming *in = arg;

	mem_deref(in->errand);
	if (in->op && in->op->fd >= 0)
		keep(in);
	mem_deref(in->op);
	if (in->hash)
		(void)XXH3_freeState(in->hash);
	free(in->buf);
	if (in->dir >= 0)
		(void)close(in->dir);
}

static void prefix_handler(int err, uint64_t n,
			   const uint8_t sha[FW_SHA_SIZE], void *arg)
{
	struct incoming *in = arg;

	in->errand = mem_deref(in->errand);
	in->haveh(err ? 0 : n, sha, in->arg);
}

/* What is unfinished is there because what has the name, if anything, is
 * another; without it, what has the name may be the same. Opened anew, for a
 * duplicate would hold our lock for as long as it is hashed. */
static int look_back(struct incoming *in, struct loop *l)
{
	struct stat st;
	int fd = filestore_plain(in->dir, in->had ? in->op->part :
				 in->op->name, &st), err = 0;

	in->whole = fd >= 0 && !in->had && (uint64_t)st.st_size == in->size;
	in->part = in->whole ? in->size : fd >= 0 ? in->had : 0;
	if (in->part)
		err = fileprefix_start(&in->errand, l, fd, in->part,
				       prefix_handler, in);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

/* Tells of a full disk before anything is sent; the size stays what has come,
 * for the next time. In a tmpfs to reserve is to fill, a second for 4 GB in
 * which nothing else moves, and a sparse file shall not be filled: there what
 * is free is only looked at. */
static int reserve(const struct incoming *in, uint64_t data)
{
	struct statfs sf;

	if (!fstatfs(in->op->fd, &sf) &&
	    (sf.f_type == TMPFS_MAGIC || data < in->size))
		return sf.f_blocks && data > in->had && (data - in->had) /
			(uint64_t)sf.f_bsize > sf.f_bavail ? ENOSPC : 0;
	if (!fallocate(in->op->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)in->size) ||
	    errno == EOPNOTSUPP || errno == ENOSYS || errno == EINTR)
		return 0;
	return errno;
}

static int large_open(struct incoming *in, struct loop *l, uint64_t data)
{
	char part[FILESTORE_NAME];
	struct stat st;
	int err;

	in->op->kind = FILEOP_LARGE;
	err = filestore_part(&in->op->fd, part, in->dir, in->op->name);
	if (err)
		return err;
	err = str_dup(&in->op->part, part);
	if (err) {              /* an old one stays for the next time */
		(void)close(in->op->fd);
		in->op->fd = -1;
		return err;
	}
	if (fstat(in->op->fd, &st))
		return errno;
	in->had = (uint64_t)st.st_size;
	if (in->had > in->size) {
		in->had = 0;
		if (ftruncate(in->op->fd, 0))
			return errno;
	}
	err = reserve(in, data);
	if (err)
		return err;
	in->buf = malloc(GATHER);
	return in->buf ? look_back(in, l) : ENOMEM;
}

static int small_open(struct incoming *in)
{
	in->op->data = mem_alloc(in->size ? in->size : 1, NULL);
	in->op->size = in->size;
	return in->op->data ? 0 : ENOMEM;
}

static int setup(struct incoming *in, struct loop *l, int dir,
		 const struct filewire *w)
{
	if (w->size > INT64_MAX)
		return EFBIG;
	if (w->size < FW_BULK_MIN)
		return small_open(in);
	in->dir = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	if (in->dir < 0)
		return errno;
	in->hash = XXH3_createState();
	if (!in->hash)
		return ENOMEM;
	(void)XXH3_128bits_reset(in->hash);
	return large_open(in, l, w->data);
}

int incoming_alloc(struct incoming **ip, struct loop *l, int dir,
		   const char *path, const struct filewire *w,
		   uint64_t entry, incoming_have_h *haveh, void *arg)
{
	struct incoming *in = mem_zalloc(sizeof *in, incoming_destructor);
	int err;

	if (!in)
		return ENOMEM;
	in->haveh = haveh;
	in->arg = arg;
	in->size = in->end = w->size;
	in->dir = -1;
	err = fileop_alloc(&in->op, FILEOP_SMALL, path, w->name);
	if (!err) {
		in->op->entry = entry;
		in->op->whole = w->size;
		in->op->mode = w->mode;
		in->op->mtime = w->mtime;
		err = setup(in, l, dir, w);
	}
	if (err) {
		mem_deref(in);
		return err;
	}
	*ip = in;
	return 0;
}

static int large_data(struct incoming *in, const uint8_t *p, size_t n)
{
	int err = 0;

	if (in->len && in->len + n > GATHER)
		err = flush(in);
	if (err)
		return err;
	if (!in->len && n >= DIRECT) {
		(void)XXH3_128bits_update(in->hash, p, n);
		err = write_at(in->op->fd, p, n, in->off);
	}
	else {
		memcpy(in->buf + in->len, p, n);
		in->len += n;
	}
	if (!err)
		in->off += n;
	return err;
}

int incoming_data(struct incoming *in, const uint8_t *p, size_t n)
{
	if (n > in->end - in->off)
		return EBADMSG;
	if (in->op->kind == FILEOP_LARGE)
		return large_data(in, p, n);
	if (n)
		memcpy(in->op->data + in->off, p, n);
	in->off += n;
	return 0;
}

static int write_zeros(struct incoming *in, uint64_t n)
{
	static const uint8_t zero[4096];
	int err = 0;

	for (uint64_t at = 0; at < n && !err; at += sizeof zero)
		err = write_at(in->op->fd, zero, n - at < sizeof zero ?
			       (size_t)(n - at) : sizeof zero, in->off + at);
	return err;
}

/* Past what was there before there is nothing to be taken away. */
static int punch(struct incoming *in, uint64_t n)
{
	if (in->off >= in->had)
		return 0;
	if (!fallocate(in->op->fd, FALLOC_FL_PUNCH_HOLE |
		       FALLOC_FL_KEEP_SIZE, (off_t)in->off, (off_t)n))
		return 0;
	return errno == EOPNOTSUPP ? write_zeros(in, n) : errno;
}

int incoming_hole(struct incoming *in, uint64_t n)
{
	uint8_t len[8];
	int err;

	if (n > in->end - in->off || in->op->kind != FILEOP_LARGE)
		return EBADMSG;
	err = flush(in);
	if (!err)
		err = punch(in, n);
	if (err)
		return err;
	for (unsigned i = 0; i < sizeof len; i++)
		len[i] = (uint8_t)(n >> (56 - 8 * i));
	(void)XXH3_128bits_update(in->hash, len, sizeof len);
	in->off += n;
	return 0;
}

uint64_t incoming_done(const struct incoming *in, uint64_t *size)
{
	*size = in->size;
	return in->off;
}

uint64_t incoming_part(const struct incoming *in)
{
	return in->part;
}

int incoming_seek(struct incoming *in, uint64_t n, int64_t *moved)
{
	int err = 0;

	if (in->op->kind == FILEOP_LARGE)
		err = flush(in);
	if (err)
		return err;
	if (in->part && n == in->part && n > in->off) {
		*moved = (int64_t)(n - in->off);
		in->gap = in->off;
		in->gap_end = in->off = n;
		in->part = 0;
	}
	else if (in->gap_end && n == in->gap && in->off == in->size) {
		*moved = (int64_t)n - (int64_t)in->gap_end;
		in->end = in->gap_end;
		in->off = n;
		in->gap = in->gap_end = in->part = 0;
		in->whole = false;
	}
	else {
		return EBADMSG;
	}
	return 0;
}

int incoming_keep(struct incoming *in)
{
	if (!in->gap_end)
		return EBADMSG;
	in->gap = in->gap_end = 0;
	in->op->had = in->whole;
	return 0;
}

int incoming_end(struct incoming *in, const uint8_t hash[FW_HASH_SIZE],
		 struct fileop **opp)
{
	XXH128_canonical_t own;
	int err = 0;

	if (in->off != in->end || in->gap_end)
		return EBADMSG;
	if (in->op->kind == FILEOP_LARGE)
		err = flush(in);
	if (err)
		return err;
	XXH128_canonicalFromHash(&own, in->hash ?
		XXH3_128bits_digest(in->hash) :
		XXH3_128bits(in->op->data, in->op->size));
	if (memcmp(own.digest, hash, FW_HASH_SIZE)) {
		in->forget = true;
		return EILSEQ;
	}
	/* what an earlier, longer one has left */
	if (in->op->kind == FILEOP_LARGE && !in->op->had &&
	    ftruncate(in->op->fd, (off_t)in->size))
		return errno;
	*opp = in->op;
	in->op = NULL;
	return 0;
}

void incoming_forget(struct incoming *in)
{
	in->forget = true;
}
