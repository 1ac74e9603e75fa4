/*
 * filefolder.c: the folders that a peer may get files from.
 *
 *   PATH -> below a folder? -> openat2(BENEATH, NO_SYMLINKS, O_PATH)
 *                                   -> /proc/self/fd/N, walked as any other
 *
 * From there on names play no part: whatever is renamed meanwhile, what was
 * found is what is sent. The folder itself may be a link: who configures it
 * knows.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include "tunnels/file/filefolder.h"

/* The next folder: they are absolute, so " /" parts them, and a blank may be
 * in a name. */
static bool next_folder(const char **list, char folder[PATH_MAX])
{
	const char *p = *list, *end = strstr(p, " /");
	size_t n = end ? (size_t)(end - p) : strlen(p);

	if (*p != '/' || n >= PATH_MAX)
		return false;
	memcpy(folder, p, n);
	while (n > 1 && folder[n - 1] == '/')
		n--;
	folder[n] = '\0';
	*list = end ? end + 1 : p + strlen(p);
	return true;
}

bool filefolder_ok(const char *list)
{
	char folder[PATH_MAX];

	do
		if (!next_folder(&list, folder))
			return false;
	while (*list);
	return true;
}

/* What of an absolute PATH is below the folder; NULL: it is not. */
static const char *below(const char *folder, const char *path)
{
	const size_t n = strlen(folder);

	if (*path != '/')
		return path;
	if (n == 1)             /* "/" */
		path++;
	else if (strncmp(path, folder, n) || (path[n] && path[n] != '/'))
		return NULL;
	else
		path += n;
	path += strspn(path, "/");
	return *path ? path : ".";
}

static int open_beneath(int *fdp, const char *folder, const char *rel)
{
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	const int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	long fd;
	int err;

	if (dir < 0)
		return errno;
	fd = syscall(SYS_openat2, dir, rel, &how, sizeof how);
	err = fd < 0 ? errno : 0;
	(void)close(dir);
	*fdp = (int)fd;
	return err;
}

static int describe(struct filewalk_arg *arg, int fd, const char *path)
{
	char real[PATH_MAX];
	struct stat st;
	ssize_t n;
	int err;

	if (fstat(fd, &st))
		return errno;
	/* O_PATH would have a link itself */
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return S_ISLNK(st.st_mode) ? ELOOP : ENOTSUP;
	err = re_sdprintf(&arg->path, "/proc/self/fd/%d", fd);
	if (err)
		return err;
	n = readlink(arg->path, real, sizeof real - 1);
	if (n <= 0)
		return n ? errno : ENOENT;
	real[n] = '\0';
	if (!strrchr(real, '/') || !strrchr(real, '/')[1])
		return EINVAL;
	err = str_dup(&arg->name, strrchr(real, '/') + 1);
	return err ? err : str_dup(&arg->shown, path);
}

int filefolder_find(struct filewalk_arg *arg, int *fdp, const char *list,
		    const char *path)
{
	char folder[PATH_MAX];
	int fd = -1, err = ENOENT;

	while (err && *list && next_folder(&list, folder)) {
		const char *rel = below(folder, path);
		int e = rel ? open_beneath(&fd, folder, rel) : ENOENT;

		if (err == ENOENT || !e)
			err = e;
	}
	if (err)
		return err;
	err = describe(arg, fd, path);
	if (err) {
		arg->path = mem_deref(arg->path);
		arg->name = mem_deref(arg->name);
		(void)close(fd);
		return err;
	}
	*fdp = fd;
	return 0;
}
