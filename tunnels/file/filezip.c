/*
 * filezip.c: a file's bytes made smaller on the way.
 *
 * Each block is a zstd frame of its own. Unasked, blocks are tried only while
 * the path is what everything waits for and is slower than packing; after a
 * block that did not shrink, twice as many go unpacked before the next try.
 */
#include <errno.h>
#include <stdlib.h>
#include <re.h>
#include <zstd.h>
#include "sdp/base/clock.h"
#include "tunnels/file/filezip.h"

enum {
	LEVEL = 1,
	WINDOW_LOG = 17,                /* a block */
	WINDOW_LOG_MAX = 20,            /* of a later version */
	PASS_MAX = 256,                 /* blocks between two tries */
	SLOW = 60 * 1000 * 1000,        /* bytes a second */
};
#define RATE_TIME (100 * MSEC)

struct filezip {
	enum filezip_when when;
	ZSTD_CCtx *ctx;
	uint8_t *raw, *out;
	size_t room;                    /* in out */
	unsigned pass, passed;          /* blocks not to be tried */
	uint64_t at, wire;              /* when the rate was looked at */
	bool slow, waited;
};

struct filezip_out {
	ZSTD_DCtx *ctx;
	uint8_t *buf;
};

static void filezip_destructor(void *arg)
{
	struct filezip *z = arg;

	(void)ZSTD_freeCCtx(z->ctx);
	free(z->raw);
	free(z->out);
}

int filezip_alloc(struct filezip **zp, enum filezip_when when)
{
	struct filezip *z = mem_zalloc(sizeof *z, filezip_destructor);

	if (!z)
		return ENOMEM;
	z->when = when;
	*zp = z;
	return 0;
}

bool filezip_try(struct filezip *z, bool waited, uint64_t wire, uint64_t now)
{
	z->waited |= waited;
	if (now - z->at >= RATE_TIME) {
		z->slow = z->at && z->waited && (wire - z->wire) * SEC /
			(now - z->at) < SLOW;
		z->at = now;
		z->wire = wire;
		z->waited = false;
	}
	if (z->when == FILEZIP_NEVER ||
	    (z->when == FILEZIP_AUTO && !z->slow))
		return false;
	if (z->passed >= z->pass)
		return true;
	z->passed++;
	return false;
}

/* Made at the first use: most files need none. */
static int prepare(struct filezip *z)
{
	if (z->out)
		return 0;
	z->room = ZSTD_compressBound(FILEZIP_BLOCK);
	z->ctx = z->ctx ? z->ctx : ZSTD_createCCtx();
	z->raw = z->raw ? z->raw : malloc(FILEZIP_BLOCK);
	if (!z->ctx || !z->raw)
		return ENOMEM;
	(void)ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_compressionLevel, LEVEL);
	(void)ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_windowLog, WINDOW_LOG);
	z->out = malloc(z->room);
	return z->out ? 0 : ENOMEM;
}

uint8_t *filezip_block(struct filezip *z)
{
	return prepare(z) ? NULL : z->raw;
}

size_t filezip_pack(struct filezip *z, size_t n, const uint8_t **p)
{
	const size_t k = ZSTD_compress2(z->ctx, z->out, z->room, z->raw, n);

	z->passed = 0;
	*p = z->out;
	if (!ZSTD_isError(k) && k < n - n / 8) {
		z->pass = 0;
		return k;
	}
	z->pass = z->pass ? 2 * z->pass : 1;
	if (z->pass > PASS_MAX)
		z->pass = PASS_MAX;
	*p = z->raw;
	return 0;
}

static void filezip_out_destructor(void *arg)
{
	struct filezip_out *z = arg;

	(void)ZSTD_freeDCtx(z->ctx);
	free(z->buf);
}

int filezip_out_alloc(struct filezip_out **zp)
{
	struct filezip_out *z = mem_zalloc(sizeof *z, filezip_out_destructor);

	if (!z)
		return ENOMEM;
	z->ctx = ZSTD_createDCtx();
	z->buf = malloc(FILEZIP_BLOCK);
	if (!z->ctx || !z->buf) {
		mem_deref(z);
		return ENOMEM;
	}
	(void)ZSTD_DCtx_setParameter(z->ctx, ZSTD_d_windowLogMax,
				     WINDOW_LOG_MAX);
	*zp = z;
	return 0;
}

void filezip_out_reset(struct filezip_out *z)
{
	if (z)
		(void)ZSTD_DCtx_reset(z->ctx, ZSTD_reset_session_only);
}

int filezip_unpack(struct filezip_out *z, const uint8_t *p, size_t n,
		   int (*outh)(const uint8_t *p, size_t n, void *arg),
		   void *arg)
{
	ZSTD_inBuffer in = { p, n, 0 };
	ZSTD_outBuffer out;
	int err = 0;

	do {
		size_t k;

		out = (ZSTD_outBuffer){ z->buf, FILEZIP_BLOCK, 0 };
		k = ZSTD_decompressStream(z->ctx, &out, &in);
		if (ZSTD_isError(k))
			return EBADMSG;
		if (out.pos)
			err = outh(z->buf, out.pos, arg);
		/* full: it may hold more than it has given */
	} while (!err && (in.pos < in.size || out.pos == out.size));
	return err;
}
