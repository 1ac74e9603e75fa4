/*
 * filerecvimpl.h: the receiving side as its files see it.
 *
 *   filerecv.c    its life: the stream, the folder, the batches
 *      |     \
 *   fileentry.c   each record: where we are, the file being received
 *      |     /
 *   filetell.c    what the sender and our user are told
 */
#ifndef DIALTONE_FILERECVIMPL_H
#define DIALTONE_FILERECVIMPL_H

#include "tunnels/ending.h"
#include "tunnels/file/filequeue.h"
#include "tunnels/file/fileroom.h"
#include "tunnels/file/filetree.h"
#include "tunnels/file/filezip.h"
#include "tunnels/file/incoming.h"
#include "tunnels/record.h"

struct filerecv {
	struct flow *flow;
	unsigned number;
	struct loop *loop;
	struct stream *s;
	struct record_reader rd;
	struct record_writer wr;
	struct ending end;
	struct filequeue *queue;
	struct filetree tree;
	struct filewire w;              /* the record at hand */
	uint64_t max, quota;            /* 0: no limit */
	struct errand *tail;            /* of the one before us */
	struct errand *count;           /* of what the folder holds */
	struct fileroom *room;          /* with a quota */
	uint64_t base;                  /* held, less what is charged there */
	uint64_t pending;               /* there, by us */
	char peer[64];

	struct filezip_out *unzip;      /* made when it is needed */
	struct incoming *in;            /* NULL: between files, or skipping */
	bool skip;                      /* what comes is of a file we failed */
	char name[FW_NAME_MAX + 1];     /* of that file */
	uint64_t entry;                 /* its number */
	uint64_t entries;               /* numbered so far */
	size_t debt;                    /* not given back to the stream */

	bool asked;
	bool hello, finished, done, dead;
	int err;                        /* how it ends when the stream does */
	char why[FW_TEXT_MAX + 1];
	uint64_t declared;              /* bytes of all FILE records */
	uint64_t bytes, total;          /* received; to come, 0: unknown */
	uint64_t files_total;
	uint64_t stored, had, failed;   /* entries */
	uint64_t missed;                /* that the sender could not read */
	uint64_t shown;                 /* when progress was told last */
	struct timer linger;
};

#endif
