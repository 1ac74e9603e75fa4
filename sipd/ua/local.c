/*
 * local.c: which addresses we have, and which of them leads where.
 *
 * SIP writes its own address into Via and Contact, so every socket is bound
 * to a concrete one. The kernel's routing decides: a connected UDP socket
 * sends nothing and knows its source address.
 */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include "sipd/ua/local.h"

struct list_arg {
	struct sa *v;
	size_t n;
	const char *interfaces;
	bool loopback;          /* this pass: loopback addresses only */
};

static bool wanted(const char *interfaces, const char *ifname)
{
	const char *p = interfaces;
	char pat[64];

	if (!p || !p[0])
		return true;
	while (*p) {
		size_t n = strcspn(p, ", ");

		if (n && n < sizeof pat) {
			memcpy(pat, p, n);
			pat[n] = '\0';
			if (!fnmatch(pat, ifname, 0))
				return true;
		}
		p += n + strspn(p + n, ", ");
	}
	return false;
}

static bool addr_handler(const char *ifname, const struct sa *sa, void *arg)
{
	struct list_arg *la = arg;

	if (la->n >= LOCAL_MAX || sa_is_linklocal(sa) ||
	    sa_is_loopback(sa) != la->loopback ||
	    (sa_af(sa) != AF_INET && sa_af(sa) != AF_INET6))
		return false;
	if (!la->loopback && !wanted(la->interfaces, ifname))
		return false;
	la->v[la->n] = *sa;
	sa_set_port(&la->v[la->n++], 0);
	return false;
}

size_t local_addrs(struct sa v[LOCAL_MAX], const char *interfaces)
{
	struct list_arg la = { .v = v, .interfaces = interfaces };

	(void)net_if_apply(addr_handler, &la);
	la.loopback = true;
	(void)net_if_apply(addr_handler, &la);
	if (!la.n)
		(void)sa_set_str(&v[la.n++], "127.0.0.1", 0);
	return la.n;
}

struct has_arg {
	const struct sa *sa;
	bool found;
};

static bool has_handler(const char *ifname, const struct sa *sa, void *arg)
{
	struct has_arg *has = arg;
	(void)ifname;

	has->found = sa_cmp(sa, has->sa, SA_ADDR);
	return has->found;
}

bool local_has(const struct sa *sa)
{
	struct has_arg has = { .sa = sa };

	if (sa_is_loopback(sa))         /* 127.0.0.0/8, listed or not */
		return true;
	(void)net_if_apply(has_handler, &has);
	return has.found;
}

int local_route(struct sa *src, const struct sa *dst)
{
	struct sa to = *dst;
	int fd, err = 0;

	if (!sa_port(&to))
		sa_set_port(&to, 9);    /* any; nothing is sent */
	fd = socket(sa_af(dst), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	sa_init(src, sa_af(dst));
	src->len = sizeof src->u;
	if (connect(fd, &to.u.sa, to.len) < 0 ||
	    getsockname(fd, &src->u.sa, &src->len) < 0)
		err = errno;
	(void)close(fd);
	sa_set_port(src, 0);
	return err;
}
