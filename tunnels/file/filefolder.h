/*
 * filefolder.h: the folders that a peer may get files from, as its allow
 * entry names them, and what it asks for, found in them and nowhere else.
 */
#ifndef DIALTONE_FILEFOLDER_H
#define DIALTONE_FILEFOLDER_H

#include "tunnels/file/filewalk.h"

/* Is "/srv/share /srv/a b" a list of absolute folders? */
bool filefolder_ok(const char *list);

/* What PATH is in the first folder of the list that has it: arg->path leads
 * to it by the open descriptor *fdp, which must stay open. PATH is absolute
 * or below one of the folders. ENOENT if it is in none; ELOOP, EXDEV: it would
 * lead out of them, or through a symbolic link; ENOTSUP: it is neither a file
 * nor a folder. */
int filefolder_find(struct filewalk_arg *arg, int *fdp, const char *list,
		    const char *path);

#endif
