/*
 * filetree.h: where the receiver is in the tree that is being sent: the
 * folders it has entered, one below the other.
 */
#ifndef DIALTONE_FILETREE_H
#define DIALTONE_FILETREE_H

#include <re.h>
#include "tunnels/file/filewire.h"

enum { FILETREE_DEPTH = 1000 };

struct filetree {
	int root;                       /* not ours */
	int fd;                         /* of the current folder; -1: it could
	                                   not be made, err says why */
	int err;
	bool apart;                     /* on another mount than root */
	char path[FW_PATH_MAX + 1];     /* below root */
	size_t len;
	unsigned depth;
	unsigned failed;                /* the depth err came at, 0: none */
	uint16_t startv[FILETREE_DEPTH];        /* where each path ends */
	bool madev[FILETREE_DEPTH];             /* by us, now */
};

int filetree_init(struct filetree *t, int root);
void filetree_close(struct filetree *t);

/* Into the folder NAME, made (0700) if it is not there. An errno only says
 * that it is not usable: everything in it fails with t->err until it is left.
 * EOVERFLOW: nothing was entered, it is deeper than any tree may be. */
int filetree_enter(struct filetree *t, const char *name, bool name_ok);

/* What the folder entered last is called here; only if that went well. */
const char *filetree_name(const struct filetree *t);

/* Out of it. ENOENT: there is nothing to leave. *made: it is one of ours, so
 * its mode and times are ours to set. path gets what was left. */
int filetree_leave(struct filetree *t, bool *made,
		   char path[FW_PATH_MAX + 1]);

#endif
