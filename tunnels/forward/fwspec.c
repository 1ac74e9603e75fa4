/*
 * fwspec.c: what the user wants forwarded: [bind:]port:host:hostport, with
 * IPv6 addresses in brackets, "*" or nothing before the colon for all
 * addresses, and localhost if no address is given.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "tunnels/ending.h"
#include "tunnels/forward/fwspec.h"

enum { PARTS = 4 };

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

static int get_spec(struct fwspec *s, const char *text, const struct why *w)
{
	const struct pl local = PL("localhost");
	struct pl part[PARTS];
	const size_t n = split(part, text);
	const struct pl *p = part + (n == 4);
	int err;

	if (!strncmp(text, "udp:", 4))
		return bad(w, "%H: UDP cannot be forwarded yet.", plain_print,
			   text);
	if (strchr(text, '/'))
		return bad(w, "%H: Unix sockets cannot be forwarded yet.",
			   plain_print, text);
	if (s->remote && (n == 1 || n == 2))
		return bad(w, "-R %H: SOCKS at the far side is not there"
			   " yet.", plain_print, text);
	if (n != 3 && n != 4)
		return bad(w, "%H is not [address:]port:host:hostport (IPv6"
			   " addresses in brackets).", plain_print, text);
	err = get_bind(s, n == 4 ? part : &local, text, w);
	if (err)
		return err;
	if (!get_port(&s->port, p))
		return bad(w, "%H: the port to listen on must be 0 to 65535.",
			   plain_print, text);
	if (!p[1].l || pl_strcpy(p + 1, s->host, sizeof s->host))
		return bad(w, "%H: the host to connect to is missing or too"
			   " long.", plain_print, text);
	if (!get_port(&s->hport, p + 2) || !s->hport)
		return bad(w, "%H: the port to connect to must be 1 to"
			   " 65535.", plain_print, text);
	return 0;
}

/* -L, -R, with their spec attached or in the next word. *spec NULL: it is in
 * the next word. */
static int option(const char **spec, bool *remote, const char *word,
		  const struct why *w)
{
	switch (word[1]) {
	case 'L': *remote = false; break;
	case 'R': *remote = true; break;
	case 'D': return bad(w, "-D: SOCKS is not there yet.");
	case 'W': return bad(w, "-W: stdio forwarding is not there yet.");
	default:
		return bad(w, "forward does not know the option %H.",
			   plain_print, word);
	}
	*spec = word[2] ? word + 2 : NULL;
	return 0;
}

int fwspec_decode(struct fwspec v[FWSPEC_MAX], size_t *n, char *const *argv,
		  size_t argc, char *why, size_t why_size)
{
	const struct why w = { why, why_size };

	*n = 0;
	for (size_t i = 0; i < argc; i++) {
		const char *spec = argv[i];
		bool remote = false;
		int err = 0;

		if (!strcmp(spec, "--"))
			continue;
		if (*spec == '-')
			err = option(&spec, &remote, spec, &w);
		if (!err && !spec && ++i < argc)
			spec = argv[i];
		if (!err && !spec)
			err = bad(&w, "%s needs [address:]port:host:hostport.",
				  argv[argc - 1]);
		if (!err && *n == FWSPEC_MAX)
			err = bad(&w, "At most %u forwards in one call.",
				  FWSPEC_MAX);
		if (err)
			return err;
		memset(&v[*n], 0, sizeof v[*n]);
		v[*n].remote = remote;
		err = get_spec(&v[*n], spec, &w);
		if (err)
			return err;
		++*n;
	}
	return *n ? 0 : bad(&w, "What is to be forwarded? Write"
			    " [address:]port:host:hostport.");
}

int fwplace_print(struct re_printf *pf, const struct fwplace *p)
{
	const bool v6 = strchr(p->host, ':') != NULL;

	return re_hprintf(pf, "%s%H%s:%u", v6 ? "[" : "", plain_print,
			  p->host, v6 ? "]" : "", p->port);
}
