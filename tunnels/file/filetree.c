/*
 * filetree.c: the folders that the receiver has entered.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "tunnels/file/filestore.h"
#include "tunnels/file/filetree.h"

int filetree_init(struct filetree *t, int root)
{
	t->root = root;
	t->fd = -1;
	t->err = filestore_dir(&t->fd, root, "");
	return t->err;
}

void filetree_close(struct filetree *t)
{
	if (t->fd >= 0)
		(void)close(t->fd);
	t->fd = -1;
}

static int reopen(struct filetree *t)
{
	filetree_close(t);
	t->err = filestore_dir(&t->fd, t->root, t->path);
	t->apart = !t->err && t->len && filestore_apart(t->fd, t->root);
	return t->err;
}

static int make(struct filetree *t, const char *name, bool name_ok,
		bool *made)
{
	char as[FILESTORE_NAME];
	size_t n;
	int err;

	*made = false;
	if (t->err)
		return t->err;
	if (!name_ok)
		return EINVAL;
	err = filestore_mkdir(t->fd, name, as, made);
	if (err)
		return err;
	n = strlen(as);
	if (t->len + 1 + n > FW_PATH_MAX)
		return ENAMETOOLONG;
	if (t->len)
		t->path[t->len++] = '/';
	memcpy(t->path + t->len, as, n + 1);
	t->len += n;
	return reopen(t);
}

const char *filetree_name(const struct filetree *t)
{
	const char *slash = strrchr(t->path, '/');

	return slash ? slash + 1 : t->path;
}

int filetree_enter(struct filetree *t, const char *name, bool name_ok)
{
	if (t->depth == FILETREE_DEPTH)
		return EOVERFLOW;
	t->startv[t->depth] = (uint16_t)t->len;
	t->err = make(t, name, name_ok, &t->madev[t->depth]);
	t->depth++;
	if (t->err && !t->failed)
		t->failed = t->depth;
	return t->err;
}

int filetree_leave(struct filetree *t, bool *made,
		   char path[FW_PATH_MAX + 1])
{
	if (!t->depth)
		return ENOENT;
	--t->depth;
	*made = t->madev[t->depth] && !t->err;
	memcpy(path, t->path, t->len + 1);
	t->len = t->startv[t->depth];
	t->path[t->len] = '\0';
	if (t->failed > t->depth)
		t->failed = 0;
	/* still inside one that failed: path is not where we are */
	if (!t->failed && reopen(t))
		t->failed = t->depth;
	return 0;
}
