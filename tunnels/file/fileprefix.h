/*
 * fileprefix.h: SHA-256 of the first bytes of a file, on a thread of its own.
 */
#ifndef DIALTONE_FILEPREFIX_H
#define DIALTONE_FILEPREFIX_H

#include <stdint.h>
#include "tunnels/errand.h"
#include "tunnels/file/filewire.h"

/* On the loop: err 0, or why the file could not be read; ENODATA if it has
 * fewer bytes. */
typedef void (fileprefix_h)(int err, uint64_t n,
			    const uint8_t sha[FW_SHA_SIZE], void *arg);

/* fd is duplicated. mem_deref of the errand: h is not called any more. */
int fileprefix_start(struct errand **ep, struct loop *l, int fd, uint64_t n,
		     fileprefix_h *h, void *arg);

#endif
