/*
 * users.c: the users file, in memory as hashes of the passwords.
 *
 * Owns the table. Read at the start and again at each reload, as a whole: a
 * file with an error changes nothing. Asked by auth.c and the proxy.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <openssl/crypto.h>
#include "sipd/registrar/users.h"

enum {
	LINE_SIZE = 1024,
	NAME_SIZE = 64,
	BUCKETS   = 256,
};

struct user {
	struct le he;
	char name[NAME_SIZE];
	char ha1[DIGEST_ALGS][DIGEST_HEX];      /* "" if not known */
};

struct users {
	struct hash *ht;
	unsigned n;
};

struct reading {
	struct users *users;
	const char *file;
	const char *realm;
	unsigned line;
	char *why;
	size_t why_size;
};

static void user_destructor(void *arg)
{
	struct user *user = arg;

	hash_unlink(&user->he);
	OPENSSL_cleanse(user->ha1, sizeof user->ha1);
}

static void users_destructor(void *arg)
{
	struct users *u = arg;

	hash_flush(u->ht);
	mem_deref(u->ht);
}

static bool name_handler(struct le *le, void *arg)
{
	const struct user *user = le->data;

	return !pl_strcmp(arg, user->name);
}

const struct user *users_find(const struct users *u, const struct pl *name)
{
	if (!u || !pl_isset(name))
		return NULL;
	return list_ledata(hash_lookup(u->ht, hash_joaat_pl(name),
				       name_handler, (void *)name));
}

const char *user_name(const struct user *user)
{
	return user->name;
}

const char *user_ha1(const struct user *user, enum digest_alg alg)
{
	return user && user->ha1[alg][0] ? user->ha1[alg] : NULL;
}

unsigned users_count(const struct users *u)
{
	return u->n;
}

static int fault(const struct reading *rd, const char *what)
{
	re_snprintf(rd->why, rd->why_size, "%s:%u: %s", rd->file, rd->line,
		    what);
	return EINVAL;
}

static bool is_hex(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdefABCDEF") == n;
}

static void copy_lower(char *dst, const char *src)
{
	for (; *src; src++)
		*dst++ = (char)(*src | (*src >= 'A' && *src <= 'F' ?
					0x20 : 0));
	*dst = '\0';
}

/* "realm:HA1-MD5[:HA1-SHA256]"; ENOENT if it is not of that form, and is a
 * password then. */
static int hashes_decode(const struct reading *rd, struct user *user,
			 char *rest)
{
	char *md5 = strchr(rest, ':'), *sha;

	if (!md5)
		return ENOENT;
	*md5++ = '\0';
	sha = strchr(md5, ':');
	if (sha)
		*sha++ = '\0';
	if (!is_hex(md5, 32) || (sha && !is_hex(sha, 64))) {
		const bool ours = !strcmp(rest, rd->realm);

		md5[-1] = ':';
		if (sha)
			sha[-1] = ':';
		return ours ? fault(rd, "the hash after the realm must be 32"
				    " hex digits of MD5, then 64 of SHA-256")
			    : ENOENT;
	}
	if (strcmp(rest, rd->realm)) {
		re_snprintf(rd->why, rd->why_size, "%s:%u: the realm here is"
			    " \"%s\", not \"%s\"", rd->file, rd->line,
			    rd->realm, rest);
		return EINVAL;
	}
	copy_lower(user->ha1[DIGEST_MD5], md5);
	if (sha)
		copy_lower(user->ha1[DIGEST_SHA256], sha);
	return 0;
}

static int secret_decode(const struct reading *rd, struct user *user,
			 char *rest)
{
	int err = hashes_decode(rd, user, rest);

	if (err != ENOENT)
		return err;
	err = 0;
	for (int i = 0; i < DIGEST_ALGS && !err; i++)
		err = digest_ha1(user->ha1[i], i, user->name, rd->realm,
				 rest);
	return err;
}

static int user_decode(const struct reading *rd, char *line)
{
	char *rest = strchr(line, ':');
	struct user *user;
	struct pl name;
	int err;

	if (!rest)
		return fault(rd, "expected user:password");
	*rest++ = '\0';
	pl_set_str(&name, line);
	if (!name.l || name.l >= NAME_SIZE || !digest_quotable(line) ||
	    strpbrk(line, " @<>;,"))
		return fault(rd, "a user name has 1 to 63 letters, and none"
			     " of @ < > ; , \" \\ or spaces");
	if (!*rest)
		return fault(rd, "the password is empty");
	if (users_find(rd->users, &name))
		return fault(rd, "this user is named twice");

	user = mem_zalloc(sizeof *user, user_destructor);
	if (!user)
		return ENOMEM;
	str_ncpy(user->name, line, sizeof user->name);
	err = secret_decode(rd, user, rest);
	if (err) {
		mem_deref(user);
		return err;
	}
	hash_append(rd->users->ht, hash_joaat_str(user->name), &user->he,
		    user);
	++rd->users->n;
	return 0;
}

static int lines_read(struct reading *rd, FILE *f)
{
	char line[LINE_SIZE];
	int err = 0;

	while (!err && fgets(line, sizeof line, f)) {
		const size_t n = strcspn(line, "\r\n");

		++rd->line;
		if (!line[n] && !feof(f)) {
			err = fault(rd, "the line is too long");
			break;
		}
		line[n] = '\0';
		if (line[0] && line[0] != '#')
			err = user_decode(rd, line);
	}
	OPENSSL_cleanse(line, sizeof line);
	return err;
}

int users_read(struct users **up, const char *file, const char *realm,
	       char *why, size_t why_size)
{
	char buf[BUFSIZ];       /* stdio's own would not be wiped */
	struct users *u;
	FILE *f;
	int err;

	if (!file || !*file) {
		re_snprintf(why, why_size, "no users file is given"
			    " (users-file)");
		return EINVAL;
	}
	f = fopen(file, "re");
	if (!f) {
		err = errno;
		re_snprintf(why, why_size, "%s: %m", file, err);
		return err;
	}
	(void)setvbuf(f, buf, _IOFBF, sizeof buf);
	u = mem_zalloc(sizeof *u, users_destructor);
	err = u ? hash_alloc(&u->ht, BUCKETS) : ENOMEM;
	if (!err) {
		struct reading rd = { u, file, realm, 0, why, why_size };

		err = lines_read(&rd, f);
	}
	(void)fclose(f);
	OPENSSL_cleanse(buf, sizeof buf);
	if (err)
		mem_deref(u);
	else
		*up = u;
	return err;
}
