/*
 * filemay.c: asks the kernel by doing it: a file without a name goes again
 * when it is closed. The rights alone do not tell what Landlock, a mount that
 * is for reading, or a full quota say. Called by get.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <re.h>
#include "tunnels/file/filemay.h"

/* "a/b/" -> "a"; "/" and "a" have no more above them than "/" and ".". */
static void go_up(char *path)
{
	char *end = path + strlen(path);

	while (end > path && end[-1] == '/')
		*--end = '\0';
	while (end > path && end[-1] != '/')
		--end;
	if (end == path)
		*end++ = '.';
	*end = '\0';
}

/* The folder, or what it would be made in. */
static int open_nearest(int *fdp, char *path)
{
	int fd;

	while ((fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0 &&
	       errno == ENOENT && strcmp(path, ".") && strcmp(path, "/"))
		go_up(path);
	*fdp = fd;
	return fd < 0 ? errno : 0;
}

static int try_nameless(int dir)
{
	const int fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC,
			      0600);

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

int filemay_store(const char *path)
{
	char *copy;
	int dir, err;

	/* room for "." */
	err = *path ? str_dup(&copy, path) : EINVAL;
	if (err)
		return err;
	err = open_nearest(&dir, copy);
	mem_deref(copy);
	if (err)
		return err;
	err = faccessat(dir, ".", W_OK | X_OK, AT_EACCESS) ? errno
		: try_nameless(dir);
	/* not all file systems have files without names */
	if (err == EOPNOTSUPP || err == EISDIR || err == ENOENT)
		err = 0;
	(void)close(dir);
	return err;
}
