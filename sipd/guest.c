/*
 * guest.c: credentials, and the line `users = alice, @staff` of [vpn NAME].
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "sipd/guest.h"

enum { GROUPS_MAX = 256, NAME_SIZE = 64 };

struct guest {
	uid_t uid;
	size_t gidc;
	gid_t gidv[GROUPS_MAX];
};

int guest_alloc(struct guest **gp, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof cred;
	struct guest *g;

	*gp = NULL;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return errno;
	if (!cred.uid || cred.uid == geteuid())
		return 0;
	g = mem_zalloc(sizeof *g, NULL);
	if (!g)
		return ENOMEM;
	g->uid = cred.uid;
	len = (GROUPS_MAX - 1) * sizeof *g->gidv;
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, g->gidv, &len))
		g->gidc = len / sizeof *g->gidv;
	g->gidv[g->gidc++] = cred.gid;
	*gp = g;
	return 0;
}

static bool in_group(const struct guest *g, const char *name)
{
	const struct group *gr = getgrnam(name);

	for (size_t i = 0; gr && i < g->gidc; i++)
		if (g->gidv[i] == gr->gr_gid)
			return true;
	return false;
}

static bool is_user(const struct guest *g, const char *name)
{
	const struct passwd *pw = getpwnam(name);

	return pw && pw->pw_uid == g->uid;
}

static bool named(const struct guest *g, const char *users)
{
	char name[NAME_SIZE];

	for (const char *p = users; *p; ) {
		size_t n;

		p += strspn(p, ", \t");
		n = strcspn(p, ", \t");
		if (n && n < sizeof name) {
			memcpy(name, p, n);
			name[n] = '\0';
			if (*name == '@' ? in_group(g, name + 1)
					 : is_user(g, name))
				return true;
		}
		p += n;
	}
	return false;
}

bool guest_expected(const struct conf *c)
{
	for (struct le *le = list_head(&c->kindl); le; le = le->next) {
		const struct conf_kind *k = le->data;
		const char *key = strrchr(k->key, '/');

		if (!strcmp(k->kind, "vpn") && key &&
		    !strcmp(key, "/users") && *k->value)
			return true;
	}
	return false;
}

/* Words beyond the name say what is taken of the peer: that is for the
 * configuration to say. */
bool guest_may(const struct guest *g, const struct conf *c, const char *kind,
	       char *const *argv, size_t argc, char *why, size_t size)
{
	char key[NAME_SIZE + 8];
	const char *users = NULL;

	if (!strcmp(kind, "vpn") && argc == 1 && strlen(argv[0]) < NAME_SIZE) {
		(void)re_snprintf(key, sizeof key, "%s/users", argv[0]);
		users = conf_kind_get(c, kind, key);
	}
	if (users && named(g, users))
		return true;
	(void)re_snprintf(why, size, "The sipd here lets this user do no more"
			  " than `vpn NAME`, if `users` in its [vpn NAME]"
			  " names the user.");
	return false;
}
