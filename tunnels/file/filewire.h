/*
 * filewire.h: the whole wire format of the file tunnel.
 *
 * The sender opens one stream; on it, records (record.h) in both directions:
 *
 *   sender                              receiver
 *   HELLO version               -->
 *                               <--     HELLO version, flags
 *   DIR name                    -->                        into it
 *   FILE name, mode, mtime, size-->
 *   DATA ...                    -->
 *                               <--     PART entry, n     it has n bytes
 *   SEEK n                      -->                       on from there
 *   DATA ... HOLE n ... DATA    -->
 *                               <--     HAVE entry, n, SHA-256 of these
 *   KEEP, or SEEK back, DATA    -->                       they differ
 *   END hash                    -->
 *   LINK name, target           -->
 *   LEAVE mode, mtime           -->                        out of it
 *                               <--     VERDICT entry, ...  (if not plain)
 *   FINISH                      -->
 *                               <--     DONE counts        all is on disk
 *
 * Names are single components; where they go is said by DIR and LEAVE alone,
 * so no path can lead out. Entries (DIR, FILE, LINK) are numbered from 0 as
 * they come. FAIL ends it, from either side.
 *
 * Bytes that the receiver has from another time are passed over at once; both
 * sides hash them while what is after them is sent, and the sender decides.
 *
 * Two hashes: END carries the XXH3-128 of the file's DATA as sent, a HOLE in
 * it as its length of eight bytes. The
 * channel is authenticated already, so this guards against disks, memory and
 * our own mistakes, and costs a tenth of SHA-256. HAVE is about bytes that
 * came some other time, perhaps from somebody else: SHA-256.
 */
#ifndef DIALTONE_FILEWIRE_H
#define DIALTONE_FILEWIRE_H

#include <sys/stat.h>
#include <re.h>

enum filewire_type {
	FW_HELLO   = 1,
	FW_DIR     = 2,
	FW_FILE    = 3,
	FW_LINK    = 4,
	FW_LEAVE   = 5,
	FW_DATA    = 6,
	FW_SEEK    = 7,
	FW_END     = 8,
	FW_DROP    = 9,         /* the source failed: forget this file */
	FW_FINISH  = 10,
	FW_FAIL    = 11,
	FW_HAVE    = 12,
	FW_VERDICT = 13,
	FW_DONE    = 14,
	FW_PART    = 15,
	FW_KEEP    = 16,
	FW_HOLE    = 17,
	FW_WISH    = 18,        /* filewish.h */
	FW_ZDATA   = 19,        /* DATA, packed: a zstd frame (RFC 8878) */
	FW_TOTAL   = 0x80,      /* how much is to come, for progress */
	FW_MISSED  = 0x81,      /* the sender could not read this entry */
};

enum {
	FW_VERSION   = 1,
	FW_UNPACKS   = 1,       /* flag: takes ZDATA */
	FW_HASH_SIZE = 16,      /* XXH3-128, canonical */
	FW_SHA_SIZE  = 32,
	FW_NAME_MAX  = 255,
	FW_PATH_MAX  = 4095,
	FW_TEXT_MAX  = 255,
	FW_BULK_MIN  = 65537,   /* smaller files are never resumed */
};

enum filewire_outcome {
	FW_RENAMED = 1,         /* the name was taken: text is the new one */
	FW_HAD     = 2,         /* the same is there already */
	FW_FAILED  = 3,         /* code and text say why */
};

struct filewire {
	enum filewire_type type;
	uint8_t version, flags;         /* HELLO */
	char name[FW_NAME_MAX + 1];     /* DIR, FILE, LINK */
	bool name_ok;                   /* it may be stored */
	char path[FW_PATH_MAX + 1];     /* LINK: target; VERDICT, MISSED,
	                                   WISH: which */
	char text[FW_TEXT_MAX + 1];     /* FAIL, DROP, VERDICT, MISSED */
	uint16_t mode;                  /* FILE, LEAVE: 0777 */
	struct timespec mtime;          /* FILE, LEAVE */
	uint64_t size;                  /* FILE; HAVE, PART, SEEK, HOLE */
	uint64_t data;                  /* FILE: of it on disk, if sparse */
	uint64_t entry;                 /* HAVE, PART, VERDICT */
	uint8_t outcome;                /* VERDICT */
	int err;                        /* FAIL, DROP, VERDICT, MISSED */
	uint8_t hash[FW_SHA_SIZE];      /* END: 16 bytes; HAVE: 32 */
	uint64_t files, bytes;          /* TOTAL; DONE: stored */
	uint64_t had, failed;           /* DONE */
};

struct record_writer;

/* Say it: encoded, and written as record_write does. */
int filewire_say(struct record_writer *wr, const struct filewire *w);

/* The body of one record, into mb from its position on. */
int filewire_encode(struct mbuf *mb, const struct filewire *w);

/* Decode a hostile body. EBADMSG: nonsense; ENOTSUP: a type we must know and
 * do not. Optional types we do not know: 0, and w->type is theirs. */
int filewire_decode(struct filewire *w, uint8_t type, const uint8_t *p,
		    size_t n);

/* May a component of that name be stored? "", ".", "..", names with '/', and
 * those we use for our own unfinished files may not. */
bool filewire_name_ok(const char *name);

#endif
