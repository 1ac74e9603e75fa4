/*
 * diskcalls.h: the calls of libc that change a folder, taken over: each is
 * made, and written down (disklog.h). Included by the test itself.
 */
#ifndef DIALTONE_POWERCUT_DISKCALLS_H
#define DIALTONE_POWERCUT_DISKCALLS_H

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include "tests/unit/tunnels/powercut/disklog.h"

#define DISK_REAL(fn) ((__typeof__(&fn))dlsym(RTLD_NEXT, #fn))

int openat(int dirfd, const char *path, int flags, ...)
{
	struct stat st;
	bool fresh;
	mode_t mode;
	va_list ap;
	int fd, dir;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (!(flags & O_CREAT))
		return DISK_REAL(openat)(dirfd, path, flags);
	disk_in();
	dir = disk_fd(dirfd);
	fresh = fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW);
	fd = DISK_REAL(openat)(dirfd, path, flags, mode);
	if (fd >= 0 && dir >= 0 && fresh)
		disk_name(DISK_LINK, disk_new(dirfd, path), dir, path);
	disk_out();
	return fd;
}

int mkdirat(int dirfd, const char *path, mode_t mode)
{
	int err, dir;

	disk_in();
	dir = disk_fd(dirfd);
	err = DISK_REAL(mkdirat)(dirfd, path, mode);
	if (!err && dir >= 0)
		disk_name(DISK_LINK, disk_new(dirfd, path), dir, path);
	disk_out();
	return err;
}

int mkdir(const char *path, mode_t mode)
{
	char parent[DISK_PATH], *slash;
	int err, dir;

	disk_in();
	snprintf(parent, sizeof parent, "%s", path);
	slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	dir = disk.on && slash ? disk_at(AT_FDCWD, parent) : -1;
	err = DISK_REAL(mkdir)(path, mode);
	if (!err && dir >= 0)
		disk_name(DISK_LINK, disk_new(AT_FDCWD, path), dir,
			  slash + 1);
	disk_out();
	return err;
}

int symlinkat(const char *target, int dirfd, const char *path)
{
	int err, dir, node;

	disk_in();
	dir = disk_fd(dirfd);
	err = DISK_REAL(symlinkat)(target, dirfd, path);
	if (!err && dir >= 0) {
		node = disk_new(dirfd, path);
		disk.node[node].target = strdup(target);
		disk_name(DISK_LINK, node, dir, path);
	}
	disk_out();
	return err;
}

int linkat(int from, const char *path, int to, const char *name, int flags)
{
	int err, dir;

	disk_in();
	dir = disk_fd(to);
	err = DISK_REAL(linkat)(from, path, to, name, flags);
	if (!err && dir >= 0)
		disk_name(DISK_LINK, disk_at(to, name), dir, name);
	disk_out();
	return err;
}

int unlinkat(int dirfd, const char *path, int flags)
{
	int err, dir;

	disk_in();
	dir = disk_fd(dirfd);
	err = DISK_REAL(unlinkat)(dirfd, path, flags);
	if (!err && dir >= 0)
		disk_name(DISK_UNLINK, -1, dir, path);
	disk_out();
	return err;
}

int renameat2(int from, const char *path, int to, const char *name,
	      unsigned flags)
{
	struct disk_entry *e;
	int err, dir, dir2, node = -1;

	disk_in();
	dir = disk_fd(from);
	dir2 = disk_fd(to);
	if (dir >= 0)
		node = disk_at(from, path);
	err = DISK_REAL(renameat2)(from, path, to, name, flags);
	if (!err && dir >= 0) {
		e = disk_add(DISK_RENAME, node);
		e->dir = dir;
		e->dir2 = dir2;
		e->name = strdup(path);
		e->name2 = strdup(name);
	}
	disk_out();
	return err;
}

int renameat(int from, const char *path, int to, const char *name)
{
	return renameat2(from, path, to, name, 0);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t off)
{
	ssize_t k;
	int node;

	disk_in();
	node = disk_fd(fd);
	k = DISK_REAL(pwrite)(fd, p, n, off);
	if (k > 0 && node >= 0)
		disk_data(node, (uint64_t)off, p, (size_t)k);
	disk_out();
	return k;
}

ssize_t write(int fd, const void *p, size_t n)
{
	ssize_t k;
	int node;

	if (!disk.on)
		return DISK_REAL(write)(fd, p, n);
	disk_in();
	node = disk_fd(fd);
	k = DISK_REAL(write)(fd, p, n);
	if (k > 0 && node >= 0)
		disk_data(node, (uint64_t)(lseek(fd, 0, SEEK_CUR) - k), p,
			  (size_t)k);
	disk_out();
	return k;
}

int ftruncate(int fd, off_t size)
{
	int err, node;

	disk_in();
	node = disk_fd(fd);
	err = DISK_REAL(ftruncate)(fd, size);
	if (!err && node >= 0)
		disk_add(DISK_SIZE, node)->off = (uint64_t)size;
	disk_out();
	return err;
}

int fallocate(int fd, int mode, off_t off, off_t len)
{
	int err, node;

	disk_in();
	node = disk_fd(fd);
	err = DISK_REAL(fallocate)(fd, mode, off, len);
	if (!err && node >= 0 && mode & FALLOC_FL_PUNCH_HOLE)
		disk_data(node, (uint64_t)off, NULL, (size_t)len);
	disk_out();
	return err;
}

int fchmod(int fd, mode_t mode)
{
	int err, node;

	disk_in();
	node = disk_fd(fd);
	err = DISK_REAL(fchmod)(fd, mode);
	if (!err && node >= 0)
		disk_add(DISK_MODE, node)->mode = mode;
	disk_out();
	return err;
}

int futimens(int fd, const struct timespec ts[2])
{
	int err, node;

	disk_in();
	node = disk_fd(fd);
	err = DISK_REAL(futimens)(fd, ts);
	if (!err && node >= 0)
		disk_add(DISK_TIME, node)->mtime = ts[1];
	disk_out();
	return err;
}

int fsync(int fd)
{
	int err, node;

	disk_in();
	node = disk_fd(fd);
	err = DISK_REAL(fsync)(fd);
	if (!err && node >= 0)
		disk_add(DISK_SYNC, node);
	disk_out();
	return err;
}

int syncfs(int fd)
{
	int err;

	disk_in();
	err = DISK_REAL(syncfs)(fd);
	if (!err && disk_fd(fd) >= 0)
		disk_add(DISK_SYNCFS, -1);
	disk_out();
	return err;
}

#endif
