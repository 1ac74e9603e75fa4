/*
 * filezip.h: a file's bytes made smaller on the way (zstd), block by block,
 * where that helps.
 */
#ifndef DIALTONE_FILEZIP_H
#define DIALTONE_FILEZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILEZIP_BLOCK = 128 * 1024 };    /* bytes packed at once, at most */

enum filezip_when { FILEZIP_AUTO, FILEZIP_ALWAYS, FILEZIP_NEVER };

struct filezip;
struct filezip_out;

/* To pack. */
int filezip_alloc(struct filezip **zp, enum filezip_when when);

/* Shall the next block be tried? waited: the stream was full since the last
 * time; wire: all bytes given to it so far; now: ns. */
bool filezip_try(struct filezip *z, bool waited, uint64_t wire, uint64_t now);

/* Room for a block to be packed. */
uint8_t *filezip_block(struct filezip *z);

/* The first n bytes of it. *p: what they have become; 0: it does not help,
 * send them as they are. */
size_t filezip_pack(struct filezip *z, size_t n, const uint8_t **p);

/* To unpack. outh gets the bytes in pieces, an error of it ends the rest. */
int filezip_out_alloc(struct filezip_out **zp);
void filezip_out_reset(struct filezip_out *z);

/* EBADMSG: it is not what filezip_pack made. */
int filezip_unpack(struct filezip_out *z, const uint8_t *p, size_t n,
		   int (*outh)(const uint8_t *p, size_t n, void *arg),
		   void *arg);

#endif
