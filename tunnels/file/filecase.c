/*
 * filecase.c: names on file systems that fold them.
 *
 * There is no one way to ask the kernel, and some give one file two inode
 * numbers. So a name that finds something with its letters' case turned too is
 * looked for in the list, and so is one with bytes beyond ASCII, whose folding
 * is a long story. Others cost one look-up.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "tunnels/file/filecase.h"
#include "tunnels/file/filestore.h"

/* false: it has no letters, or is too long. */
static bool turned(char out[FILESTORE_NAME], const char *name)
{
	bool letters = false;
	size_t i;

	for (i = 0; name[i] && i < FILESTORE_NAME - 1; i++) {
		const char c = (char)(name[i] | 0x20);

		out[i] = name[i];
		if (c >= 'a' && c <= 'z') {
			out[i] ^= 0x20;
			letters = true;
		}
	}
	out[i] = '\0';
	return letters && !name[i];
}

static bool may_fold(int dir, const char *name)
{
	char other[FILESTORE_NAME];
	struct stat st;

	for (const char *p = name; *p; p++)
		if (*p & 0x80)
			return true;
	return turned(other, name) &&
	       !fstatat(dir, other, &st, AT_SYMLINK_NOFOLLOW);
}

static bool listed(int dir, const char *name)
{
	DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY |
				  O_CLOEXEC));
	struct dirent *de;
	bool found = !d;        /* cannot be told: as if */

	while (!found && (de = readdir(d)))
		found = !strcmp(de->d_name, name);
	if (d)
		(void)closedir(d);
	return found;
}

bool filecase_exact(int dir, const char *name)
{
	return !may_fold(dir, name) || listed(dir, name);
}
