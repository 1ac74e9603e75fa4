/*
 * table.c: two hashes of mappings, one of sessions. What has expired is not
 * found; table_sweep() frees it.
 */
#include <stdlib.h>
#include <string.h>
#include "conf.h"
#include "table.h"

enum { MAPS = 65536, SESSIONS = 262144 };

static struct map *by_in[MAPS], *by_ext[MAPS], *mapl;
static struct sess *by_rem[SESSIONS];
static int mapc, sessc;
static double tokens = -1;
static int64_t tokens_at;

static uint64_t hash(const void *p, size_t n, uint64_t h)
{
	for (const uint8_t *b = p; n--; b++)
		h = (h ^ *b) * 1099511628211ULL;
	return h ^ h >> 29;
}

static uint64_t hash_ep(const struct ep *e, uint64_t h)
{
	return hash(&e->p, sizeof e->p, hash(&e->a, sizeof e->a, h));
}

static struct map **slot_in(enum proto p, const struct ep *in,
			    const struct ep *key)
{
	return &by_in[hash_ep(key, hash_ep(in, 146959 + p)) % MAPS];
}

static struct map **slot_ext(enum proto p, const struct ep *ext)
{
	return &by_ext[hash_ep(ext, 146959 + p) % MAPS];
}

static struct sess **slot_rem(const struct map *m, const struct ep *rem)
{
	return &by_rem[hash_ep(rem, (uint64_t)(uintptr_t)m) % SESSIONS];
}

#define LINK(head, x, next, prev) do { \
	(x)->next = *(head); \
	if ((x)->next) \
		(x)->next->prev = &(x)->next; \
	*(head) = (x); \
	(x)->prev = (head); \
} while (0)
#define UNLINK(x, next, prev) do { \
	*(x)->prev = (x)->next; \
	if ((x)->next) \
		(x)->next->prev = (x)->prev; \
} while (0)

static void sess_free(struct sess *s)
{
	UNLINK(s, hnext, hprev);
	UNLINK(s, lnext, lprev);
	if (!s->addr_only) {
		sessc--;
		s->m->sessc--;
	}
	free(s);
}

static void map_free(struct map *m)
{
	while (m->sess)
		sess_free(m->sess);
	UNLINK(m, inext, iprev);
	UNLINK(m, enext, eprev);
	UNLINK(m, lnext, lprev);
	mapc--;
	free(m);
}

/* One of TCP lives as long as a connection through it. */
static bool map_dead(const struct map *m)
{
	return m->exp <= now && (m->proto != P_TCP || !m->sessc);
}

void table_sweep(void)
{
	struct map *m, *mn;
	struct sess *s, *sn;

	for (m = mapl; m; m = mn) {
		mn = m->lnext;
		for (s = m->sess; s; s = sn) {
			sn = s->lnext;
			if (s->exp <= now)
				sess_free(s);
		}
		if (!map_dead(m))
			continue;
		COUNT(maps_expired);
		say("map gone %s:%d -> %s:%d", addr_text(&m->in.a), m->in.p,
		    addr_text(&m->ext.a), m->ext.p);
		map_free(m);
	}
}

void table_flush(void)
{
	while (mapl)
		map_free(mapl);
}

int table_maps(void)
{
	return mapc;
}

int table_sess(void)
{
	return sessc;
}

struct sess *sess_find(const struct map *m, const struct ep *rem,
		       bool addr_only)
{
	struct sess *s;

	for (s = *slot_rem(m, rem); s; s = s->hnext)
		if (s->m == m && s->addr_only == addr_only &&
		    ep_eq(&s->rem, rem))
			return s->exp > now ? s : NULL;
	return NULL;
}

static void sess_forget(const struct map *m, const struct ep *rem,
			bool addr_only)
{
	struct sess *s;

	for (s = *slot_rem(m, rem); s; s = s->hnext)
		if (s->m == m && s->addr_only == addr_only &&
		    ep_eq(&s->rem, rem)) {
			sess_free(s);
			return;
		}
}

struct sess *sess_add(struct map *m, const struct ep *rem, bool addr_only)
{
	struct sess *s;

	sess_forget(m, rem, addr_only);         /* an expired one */
	if (!addr_only && conf.max_sess && sessc >= conf.max_sess) {
		COUNT(drop_sess_full);
		return NULL;
	}
	s = calloc(1, sizeof *s);
	if (!s)
		die("out of memory");
	s->m = m;
	s->rem = *rem;
	s->addr_only = addr_only;
	LINK(slot_rem(m, rem), s, hnext, hprev);
	LINK(&m->sess, s, lnext, lprev);
	if (addr_only)
		return s;
	m->sessc++;
	sessc++;
	COUNT(sess_made);
	if ((uint64_t)sessc > count[C_sess_max])
		count[C_sess_max] = (uint64_t)sessc;
	return s;
}

bool ext_is_free(enum proto p, const struct ep *ext)
{
	for (struct map *m = *slot_ext(p, ext); m; m = m->enext)
		if (m->proto == p && ep_eq(&m->ext, ext) && !map_dead(m))
			return false;
	return true;
}

struct map *map_find(enum proto p, const struct ep *in, const struct ep *key)
{
	struct map *m;

	for (m = *slot_in(p, in, key); m; m = m->inext) {
		if (m->proto != p || !ep_eq(&m->in, in) ||
		    !ep_eq(&m->key, key))
			continue;
		if (!map_dead(m))
			return m;
		COUNT(maps_expired);
		map_free(m);
		break;
	}
	return NULL;
}

bool map_lets(const struct map *m, const struct ep *rem)
{
	struct ep r = { .a = rem->a };

	switch (conf.filter[m->proto]) {
	case EIF: return true;
	case ADF: return sess_find(m, &r, true) != NULL;
	default:  return false;
	}
}

struct map *map_find_ext(enum proto p, const struct ep *ext,
			 const struct ep *rem, struct sess **sp, bool *exists)
{
	struct map *found = NULL;

	*sp = NULL;
	*exists = false;
	for (struct map *m = *slot_ext(p, ext); m; m = m->enext) {
		if (m->proto != p || !ep_eq(&m->ext, ext) || map_dead(m))
			continue;
		*exists = true;
		*sp = sess_find(m, rem, false);
		if (*sp)
			return m;
		if (!found && map_lets(m, rem))
			found = m;
	}
	return found;
}

/* Not more than new_rate mappings a second. */
static bool rate_ok(void)
{
	if (!conf.new_rate)
		return true;
	if (tokens < 0)
		tokens = conf.new_rate;
	tokens += conf.new_rate * ((double)(now - tokens_at) / SEC);
	tokens_at = now;
	if (tokens > conf.new_rate)
		tokens = conf.new_rate;
	if (tokens < 1) {
		COUNT(drop_rate);
		return false;
	}
	tokens -= 1;
	return true;
}

bool map_room(void)
{
	struct map *old = NULL;

	if (!rate_ok())
		return false;
	if (conf.max_map && mapc >= conf.max_map)
		table_sweep();
	if (!conf.max_map || mapc < conf.max_map)
		return true;
	if (conf.lru)
		for (struct map *m = mapl; m; m = m->lnext)
			if (!old || m->used < old->used)
				old = m;
	if (!old) {
		COUNT(drop_table_full);
		return false;
	}
	COUNT(maps_evicted);
	map_free(old);
	return true;
}

struct map *map_add(enum proto p, const struct ep *in, const struct ep *ext,
		    const struct ep *key)
{
	static const char *const namev[] = { "udp", "tcp", "icmp" };
	struct map *m = calloc(1, sizeof *m);

	if (!m)
		die("out of memory");
	m->proto = p;
	m->in = *in;
	m->ext = *ext;
	m->key = *key;
	m->used = m->born = now;
	LINK(slot_in(p, in, key), m, inext, iprev);
	LINK(slot_ext(p, ext), m, enext, eprev);
	LINK(&mapl, m, lnext, lprev);
	mapc++;
	COUNT(maps_made);
	if ((uint64_t)mapc > count[C_maps_max])
		count[C_maps_max] = (uint64_t)mapc;
	say("map %s %s:%d -> %s:%d", namev[p], addr_text(&in->a), in->p,
	    addr_text(&ext->a), ext->p);
	return m;
}

void map_touch(struct map *m, int64_t ttl)
{
	const int64_t end = m->born + (int64_t)(conf.udp_life * SEC);

	m->used = now;
	if (m->exp < now + ttl)
		m->exp = now + ttl;
	if (m->proto == P_UDP && conf.udp_life && m->exp > end)
		m->exp = end;
}
