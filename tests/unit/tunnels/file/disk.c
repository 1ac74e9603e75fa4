/*
 * disk.c: what disks do to the tunnel file: full, limits, what cannot be read
 * or changes meanwhile; the rest arrives.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "tests/unit/tunnels/filerig.h"

static _Atomic bool no_modes;

static const char *fd_path(int fd)
{
	static _Thread_local char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return path;
}

int fchmod(int fd, mode_t mode)
{
	if (no_modes) {
		errno = EPERM;
		return -1;
	}
	return fchmodat(AT_FDCWD, fd_path(fd), mode, 0);
}

/* A file system that has no such modes, as FAT, takes the files. */
static void test_modes(void)
{
	fresh();
	fill(at("src/big"), 100000, 1);
	sh("cd %s && mkdir src/d && echo 1 > src/d/a && chmod 666 src/d/a && "
	   "chmod 640 src/big", dir);
	no_modes = true;
	(void)send_ok(ARGV("big", "d"));
	no_modes = false;
	sh("cd %s && diff -r src in && rm -r in", dir);
	/* what the mask takes is given back, as with cp -p */
	(void)send_ok(ARGV("big", "d"));
	sh("cd %s && test $(stat -c %%a in/d/a) = 666 && "
	   "test $(stat -c %%a in/big) = 640", dir);
	sweep();
}

/* What cannot be sent is told, the rest arrives. */
static void test_partly(void)
{
	struct sending s;

	fresh();
	sh("cd %s/src && mkdir d && echo 1 > d/a && mkfifo d/b && echo 3 > d/c"
	   " && echo 4 > d/.z.dialtone-part", dir);
	send_all(&s, ARGV("d"));
	CU_ASSERT_EQUAL(s.r.a.err, EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.why, "2 of 5 files"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.notes, "d/b: not sent"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.notes, ".z.dialtone-part"));
	rig_close(&s.r);
	sh("cd %s && cmp src/d/a in/d/a && cmp src/d/c in/d/c", dir);
	/* one that failed is not one of two */
	send_all(&s, ARGV("d/.z.dialtone-part"));
	CU_ASSERT_EQUAL(s.r.a.err, EIO);
	CU_ASSERT_STRING_EQUAL(s.r.a.why, ".z.dialtone-part: a name like that"
			       " is not taken.");
	rig_close(&s.r);
	/* what was in a folder that failed is counted */
	sh("cd %s && rm -r in/d && echo > in/e && ln -s e in/d", dir);
	send_all(&s, ARGV("d"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.why, "5 of 5 files"));
	rig_close(&s.r);
	sweep();
}

static void change_handler(void *arg)
{
	(void)arg;
	sh("echo more >> %s/src/f", dir);
}

static void test_changed(void)
{
	struct sending s;

	fresh();
	fill(at("src/f"), 30000000, 4);
	sending_init(&s, ARGV("f"));
	rig_call(&s.r, &s.a, &s.b);
	cut_at = 1;
	CU_ASSERT(rig_until(&s.r, cut_reached));
	fake_call(s.r.loop, change_handler, NULL);
	rig_wait(&s.r);
	CU_ASSERT_EQUAL(s.r.a.err, EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.why, "changed"));
	rig_close(&s.r);
	sh("test -z \"$(ls -A %s/in)\"", dir);
	sweep();
}

/* By itself, for it mounts; 77 if it may not. */
static void in_child(int (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(fn());
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT(WIFEXITED(status));
	CU_ASSERT(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
}

/* A small file system of its own. */
static int full_disk_child(void)
{
	struct sending s;
	bool ok;

	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", at("in"), "tmpfs", 0, "size=1m"))
		return 77;
	send_all(&s, ARGV("big"));
	ok = s.r.a.err == ENOSPC && s.r.b.err == ENOSPC &&
	     strstr(s.r.a.why, "the disk there is full");
	rig_close(&s.r);
	ok = ok && !sh_status("test -z \"$(ls -A %s/in)\"", dir);
	send_all(&s, ARGV("many"));
	ok = ok && s.r.a.err == ENOSPC && s.r.b.err == ENOSPC;
	rig_close(&s.r);
	ok = ok && !sh_status("test -z \"$(find %s/in -name '*dialtone*')\"",
			      dir);
	/* what got its name is whole */
	ok = ok && !sh_status("cd %s/in/many && for f in *; do "
			      "cmp $f ../../src/many/$f || exit 1; done",
			      dir);
	return ok ? 0 : 1;
}

static void test_full_disk(void)
{
	fresh_disk();
	sh("mkdir %s/in %s/src/many", dir, dir);
	fill(at("src/big"), 3000000, 1);
	for (int i = 0; i < 60; i++) {
		char name[64];

		snprintf(name, sizeof name, "src/many/f%d", i);
		fill(at(name), 50000, (unsigned)i);
	}
	in_child(full_disk_child);
	sweep();
}

/* Mounts inside the inbox: nothing can be renamed into them from outside. */
static int mounts_child(void)
{
	struct sending s;
	bool ok;

	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", at("in/d/fs"), "tmpfs", 0, "size=9m") ||
	    mount(at("other"), at("in/d/bind"), NULL, MS_BIND, NULL))
		return 77;
	for (int i = 0; i < 2; i++) {
		send_all(&s, i ? ARGV("d/bind") : ARGV("d"));
		ok = !s.r.a.err && !s.r.b.err;
		if (!ok)
			printf("%s\n", s.r.a.notes);
		rig_close(&s.r);
		if (!ok)
			return 1;
		if (i)          /* few are synced otherwise */
			continue;
		ok = !sh_status("cd %s && diff -r --no-dereference src/d in/d"
				" && mkdir in/bind && for d in src/d in/d; do "
				"(cd $d; find . -mindepth 2 ! -type l -printf "
				"'%%P %%m %%y %%T@\n' | sort > %s/l.${d%%/*});"
				" done; diff l.src l.in", dir, dir);
		if (!ok || mount(at("other"), at("in/bind"), NULL, MS_BIND,
				 NULL))
			return 1;
	}
	return sh_status("cd %s && test -z \"$(find in -name '*dialtone*')\"",
			 dir) ? 1 : 0;
}

static void test_mounts(void)
{
	fresh_disk();
	sh("cd %s && mkdir -p in/d/fs in/d/bind other src/d/fs/sub "
	   "src/d/bind/sub && for d in . fs bind fs/sub bind/sub; do for i in "
	   "1 2 3 4; do echo $d$i > src/d/$d/$i; done; ln -s x src/d/$d/l; "
	   "touch -d 2001-02-03 src/d/$d; done", dir);
	fill(at("src/d/fs/big"), 300000, 1);
	fill(at("src/d/bind/sub/big"), 300000, 2);
	sh("touch -d 2001-02-03 %s/src/d/fs %s/src/d/bind/sub "
	   "%s/src/d/bind; chmod -R u=rwX,go= %s/src/d %s/other", dir, dir,
	   dir, dir, dir);
	in_child(mounts_child);
	sweep();
}

static void test_file_limit(void)
{
	const struct rlimit small = { 1000000, RLIM_INFINITY };
	struct rlimit old;
	struct sending s;

	fresh();
	fill(at("src/big"), 3000000, 1);
	fill(at("src/small"), 1000, 1);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	setrlimit(RLIMIT_FSIZE, &small);
	send_all(&s, ARGV("big", "small"));
	setrlimit(RLIMIT_FSIZE, &old);
	CU_ASSERT_EQUAL(s.r.a.err, EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.r.a.why, "larger than"));
	rig_close(&s.r);
	sh("cd %s && cmp src/small in/small && test ! -e in/big", dir);
	sweep();
}

UNIT_SUITE("file/disk",
	{ "modes", test_modes },
	{ "partly", test_partly },
	{ "changed", test_changed },
	{ "full_disk", test_full_disk },
	{ "mounts", test_mounts },
	{ "file_limit", test_file_limit })
