/*
 * prefix.c: addresses with lengths, and the table of them.
 *
 * The table is one hash of (family, length, bits) and a count for each length
 * in use, so a look-up costs a probe per length: peers' addresses are of one
 * or two.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tunnels/vpn/prefix.h"

enum { SLOTS_MIN = 64 };

static unsigned bits(bool v6)
{
	return v6 ? 128 : 32;
}

int prefix_decode(struct prefix *p, const struct pl *text)
{
	char buf[INET6_ADDRSTRLEN + 8], *slash;
	unsigned long len;

	memset(p, 0, sizeof *p);
	if (!text->l || pl_strcpy(text, buf, sizeof buf))
		return EINVAL;
	slash = strchr(buf, '/');
	if (slash)
		*slash++ = '\0';
	p->v6 = strchr(buf, ':');
	if (inet_pton(p->v6 ? AF_INET6 : AF_INET, buf, p->a) != 1)
		return EINVAL;
	p->len = (uint8_t)bits(p->v6);
	if (!slash)
		return 0;
	if (!*slash || strspn(slash, "0123456789") != strlen(slash) ||
	    strlen(slash) > 3)
		return EINVAL;
	len = strtoul(slash, NULL, 10);
	if (len > bits(p->v6))
		return EINVAL;
	p->len = (uint8_t)len;
	return 0;
}

int prefixes_decode(struct prefixes *ps, const char *list)
{
	static const char sep[] = ", \t";
	const char *p = list ? list : "";
	struct pl item;

	for (p += strspn(p, sep); *p; p += strspn(p, sep)) {
		item.p = p;
		item.l = strcspn(p, sep);
		p += item.l;
		if (ps->n == PREFIXES_MAX)
			return EOVERFLOW;
		if (prefix_decode(&ps->v[ps->n], &item))
			return EINVAL;
		ps->n++;
	}
	return 0;
}

int prefix_print(struct re_printf *pf, const struct prefix *p)
{
	char buf[INET6_ADDRSTRLEN];

	if (!inet_ntop(p->v6 ? AF_INET6 : AF_INET, p->a, buf, sizeof buf))
		return EINVAL;
	return p->len == bits(p->v6) ? re_hprintf(pf, "%s", buf) :
		re_hprintf(pf, "%s/%u", buf, p->len);
}

int prefixes_print(struct re_printf *pf, const struct prefixes *ps)
{
	int err = 0;

	for (size_t i = 0; i < ps->n && !err; i++)
		err = re_hprintf(pf, "%s%H", i ? "," : "", prefix_print,
				 &ps->v[i]);
	return err;
}

static void mask(uint8_t *out, const uint8_t *a, unsigned len)
{
	memset(out, 0, 16);
	memcpy(out, a, len / 8);
	if (len % 8)
		out[len / 8] = (uint8_t)(a[len / 8] & 0xff00 >> len % 8);
}

struct prefix prefix_net(const struct prefix *p)
{
	struct prefix net = *p;

	mask(net.a, p->a, p->len);
	return net;
}

struct prefix prefix_host(const struct prefix *p)
{
	struct prefix host = *p;

	host.len = (uint8_t)bits(p->v6);
	return host;
}

bool prefix_covers(const struct prefix *a, const struct prefix *b)
{
	uint8_t x[16], y[16];

	if (a->v6 != b->v6 || a->len > b->len)
		return false;
	mask(x, a->a, a->len);
	mask(y, b->a, a->len);
	return !memcmp(x, y, sizeof x);
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->v6 == b->v6 && a->len == b->len &&
		!memcmp(a->a, b->a, sizeof a->a);
}

bool prefixes_cover(const struct prefixes *ps, const struct prefix *b)
{
	for (size_t i = 0; i < ps->n; i++)
		if (prefix_covers(&ps->v[i], b))
			return true;
	return false;
}

bool prefix_special(const struct prefix *p)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (p->v6)
		return p->len < 8 || p->a[0] == 0xff ||
			(p->a[0] == 0xfe && (p->a[1] & 0xc0) == 0x80) ||
			!memcmp(p->a, one, sizeof one);
	return p->len < 8 || p->a[0] == 0 || p->a[0] == 127 ||
		p->a[0] >= 224 || (p->a[0] == 169 && p->a[1] == 254);
}

int prefix_of_sa(struct prefix *p, const struct sa *sa)
{
	memset(p, 0, sizeof *p);
	switch (sa_af(sa)) {
	case AF_INET:
		memcpy(p->a, &sa->u.in.sin_addr, 4);
		p->len = 32;
		return 0;
	case AF_INET6:
		memcpy(p->a, &sa->u.in6.sin6_addr, 16);
		p->v6 = true;
		p->len = 128;
		return 0;
	default:
		return EAFNOSUPPORT;
	}
}

/* --- the table --------------------------------------------------------- */

struct slot {
	struct prefix p;
	void *owner;            /* NULL: free */
};

struct prefixtab {
	size_t size, n;         /* size: a power of two, half of it free */
	struct slot *slotv;
	unsigned lenc[2][129];  /* how many of this length */
	uint8_t lenv[2][129];   /* lengths in use, longest first */
	unsigned lens[2];
};

static void prefixtab_destructor(void *arg)
{
	struct prefixtab *t = arg;

	mem_deref(t->slotv);
}

static size_t hash_bits(const struct prefixtab *t, unsigned len,
			const uint8_t *a)
{
	uint64_t x, y;

	memcpy(&x, a, 8);
	memcpy(&y, a + 8, 8);
	x = (x ^ y * 0x9e3779b97f4a7c15ULL ^ len) * 0xff51afd7ed558ccdULL;
	return (size_t)(x ^ x >> 32) & (t->size - 1);
}

static struct slot *probe(const struct prefixtab *t, bool v6, unsigned len,
			  const uint8_t *a)
{
	size_t i = hash_bits(t, len, a);

	for (;; i = (i + 1) & (t->size - 1)) {
		struct slot *s = &t->slotv[i];

		if (!s->owner || (s->p.len == len && s->p.v6 == v6 &&
				  !memcmp(s->p.a, a, 16)))
			return s;
	}
}

static void count_lengths(struct prefixtab *t)
{
	for (int f = 0; f < 2; f++) {
		t->lens[f] = 0;
		for (int len = 128; len >= 0; len--)
			if (t->lenc[f][len])
				t->lenv[f][t->lens[f]++] = (uint8_t)len;
	}
}

static void insert(struct prefixtab *t, const struct prefix *p, void *owner)
{
	struct slot *s = probe(t, p->v6, p->len, p->a);

	s->p = *p;
	s->owner = owner;
	t->n++;
	t->lenc[p->v6][p->len]++;
}

/* Anew, of another size. */
static int rebuild(struct prefixtab *t, size_t size)
{
	struct slot *old = t->slotv;
	const size_t oldsize = t->size;
	struct slot *v = mem_zalloc(size * sizeof *v, NULL);

	if (!v)
		return ENOMEM;
	t->slotv = v;
	t->size = size;
	t->n = 0;
	memset(t->lenc, 0, sizeof t->lenc);
	for (size_t i = 0; i < oldsize; i++)
		if (old[i].owner)
			insert(t, &old[i].p, old[i].owner);
	mem_deref(old);
	count_lengths(t);
	return 0;
}

int prefixtab_alloc(struct prefixtab **tp)
{
	struct prefixtab *t = mem_zalloc(sizeof *t, prefixtab_destructor);
	int err;

	if (!t)
		return ENOMEM;
	err = rebuild(t, SLOTS_MIN);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

int prefixtab_add(struct prefixtab *t, const struct prefix *p, void *owner)
{
	const struct prefix net = prefix_net(p);

	if (probe(t, net.v6, net.len, net.a)->owner)
		return EEXIST;
	if (2 * (t->n + 1) > t->size) {
		int err = rebuild(t, 2 * t->size);
		if (err)
			return err;
	}
	insert(t, &net, owner);
	count_lengths(t);
	return 0;
}

/* Take one out of its chain: what comes behind it moves up (Knuth 6.4 R). */
static void take_out(struct prefixtab *t, size_t i)
{
	size_t k = i;

	t->lenc[t->slotv[i].p.v6][t->slotv[i].p.len]--;
	t->n--;
	for (;;) {
		const struct slot *s;
		size_t home;

		k = (k + 1) & (t->size - 1);
		s = &t->slotv[k];
		if (!s->owner)
			break;
		home = hash_bits(t, s->p.len, s->p.a);
		if (((k - home) & (t->size - 1)) <
		    ((k - i) & (t->size - 1)))
			continue;
		t->slotv[i] = *s;
		i = k;
	}
	t->slotv[i].owner = NULL;
}

void prefixtab_remove(struct prefixtab *t, const void *owner)
{
	for (size_t i = 0; t && i < t->size; i++)
		while (t->slotv[i].owner && t->slotv[i].owner == owner)
			take_out(t, i);
	/* what wrapped around the end may have moved behind us */
	for (size_t i = 0; t && i < t->size; i++)
		while (t->slotv[i].owner && t->slotv[i].owner == owner)
			take_out(t, i);
	if (t)
		count_lengths(t);
}

void *prefixtab_find(const struct prefixtab *t, bool v6, const uint8_t *a)
{
	uint8_t whole[16] = { 0 }, net[16];

	memcpy(whole, a, v6 ? 16 : 4);
	for (unsigned i = 0; i < t->lens[v6]; i++) {
		const unsigned len = t->lenv[v6][i];
		const struct slot *s;

		mask(net, whole, len);
		s = probe(t, v6, len, net);
		if (s->owner)
			return s->owner;
	}
	return NULL;
}
