/*
 * fwallow.c: what a peer may have forwarded: a list of rules, any of which
 * may say yes.
 */
#include <errno.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include "tunnels/forward/fwallow.h"

enum { RULES_MAX = 256 };

struct rule {
	struct le le;
	bool listen;
	bool any;                       /* "*" */
	char *name;                     /* NULL: a network, or any; a path
	                                   if it begins with '/' */
	int af;
	uint8_t addr[16];
	unsigned bits;
	uint16_t lo, hi;
};

struct fwallow {
	struct list rulel;
};

static void rule_destructor(void *arg)
{
	struct rule *r = arg;

	list_unlink(&r->le);
	mem_deref(r->name);
}

static void fwallow_destructor(void *arg)
{
	struct fwallow *a = arg;

	list_flush(&a->rulel);
}

static bool number(unsigned *v, const char **p, unsigned max)
{
	unsigned n = 0;

	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; ++*p) {
		n = 10 * n + (unsigned)(**p - '0');
		if (n > max)
			return false;
	}
	*v = n;
	return true;
}

/* "22", "80-90", "*" */
static bool ports(struct rule *r, const char *p)
{
	unsigned lo, hi;

	if (!strcmp(p, "*")) {
		r->lo = 0;      /* to listen: any that is free */
		r->hi = 65535;
		return true;
	}
	if (!number(&lo, &p, 65535))
		return false;
	hi = lo;
	if (*p == '-') {
		++p;
		if (!number(&hi, &p, 65535))
			return false;
	}
	r->lo = (uint16_t)lo;
	r->hi = (uint16_t)hi;
	return !*p && lo <= hi;
}

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* IPv4 in IPv6's clothes: targets are compared as what they are. */
static void unmap(struct rule *r)
{
	if (r->af != AF_INET6 || r->bits < 96 ||
	    memcmp(r->addr, mapped, sizeof mapped))
		return;
	memmove(r->addr, r->addr + 12, 4);
	r->af = AF_INET;
	r->bits -= 96;
}

/* An address of either family, perhaps with "/bits". */
static bool network(struct rule *r, char *host)
{
	char *slash = strchr(host, '/');
	const char *p = slash ? slash + 1 : NULL;
	unsigned max;

	if (slash)
		*slash = '\0';
	if (inet_pton(AF_INET, host, r->addr) == 1)
		r->af = AF_INET;
	else if (inet_pton(AF_INET6, host, r->addr) == 1)
		r->af = AF_INET6;
	if (slash)
		*slash = '/';
	if (!r->af)
		return false;
	max = r->af == AF_INET ? 32 : 128;
	r->bits = max;
	if (p && (!number(&r->bits, &p, max) || *p))
		return false;
	unmap(r);
	return true;
}

/* "010.0.0.1" is looked up as 8.0.0.1, "127.1" as 127.0.0.1: no names. */
static bool is_name(const char *host)
{
	struct in_addr in;

	return *host && !inet_aton(host, &in) &&
		!host[strspn(host, "abcdefghijklmnopqrstuvwxyz"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")];
}

static int host_part(struct rule *r, char *host)
{
	if (!strcmp(host, "*")) {
		r->any = true;
		return 0;
	}
	if (network(r, host))
		return 0;
	if (r->listen || !is_name(host))
		return EINVAL;
	return str_dup(&r->name, host);
}

/* Cut "[host]/bits:ports" or "host/bits:ports" in two. */
static char *cut(char *text, char **host)
{
	char *colon = strrchr(text, ':'), *end;

	if (!colon)
		return NULL;
	*colon = '\0';
	*host = text;
	if (*text != '[')
		return strchr(text, ':') ? NULL : colon + 1;
	end = strchr(text, ']');
	if (!end || (end[1] && end[1] != '/'))
		return NULL;
	memmove(end, end + 1, strlen(end + 1) + 1);
	*host = text + 1;
	return colon + 1;
}

static int rule_decode(struct rule *r, char *text)
{
	char *host, *port;

	if (!strncasecmp(text, "listen:", 7)) {
		r->listen = true;
		text += 7;
	}
	if (*text == '/')
		return str_dup(&r->name, text);
	/* "listen:8080": on this host's own addresses only */
	if (r->listen && !strchr(text, ':'))
		return ports(r, text) ? 0 : EINVAL;
	port = cut(text, &host);
	if (!port || !ports(r, port))
		return EINVAL;
	return host_part(r, host);
}

static int rule_add(struct fwallow *a, const struct pl *word)
{
	struct rule *r;
	char *text = NULL;
	int err;

	if (list_count(&a->rulel) == RULES_MAX)
		return EINVAL;
	r = mem_zalloc(sizeof *r, rule_destructor);
	if (!r)
		return ENOMEM;
	err = pl_strdup(&text, word);
	if (!err)
		err = rule_decode(r, text);
	mem_deref(text);
	if (err)
		mem_deref(r);
	else
		list_append(&a->rulel, &r->le, r);
	return err;
}

int fwallow_alloc(struct fwallow **ap, const char *text, struct pl *bad)
{
	static const char blank[] = " \t";
	struct fwallow *a = mem_zalloc(sizeof *a, fwallow_destructor);
	const char *p = text ? text : "";
	int err = 0;

	if (!a)
		return ENOMEM;
	while (!err && *(p += strspn(p, blank))) {
		const struct pl word = { p, strcspn(p, blank) };

		err = rule_add(a, &word);
		if (err && bad)
			*bad = word;
		p += word.l;
	}
	if (err) {
		mem_deref(a);
		return err;
	}
	*ap = a;
	return 0;
}

static bool port_in(const struct rule *r, uint16_t port)
{
	return port >= r->lo && port <= r->hi;
}

bool fwallow_path(const struct fwallow *a, const char *path, bool listen)
{
	const struct le *le;

	for (le = list_head(&a->rulel); le; le = le->next) {
		const struct rule *r = le->data;

		if (r->listen == listen && r->name && *path == '/' &&
		    !strcmp(r->name, path))
			return true;
	}
	return false;
}

bool fwallow_name(const struct fwallow *a, const char *host, uint16_t port)
{
	const struct le *le;

	for (le = list_head(&a->rulel); le; le = le->next) {
		const struct rule *r = le->data;

		if (!r->listen && port_in(r, port) &&
		    (r->any || (r->name && !str_casecmp(r->name, host))))
			return true;
	}
	return false;
}

bool fwallow_port(const struct fwallow *a, uint16_t port)
{
	const struct le *le;

	for (le = list_head(&a->rulel); le; le = le->next) {
		const struct rule *r = le->data;

		if (!r->listen && !r->name && port_in(r, port))
			return true;
	}
	return false;
}

/* The address as bytes; one that is IPv4 in IPv6's clothes is IPv4. */
static int address(uint8_t out[16], const struct sa *sa)
{
	const uint32_t v4 = htonl(sa_in(sa));

	if (sa_af(sa) == AF_INET) {
		memcpy(out, &v4, 4);
		return AF_INET;
	}
	sa_in6(sa, out);
	if (memcmp(out, mapped, sizeof mapped))
		return AF_INET6;
	memmove(out, out + 12, 4);
	return AF_INET;
}

static bool in_network(const struct rule *r, int af, const uint8_t *addr)
{
	const unsigned n = r->bits / 8, rest = r->bits % 8;
	const uint8_t mask = (uint8_t)(0xff00 >> rest);

	return r->af == af && !memcmp(r->addr, addr, n) &&
	       (!rest || !((r->addr[n] ^ addr[n]) & mask));
}

/* 0.0.0.0 means this very host to connect(2); groups are no hosts. */
static bool is_host(int af, const uint8_t *addr)
{
	static const uint8_t zero[16];

	if (af == AF_INET)
		return memcmp(addr, zero, 4) && addr[0] < 224;
	return memcmp(addr, zero, 16) && addr[0] != 0xff;
}

bool fwallow_addr(const struct fwallow *a, const struct sa *sa)
{
	const struct le *le;
	uint8_t addr[16];
	const int af = address(addr, sa);

	if (!is_host(af, addr))
		return false;
	for (le = list_head(&a->rulel); le; le = le->next) {
		const struct rule *r = le->data;

		if (!r->listen && !r->name && port_in(r, sa_port(sa)) &&
		    (r->any || in_network(r, af, addr)))
			return true;
	}
	return false;
}

static bool is_loopback(int af, const uint8_t *addr)
{
	static const uint8_t one[16] = { [15] = 1 };

	return af == AF_INET ? addr[0] == 127 : !memcmp(addr, one, 16);
}

bool fwallow_listen(const struct fwallow *a, const struct sa *sa)
{
	const struct le *le;
	uint8_t addr[16];
	const int af = address(addr, sa);

	for (le = list_head(&a->rulel); le; le = le->next) {
		const struct rule *r = le->data;

		if (!r->listen || r->name || !port_in(r, sa_port(sa)))
			continue;
		if (r->any || (r->af ? is_host(af, addr) &&
			       in_network(r, af, addr) :
			       is_loopback(af, addr)))
			return true;
	}
	return false;
}
