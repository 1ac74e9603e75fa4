/*
 * address.c: from what people write to one normal form of SIP URI.
 *
 *   [sip:|sips:] [user@] host [:port] [;param[=value]...]
 *
 * Called by conf for the configuration and by peers for what the user dials.
 * The text is cut into its parts first, then each part is checked on its own
 * by the grammar of RFC 3261 section 25.1.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "sipd/address.h"

struct parts {
	bool scheme, sips;
	struct pl user, host, port, params;
	bool v6;                /* host without its brackets */
};

struct ctx {
	char *why;
	size_t size;
};

static int bad(const struct ctx *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)re_vsnprintf(c->why, c->size, fmt, ap);
	va_end(ap);
	return EINVAL;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9');
}

static bool is_digits(const struct pl *pl)
{
	for (size_t i = 0; i < pl->l; i++)
		if (pl->p[i] < '0' || pl->p[i] > '9')
			return false;
	return pl->l > 0;
}

/* Only these, letters, digits and %XX. */
static bool only(const struct pl *pl, const char *extra)
{
	for (size_t i = 0; i < pl->l; i++) {
		char c = pl->p[i];

		if (is_alnum(c) || (c && strchr(extra, c)))
			continue;
		if (c != '%' || i + 2 >= pl->l ||
		    !isxdigit((unsigned char)pl->p[i + 1]) ||
		    !isxdigit((unsigned char)pl->p[i + 2]))
			return false;
		i += 2;
	}
	return true;
}

/* What would break a header line, a log line or a terminal. */
static int check_bytes(const struct ctx *c, const char *text)
{
	if (!*text)
		return bad(c, "is empty");
	if (strlen(text) >= ADDRESS_SIZE)
		return bad(c, "is too long");
	for (const char *p = text; *p; p++) {
		unsigned char ch = (unsigned char)*p;

		if (ch < 0x20 || ch == 0x7f)
			return bad(c, "has a control character in it");
		if (ch >= 0x80)
			return bad(c, "has a letter that is not ASCII in it: "
				   "write it as %%XX, a host as xn--");
		if (strchr(" <>\"", ch))
			return bad(c, "has a '%c' in it", ch);
	}
	return 0;
}

static void take_scheme(struct parts *p, const char **text)
{
	p->sips = !strncasecmp(*text, "sips:", 5);
	p->scheme = p->sips || !strncasecmp(*text, "sip:", 4);
	if (p->scheme)
		*text += p->sips ? 5 : 4;
}

/* More than one colon and no bracket: IPv6 as one would ping it. */
static bool bare_v6(const char *s)
{
	struct sa sa;

	return *s != '[' && !sa_set_str(&sa, s, 0) &&
		sa_af(&sa) == AF_INET6;
}

static int take_host(const struct ctx *c, struct parts *p, const char *s)
{
	size_t n = strcspn(s, ";");
	const char *end;

	p->params.p = s + n;
	p->params.l = strlen(s + n);
	p->v6 = *s == '[';
	if (bare_v6(s)) {
		p->v6 = true;
		p->host = (struct pl){ s, n };
		return 0;
	}
	if (p->v6) {
		end = memchr(s, ']', n);
		if (!end)
			return bad(c, "has no ']' after the IPv6 address");
		p->host = (struct pl){ s + 1, (size_t)(end - s - 1) };
		++end;
	}
	else {
		end = memchr(s, ':', n);
		end = end ? end : s + n;
		p->host = (struct pl){ s, (size_t)(end - s) };
	}
	if (end < s + n && *end != ':')
		return bad(c, "has something between ']' and the port");
	if (end < s + n)
		p->port = (struct pl){ end + 1, (size_t)(s + n - end - 1) };
	if (end < s + n && !p->port.l)
		return bad(c, "has no port after the ':'");
	return 0;
}

static int cut(const struct ctx *c, struct parts *p, const char *text)
{
	const char *at;

	take_scheme(p, &text);
	if (strchr(text, '?') && !strchr(strchr(text, '?'), '@'))
		return bad(c, "has headers after a '?', which are not taken");
	at = strchr(text, '@');
	if (at) {
		p->user = (struct pl){ text, (size_t)(at - text) };
		if (!p->user.l)
			return bad(c, "has no user before the '@'");
		text = at + 1;
	}
	if (!*text || *text == ';')
		return bad(c, at ? "has no host after the '@'" :
			   "has no host in it");
	return take_host(c, p, text);
}

static int check_user(const struct ctx *c, const struct parts *p)
{
	if (pl_strchr(&p->user, ':'))
		return bad(c, "has a ':' before the '@': a password belongs "
			   "into [account]");
	if (!only(&p->user, "-_.!~*'()&=+$,;?/"))
		return bad(c, "has a wrong character in '%r'", &p->user);
	return 0;
}

/* RFC 3261: the last label begins with a letter, so that "192.0.2.999" is
 * neither. '_' is no letter of it, but hosts with it exist. */
static int check_name(const struct ctx *c, const struct pl *host)
{
	struct pl label = *host;
	size_t n;

	for (;;) {
		const char *dot = pl_strchr(&label, '.');

		n = dot ? (size_t)(dot - label.p) : label.l;
		if (!n && label.p != host->p && !label.l)
			break;          /* "example.org." */
		/* a host is never without a text. NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
		if (!n || n > 63 || label.p[0] == '-' ||
		    label.p[n - 1] == '-')
			return bad(c, "has no host name in '%r'", host);
		if (!dot && label.p[0] >= '0' && label.p[0] <= '9')
			return bad(c, "has neither an IP address nor a host "
				   "name in '%r'", host);
		if (!dot)
			break;
		pl_advance(&label, (ssize_t)n + 1);
	}
	for (size_t i = 0; i < host->l; i++)
		if (!is_alnum(host->p[i]) && !strchr("-_.", host->p[i]))
			return bad(c, "has a '%c' in its host",
				   host->p[i]);
	return 0;
}

static int check_host(const struct ctx *c, const struct parts *p)
{
	struct sa sa;
	int err = sa_set(&sa, &p->host, 0);

	if (p->v6) {            /* a zone ("%eth0") means nothing elsewhere */
		if (err || sa_af(&sa) != AF_INET6 ||
		    pl_strchr(&p->host, '%'))
			return bad(c, "has no IPv6 address in '%r'",
				   &p->host);
		return 0;
	}
	if (!err)
		return 0;
	if (p->host.l > 253)
		return bad(c, "has a host that is too long");
	return check_name(c, &p->host);
}

static int check_port(const struct ctx *c, const struct parts *p)
{
	uint32_t port = is_digits(&p->port) ? pl_u32(&p->port) : 0;

	if (!p->port.p)
		return 0;
	if (!port || port > 65535 || p->port.l > 5)
		return bad(c, "has '%r' for its port, which is no number "
			   "from 1 to 65535", &p->port);
	return 0;
}

static int check_transport(const struct ctx *c, const struct parts *p)
{
	static const struct pl name = PL("transport");
	struct pl v;

	if (uri_param_get(&p->params, &name, &v))
		return 0;
	if (p->sips && !pl_strcasecmp(&v, "tcp"))
		return 0;
	if (!pl_strcasecmp(&v, "tls") || (!p->sips &&
	    (!pl_strcasecmp(&v, "udp") || !pl_strcasecmp(&v, "tcp"))))
		return 0;
	return bad(c, "has transport=%r: udp, tcp or tls are known%s", &v,
		   p->sips ? ", and sips: needs tls" : "");
}

static int check_params(const struct ctx *c, const struct parts *p)
{
	if (!p->params.l)
		return 0;
	if (!only(&p->params, "-_.!~*'()[]/:&+$;="))
		return bad(c, "has a wrong character in '%r'", &p->params);
	if (strstr(p->params.p, ";;") || strstr(p->params.p, ";=") ||
	    p->params.p[p->params.l - 1] == ';')
		return bad(c, "has an empty parameter in '%r'", &p->params);
	return check_transport(c, p);
}

static int check(const struct ctx *c, const struct parts *p)
{
	int err = check_user(c, p);

	if (!err)
		err = check_host(c, p);
	if (!err)
		err = check_port(c, p);
	return err ? err : check_params(c, p);
}

/* Hosts do not mind their case; IP addresses have many spellings. */
static int print_host(struct re_printf *pf, const struct pl *host)
{
	struct sa sa;
	char c;
	int err = 0;

	if (!sa_set(&sa, host, 0))
		return re_hprintf(pf, sa_af(&sa) == AF_INET6 ? "[%j]" : "%j",
				  &sa);
	for (size_t i = 0; i < host->l && !err; i++) {
		c = host->p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 'a' - 'A');
		err = pf->vph(&c, 1, pf->arg);
	}
	return err;
}

/* libre refuses sips:, which means: by TLS (RFC 3261 section 26.2.2). */
static int print(char buf[ADDRESS_SIZE], const struct parts *p)
{
	static const struct pl name = PL("transport");
	struct pl v;
	bool tls = p->sips && uri_param_get(&p->params, &name, &v);
	int n = re_snprintf(buf, ADDRESS_SIZE, "sip:%r%s%H%s%r%r%s",
			    &p->user, p->user.l ? "@" : "",
			    print_host, &p->host,
			    p->port.l ? ":" : "", &p->port, &p->params,
			    tls ? ";transport=tls" : "");

	return n < 0 ? EINVAL : 0;
}

/* "bbo" is far more often a [peer] with a slip than a host in the DNS. */
static int check_word(const struct ctx *c, const struct parts *p)
{
	if (p->scheme || p->user.l || p->v6 || p->port.l ||
	    pl_strchr(&p->host, '.') ||
	    !pl_strcasecmp(&p->host, "localhost"))
		return 0;
	return bad(c, "has neither '@' nor '.' in it; write sip:%r if it is a "
		   "host", &p->host);
}

int address_parse(char buf[ADDRESS_SIZE], const char *text, char *why,
		  size_t size)
{
	struct ctx c = { why, size };
	struct parts p;
	int err;

	if (!buf || !text || !why || !size)
		return EINVAL;
	memset(&p, 0, sizeof p);
	err = check_bytes(&c, text);
	if (!err)
		err = cut(&c, &p, text);
	if (!err)
		err = check(&c, &p);
	if (!err)
		err = check_word(&c, &p);
	if (err)
		return err;
	return print(buf, &p) ? bad(&c, "is too long") : 0;
}

/* Users mind their case, and "%62ob" is "bob"; "%00" would hide the rest. */
int address_key(char key[ADDRESS_KEY_SIZE], const char *text)
{
	struct uri uri;
	struct pl pl;
	int n;

	if (!key || !text || strlen(text) >= 2 * ADDRESS_SIZE)
		return EINVAL;
	pl_set_str(&pl, text);
	if (uri_decode(&uri, &pl))
		return EINVAL;
	n = re_snprintf(key, ADDRESS_KEY_SIZE, "%H@%H:%u", uri_user_unescape,
			&uri.user, print_host, &uri.host,
			uri.port ? uri.port : 5060);
	return n < 0 || strlen(key) != (size_t)n ? EINVAL : 0;
}

bool address_equal(const char *a, const char *b)
{
	char x[ADDRESS_KEY_SIZE], y[ADDRESS_KEY_SIZE];

	return !address_key(x, a) && !address_key(y, b) && !strcmp(x, y);
}
