/*
 * confpath.c: the values in sipd.conf that are paths, and those that are in
 * the file that a path leads to. Named in the table of conftab.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <re.h>
#include "sipd/address.h"
#include "sipd/confpath.h"
#include "sipd/confval.h"
#include "sipd/places.h"

enum { SECRET_MAX = 255 };      /* bytes */

static int absolute(char buf[PATH_MAX], const char *value,
		    const struct conf_ctx *ctx)
{
	if (!*value)
		return confval_bad(ctx, "is empty: leave the line out");
	if (!strncmp(value, "~/", 2))
		return places_home(buf, PATH_MAX, value + 2) ?
			confval_bad(ctx, "begins with '~', but there is no "
				    "home folder") : 0;
	if (*value == '~')
		return confval_bad(ctx, "begins with '~', of which only ~/ "
				   "is known");
	if (re_snprintf(buf, PATH_MAX, "%s%s%s",
			*value == '/' ? "" : ctx->dir,
			*value == '/' ? "" : "/", value) < 0)
		return confval_bad(ctx, "is too long");
	return 0;
}

int confpath_any(void *field, const struct conf_key *k, const char *value,
		 const struct conf_ctx *ctx)
{
	char buf[PATH_MAX];
	int err = absolute(buf, value, ctx);

	return err ? err : confval_string(field, k, buf, ctx);
}

int confpath_identity(void *field, const struct conf_key *k,
		      const char *value, const struct conf_ctx *ctx)
{
	if (!strncmp(value, "handle:", 7))
		return confval_string(field, k, value, ctx);
	if (strncmp(value, "pkcs11:", 7))
		return confpath_any(field, k, value, ctx);
	if (strstr(value, "pin-value"))
		return confval_bad(ctx, "has a PIN in it, which is for a file"
				   " of its own: pin-source=/path");
	return confval_string(field, k, value, ctx);
}

int confpath_program(void *field, const struct conf_key *k, const char *value,
		     const struct conf_ctx *ctx)
{
	char buf[PATH_MAX];
	int err = absolute(buf, value, ctx);

	if (err)
		return err;
	if (access(buf, X_OK))
		return confval_bad(ctx, "names %s, which cannot be run: %m",
				   buf, errno);
	return confval_string(field, k, buf, ctx);
}

int confpath_folders(void *field, const struct conf_key *k, const char *value,
		     const struct conf_ctx *ctx)
{
	char item[ADDRESS_SIZE], buf[PATH_MAX];
	int err = 0;

	while (!err && confval_item(&value, item, sizeof item)) {
		err = absolute(buf, item, ctx);
		if (!err)
			err = confval_list(field, k, buf, ctx);
	}
	return err;
}

int confpath_readable(void *field, const struct conf_key *k,
		      const char *value, const struct conf_ctx *ctx)
{
	char buf[PATH_MAX];
	int err = absolute(buf, value, ctx);

	if (err)
		return err;
	if (access(buf, R_OK))
		return confval_bad(ctx, "names %s, which cannot be read: %m",
				   buf, errno);
	return confval_string(field, k, buf, ctx);
}

int confpath_log(void *field, const struct conf_key *k, const char *value,
		 const struct conf_ctx *ctx)
{
	if (!strcmp(value, "stderr") || !strcmp(value, "syslog"))
		return confval_string(field, k, value, ctx);
	if (!strchr(value, '/'))
		return confval_bad(ctx, "must be stderr, syslog or the path "
				   "of a file");
	return confpath_any(field, k, value, ctx);
}

static int read_secret(char *buf, size_t size, FILE *f, const char *path,
		       const struct conf_ctx *ctx)
{
	struct stat st;

	if (fstat(fileno(f), &st) || !S_ISREG(st.st_mode))
		return confval_bad(ctx, "names %s, which is no file", path);
	if (st.st_mode & S_IROTH)
		return confval_bad(ctx, "names %s, which everybody can "
				   "read: chmod 600 it", path);
	if (!fgets(buf, (int)size, f))
		return confval_bad(ctx, "names %s, which is empty", path);
	if (!strchr(buf, '\n') && !feof(f))
		return confval_bad(ctx, "names %s, whose first line is too "
				   "long for a password", path);
	buf[strcspn(buf, "\r\n")] = '\0';
	return *buf ? 0 :
		confval_bad(ctx, "names %s, whose first line is empty", path);
}

int confpath_secret(void *field, const struct conf_key *k,
		    const char *value, const struct conf_ctx *ctx)
{
	char path[PATH_MAX], secret[SECRET_MAX + 2] = "";
	int fd, err = absolute(path, value, ctx);
	FILE *f;

	if (err)
		return err;
	/* NONBLOCK: a FIFO must not hang us */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	f = fd < 0 ? NULL : fdopen(fd, "r");
	if (!f) {
		err = confval_bad(ctx, "names %s, which cannot be read: %m",
				  path, errno);
		if (fd >= 0)
			close(fd);
		return err;
	}
	err = read_secret(secret, sizeof secret, f, path, ctx);
	fclose(f);
	if (!err)
		err = confval_string(field, k, secret, ctx);
	explicit_bzero(secret, sizeof secret);
	return err;
}
