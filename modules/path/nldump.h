/*
 * nldump.h: ask the kernel for a whole list by netlink.
 */
#ifndef DIALTONE_NLDUMP_H
#define DIALTONE_NLDUMP_H

#include <libmnl/libmnl.h>

/* Call cb with each message of the answer to `type` (RTM_GETADDR ...). What
 * changes meanwhile is asked for again, from the begin: *n, which counts what
 * cb has found, is set to 0 then. n may be NULL. */
int nldump(uint16_t type, mnl_cb_t cb, void *arg, size_t *n);

#endif
