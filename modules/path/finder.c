/*
 * finder.c: what finders have in common: which base a socket of ours has, whom
 * it reaches, what is preferred. Called by every *finder.c and by path.c.
 */
#include "modules/path/finder.h"

bool finder_base(struct sa *base, const struct finder_env *env, size_t i)
{
	uint16_t port = sa_af(&env->netv[i].addr) == AF_INET6 ?
		env->port6 : env->port4;

	*base = env->netv[i].addr;
	sa_set_port(base, port);
	return port != 0;
}

bool finder_has(const struct finder_env *env, const struct sa *sa)
{
	for (size_t i = 0; i < env->netc; i++) {
		struct sa base;

		if (finder_base(&base, env, i) && sa_cmp(&base, sa, SA_ADDR))
			return true;
	}
	return false;
}

uint16_t finder_pref(size_t i)
{
	return (uint16_t)(UINT16_MAX - i);
}

bool finder_reaches(const struct sa *base, const struct sa *server)
{
	if (sa_af(base) != sa_af(server))
		return false;
	if (sa_af(base) == AF_INET)
		return (sa_in(base) >> 24 == 127) ==
			(sa_in(server) >> 24 == 127);
	return !IN6_IS_ADDR_LINKLOCAL(&base->u.in6.sin6_addr) &&
		IN6_IS_ADDR_LOOPBACK(&base->u.in6.sin6_addr) ==
		IN6_IS_ADDR_LOOPBACK(&server->u.in6.sin6_addr);
}
