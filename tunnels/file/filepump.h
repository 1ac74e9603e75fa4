/*
 * filepump.h: what the sending side sends, as fast as the stream takes it.
 */
#ifndef DIALTONE_FILEPUMP_H
#define DIALTONE_FILEPUMP_H

#include "tunnels/file/filesendimpl.h"

/* arg is the filesend. As much as there is room for; goes on by itself, but
 * must be called when there is room again. */
void filepump_run(void *arg);

/* One entry did not make it; the others go on. */
void filepump_failed(struct filesend *f, const char *path, const char *why);

/* Tell how far it is; now: although it was told just before. */
void filepump_progress(struct filesend *f, bool now);

#endif
