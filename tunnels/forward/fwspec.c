/*
 * fwspec.c: what the user wants forwarded: [bind:]port:host:hostport, with
 * IPv6 addresses in brackets, "*" or nothing before the colon for all
 * addresses, and localhost if no address is given. A part with a slash is the
 * path of a Unix socket and stands for two.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "tunnels/ending.h"
#include "tunnels/forward/fwspec.h"

enum { PARTS = 4, PATH_BYTES = 107 };      /* unix(7) */

struct why {
	char *text;
	size_t size;
};

static int bad(const struct why *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (w->text)
		(void)re_vsnprintf(w->text, w->size, fmt, ap);
	va_end(ap);
	return EINVAL;
}

/* One part up to the next colon outside of brackets, which come off. */
static const char *part_end(struct pl *part, const char *p)
{
	const char *end;

	if (*p == '[') {
		end = strchr(p, ']');
		if (!end || (end[1] && end[1] != ':'))
			return NULL;
		part->p = p + 1;
		part->l = (size_t)(end - p - 1);
		return end + 1;
	}
	end = p + strcspn(p, ":");
	part->p = p;
	part->l = (size_t)(end - p);
	return end;
}

/* How many parts there are, 0 if it is nonsense. */
static size_t split(struct pl part[PARTS], const char *text)
{
	const char *p = text;

	for (size_t n = 0; n < PARTS; n++) {
		p = part_end(&part[n], p);
		if (!p)
			return 0;
		if (!*p)
			return n + 1;
		++p;
	}
	return 0;
}

static bool get_port(uint16_t *port, const struct pl *pl)
{
	if (!pl->l || pl->l > 5 || strspn(pl->p, "0123456789") < pl->l ||
	    pl_u32(pl) > 65535)
		return false;
	*port = (uint16_t)pl_u32(pl);
	return true;
}

/* Names are left to the side that connects; to listen, it must be one of
 * ours, and plain. */
static int get_bind(struct fwspec *s, const struct pl *pl, const char *text,
		    const struct why *w)
{
	struct sa sa;

	if (!pl->l)
		str_ncpy(s->bind, "*", sizeof s->bind);
	else if (pl_strcpy(pl, s->bind, sizeof s->bind))
		return bad(w, "%H: the address to listen on is too long.",
			   plain_print, text);
	if (strcmp(s->bind, "*") && strcmp(s->bind, "localhost") &&
	    sa_set_str(&sa, s->bind, 0))
		return bad(w, "%H: the address to listen on must be an IP"
			   " address, localhost or *.", plain_print, text);
	return 0;
}

static bool is_path(const struct pl *pl)
{
	return pl_strchr(pl, '/') != NULL;
}

static int get_path(char *path, size_t size, const struct pl *pl,
		    const char *text, const struct why *w)
{
	if (*pl->p != '/')
		return bad(w, "%H: the path of a Unix socket begins with /.",
			   plain_print, text);
	if (pl->l > PATH_BYTES || pl_strcpy(pl, path, size))
		return bad(w, "%H: the path of a Unix socket has at most %u"
			   " bytes.", plain_print, text, PATH_BYTES);
	return 0;
}

/* Where to listen: [address:]port or a path, in the n parts at p. */
static int get_from(struct fwspec *s, const struct pl *p, size_t n,
		    const char *text, const struct why *w)
{
	const struct pl local = PL("localhost");
	int err;

	if (n == 1 && is_path(p))
		return get_path(s->bind, sizeof s->bind, p, text, w);
	if (n != 1 && n != 2)
		return bad(w, "%H is not [address:]port:host:hostport (IPv6"
			   " addresses in brackets).", plain_print, text);
	err = get_bind(s, n == 2 ? p : &local, text, w);
	if (!err && !get_port(&s->port, p + n - 1))
		err = bad(w, "%H: the port to listen on must be 0 to 65535.",
			  plain_print, text);
	return err;
}

/* Where to connect to: host:port or a path. Returns how many parts it has
 * taken of the end of n, 0 on error. */
static size_t get_to(struct fwspec *s, const struct pl *p, size_t n,
		     const char *text, const struct why *w)
{
	if (n && is_path(&p[n - 1]))
		return !get_path(s->host, sizeof s->host, &p[n - 1], text, w);
	if (n < 2) {
		(void)bad(w, "%H is not [address:]port:host:hostport (IPv6"
			  " addresses in brackets).", plain_print, text);
		return 0;
	}
	p += n - 2;
	if (!p[0].l || is_path(p) || pl_strcpy(p, s->host, sizeof s->host)) {
		(void)bad(w, "%H: the host to connect to is missing or too"
			  " long.", plain_print, text);
		return 0;
	}
	if (!get_port(&s->hport, p + 1) || !s->hport) {
		(void)bad(w, "%H: the port to connect to must be 1 to 65535.",
			  plain_print, text);
		return 0;
	}
	return 2;
}

static int get_spec(struct fwspec *s, const char *text, const struct why *w)
{
	struct pl part[PARTS];
	/* a word that is there. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
	const bool udp = !strncmp(text, "udp:", 4);
	size_t n, used;

	if (udp && (s->target != FWW_TCP || s->how == FWSPEC_STDIO))
		return bad(w, "%H: udp: goes with -L and -R.", plain_print,
			   text);
	if (udp)
		s->target = FWW_UDP;
	n = split(part, text + (udp ? 4 : 0));
	if (udp && n && (is_path(&part[0]) || is_path(&part[n - 1])))
		return bad(w, "%H: UDP has hosts and ports only.", plain_print,
			   text);
	/* -R port: as ssh does it, SOCKS at the far side */
	if (s->how == FWSPEC_REMOTE && !udp && (n == 1 || n == 2) &&
	    !is_path(&part[n - 1]))
		s->target = FWW_SOCKS;
	if (s->target == FWW_SOCKS)
		return get_from(s, part, n, text, w);
	used = get_to(s, part, n, text, w);
	if (!used)
		return EINVAL;
	if (s->how != FWSPEC_STDIO)
		return get_from(s, part, n - used, text, w);
	return used == n ? 0 : bad(w, "-W %H: write host:port, or the path of"
				   " a Unix socket.", plain_print, text);
}

static const struct {
	char letter;
	enum fwspec_how how;
	enum fwwire_target target;
	const char *needs;
} optionv[] = {
	{ 'L', FWSPEC_LOCAL,  FWW_TCP,   "[address:]port:host:hostport" },
	{ 'R', FWSPEC_REMOTE, FWW_TCP,   "[address:]port:host:hostport" },
	{ 'D', FWSPEC_LOCAL,  FWW_SOCKS, "[address:]port" },
	{ 'W', FWSPEC_STDIO,  FWW_TCP,   "host:port" },
};

/* The letter behind '-'. Whoever knows ssh writes -N as well, by itself or in
 * -NL: there is no command here to leave out. "": no option, or nothing but
 * that. */
static const char *letter(const char *word)
{
	if (*word != '-')
		return "";
	return word + (word[1] == 'N' ? 2 : 1);
}

/* -L, -R, -D, -W, with their spec attached or in the next word. *spec NULL: it
 * is in the next word. */
static int option(struct fwspec *s, const char **spec, const char **needs,
		  const struct why *w)
{
	const char *p = letter(*spec);

	for (size_t i = 0; i < RE_ARRAY_SIZE(optionv); i++) {
		if (optionv[i].letter != *p)
			continue;
		s->how = optionv[i].how;
		s->target = optionv[i].target;
		*needs = optionv[i].needs;
		*spec = p[1] ? p + 1 : NULL;
		return 0;
	}
	return bad(w, "forward does not know the option %H: it takes -L, -R,"
		   " -D and -W, as ssh does.", plain_print, *spec);
}

bool fwspec_stdio(char *const *argv, size_t argc)
{
	for (size_t i = 0; i < argc; i++)
		if (*letter(argv[i]) == 'W')
			return true;
	return false;
}

static int check_all(const struct fwspec *v, size_t n, const struct why *w)
{
	size_t stdio = 0;

	for (size_t i = 0; i < n; i++)
		stdio += v[i].how == FWSPEC_STDIO;
	if (!n)
		return bad(w, "What is to be forwarded? Write"
			   " [address:]port:host:hostport.");
	return stdio > 1 ? bad(w, "There is only one standard input: give -W"
			       " once.") : 0;
}

int fwspec_decode(struct fwspec v[FWSPEC_MAX], size_t *n, char *const *argv,
		  size_t argc, char *why, size_t why_size)
{
	const struct why w = { why, why_size };

	*n = 0;
	for (size_t i = 0; i < argc; i++) {
		const char *spec = argv[i], *needs = optionv[0].needs;
		struct fwspec *s = &v[*n];
		int err = 0;

		if (!strcmp(spec, "--") || !strcmp(spec, "-N"))
			continue;
		if (*n == FWSPEC_MAX)
			return bad(&w, "At most %u forwards in one call.",
				   FWSPEC_MAX);
		memset(s, 0, sizeof *s);
		s->target = FWW_TCP;
		if (*spec == '-')
			err = option(s, &spec, &needs, &w);
		if (!err && !spec && ++i < argc)
			spec = argv[i];
		if (!err && !spec)
			err = bad(&w, "%s needs %s.", argv[argc - 1], needs);
		if (!err)
			err = get_spec(s, spec, &w);
		if (err)
			return err;
		++*n;
	}
	return check_all(v, *n, &w);
}

int fwplace_print(struct re_printf *pf, const struct fwplace *p)
{
	const bool v6 = strchr(p->host, ':') != NULL;

	if (*p->host == '/')
		return plain_print(pf, p->host);
	return re_hprintf(pf, "%s%H%s:%u", v6 ? "[" : "", plain_print,
			  p->host, v6 ? "]" : "", p->port);
}
