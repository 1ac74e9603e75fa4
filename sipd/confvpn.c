/*
 * confvpn.c: checks values of [vpn NAME].
 */
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include "sipd/confval.h"
#include "sipd/confvpn.h"
#include "tunnels/vpn/prefix.h"

enum { MTU_MIN = 1280, MTU_MAX = 9000, IF_NAME_MAX = 15 };

int confval_prefixes(void *field, const struct conf_key *k, const char *value,
		     const struct conf_ctx *ctx)
{
	struct prefixes *ps = mem_zalloc(sizeof *ps, NULL);
	const int err = ps ? prefixes_decode(ps, value) : ENOMEM;

	mem_deref(ps);
	if (err == ENOMEM)
		return err;
	if (err)
		return confval_bad(ctx, "needs addresses such as 10.7.0.1/24"
				   " or fd07::1/64 with commas between, not"
				   " '%s'", value);
	return confval_list(field, k, value, ctx);
}

static int one_of(void *field, const struct conf_key *k, const char *value,
		  const struct conf_ctx *ctx, const char *const *wordv,
		  const char *all)
{
	for (; *wordv; wordv++)
		if (!str_casecmp(value, *wordv))
			return confval_string(field, k, *wordv, ctx);
	return confval_bad(ctx, "must be %s, not '%s'", all, value);
}

int confval_accept(void *field, const struct conf_key *k, const char *value,
		   const struct conf_ctx *ctx)
{
	if (!str_casecmp(value, "yes") || !str_casecmp(value, "no"))
		return confval_switch(field, k, value, ctx);
	return confval_prefixes(field, k, value, ctx);
}

int confval_switch(void *field, const struct conf_key *k, const char *value,
		   const struct conf_ctx *ctx)
{
	static const char *const wordv[] = { "yes", "no", NULL };

	return one_of(field, k, value, ctx, wordv, "yes or no");
}

int confval_users(void *field, const struct conf_key *k, const char *value,
		  const struct conf_ctx *ctx)
{
	char name[64];

	for (const char *p = value; *p; ) {
		size_t n;

		p += strspn(p, ", \t");
		n = strcspn(p, ", \t");
		if (n >= sizeof name)
			return confval_bad(ctx, "has a name that is too"
					   " long");
		memcpy(name, p, n);
		name[n] = '\0';
		if (n && (*name == '@' ? !getgrnam(name + 1)
				       : !getpwnam(name)))
			return confval_bad(ctx, "names '%s', who is no user"
					   " or @group of this system", name);
		p += n;
	}
	return confval_list(field, k, value, ctx);
}

int confval_exit(void *field, const struct conf_key *k, const char *value,
		 const struct conf_ctx *ctx)
{
	static const char *const wordv[] = { "no", "offer", "use", NULL };

	return one_of(field, k, value, ctx, wordv, "no, offer or use");
}

int confval_mtu(void *field, const struct conf_key *k, const char *value,
		const struct conf_ctx *ctx)
{
	const struct conf_key range = { .min = MTU_MIN, .max = MTU_MAX };
	uint32_t n;
	int err;

	if (!strcmp(value, "auto"))
		return confval_string(field, k, value, ctx);
	err = confval_u32(&n, &range, value, ctx);
	return err ? confval_bad(ctx, "must be auto or a number from %u to"
				 " %u, not '%s'", MTU_MIN, MTU_MAX, value) :
		confval_string(field, k, value, ctx);
}

int confval_ifname(void *field, const struct conf_key *k, const char *value,
		   const struct conf_ctx *ctx)
{
	if (!*value || strlen(value) > IF_NAME_MAX ||
	    strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
		   "XYZ0123456789_-") != strlen(value))
		return confval_bad(ctx, "must be up to %u letters, digits,"
				   " '-' or '_', not '%s'", IF_NAME_MAX,
				   value);
	return confval_string(field, k, value, ctx);
}
