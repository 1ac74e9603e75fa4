/*
 * filecount.h: how much there is to send, counted on a thread of its own
 * while the sending has begun.
 */
#ifndef DIALTONE_FILECOUNT_H
#define DIALTONE_FILECOUNT_H

#include "tunnels/errand.h"
#include "tunnels/file/filewalk.h"

/* On the loop: plain files and their bytes. */
typedef void (filecount_h)(uint64_t files, uint64_t bytes, void *arg);

/* argv as for filewalk_alloc. */
int filecount_start(struct errand **ep, struct loop *l,
		    const struct filewalk_arg *argv, size_t argc,
		    filecount_h *h, void *arg);

#endif
