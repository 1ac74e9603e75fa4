/*
 * fileentry.h: each record of the sender, in order; called with what the
 * stream brings.
 */
#ifndef DIALTONE_FILEENTRY_H
#define DIALTONE_FILEENTRY_H

#include "tunnels/file/filerecvimpl.h"

/* As record_sink wants them; arg is the filerecv. EBADMSG: it is against the
 * rules, and the end. */
int fileentry_record(uint8_t type, const uint8_t *p, size_t n, void *arg);
int fileentry_data(const uint8_t *p, size_t n, void *arg);

#endif
