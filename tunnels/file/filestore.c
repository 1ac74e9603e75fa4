/*
 * filestore.c: the receiving folder: where names are looked up, and how a
 * complete file gets its own.
 *
 *   part -> renameat2(NOREPLACE) NAME -> taken: the same bytes? -> had
 *                                         |            else
 *                                         +--> "NAME (1)", and so on
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <xxhash.h>
#include "tunnels/file/filecase.h"
#include "tunnels/file/filestore.h"
#include "tunnels/file/filewire.h"

enum {
	FILESTORE_NEW = 01700,  /* a folder's mode until it is left: the sticky
	                         * bit, which no sender sets, says it is new */
	NAMES_MAX = 1000,       /* "NAME (999)" is the last we try */
	PARTS_MAX = 10,
	COMPARE_SIZE = 64 * 1024,
};

/* mkdir -p, all of them 0700: what we make is for its owner. */
static void make_parents(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		(void)mkdir(path, 0700);
		*p = '/';
	}
}

int filestore_folder(int *fdp, const char *path, bool *made)
{
	char *copy = NULL;
	int fd, err;

	*made = !mkdir(path, 0700);
	if (!*made && errno == ENOENT) {
		err = str_dup(&copy, path);
		if (err)
			return err;
		make_parents(copy);
		mem_deref(copy);
		*made = !mkdir(path, 0700);
		if (!*made && errno != EEXIST)
			return errno;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS)) {
		err = errno;
		(void)close(fd);
		return err;
	}
	*fdp = fd;
	return 0;
}

/* By mount: two of one file system are apart for rename(2) as well. */
bool filestore_apart(int dir, int root)
{
	const unsigned want = STATX_MNT_ID;
	struct statx a, b;

	if (statx(dir, "", AT_EMPTY_PATH, want, &a) ||
	    statx(root, "", AT_EMPTY_PATH, want, &b))
		return true;
	if (a.stx_mask & b.stx_mask & want)
		return a.stx_mnt_id != b.stx_mnt_id;
	return a.stx_dev_major != b.stx_dev_major ||
	       a.stx_dev_minor != b.stx_dev_minor;
}

int filestore_dir(int *fdp, int root, const char *path)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	long fd = syscall(SYS_openat2, root, *path ? path : ".", &how,
			  sizeof how);

	if (fd < 0)
		return errno;
	*fdp = (int)fd;
	return 0;
}

/* ".NAME.dialtone-part"; a name too long for that is cut, and told apart by
 * a hash of the whole. */
static void part_name(char part[FILESTORE_NAME], const char *name, unsigned n)
{
	const int room = FW_NAME_MAX - (int)strlen(FILESTORE_PART) - 4;
	char more[4] = "";

	if (n)
		(void)snprintf(more, sizeof more, ".%u", n % 100);
	if ((int)str_len(name) <= room)
		(void)snprintf(part, FILESTORE_NAME, ".%s%s%s", name, more,
			       FILESTORE_PART);
	else
		(void)snprintf(part, FILESTORE_NAME, ".%.*s.%016llx%s%s",
			       room - 17, name, (unsigned long long)
			       XXH3_64bits(name, strlen(name)), more,
			       FILESTORE_PART);
}

/* Somebody else's file, or a trap: a link, a pipe, one linked elsewhere. */
static int part_check(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_nlink != 1)
		return EBUSY;
	return flock(fd, LOCK_EX | LOCK_NB) ? EBUSY : 0;
}

/* Locked, and still under that name: its last owner may have renamed it
 * between our open and our lock. */
static bool part_there(int fd, int dir, const char *part)
{
	struct stat a, b;

	return !fstat(fd, &a) &&
	       !fstatat(dir, part, &b, AT_SYMLINK_NOFOLLOW) &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static int part_try(int *fdp, int dir, const char *part)
{
	int fd = openat(dir, part, O_RDWR | O_CREAT | O_NOFOLLOW |
			O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	int err;

	if (fd < 0)
		return errno == ELOOP || errno == EISDIR || errno == ENXIO ?
		       EBUSY : errno;
	err = part_check(fd);
	if (!err && !part_there(fd, dir, part))
		err = EBUSY;
	if (err) {
		(void)close(fd);
		return err;
	}
	*fdp = fd;
	return 0;
}

int filestore_part(int *fdp, char part[FILESTORE_NAME], int dir,
		   const char *name)
{
	int err = EBUSY;

	/* EACCES: somebody else's part, or the folder's; the last one tells */
	for (unsigned n = 0; n < PARTS_MAX &&
	     (err == EBUSY || err == EACCES); n++) {
		part_name(part, name, n);
		err = part_try(fdp, dir, part);
	}
	return err;
}

/* Where "a.tar.gz" is cut: before ".tar.gz", never before the first byte. */
static size_t stem_length(const char *name)
{
	const char *dot = strrchr(name, '.');

	if (!dot || dot == name)
		return strlen(name);
	if (dot - name > 4 && !strncmp(dot - 4, ".tar", 4))
		dot -= 4;
	return (size_t)(dot - name);
}

void filestore_name(char out[FILESTORE_NAME], const char *name, unsigned n)
{
	size_t stem = stem_length(name), tail;
	char more[16] = "";

	if (n)
		(void)snprintf(more, sizeof more, " (%u)", n % NAMES_MAX);
	tail = strlen(name) - stem + strlen(more);
	if (stem + tail > FW_NAME_MAX && tail < FW_NAME_MAX)
		stem = FW_NAME_MAX - tail;
	(void)snprintf(out, FILESTORE_NAME, "%.*s%s%s", (int)stem, name,
		       more, name + stem_length(name));
}

static ssize_t read_full(int fd, uint8_t *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t k = read(fd, p + done, n - done);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		if (!k)
			break;
		done += (size_t)k;
	}
	return (ssize_t)done;
}

static bool same_bytes(int a, int b)
{
	uint8_t *buf = malloc(2 * COMPARE_SIZE);
	bool same = buf != NULL;

	while (same) {
		ssize_t n = read_full(a, buf, COMPARE_SIZE);
		ssize_t m = read_full(b, buf + COMPARE_SIZE, COMPARE_SIZE);

		same = n >= 0 && n == m &&
		       !memcmp(buf, buf + COMPARE_SIZE, (size_t)n);
		if (n <= 0)
			break;
	}
	free(buf);
	return same;
}

int filestore_plain(int dir, const char *name, struct stat *st)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
			O_NOCTTY | O_CLOEXEC);

	if (fd >= 0 && (fstat(fd, st) || !S_ISREG(st->st_mode))) {
		(void)close(fd);
		errno = ENOTSUP;
		return -1;
	}
	return fd;
}

/* Two plain files with the same bytes? Compared, not hashed: what lies there
 * may have been put there to look the same. */
static bool same_file(int da, const char *a, int db, const char *b)
{
	struct stat sa, sb;
	int fa = filestore_plain(da, a, &sa);
	int fb = filestore_plain(db, b, &sb);
	bool same = fa >= 0 && fb >= 0 && sa.st_size == sb.st_size &&
		    same_bytes(fa, fb);

	if (fa >= 0)
		(void)close(fa);
	if (fb >= 0)
		(void)close(fb);
	return same;
}

/* Where neither renameat2's flag nor hard links are known: the name is taken
 * by an empty file first. */
static int rename_reserve(int from, const char *part, int to,
			  const char *name)
{
	int err, fd = openat(to, name, O_WRONLY | O_CREAT | O_EXCL |
			     O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	(void)close(fd);
	if (!renameat(from, part, to, name))
		return 0;
	err = errno;
	(void)unlinkat(to, name, 0);
	return err;
}

/* Each way leaves what has the name already alone. */
static int rename_free(int from, const char *part, int to, const char *name)
{
	if (!renameat2(from, part, to, name, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	if (!linkat(from, part, to, name, 0)) {
		(void)unlinkat(from, part, 0);
		return 0;
	}
	if (errno == EEXIST)
		return errno;
	return rename_reserve(from, part, to, name);
}

/* May the name be taken from what has it, not only spelled otherwise? */
static bool may_replace(enum filestore_taken taken, int to, const char *name)
{
	return taken == FILESTORE_OVERWRITE && filecase_exact(to, name);
}

int filestore_place(int from, const char *part, int to, const char *name,
		    enum filestore_taken taken, char out[FILESTORE_NAME],
		    bool *had)
{
	int err = EEXIST;

	*had = false;
	for (unsigned n = 0; n < NAMES_MAX && err == EEXIST; n++) {
		filestore_name(out, name, n);
		err = rename_free(from, part, to, out);
		if (err != EEXIST)
			break;
		if (same_file(from, part, to, out)) {
			*had = true;
			(void)unlinkat(from, part, 0);
			return 0;
		}
		if (may_replace(taken, to, out))
			return renameat(from, part, to, out) ? errno : 0;
	}
	return err;
}

static bool same_link(int dir, const char *name, const char *target)
{
	char buf[FW_PATH_MAX + 1];
	ssize_t n = readlinkat(dir, name, buf, sizeof buf);

	return n >= 0 && (size_t)n == strlen(target) &&
	       !memcmp(buf, target, (size_t)n);
}

/* A link cannot be made over a name: made beside it, then renamed. */
static int link_over(const char *target, int to, const char *name)
{
	char part[FILESTORE_NAME];
	int err = EEXIST;

	/* one may be left from a crash, or somebody's unfinished file */
	for (unsigned n = 0; n < PARTS_MAX && err == EEXIST; n++) {
		part_name(part, name, n);
		err = symlinkat(target, to, part) ? errno : 0;
	}
	if (err)
		return err;
	if (!renameat(to, part, to, name))
		return 0;
	err = errno;
	(void)unlinkat(to, part, 0);
	return err;
}

int filestore_link(const char *target, int to, const char *name,
		   enum filestore_taken taken, char out[FILESTORE_NAME],
		   bool *had)
{
	int err = EEXIST;

	*had = false;
	for (unsigned n = 0; n < NAMES_MAX && err == EEXIST; n++) {
		filestore_name(out, name, n);
		err = symlinkat(target, to, out) ? errno : 0;
		if (err != EEXIST)
			break;
		if (same_link(to, out, target)) {
			*had = true;
			return 0;
		}
		if (may_replace(taken, to, out))
			return link_over(target, to, out);
	}
	return err;
}

/* A folder of ours that was never left: its mode is still to be set. */
static bool unfinished(int dir, const char *name)
{
	struct stat st;

	return !fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) &&
	       st.st_mode == (S_IFDIR | FILESTORE_NEW) &&
	       st.st_uid == geteuid();
}

int filestore_mkdir(int dir, const char *name, char out[FILESTORE_NAME],
		    bool *made)
{
	for (unsigned n = 0; n < NAMES_MAX; n++) {
		filestore_name(out, name, n);
		*made = !mkdirat(dir, out, FILESTORE_NEW);
		if (*made)
			return 0;
		if (errno != EEXIST)
			return errno;
		if (filecase_exact(dir, out)) {
			*made = unfinished(dir, out);
			return 0;
		}
	}
	return EEXIST;
}

int filestore_sync(int dir, const char *name)
{
	const int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
			      O_NOCTTY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return errno;
	err = fsync(fd) ? errno : 0;
	(void)close(fd);
	return err;
}
