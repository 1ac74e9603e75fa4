/*
 * drop.c: what sipd does as root, with main.c and places.c all of it: who is
 * started by root and names a user in [sipd] becomes that user before the
 * configuration is understood, a library is called or a socket is opened.
 *
 *   four keys of the file -> what is not there is made -> the user
 *      -> two capabilities -> [configuration] -> those that it needs
 *
 * Called by main.c and daemon.c. It calls libc alone, and has to stay small:
 * tests/privileged.sh holds it to both.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "sipd/drop.h"
#include "sipd/places.h"

enum { USER, STATE, CONTROL, LOG, KEYS };

#define BIT(cap) ((uint64_t)1 << (cap))
#define KEPT     (BIT(CAP_NET_ADMIN) | BIT(CAP_NET_BIND_SERVICE))

/* --- what the file says ------------------------------------------------- */

static char *trim(char *s)
{
	char *end;

	s += strspn(s, " \t\r\n");
	end = s + strlen(s);
	while (end > s && strchr(" \t\r\n", end[-1]))
		*--end = '\0';
	return s;
}

/* A blank and ';' begin a comment, for libinih too. */
static void cut_comment(char *s)
{
	for (char *p = s; (p = strchr(p, ';')); p++)
		if (p == s || p[-1] == ' ' || p[-1] == '\t') {
			*p = '\0';
			return;
		}
}

static void on_key(char valuev[KEYS][PATH_MAX], const char *key, char *value)
{
	static const char *const keyv[] = {
		[USER] = "user", [STATE] = "state", [CONTROL] = "control",
		[LOG] = "log",
	};

	cut_comment(value);
	for (size_t i = 0; i < KEYS; i++)
		if (!strcmp(key, keyv[i]))
			(void)snprintf(valuev[i], PATH_MAX, "%s",
				       trim(value));
}

/* No second parser of the configuration: what is misread here is refused when
 * that is read (daemon.c). */
static void read_keys(char valuev[KEYS][PATH_MAX], FILE *f)
{
	char line[2 * PATH_MAX], *p, *eq;
	bool inside = false;

	while (fgets(line, sizeof line, f)) {
		p = trim(line);
		eq = strchr(p, '=');
		if (*p == '[') {
			p[strcspn(p, "]")] = '\0';
			inside = !strcmp(trim(p + 1), "sipd");
		}
		else if (inside && eq) {
			*eq = '\0';
			on_key(valuev, trim(p), eq + 1);
		}
	}
}

/* --- what is not there is made ------------------------------------------ */

static int make_folder(int parent, const char *name, mode_t mode)
{
	if (mkdirat(parent, name, mode))
		return -1;
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		      O_CLOEXEC);
}

static int make_log(int parent, const char *name, mode_t mode)
{
	return openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		      mode);
}

/* Only where nobody but root may put anything: no links of others. What is
 * there stays whose it is; the user will hear if that cannot be used. */
static void give(const char *path, mode_t mode, const struct passwd *pw,
		 int (*makeh)(int parent, const char *name, mode_t mode))
{
	char dir[PATH_MAX], *slash;
	struct stat st;
	int parent, fd;

	(void)snprintf(dir, sizeof dir, "%s", path);
	slash = strrchr(dir, '/');
	if (*dir != '/' || !slash[1])
		return;
	*slash = '\0';
	parent = open(*dir ? dir : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return;
	if (!fstat(parent, &st) && !st.st_uid &&
	    !(st.st_mode & (S_IWGRP | S_IWOTH))) {
		fd = makeh(parent, slash + 1, mode);
		if (fd >= 0) {
			(void)fchown(fd, pw->pw_uid, pw->pw_gid);
			(void)close(fd);
		}
	}
	(void)close(parent);
}

/* A state folder of its own has the control socket in it (conf.c). */
static void give_all(char valuev[KEYS][PATH_MAX], const struct passwd *pw)
{
	char *state = valuev[STATE], *control = valuev[CONTROL], *slash;

	if (!*state && !*control)
		memcpy(control, PLACES_CONTROL, sizeof PLACES_CONTROL);
	if (!*state)
		memcpy(state, PLACES_STATE, sizeof PLACES_STATE);
	slash = strrchr(control, '/');
	if (slash)
		*slash = '\0';
	give(state, 0700, pw, make_folder);
	give(control, 0755, pw, make_folder);
	give(valuev[LOG], 0640, pw, make_log);
}

/* --- the user ------------------------------------------------------------ */

/* Of those that we have. They are no longer handed on to every program; who
 * runs one that needs one raises it for that (hosttool.c). */
static int keep(uint64_t caps)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &h, d))
		return errno;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		d[i].permitted &= (uint32_t)(caps >> 32 * i);
		d[i].effective = d[i].inheritable = d[i].permitted;
	}
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L);
	return syscall(SYS_capset, &h, d) ? errno : 0;
}

static int become(const struct passwd *pw)
{
	/* for ever, for the programs too */
	for (unsigned long cap = 0; cap < 64; cap++)
		if (!(KEPT & BIT(cap)))
			(void)prctl(PR_CAPBSET_DROP, cap, 0L, 0L, 0L);
	if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) ||
	    initgroups(pw->pw_name, pw->pw_gid) ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) ||
	    prctl(PR_SET_KEEPCAPS, 0L, 0L, 0L, 0L))
		return errno;
	return keep(KEPT);
}

/* Root's folders are not the user's. */
static int set_environment(const struct passwd *pw)
{
	static const char *const rootv[] = {
		"XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR",
	};

	for (size_t i = 0; i < sizeof rootv / sizeof rootv[0]; i++)
		(void)unsetenv(rootv[i]);
	return setenv("HOME", pw->pw_dir, 1) ||
		setenv("STATE_DIRECTORY", PLACES_STATE, 1) ? errno : 0;
}

int drop_user(const char *file, bool make, char *why, size_t size)
{
	static char valuev[KEYS][PATH_MAX];
	const struct passwd *pw;
	FILE *f;
	int err;

	f = geteuid() || !file ? NULL : fopen(file, "re");
	if (!f)
		return 0;       /* if it cannot be read, that is told later */
	read_keys(valuev, f);
	(void)fclose(f);
	if (!*valuev[USER])
		return 0;
	pw = getpwnam(valuev[USER]);
	if (!pw) {
		(void)snprintf(why, size, "There is no user %s, which user="
			       " in [sipd] names.", valuev[USER]);
		return ENOENT;
	}
	if (!pw->pw_uid)
		return 0;
	if (make)
		give_all(valuev, pw);
	err = set_environment(pw);
	if (!err)
		err = become(pw);
	if (err)
		(void)snprintf(why, size, "sipd cannot become the user %s:"
			       " %s.", valuev[USER], strerror(err));
	return err;
}

int drop_caps(bool net_admin, bool bind)
{
	return geteuid() ? keep((net_admin ? BIT(CAP_NET_ADMIN) : 0) |
				(bind ? BIT(CAP_NET_BIND_SERVICE) : 0)) : 0;
}
