/*
 * folder.c: the state folder. That of the system's sipd belongs to the user
 * it runs as; a dial of root's that works in it, while no sipd runs, must not
 * leave files there which that sipd could not read. Called by house.c.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <re.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sipd/folder.h"

int folder_make(const char *path)
{
	char buf[512];

	if (str_len(path) >= sizeof buf)
		return ENAMETOOLONG;
	(void)str_ncpy(buf, path, sizeof buf);
	for (char *p = buf + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(buf, 0755) && errno != EEXIST)
			return errno;
		*p = '/';
	}
	if (mkdir(buf, 0700) && errno != EEXIST)
		return errno;
	return 0;
}

/* The owner of the folder may have put another file of root's under a second
 * name here: that one is not to be given away. */
static void give(int dir, const char *name, const struct stat *to)
{
	const int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
			      O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && !st.st_uid &&
	    st.st_nlink == 1 && fchown(fd, to->st_uid, to->st_gid)) {
		/* then it stays root's, as it was */
	}
	(void)close(fd);
}

void folder_give(const char *path)
{
	const struct dirent *e;
	struct stat st;
	DIR *d;

	if (geteuid() || !path)
		return;
	d = opendir(path);
	if (!d)
		return;
	if (!fstat(dirfd(d), &st) && st.st_uid)
		while ((e = readdir(d)))
			give(dirfd(d), e->d_name, &st);
	(void)closedir(d);
}
