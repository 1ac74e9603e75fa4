/*
 * filesource.h: the file that is being sent: its bytes and holes, its hash,
 * and what the peer has of it from another time.
 */
#ifndef DIALTONE_FILESOURCE_H
#define DIALTONE_FILESOURCE_H

#include <sys/stat.h>
#include "tunnels/file/filehash.h"
#include "tunnels/file/fileprefix.h"

/* What is known about the bytes that were passed over. */
enum filesource_gap { GAP_NONE, GAP_WAIT, GAP_SAME, GAP_DIFFERS };

struct filesource {
	int fd;                         /* -1: none */
	uint64_t size, off, end;        /* next byte to be sent; the last */
	uint64_t data_end;              /* no hole before it */
	struct timespec mtime;
	XXH3_state_t *hash;
	struct errand *errand;          /* hashes what the peer has */
	uint64_t gap, gap_end;          /* passed over, not settled */
	bool asked;                     /* there was one: one is enough */
	bool own, theirs;               /* the hash is known */
	bool same;                      /* ours could be made */
	uint8_t own_sha[FW_SHA_SIZE], sha[FW_SHA_SIZE];
	void (*settledh)(void *arg);
	void *arg;
};

/* settledh: called later when a gap that was GAP_WAIT is so no more. */
int filesource_init(struct filesource *src, void (*settledh)(void *arg),
		    void *arg);
void filesource_end(struct filesource *src);

/* fd is the source's from here on. */
void filesource_open(struct filesource *src, int fd, const struct stat *st);
void filesource_close(struct filesource *src);

/* Of its bytes on disk: fewer than its size if it has holes. */
uint64_t filesource_data(const struct stat *st);

/* Bytes of the hole that begins here, 0: data. Passes over it. */
uint64_t filesource_hole(struct filesource *src);

/* The next bytes, never fewer than n unless the file has become shorter; -1
 * with errno. */
ssize_t filesource_read(struct filesource *src, uint8_t *p, size_t n);

/* The peer has the first n bytes, or says so. True: they are passed over, off
 * is n now, and are hashed meanwhile. */
bool filesource_part(struct filesource *src, struct loop *l, uint64_t n);

/* The peer's hash of them; n = 0: it has none. */
void filesource_have(struct filesource *src, uint64_t n,
		     const uint8_t sha[FW_SHA_SIZE]);

enum filesource_gap filesource_gap(const struct filesource *src);

/* GAP_SAME: it stays as it is. GAP_DIFFERS: its bytes are to be sent, off is
 * its begin. */
void filesource_settle(struct filesource *src);

/* 0, or ESTALE: it is not the file any more that it was. */
int filesource_check(const struct filesource *src);

void filesource_digest(const struct filesource *src,
		       uint8_t hash[FW_HASH_SIZE]);

#endif
