/*
 * places.c: paths of the environment. Called by the configuration, and by
 * main.c before root's rights are given up: so by libc alone (drop.c).
 */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sipd/places.h"

static int join(char *buf, size_t size, const char *dir, const char *rest)
{
	const int n = snprintf(buf, size, "%s/%s", dir, rest);

	return n < 0 || (size_t)n >= size ? ENAMETOOLONG : 0;
}

bool places_system(void)
{
	const char *given = getenv("STATE_DIRECTORY");  /* systemd.exec(5) */

	return !geteuid() || (given && !strcmp(given, PLACES_STATE));
}

int places_home(char *buf, size_t size, const char *rest)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;

	if (!home || *home != '/') {
		pw = getpwuid(geteuid());
		home = pw ? pw->pw_dir : NULL;
	}
	if (!home || *home != '/')
		return ENOENT;
	return join(buf, size, home, rest);
}

/* A folder of the environment counts only if it is absolute. */
int places_xdg(char *buf, size_t size, const char *var, const char *in_home,
	       const char *rest)
{
	const char *dir = getenv(var);
	char home[PATH_MAX];

	if (!dir || *dir != '/') {
		if (!in_home || places_home(home, sizeof home, in_home))
			return ENOENT;
		dir = home;
	}
	return join(buf, size, dir, rest);
}

int places_conf(char *buf, size_t size)
{
	if (!buf || !size)
		return EINVAL;
	if (!places_xdg(buf, size, "XDG_CONFIG_HOME", ".config",
			"dialtone/sipd.conf") && !access(buf, F_OK))
		return 0;
	/* it may be for the system's sipd alone to read */
	if (size > sizeof PLACES_CONF && !access(PLACES_CONF, R_OK)) {
		memcpy(buf, PLACES_CONF, sizeof PLACES_CONF);
		return 0;
	}
	buf[0] = '\0';
	return ENOENT;
}
