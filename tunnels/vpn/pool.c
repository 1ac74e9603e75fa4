/*
 * pool.c: one list of all addresses that are handed out. It is the process's,
 * for networks live on workers and calls are answered on another thread; the
 * lock is held for a look at the list.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include "tunnels/vpn/pool.h"

enum { TRIES = 65536 };

struct lease {
	struct le le;
	char *net;
	struct prefixes a;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct list leasel;              /* struct lease */

static void lease_destructor(void *arg)
{
	struct lease *l = arg;

	(void)pthread_mutex_lock(&lock);
	list_unlink(&l->le);
	(void)pthread_mutex_unlock(&lock);
	mem_deref(l->net);
}

static bool has_host(const struct prefixes *ps, const struct prefix *host)
{
	for (size_t i = 0; i < ps->n; i++) {
		const struct prefix p = prefix_host(&ps->v[i]);

		if (prefix_equal(&p, host))
			return true;
	}
	return false;
}

static bool taken(const struct pool *p, const struct prefix *host)
{
	struct le *le;

	if (has_host(p->not, host))
		return true;
	for (le = list_head(&leasel); le; le = le->next) {
		const struct lease *l = le->data;

		if (!strcmp(l->net, p->net) && has_host(&l->a, host))
			return true;
	}
	return false;
}

/* The n-th address of a prefix; the last 32 bits are enough. */
static struct prefix nth(const struct prefix *p, uint32_t n)
{
	struct prefix a = prefix_net(p);
	uint8_t *end = a.a + (a.v6 ? 16 : 4);

	for (int i = 1; i <= 4; i++, n >>= 8)
		end[-i] |= (uint8_t)n;
	return prefix_host(&a);
}

/* How many of a prefix may be used: not its first, nor IPv4's last. */
static uint32_t usable(const struct prefix *p, uint32_t *first)
{
	const unsigned bits = (p->v6 ? 128u : 32u) - p->len;

	*first = bits > 1;
	if (bits >= 32)
		return UINT32_MAX - 2;
	return (1u << bits) - (bits > 1 ? (p->v6 ? 1u : 2u) : 0u);
}

static bool search(struct prefix *a, const struct pool *p,
		   const struct prefix *from)
{
	uint32_t first, count = usable(from, &first);
	uint32_t at = hash_joaat_str(p->peer) % count;

	for (uint32_t i = 0; i < count && i < TRIES; i++) {
		*a = nth(from, first + at);
		if (!taken(p, a))
			return true;
		at = at + 1 == count ? 0 : at + 1;
	}
	return false;
}

static bool wished(struct prefix *a, const struct pool *p, bool v6)
{
	for (size_t i = 0; i < p->wish->n; i++) {
		*a = prefix_host(&p->wish->v[i]);
		if (a->v6 == v6 && prefixes_cover(p->from, a) &&
		    !taken(p, a))
			return true;
	}
	return false;
}

/* Addresses of the peer's own are one each; networks there are behind it. */
static bool fixed(struct prefix *a, const struct pool *p, bool v6,
		  bool *there)
{
	for (size_t i = 0; i < p->fixed->n; i++) {
		*a = prefix_host(&p->fixed->v[i]);
		if (a->v6 != v6 || a->len != p->fixed->v[i].len)
			continue;
		*there = true;
		return !taken(p, a);
	}
	return false;
}

static bool choose(struct prefix *a, const struct pool *p, bool v6)
{
	bool there = false;

	if (fixed(a, p, v6, &there) || there)
		return !taken(p, a);
	if (wished(a, p, v6))
		return true;
	for (size_t i = 0; i < p->from->n; i++)
		if (p->from->v[i].v6 == v6 && search(a, p, &p->from->v[i]))
			return true;
	return false;
}

/* The length of the network of ours that it is in. */
static void add(struct lease *l, const struct pool *p, struct prefix a)
{
	for (size_t i = 0; i < p->not->n; i++)
		if (prefix_covers(&p->not->v[i], &a)) {
			a.len = p->not->v[i].len;
			break;
		}
	l->a.v[l->a.n++] = a;
}

int pool_take(struct lease **lp, const struct pool *p)
{
	struct lease *l = mem_zalloc(sizeof *l, lease_destructor);
	struct prefix a;
	int err;

	if (!l)
		return ENOMEM;
	err = str_dup(&l->net, p->net);
	if (err) {
		mem_deref(l);
		return err;
	}
	(void)pthread_mutex_lock(&lock);
	for (int v6 = 0; v6 < 2; v6++)
		if (choose(&a, p, v6))
			add(l, p, a);
	if (l->a.n)
		list_append(&leasel, &l->le, l);
	(void)pthread_mutex_unlock(&lock);
	if (!l->a.n) {
		mem_deref(l);
		return EADDRNOTAVAIL;
	}
	*lp = l;
	return 0;
}

const struct prefixes *lease_addresses(const struct lease *l)
{
	return &l->a;
}
