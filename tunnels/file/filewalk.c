/*
 * filewalk.c: walks the trees that are to be sent. One descriptor is open at
 * a time, however deep it goes; the names of the folders above are kept.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tunnels/file/filestore.h"
#include "tunnels/file/filetree.h"
#include "tunnels/file/filewalk.h"

struct frame {
	struct frame *up;
	char **namev;
	size_t n, i;
	size_t len;                     /* of the path above it */
	struct stat st;
};

struct filewalk {
	struct filewalk_arg *argv;
	size_t argc, i;
	int root;                       /* of the argument at hand */
	int fd;                         /* of the folder at hand */
	struct frame *top;
	unsigned depth;
	char path[FW_PATH_MAX + 1];     /* below root */
	size_t len;
	char name[FW_NAME_MAX + 1];
	char shown[2 * FW_PATH_MAX];
};

static void frame_destructor(void *arg)
{
	struct frame *f = arg;

	for (size_t i = 0; i < f->n; i++)
		free(f->namev[i]);
	free(f->namev);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void filewalk_destructor(void *arg)
{
	struct filewalk *w = arg;

	while (w->top) {
		struct frame *f = w->top;

		w->top = f->up;
		mem_deref(f);
	}
	for (size_t i = 0; w->argv && i < w->argc; i++) {
		mem_deref(w->argv[i].path);
		mem_deref(w->argv[i].name);
		mem_deref(w->argv[i].shown);
	}
	mem_deref(w->argv);
	close_fd(&w->fd);
	close_fd(&w->root);
}

int filewalk_name(char name[FW_NAME_MAX + 1], const char *path)
{
	char real[PATH_MAX];
	const char *base = strrchr(path, '/');
	size_t n;

	base = base ? base + 1 : path;
	/* "dir/", "." and ".." are called what they are */
	if (!*base || !strcmp(base, ".") || !strcmp(base, "..")) {
		if (!realpath(path, real))
			return errno;
		base = strrchr(real, '/') + 1;
	}
	n = strlen(base);
	if (!n || n > FW_NAME_MAX)
		return EINVAL;
	memcpy(name, base, n + 1);
	return 0;
}

static int arg_copy(struct filewalk_arg *to, const struct filewalk_arg *from)
{
	int err = str_dup(&to->path, from->path);

	if (!err && from->name)
		err = str_dup(&to->name, from->name);
	if (!err)
		err = str_dup(&to->shown, from->shown ? from->shown :
			      from->path);
	return err;
}

int filewalk_alloc(struct filewalk **wp, const struct filewalk_arg *argv,
		   size_t argc)
{
	struct filewalk *w = mem_zalloc(sizeof *w, filewalk_destructor);
	int err = 0;

	if (!w)
		return ENOMEM;
	w->root = w->fd = -1;
	w->argc = argc;
	w->argv = mem_zalloc((argc + 1) * sizeof *w->argv, NULL);
	if (!w->argv)
		err = ENOMEM;
	for (size_t i = 0; i < argc && !err; i++)
		err = arg_copy(&w->argv[i], &argv[i]);
	if (err) {
		mem_deref(w);
		return err;
	}
	*wp = w;
	return 0;
}

size_t filewalk_args(const struct filewalk *w,
		     const struct filewalk_arg **argv)
{
	*argv = w->argv;
	return w->argc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a + 1, *(char *const *)b + 1);
}

/* The kind of each comes before its name. */
static int frame_add(struct frame *f, const struct dirent *de)
{
	const size_t n = strlen(de->d_name) + 1;
	char *s;

	if (!(f->n & (f->n - 1))) {     /* at 0, 1, 2, 4, ... */
		char **v = realloc(f->namev, (f->n ? 2 * f->n : 1) *
				   sizeof *v);

		if (!v)
			return ENOMEM;
		f->namev = v;
	}
	s = malloc(1 + n);
	if (!s)
		return ENOMEM;
	*s = (char)de->d_type;
	memcpy(s + 1, de->d_name, n);
	f->namev[f->n++] = s;
	return 0;
}

/* All names of the folder, sorted: the same order each time. */
static int frame_read(struct frame *f, int fd)
{
	DIR *d = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	struct dirent *de;
	int err = 0;

	if (!d)
		return errno;
	while (!err && (errno = 0, de = readdir(d)))
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			err = frame_add(f, de);
	if (!err)
		err = errno;
	(void)closedir(d);
	if (!err && f->n)
		qsort(f->namev, f->n, sizeof *f->namev, by_name);
	return err;
}

/* w->fd is the new folder's already, w->len its path. above: the path's
 * length without it. */
static int enter(struct filewalk *w, size_t above)
{
	struct frame *f;
	int err;

	if (w->depth == FILETREE_DEPTH)
		return ENAMETOOLONG;
	f = mem_zalloc(sizeof *f, frame_destructor);
	if (!f)
		return ENOMEM;
	err = fstat(w->fd, &f->st) ? errno : frame_read(f, w->fd);
	if (err) {
		mem_deref(f);
		return err;
	}
	f->len = above;
	f->up = w->top;
	w->top = f;
	w->depth++;
	return 0;
}

static int fail(struct filewalk_item *it, int err)
{
	it->what = WALK_FAIL;
	it->err = err;
	return 0;
}

/* Down into a folder of this one. */
static int down(struct filewalk *w, struct filewalk_item *it)
{
	const size_t above = w->len, n = strlen(w->name);
	int fd, err;

	if (w->len + n + 1 > FW_PATH_MAX)
		return fail(it, ENAMETOOLONG);
	if (w->len)
		w->path[w->len++] = '/';
	memcpy(w->path + w->len, w->name, n + 1);
	w->len += n;
	err = filestore_dir(&fd, w->root, w->path);
	if (!err) {
		close_fd(&w->fd);
		w->fd = fd;
		err = enter(w, above);
	}
	if (!err)
		return 0;
	w->len = above;
	w->path[above] = '\0';
	close_fd(&w->fd);
	(void)filestore_dir(&w->fd, w->root, w->path);
	return fail(it, err);
}

static int up(struct filewalk *w, struct filewalk_item *it)
{
	struct frame *f = w->top;

	it->what = WALK_LEAVE;
	it->st = f->st;
	w->top = f->up;
	w->depth--;
	w->len = f->len;
	w->path[w->len] = '\0';
	mem_deref(f);
	close_fd(&w->fd);
	if (w->top)
		(void)filestore_dir(&w->fd, w->root, w->path);
	else
		close_fd(&w->root);
	return 0;
}

/* The file as it is now: not what it was when its folder was read. */
static int open_file(struct filewalk *w, struct filewalk_item *it)
{
	it->fd = filestore_plain(w->fd, w->name, &it->st);
	if (it->fd < 0)
		return fail(it, errno);
	return 0;
}

static int link_target(struct filewalk *w, struct filewalk_item *it)
{
	const ssize_t n = readlinkat(w->fd, w->name, it->target,
				     sizeof it->target);

	if (n < 0)
		return fail(it, errno);
	if ((size_t)n == sizeof it->target)
		return fail(it, ENAMETOOLONG);
	it->target[n] = '\0';
	it->what = WALK_LINK;
	return 0;
}

/* type: as readdir(3) has it; most file systems know. */
static int entry(struct filewalk *w, struct filewalk_item *it, int type)
{
	it->st.st_mode = (mode_t)DTTOIF(type);
	if (type == DT_UNKNOWN &&
	    fstatat(w->fd, w->name, &it->st, AT_SYMLINK_NOFOLLOW))
		return fail(it, errno);
	if (S_ISDIR(it->st.st_mode)) {
		it->what = WALK_DIR;
		return down(w, it);
	}
	if (S_ISLNK(it->st.st_mode))
		return link_target(w, it);
	it->what = WALK_FILE;
	return S_ISREG(it->st.st_mode) ? open_file(w, it) :
					 fail(it, ENOTSUP);
}

/* The next of the arguments; the user may well mean what a link leads to. */
static int argument(struct filewalk *w, struct filewalk_item *it)
{
	const struct filewalk_arg *arg = &w->argv[w->i++];
	const char *path = arg->path;
	int fd, err = 0;

	if (arg->name)
		str_ncpy(w->name, arg->name, sizeof w->name);
	else
		err = filewalk_name(w->name, path);
	if (err)
		return fail(it, err);
	/* looked at first: to open a device may do something */
	if (stat(path, &it->st))
		return fail(it, errno);
	if (!S_ISREG(it->st.st_mode) && !S_ISDIR(it->st.st_mode))
		return fail(it, ENOTSUP);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return fail(it, errno);
	if (fstat(fd, &it->st)) {
		err = errno;
	}
	else if (S_ISREG(it->st.st_mode)) {
		it->what = WALK_FILE;
		it->fd = fd;
		return 0;
	}
	else if (S_ISDIR(it->st.st_mode)) {
		it->what = WALK_DIR;
		w->root = fd;
		w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		err = w->fd < 0 ? errno : enter(w, 0);
		if (!err)
			return 0;
		close_fd(&w->fd);
		w->root = -1;
	}
	else {
		err = ENOTSUP;
	}
	(void)close(fd);
	return fail(it, err);
}

int filewalk_next(struct filewalk *w, struct filewalk_item *it)
{
	struct frame *f = w->top;
	int type;

	it->fd = -1;
	it->err = 0;
	it->name = w->name;
	if (!f && w->i == w->argc) {
		it->what = WALK_END;
		return 0;
	}
	if (!f)
		return argument(w, it);
	if (f->i == f->n)
		return up(w, it);
	type = (uint8_t)f->namev[f->i][0];
	str_ncpy(w->name, f->namev[f->i] + 1, sizeof w->name);
	free(f->namev[f->i]);
	f->namev[f->i++] = NULL;
	return entry(w, it, type);
}

const char *filewalk_path(struct filewalk *w)
{
	const char *arg = w->i ? w->argv[w->i - 1].shown : "";

	if (!w->top)
		return arg;
	if (re_snprintf(w->shown, sizeof w->shown, "%s%s%s/%s", arg,
			w->len ? "/" : "", w->path, w->name) < 0)
		return w->name;
	return w->shown;
}
