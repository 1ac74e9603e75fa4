/*
 * filesource.c: the file that is being sent.
 *
 * A hole is found by SEEK_DATA, only in files that fill less of the disk than
 * they are long: to ask costs a system call for each.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "tunnels/file/filesource.h"

enum { PART_MIN = 64 * 1024 };          /* less is sent again */

int filesource_init(struct filesource *src, void (*settledh)(void *arg),
		    void *arg)
{
	memset(src, 0, sizeof *src);
	src->fd = -1;
	src->settledh = settledh;
	src->arg = arg;
	src->hash = XXH3_createState();
	return src->hash ? 0 : ENOMEM;
}

void filesource_end(struct filesource *src)
{
	filesource_close(src);
	if (src->hash)
		(void)XXH3_freeState(src->hash);
	src->hash = NULL;
}

uint64_t filesource_data(const struct stat *st)
{
	const uint64_t n = (uint64_t)st->st_blocks * 512;
	const uint64_t size = (uint64_t)st->st_size;

	return n < size ? n : size;
}

void filesource_open(struct filesource *src, int fd, const struct stat *st)
{
	src->fd = fd;
	src->size = src->end = (uint64_t)st->st_size;
	src->off = src->gap = src->gap_end = 0;
	src->mtime = st->st_mtim;
	src->asked = false;
	src->data_end = UINT64_MAX;
	(void)XXH3_128bits_reset(src->hash);
	if (src->size < FW_BULK_MIN)
		return;
	if (filesource_data(st) < src->size)
		src->data_end = 0;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
}

void filesource_close(struct filesource *src)
{
	src->errand = mem_deref(src->errand);
	if (src->fd >= 0)
		(void)close(src->fd);
	src->fd = -1;
}

static void hash_length(struct filesource *src, uint64_t n)
{
	uint8_t len[8];

	for (unsigned i = 0; i < sizeof len; i++)
		len[i] = (uint8_t)(n >> (56 - 8 * i));
	(void)XXH3_128bits_update(src->hash, len, sizeof len);
}

uint64_t filesource_hole(struct filesource *src)
{
	uint64_t n;
	off_t data, hole;

	if (src->off < src->data_end || src->off >= src->end)
		return 0;
	data = lseek(src->fd, (off_t)src->off, SEEK_DATA);
	if (data < 0 && errno != ENXIO) {
		src->data_end = UINT64_MAX;     /* it does not know holes */
		return 0;
	}
	if (data < 0 || (uint64_t)data > src->end)
		data = (off_t)src->end;
	hole = lseek(src->fd, data, SEEK_HOLE);
	src->data_end = hole > data ? (uint64_t)hole : UINT64_MAX;
	n = (uint64_t)data - src->off;
	if (n)
		hash_length(src, n);
	src->off += n;
	return n;
}

ssize_t filesource_read(struct filesource *src, uint8_t *p, size_t n)
{
	size_t done = 0;

	if (n > src->end - src->off)
		n = (size_t)(src->end - src->off);
	if (n > src->data_end - src->off)
		n = (size_t)(src->data_end - src->off);
	while (done < n) {
		ssize_t k = pread(src->fd, p + done, n - done,
				  (off_t)(src->off + done));

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		if (!k)
			break;
		done += (size_t)k;
	}
	(void)XXH3_128bits_update(src->hash, p, done);
	src->off += done;
	return (ssize_t)done;
}

static void prefix_handler(int err, uint64_t n,
			   const uint8_t sha[FW_SHA_SIZE], void *arg)
{
	struct filesource *src = arg;
	(void)n;

	src->errand = mem_deref(src->errand);
	src->own = true;
	src->same = !err;
	memcpy(src->own_sha, sha, FW_SHA_SIZE);
	if (src->theirs)
		src->settledh(src->arg);
}

bool filesource_part(struct filesource *src, struct loop *l, uint64_t n)
{
	if (src->fd < 0 || src->asked || n > src->size ||
	    n < src->off + PART_MIN)
		return false;
	if (fileprefix_start(&src->errand, l, src->fd, n, prefix_handler,
			     src))
		return false;
	src->asked = true;
	src->own = src->theirs = false;
	src->gap = src->off;
	src->gap_end = src->off = n;
	if (src->data_end != UINT64_MAX)
		src->data_end = 0;
	return true;
}

void filesource_have(struct filesource *src, uint64_t n,
		     const uint8_t sha[FW_SHA_SIZE])
{
	if (src->theirs || !src->gap_end)
		return;
	src->theirs = true;
	memcpy(src->sha, sha, FW_SHA_SIZE);
	if (n != src->gap_end) {        /* it could not read them */
		src->errand = mem_deref(src->errand);
		src->own = true;
		src->same = false;
	}
	if (src->own)
		src->settledh(src->arg);
}

enum filesource_gap filesource_gap(const struct filesource *src)
{
	if (!src->gap_end)
		return GAP_NONE;
	if (!src->own || !src->theirs)
		return GAP_WAIT;
	return src->same && !memcmp(src->sha, src->own_sha, FW_SHA_SIZE) ?
		GAP_SAME : GAP_DIFFERS;
}

void filesource_settle(struct filesource *src)
{
	if (filesource_gap(src) == GAP_DIFFERS) {
		src->end = src->gap_end;
		src->off = src->gap;
		if (src->data_end != UINT64_MAX)
			src->data_end = 0;
	}
	src->gap = src->gap_end = 0;
}

int filesource_check(const struct filesource *src)
{
	struct stat st;

	if (fstat(src->fd, &st))
		return errno;
	return (uint64_t)st.st_size == src->size &&
	       st.st_mtim.tv_sec == src->mtime.tv_sec &&
	       st.st_mtim.tv_nsec == src->mtime.tv_nsec ? 0 : ESTALE;
}

void filesource_digest(const struct filesource *src,
		       uint8_t hash[FW_HASH_SIZE])
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c, XXH3_128bits_digest(src->hash));
	memcpy(hash, c.digest, FW_HASH_SIZE);
}
