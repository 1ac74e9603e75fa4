/*
 * filesendimpl.h: the sending side as its two files see it.
 *
 *   filesend.c   its life, and what the receiver says
 *      |
 *   filepump.c   entries and bytes, out
 */
#ifndef DIALTONE_FILESENDIMPL_H
#define DIALTONE_FILESENDIMPL_H

#include "tunnels/ending.h"
#include "tunnels/file/filesource.h"
#include "tunnels/file/filewalk.h"
#include "tunnels/file/filezip.h"
#include "tunnels/record.h"

struct filesend {
	struct loop *loop;
	struct stream *s;
	struct record_reader rd;
	struct record_writer wr;
	struct ending end;
	struct filewalk *walk;
	struct filewalk_item it;
	struct filewire w;              /* the record at hand */
	struct filesource src;
	struct filezip *zip;
	bool unpacks;                   /* the peer takes ZDATA */
	bool waited;                    /* the stream was full */
	uint64_t wire;                  /* bytes of data given to it */
	struct errand *count;
	struct loop_defer defer;
	struct timer linger, counting;
	char peer[64];
	bool finished;                  /* FINISH is out */
	bool done;                      /* the peer has said how it went */
	uint64_t entries;
	uint64_t bytes, total;          /* sent or had; to send, 0: unknown */
	uint64_t files, files_total;
	uint64_t failed, had;           /* told so */
	uint64_t unsent;                /* that failed here */
	uint64_t unread;                /* of them: have no number */
	uint64_t refused;               /* failed there, in the end */
	unsigned notes;
	char first[400];                /* the first failure, a sentence */
	uint64_t shown;
};

enum { FILESEND_NOTES = 10 };           /* entries told one by one */

#endif
