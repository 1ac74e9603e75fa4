/*
 * filebatch.h: received entries on their way to their names, together: all
 * are written, then synced at once, then named in the order they came. So no
 * name ever stands for bytes that a power cut could still take away, and
 * thousands of small files cost two syncs, not thousands. And nothing is told
 * to be there whose name, or whose folder's, a power cut could take away.
 */
#ifndef DIALTONE_FILEBATCH_H
#define DIALTONE_FILEBATCH_H

#include <sys/stat.h>
#include <re.h>
#include "tunnels/file/filestage.h"
#include "tunnels/file/filestore.h"

enum fileop_kind {
	FILEOP_SMALL,           /* its bytes are in data */
	FILEOP_LARGE,           /* complete in `part` of its folder */
	FILEOP_LINK,            /* data is the target */
	FILEOP_LEAVE,           /* mode and times of the folder `dir` itself */
};

struct fileop {
	struct le le;
	enum fileop_kind kind;
	uint64_t entry;
	const char *dir;        /* below root, "" is root */
	const char *name;
	uint8_t *data;
	size_t size;            /* SMALL: bytes in data */
	uint64_t whole;         /* SMALL, LARGE: of the file */
	uint16_t mode;
	struct timespec mtime;
	bool apart;             /* its folder is on another mount than root */
	int fd;                 /* LARGE: locks part; -1: none */
	char *part;             /* LARGE: what it is called until then */

	/* when run */
	int err;
	bool had;               /* the same was there */
	char *as;               /* the name it got, NULL: its own */
};

int fileop_alloc(struct fileop **op, enum fileop_kind kind, const char *dir,
		 const char *name);

struct filebatch {
	struct filestage *stage;
	unsigned turn;          /* in it */
	bool passed;            /* it is over */
	int fd;                 /* where it is written; -1: nowhere yet */
	mode_t mask;            /* what is made there does not get these */
	enum filestore_taken taken;
	bool fresh;             /* so is the root, and not synced */
	struct list opl;        /* struct fileop */
	size_t count;
	size_t open;            /* descriptors held */
	size_t bytes;           /* memory held */
	int err;                /* the disk failed: nothing more can come */
};

int filebatch_alloc(struct filebatch **bp, struct filestage *stage,
		    enum filestore_taken taken);

/* op belongs to the batch from here on. */
void filebatch_add(struct filebatch *b, struct fileop *op);

/* Do it all; on a thread of its own. What came before it, another batch may
 * be at work on meanwhile: no name is given before that one has given its. */
void filebatch_run(struct filebatch *b);

/* Full disk and the like: further files will fare no better. */
bool filebatch_fatal(int err);

#endif
