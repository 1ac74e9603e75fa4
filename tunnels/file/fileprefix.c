/*
 * fileprefix.c: SHA-256 of the first bytes of a file.
 *
 * OpenSSL's plain functions, deprecated as they are: EVP keeps state in the
 * library, which a program that ends frees under a thread that still works.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <openssl/sha.h>
#include <re.h>
#include "tunnels/file/fileprefix.h"

enum { BLOCK = 256 * 1024 };

struct prefix {
	int fd, err;
	atomic_bool stop;
	uint64_t n;
	uint8_t sha[FW_SHA_SIZE];
	fileprefix_h *h;
};

static void prefix_free(void *data)
{
	struct prefix *p = data;

	(void)close(p->fd);
	free(p);
}

/* A peer could begin and drop a large file over and over: each time a thread
 * that reads on would be a way to wear us out. */
static void stop_handler(void *data)
{
	struct prefix *p = data;

	atomic_store(&p->stop, true);
}

static int hash(struct prefix *p, SHA256_CTX *ctx, uint8_t *buf)
{
	uint64_t off = 0;

	while (off < p->n && !atomic_load(&p->stop)) {
		const size_t want = p->n - off < BLOCK ?
			(size_t)(p->n - off) : BLOCK;
		ssize_t k = pread(p->fd, buf, want, (off_t)off);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return k ? errno : ENODATA;
		(void)SHA256_Update(ctx, buf, (size_t)k);
		off += (uint64_t)k;
	}
	return 0;
}

static void work_handler(void *data)
{
	struct prefix *p = data;
	uint8_t *buf = malloc(BLOCK);
	SHA256_CTX ctx;

	(void)posix_fadvise(p->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	(void)SHA256_Init(&ctx);
	p->err = buf ? hash(p, &ctx, buf) : ENOMEM;
	(void)SHA256_Final(p->sha, &ctx);
	free(buf);
}

static void done_handler(void *data, void *arg)
{
	const struct prefix *p = data;

	p->h(p->err, p->n, p->sha, arg);
}

int fileprefix_start(struct errand **ep, struct loop *l, int fd, uint64_t n,
		     fileprefix_h *h, void *arg)
{
	static const struct errand_handlers handlers = {
		work_handler, done_handler, prefix_free, stop_handler
	};
	struct prefix *p = calloc(1, sizeof *p);

	if (!p)
		return ENOMEM;
	p->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (p->fd < 0) {
		free(p);
		return errno;
	}
	atomic_init(&p->stop, false);
	p->n = n;
	p->h = h;
	return errand_start(ep, l, &handlers, p, arg);
}
