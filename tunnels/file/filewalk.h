/*
 * filewalk.h: what is to be sent, in order: each folder, what is in it by
 * name, then out of it. Symbolic links are told as such, never followed.
 */
#ifndef DIALTONE_FILEWALK_H
#define DIALTONE_FILEWALK_H

#include <sys/stat.h>
#include <re.h>
#include "tunnels/file/filewire.h"

struct filewalk;

enum filewalk_what {
	WALK_DIR,       /* into it */
	WALK_FILE,      /* fd is open, and the caller's */
	WALK_LINK,
	WALK_LEAVE,     /* out of it; st is the folder's */
	WALK_FAIL,      /* cannot be read: err */
	WALK_END,
};

struct filewalk_item {
	enum filewalk_what what;
	const char *name;               /* its own, until the next call */
	struct stat st;
	int fd;
	int err;                        /* ENOTSUP: no file, folder, link */
	char target[FW_PATH_MAX + 1];   /* LINK */
};

/* What is to be walked; a link there is followed. */
struct filewalk_arg {
	char *path;                     /* absolute */
	char *name;                     /* at the other side; NULL: its own */
	char *shown;                    /* for people; NULL: path */
};

/* argv is copied. */
int filewalk_alloc(struct filewalk **wp, const struct filewalk_arg *argv,
		   size_t argc);

/* What is walked, the walk's own; their count. */
size_t filewalk_args(const struct filewalk *w,
		     const struct filewalk_arg **argv);

/* Reads at most one folder. */
int filewalk_next(struct filewalk *w, struct filewalk_item *it);

/* What the last item is called for people; not of DIR, LEAVE and END. Until
 * the next call. */
const char *filewalk_path(struct filewalk *w);

/* The name that PATH will have at the other side; EINVAL if it has none. */
int filewalk_name(char name[FW_NAME_MAX + 1], const char *path);

#endif
