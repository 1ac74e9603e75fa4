/*
 * confval.c: one function for each type of value in sipd.conf: it checks the
 * text, and on success writes the field. Named in the table of conftab.c.
 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include "sdp/desc.h"
#include "sipd/address.h"
#include "sdp/base/recompat.h"
#include "sipd/confval.h"
#include "sipd/hours.h"
#include "sipd/turnuri.h"

int confval_bad(const struct conf_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)re_vsnprintf(ctx->why, ctx->size, fmt, ap);
	va_end(ap);
	return EINVAL;
}

static int replace(void *field, const char *value)
{
	char **strp = field, *str = NULL;
	int err = str_dup(&str, value);

	if (err)
		return err;
	mem_deref(*strp);
	*strp = str;
	return 0;
}

int confval_string(void *field, const struct conf_key *k, const char *value,
		   const struct conf_ctx *ctx)
{
	(void)k;
	return *value ? replace(field, value) :
		confval_bad(ctx, "is empty: leave the line out");
}

bool confval_item(const char **pp, char *buf, size_t size)
{
	const char *p = *pp + strspn(*pp, " \t,");
	size_t n = strcspn(p, ","), keep;

	if (!n)
		return false;
	*pp = p + n;
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		--n;
	keep = n < size ? n : size - 1;
	memcpy(buf, p, keep);
	buf[keep] = '\0';
	return true;
}

/* Blanks around commas go, for whoever reads the list. */
int confval_list(void *field, const struct conf_key *k, const char *value,
		 const struct conf_ctx *ctx)
{
	char **strp = field, *str = NULL, item[ADDRESS_SIZE];
	int err = 0;

	(void)k;
	(void)ctx;
	if (!*strp)
		err = replace(field, "");
	while (!err && confval_item(&value, item, sizeof item)) {
		err = re_sdprintf(&str, "%s%s%s", *strp, **strp ? "," : "",
				  item);
		if (err)
			break;
		mem_deref(*strp);
		*strp = str;
	}
	return err;
}

int confval_user(void *field, const struct conf_key *k, const char *value,
		 const struct conf_ctx *ctx)
{
	(void)k;
	if (!*value || !getpwnam(value))
		return confval_bad(ctx, "names '%s', who is no user of this "
				   "system", value);
	return replace(field, value);
}

static int number(uint32_t *np, const struct conf_key *k, const char *value,
		  const struct conf_ctx *ctx)
{
	unsigned long long n = 0;
	const char *p;

	for (p = value; *p >= '0' && *p <= '9' && n <= UINT32_MAX; p++)
		n = n * 10 + (unsigned)(*p - '0');
	if (p == value || *p || n < k->min || n > k->max)
		return confval_bad(ctx, "must be a number from %u to %u, "
				   "not '%s'", k->min, k->max, value);
	*np = (uint32_t)n;
	return 0;
}

int confval_u16(void *field, const struct conf_key *k, const char *value,
		const struct conf_ctx *ctx)
{
	uint32_t n;
	int err = number(&n, k, value, ctx);

	if (!err)
		*(uint16_t *)field = (uint16_t)n;
	return err;
}

int confval_u32(void *field, const struct conf_key *k, const char *value,
		const struct conf_ctx *ctx)
{
	return number(field, k, value, ctx);
}

int confval_bool(void *field, const struct conf_key *k, const char *value,
		 const struct conf_ctx *ctx)
{
	bool yes = !str_casecmp(value, "yes") || !str_casecmp(value, "true");

	(void)k;
	if (!yes && str_casecmp(value, "no") && str_casecmp(value, "false"))
		return confval_bad(ctx, "must be yes or no, not '%s'", value);
	*(bool *)field = yes;
	return 0;
}

int confval_size(void *field, const struct conf_key *k, const char *value,
		 const struct conf_ctx *ctx)
{
	static const char units[] = "KMGT";
	const char *unit;
	char buf[24], *end;
	unsigned shift = 0;
	uint64_t n;

	(void)k;
	errno = 0;
	n = strtoull(value, &end, 10);
	if (*end && (unit = strchr(units, *end & ~0x20))) {
		shift = 10 * (unsigned)(unit - units + 1);
		++end;
	}
	if (*value < '0' || *value > '9' || errno || *end ||
	    n > UINT64_MAX >> shift)
		return confval_bad(ctx, "must be a number of bytes such as "
				   "500000, 20M or 5G, not '%s'", value);
	if (re_snprintf(buf, sizeof buf, "%llu", n << shift) < 0)
		return EOVERFLOW;
	return replace(field, buf);
}

/* 90, 90s, 15m, 8h, 2d */
int confval_seconds(void *field, const struct conf_key *k, const char *value,
		    const struct conf_ctx *ctx)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} unitv[] = {
		{ '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 },
		{ 'd', 86400 },
	};
	uint64_t n;
	char *end;

	errno = 0;
	n = strtoull(value, &end, 10);
	for (size_t i = 0; i < RE_ARRAY_SIZE(unitv); i++) {
		if (*value < '0' || *value > '9' || errno || n > k->max ||
		    *end != unitv[i].unit || (*end && end[1]))
			continue;
		n *= unitv[i].seconds;
		if (n < k->min || n > k->max)
			break;
		*(uint32_t *)field = (uint32_t)n;
		return 0;
	}
	return confval_bad(ctx, "must be a time such as 90s, 15m, 8h or 2d,"
			   " not '%s'", value);
}

int confval_hours(void *field, const struct conf_key *k, const char *value,
		  const struct conf_ctx *ctx)
{
	if (!*value || !hours_ok(value))
		return confval_bad(ctx, "must be like mon-fri 08:00-18:00 or"
				   " 22:00-06:00, with commas between, not"
				   " '%s'", value);
	return confval_list(field, k, value, ctx);
}

int confval_unknown(void *field, const struct conf_key *k, const char *value,
		    const struct conf_ctx *ctx)
{
	static const char *const wordv[] = {
		[UNKNOWN_REJECT] = "reject", [UNKNOWN_PIN] = "pin",
		[UNKNOWN_ASK] = "ask",
	};

	(void)k;
	for (size_t i = 0; i < sizeof wordv / sizeof wordv[0]; i++)
		if (!strcmp(value, wordv[i])) {
			*(enum conf_unknown *)field = (enum conf_unknown)i;
			return 0;
		}
	return confval_bad(ctx, "must be reject, ask or pin, not '%s'", value);
}

static int sip_uri(char uri[ADDRESS_SIZE], const char *value,
		   const struct conf_ctx *ctx)
{
	char why[128];

	if (!address_parse(uri, value, why, sizeof why))
		return 0;
	return confval_bad(ctx, "'%s' is no SIP address: it %s", value, why);
}

int confval_address(void *field, const struct conf_key *k, const char *value,
		    const struct conf_ctx *ctx)
{
	char uri[ADDRESS_SIZE];
	int err = sip_uri(uri, value, ctx);

	(void)k;
	return err ? err : replace(field, uri);
}

int confval_server(void *field, const struct conf_key *k, const char *value,
		   const struct conf_ctx *ctx)
{
	char uri[ADDRESS_SIZE];
	int err = sip_uri(uri, value, ctx);

	(void)k;
	if (!err && strchr(uri, '@'))
		return confval_bad(ctx, "must be a server without a user, "
				   "such as sip:example.org;transport=tls");
	return err ? err : replace(field, uri);
}

int confval_hosts(void *field, const struct conf_key *k, const char *value,
		  const struct conf_ctx *ctx)
{
	char item[ADDRESS_SIZE], text[ADDRESS_SIZE + 8], uri[ADDRESS_SIZE];
	const char *p = value;

	while (confval_item(&p, item, sizeof item)) {
		(void)re_snprintf(text, sizeof text, "sip:%s", item);
		if (strpbrk(item, "@;/") || sip_uri(uri, text, ctx))
			return confval_bad(ctx, "needs host or host:port "
					   "with commas between, not '%s'",
					   item);
	}
	return confval_list(field, k, value, ctx);
}

int confval_relay(void *field, const struct conf_key *k, const char *value,
		  const struct conf_ctx *ctx)
{
	static const char *const wordv[] = {
		[RELAY_AUTO] = "auto", [RELAY_NEVER] = "never",
		[RELAY_ONLY] = "only",
	};

	(void)k;
	for (size_t i = RELAY_AUTO; i < sizeof wordv / sizeof wordv[0]; i++)
		if (!strcmp(value, wordv[i])) {
			*(enum conf_relay *)field = (enum conf_relay)i;
			return 0;
		}
	return confval_bad(ctx, "must be auto, never or only, not '%s'",
			   value);
}

int confval_turns(void *field, const struct conf_key *k, const char *value,
		  const struct conf_ctx *ctx)
{
	char item[ADDRESS_SIZE];
	const char *p = value;
	struct turnuri u;

	while (confval_item(&p, item, sizeof item))
		if (turnuri_decode(&u, item))
			return confval_bad(ctx, "needs turn:HOST, turns:HOST"
					   " or one with :PORT, not '%s'",
					   item);
	return confval_list(field, k, value, ctx);
}

int confval_proxy(void *field, const struct conf_key *k, const char *value,
		  const struct conf_ctx *ctx)
{
	struct proxyuri u;

	if (proxyuri_decode(&u, value))
		return confval_bad(ctx, "needs http://HOST:PORT, not '%s'",
				   value);
	if (*u.login && ctx->exposed)
		return confval_bad(ctx, "has a password, but everybody can"
				   " read this file: chmod 600 it");
	return confval_string(field, k, value, ctx);
}

static bool is_listen(const char *item)
{
	static const char *const protov[] = { "udp:", "tcp:", "tls:" };
	struct sa sa;

	for (size_t i = 0; i < sizeof protov / sizeof protov[0]; i++)
		if (!strncmp(item, protov[i], 4))
			return !sa_decode(&sa, item + 4, strlen(item + 4));
	return false;
}

int confval_listen(void *field, const struct conf_key *k, const char *value,
		   const struct conf_ctx *ctx)
{
	char item[ADDRESS_SIZE];
	const char *p = value;
	unsigned n = 0;

	for (; confval_item(&p, item, sizeof item); n++)
		if (!is_listen(item))
			return confval_bad(ctx, "needs entries such as "
					   "udp:0.0.0.0:5060, tcp:[::]:5060 "
					   "or tls:192.0.2.1:5061, not '%s'",
					   item);
	return n ? confval_list(field, k, value, ctx) :
		confval_bad(ctx, "is empty: leave the line out");
}

int confval_secret(void *field, const struct conf_key *k, const char *value,
		   const struct conf_ctx *ctx)
{
	if (ctx->exposed)
		return confval_bad(ctx, "is a secret, but everybody can read "
				   "this file: chmod 600 it");
	return confval_string(field, k, value, ctx);
}

int confval_fp(void *field, const struct conf_key *k, const char *value,
	       const struct conf_ctx *ctx)
{
	struct conf_peer *p = field;
	struct pl pl;

	(void)k;
	pl_set_str(&pl, value);
	if (fp_decode(p->fp, &pl))
		return confval_bad(ctx, "must be 64 hexadecimal digits, as "
				   "`dial identity` prints them there");
	p->has_fp = true;
	return 0;
}
