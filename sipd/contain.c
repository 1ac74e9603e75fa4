/*
 * contain.c: sipd shuts itself in. Called by main.c once, between becoming
 * another user and opening the first socket.
 *
 *   no_new_privs -> Landlock (where to write) -> seccomp (what to call)
 *
 * Reading is not restricted here: users have sipd send files from anywhere;
 * what a system-wide sipd must not see its unit hides (etc/sipd.service).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sdp/base/recompat.h"
#include "sipd/contain.h"
#include "sipd/log.h"

/* Of the first version of Landlock, and what later ones added. */
#define WRITES (LANDLOCK_ACCESS_FS_WRITE_FILE | \
		LANDLOCK_ACCESS_FS_REMOVE_DIR | \
		LANDLOCK_ACCESS_FS_REMOVE_FILE | \
		LANDLOCK_ACCESS_FS_MAKE_CHAR | \
		LANDLOCK_ACCESS_FS_MAKE_DIR | \
		LANDLOCK_ACCESS_FS_MAKE_REG | \
		LANDLOCK_ACCESS_FS_MAKE_SOCK | \
		LANDLOCK_ACCESS_FS_MAKE_FIFO | \
		LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
		LANDLOCK_ACCESS_FS_MAKE_SYM)
#define WRITE_FILE LANDLOCK_ACCESS_FS_WRITE_FILE
#define REFER      (1ULL << 13)         /* ABI 2: rename between folders */
#define TRUNCATE   (1ULL << 14)         /* ABI 3 */

/* No daemon that talks to strangers needs these. */
static const char *const refusedv[] = {
	"_sysctl", "acct", "add_key", "adjtimex", "bpf", "chroot",
	"clock_adjtime", "clock_settime", "create_module", "delete_module",
	"fanotify_init", "finit_module", "fsconfig", "fsmount", "fsopen",
	"fspick", "get_kernel_syms", "init_module", "io_uring_enter",
	"io_uring_register", "io_uring_setup", "ioperm", "iopl", "kcmp",
	"kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie",
	"mbind", "migrate_pages", "mount", "mount_setattr", "move_mount",
	"move_pages", "name_to_handle_at", "nfsservctl",
	"open_by_handle_at", "open_tree", "perf_event_open", "personality",
	"pivot_root", "process_vm_readv", "process_vm_writev", "ptrace",
	"query_module", "quotactl", "quotactl_fd", "reboot", "request_key",
	"set_mempolicy", "setdomainname", "setns", "settimeofday",
	"sethostname", "stime", "swapoff", "swapon", "sysfs", "syslog",
	"umount", "umount2", "unshare", "uselib", "userfaultfd", "ustat",
	"vhangup", "vm86", "vm86old",
};

/* The leak checker of the address sanitizer stops its process by ptrace. */
#if defined(__SANITIZE_ADDRESS__)
#define LEAK_CHECKED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAK_CHECKED true
#endif
#endif
#ifndef LEAK_CHECKED
#define LEAK_CHECKED false
#endif

/* Besides what the configuration names. */
static const struct {
	const char *path;
	bool vpn;               /* only where there is a [vpn] */
} systemv[] = {
	{ "/dev/null", false }, { "/dev/tty", false },
	{ "/dev/log", false },
	{ "/dev/net/tun", false },      /* a caller needs no section */
	{ "/dev/tpmrm0", false },
	{ "/proc/sys/net", true }, { "/run", true },
	{ "/etc/resolv.conf", true },
};

/* --- where to write ---------------------------------------------------- */

static uint64_t handled(long abi)
{
	return WRITES | (abi >= 2 ? REFER : 0) | (abi >= 3 ? TRUNCATE : 0);
}

static int allow(int ruleset, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr pb = { .allowed_access = access };
	struct stat st;
	int err = 0;

	pb.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (pb.parent_fd < 0)
		return errno;
	if (!fstat(pb.parent_fd, &st) && !S_ISDIR(st.st_mode))
		pb.allowed_access &= WRITE_FILE | TRUNCATE;
	if (syscall(SYS_landlock_add_rule, ruleset,
		    LANDLOCK_RULE_PATH_BENEATH, &pb, 0))
		err = errno;
	(void)close(pb.parent_fd);
	return err;
}

static void allow_folder(int ruleset, const char *path, uint64_t access)
{
	int err;

	if (!str_isset(path))
		return;
	if (mkdir(path, 0700) && errno != EEXIST)
		log_warn("%s cannot be made: %m", path, errno);
	err = allow(ruleset, path, access);
	if (err)
		log_warn("nothing can be written to %s: %m", path, err);
}

/* The folder that a file is in. */
static void allow_parent(int ruleset, const char *file, uint64_t access)
{
	char *dir, *slash;

	if (!file || *file != '/' || str_dup(&dir, file))
		return;
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	allow_folder(ruleset, dir, access);
	mem_deref(dir);
}

static void allow_list(int ruleset, const char *list, uint64_t access)
{
	char *copy, *save = NULL;

	if (!list || str_dup(&copy, list))
		return;
	for (char *p = strtok_r(copy, ", ", &save); p;
	     p = strtok_r(NULL, ", ", &save))
		allow_folder(ruleset, p, access);
	mem_deref(copy);
}

static void allow_all(int ruleset, const struct conf *c, uint64_t access)
{
	const char *home = getenv("HOME");

	allow_folder(ruleset, c->state, access);
	allow_folder(ruleset, conf_kind_get(c, "file", "inbox"), access);
	allow_parent(ruleset, c->control, access);
	allow_parent(ruleset, c->log, access);
	if (str_isset(c->write))
		allow_list(ruleset, c->write, access);
	else if (!c->user && home && strcmp(home, "/"))
		allow_folder(ruleset, home, access);    /* their own sipd */
	for (size_t i = 0; i < RE_ARRAY_SIZE(systemv); i++)
		if (!systemv[i].vpn || conf_kind_any(c, "vpn"))
			(void)allow(ruleset, systemv[i].path, access);
}

static int fence(const struct conf *conf)
{
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
				 LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr ra = {
		.handled_access_fs = handled(abi),
	};
	int ruleset, err = 0;

	if (abi < 1)
		return abi < 0 ? errno : ENOSYS;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &ra, sizeof ra,
			       0);
	if (ruleset < 0)
		return errno;
	allow_all(ruleset, conf, ra.handled_access_fs);
	if (syscall(SYS_landlock_restrict_self, ruleset, 0))
		err = errno;
	(void)close(ruleset);
	return err;
}

/* --- what to call ------------------------------------------------------ */

/* A namespace of users would bring capabilities for the rest of the kernel.
 * What clone3 asks for is in memory, where no filter looks: who uses it goes
 * on with clone. */
static int filter_namespaces(scmp_filter_ctx ctx)
{
	static const scmp_datum_t flagv[] = {
		CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID,
		CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP,
	};
	int err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS),
				   SCMP_SYS(clone3), 0);

	for (size_t i = 0; !err && i < RE_ARRAY_SIZE(flagv); i++)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
				       SCMP_SYS(clone), 1,
				       SCMP_A0(SCMP_CMP_MASKED_EQ, flagv[i],
					       flagv[i]));
	return -err;
}

static int filter(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int err = 0;

	if (!ctx)
		return ENOMEM;
	for (size_t i = 0; !err && i < RE_ARRAY_SIZE(refusedv); i++) {
		int nr = seccomp_syscall_resolve_name(refusedv[i]);

		if (nr == __NR_SCMP_ERROR || nr < 0)
			continue;       /* not on this machine */
		if (LEAK_CHECKED && !strcmp(refusedv[i], "ptrace"))
			continue;
		err = -seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr, 0);
	}
	if (!err)
		err = filter_namespaces(ctx);
	if (!err)
		err = -seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}

int contain(const struct conf *conf, char *why, size_t size)
{
	const struct rlimit none = { 0, 0 };
	int err;

	if (!conf->contain)
		return 0;
	/* keys and passwords are not for core files */
	(void)setrlimit(RLIMIT_CORE, &none);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		err = errno;
		(void)re_snprintf(why, size, "New privileges cannot be"
				  " given up: %m.", err);
		return err;
	}
	err = fence(conf);
	if (err)
		log_warn("where sipd writes cannot be restricted:"
			 " %m", err);
	err = filter();
	if (err)
		log_warn("system calls are not restricted: %m", err);
	return 0;
}
