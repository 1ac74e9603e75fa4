/*
 * hostkept.c: FOLDER/NAME.INODE, the inode being the network namespace's.
 */
#include <dirent.h>
#include <fcntl.h>
#include <re.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sdp/base/recompat.h"
#include "tunnels/vpn/hostkept.h"

enum { FOLDERS = 4, NAME_SIZE = 64 };

/* The first that lets us is taken. */
static const char *folder(size_t i)
{
	switch (i) {
	case 0: return "/run";
	case 1: return getenv("RUNTIME_DIRECTORY");     /* systemd.exec(5) */
	case 2: return "/run/dialtone";
	default: return getenv("XDG_RUNTIME_DIR");
	}
}

static unsigned long long namespace(void)
{
	struct stat st;

	return stat("/proc/thread-self/ns/net", &st) ? 0 : st.st_ino;
}

int hostkept_open(const char *name, char path[HOSTKEPT_PATH], int flags)
{
	int fd = -1;

	for (size_t i = 0; i < FOLDERS && fd < 0; i++)
		if (folder(i) && re_snprintf(path, HOSTKEPT_PATH, "%s/%s.%llu",
					     folder(i), name,
					     namespace()) > 0)
			fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW |
				  flags, 0600);
	return fd;
}

int hostkept_hold(const char *prefix, const char *rest,
		  char path[HOSTKEPT_PATH])
{
	char name[NAME_SIZE];
	int fd;

	(void)re_snprintf(name, sizeof name, "%s%s", prefix, rest);
	fd = hostkept_open(name, path, O_CREAT);
	if (fd >= 0)
		(void)flock(fd, LOCK_EX | LOCK_NB);
	return fd;
}

/* "dialtone-dns-vpn0.4026531840" */
static void leftover(const char *file, const char *prefix,
		     void (*h)(const char *rest, void *arg), void *arg)
{
	char name[NAME_SIZE], path[HOSTKEPT_PATH];
	const size_t n = strlen(prefix);
	char *dot;
	int fd;

	if (strncmp(file, prefix, n) || strlen(file) >= sizeof name)
		return;
	(void)str_ncpy(name, file, sizeof name);
	dot = strrchr(name, '.');
	if (!dot || strtoull(dot + 1, NULL, 10) != namespace())
		return;
	*dot = '\0';
	fd = hostkept_open(name, path, 0);
	if (fd < 0)
		return;
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		h(name + n, arg);
		(void)unlink(path);
	}
	(void)close(fd);
}

void hostkept_leftover(const char *prefix,
		       void (*h)(const char *rest, void *arg), void *arg)
{
	for (size_t i = 0; i < FOLDERS; i++) {
		DIR *d = folder(i) ? opendir(folder(i)) : NULL;
		const struct dirent *e;

		while (d && (e = readdir(d)))
			leftover(e->d_name, prefix, h, arg);
		if (d)
			(void)closedir(d);
	}
}
