/*
 * paths.c: which path a STUN packet is for.
 *
 *   request --USERNAME "ours:theirs"--> ufrags -+
 *                                               +--> member --> path
 *   answer  --transaction id [0..3]---> slots --+
 *
 * Owns the tables, the list of the host's addresses and the STUN servers. A
 * packet that is for nobody is dropped without a word. Paths hold a reference
 * to this, and this holds none to them.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/creds.h"
#include "modules/path/paths.h"
#include "sdp/base/outside.h"

enum { UFRAG_BUCKETS = 1024, SLOTS_MIN = 16 };

#define NETIF_FRESH (2 * SEC)

struct paths {
	struct paths_conf conf;
	char *interfaces;
	struct hash *ufrags;
	struct member **slotv;
	uint32_t slotc, slot_next;
	struct netif netv[NETIF_MAX];
	size_t netc;
	uint64_t net_at;                /* when netv was read; 0: never */
	struct path_mapping mapv[PATH_MAPPINGS_MAX];
	size_t mapc;
	struct relay *relayv[RELAYS_MAX];
	size_t relayc;
	struct nat64 nat64;
	struct sa stunv[4];             /* servers, as they are reached */
	struct keepalive keepalive;
};

static void paths_destructor(void *arg)
{
	struct paths *ps = arg;

	for (size_t i = 0; i < ps->relayc; i++)
		mem_deref(ps->relayv[i]);
	mem_deref(ps->slotv);
	mem_deref(ps->ufrags);
	mem_deref(ps->interfaces);
}

int paths_alloc(struct paths **pp, const struct paths_conf *conf)
{
	struct paths *ps;
	int err;

	if (!pp || !conf || !conf->timers || !conf->sendh ||
	    conf->stunc > ARRAY_SIZE(conf->stunv))
		return EINVAL;
	ps = mem_zalloc(sizeof *ps, paths_destructor);
	if (!ps)
		return ENOMEM;
	ps->conf = *conf;
	ps->keepalive.learnedh = conf->forgetsh;
	ps->keepalive.arg = conf->arg;
	err = hash_alloc(&ps->ufrags, UFRAG_BUCKETS);
	if (!err && conf->interfaces)
		err = str_dup(&ps->interfaces, conf->interfaces);
	ps->conf.interfaces = ps->interfaces;
	if (err)
		mem_deref(ps);
	else
		*pp = ps;
	return err;
}

const struct paths_conf *paths_conf(const struct paths *ps)
{
	return &ps->conf;
}

static int slots_grow(struct paths *ps)
{
	uint32_t n = ps->slotc ? 2 * ps->slotc : SLOTS_MIN;
	struct member **v;

	if (n < ps->slotc)
		return EOVERFLOW;
	v = ps->slotv ? mem_realloc(ps->slotv, n * sizeof *v)
		: mem_zalloc(n * sizeof *v, NULL);
	if (!v)
		return ENOMEM;
	memset(v + ps->slotc, 0, (n - ps->slotc) * sizeof *v);
	ps->slotv = v;
	/* the new half is free */
	ps->slot_next = ps->slotc;
	ps->slotc = n;
	return 0;
}

/* Round and round, so that a handle is not used again soon. */
static bool slot_find(struct paths *ps, uint32_t *slot)
{
	for (uint32_t i = 0; i < ps->slotc; i++) {
		uint32_t s = (ps->slot_next + i) % ps->slotc;

		if (ps->slotv[s])
			continue;
		ps->slot_next = s + 1;
		*slot = s;
		return true;
	}
	return false;
}

int paths_join(struct paths *ps, struct member *m)
{
	int err;

	if (!slot_find(ps, &m->handle)) {
		err = slots_grow(ps);
		if (err)
			return err;
		(void)slot_find(ps, &m->handle);
	}
	ps->slotv[m->handle] = m;
	m->ps = mem_ref(ps);
	return 0;
}

void paths_leave(struct member *m)
{
	if (!m->ps)
		return;
	for (int i = 0; i < 2; i++)
		hash_unlink(&m->name[i].le);
	m->ps->slotv[m->handle] = NULL;
	m->ps = mem_deref(m->ps);
}

void paths_name(struct member *m, const char *ufrag, const char *old)
{
	const char *namev[2] = { ufrag, old };

	for (int i = 0; i < 2; i++) {
		hash_unlink(&m->name[i].le);
		m->name[i].ufrag = namev[i];
		if (namev[i])
			hash_append(m->ps->ufrags, hash_joaat_str(namev[i]),
				    &m->name[i].le, m);
	}
}

static struct member *by_ufrag(const struct paths *ps,
			       const struct pl *username)
{
	struct pl ufrag = { username->p, CREDS_UFRAG_LEN };
	struct le *le;

	if (username->l <= CREDS_UFRAG_LEN ||
	    username->p[CREDS_UFRAG_LEN] != ':')
		return NULL;
	LIST_FOREACH(hash_list(ps->ufrags, hash_joaat_pl(&ufrag)), le) {
		struct member *m = le->data;

		for (int i = 0; i < 2; i++)
			if (m->name[i].ufrag &&
			    !pl_strcmp(&ufrag, m->name[i].ufrag))
				return m;
	}
	return NULL;
}

static struct member *by_handle(const struct paths *ps, const uint8_t *tid)
{
	uint32_t handle;

	memcpy(&handle, tid, sizeof handle);
	return handle < ps->slotc ? ps->slotv[handle] : NULL;
}

static struct member *owner(const struct paths *ps, const struct stun_pkt *m)
{
	switch (m->cls) {
	case STUN_CLASS_REQUEST:
		/* RFC 8445 section 7.1: each check has a FINGERPRINT */
		return stun_fingerprint_ok(m) ? by_ufrag(ps, &m->username)
			: NULL;
	case STUN_CLASS_SUCCESS_RESP:
	case STUN_CLASS_ERROR_RESP:
		return m->fp && !stun_fingerprint_ok(m) ? NULL
			: by_handle(ps, m->tid);
	default:
		return NULL;
	}
}

/* Of TURN: answers to requests (turn.c). */
static bool known_method(const struct stun_pkt *m)
{
	switch (m->method) {
	case STUN_METHOD_BINDING:
		return true;
	case STUN_METHOD_ALLOCATE:
	case STUN_METHOD_REFRESH:
	case STUN_METHOD_CREATEPERM:
	case STUN_METHOD_CHANBIND:
		return m->cls == STUN_CLASS_SUCCESS_RESP ||
			m->cls == STUN_CLASS_ERROR_RESP;
	default:
		return false;
	}
}

void paths_recv(struct paths *ps, int proto, const struct sa *local,
		const struct sa *src, const uint8_t *buf, size_t len)
{
	struct member *member;
	struct stun_pkt m;

	if (!ps || !local || !src || stun_parse(&m, buf, len) ||
	    !known_method(&m))
		return;
	member = owner(ps, &m);
	if (!member)
		return;
	member->recvh(proto, local, src, &m, member->arg);
}

static void tell_locals(const struct paths *ps)
{
	struct outside_local v[NETIF_MAX];

	for (size_t i = 0; i < ps->netc; i++) {
		v[i].sa = ps->netv[i].addr;
		v[i].index = ps->netv[i].index;
	}
	outside_locals(v, ps->netc);
}

static int net_read(struct paths *ps)
{
	size_t n;
	int err = netif_list(ps->netv, &n, ps->interfaces);

	if (err)
		return err;
	ps->netc = n;
	ps->net_at = clock_ns();
	tell_locals(ps);
	return 0;
}

void paths_forgets(struct paths *ps, const struct sa *local,
		   const struct sa *mapped, unsigned idle, unsigned life)
{
	keepalive_set(&ps->keepalive, local, mapped, idle * SEC, life * SEC);
}

bool paths_six_only(struct paths *ps)
{
	bool six = false;

	if (!ps || (!ps->net_at && net_read(ps)))
		return false;
	for (size_t i = 0; i < ps->netc; i++) {
		if (sa_af(&ps->netv[i].addr) == AF_INET)
			return false;
		six |= !netif_inside(&ps->netv[i].addr);
	}
	return six;
}

const struct nat64 *paths_nat64(struct paths *ps)
{
	return ps->nat64.len && paths_six_only(ps) ? &ps->nat64 : NULL;
}

struct keepalive *paths_keepalive(struct paths *ps)
{
	return &ps->keepalive;
}

/* Those that only IPv4 reaches are reached by the NAT64. */
static size_t servers(struct paths *ps)
{
	const struct nat64 *n = paths_nat64(ps);
	size_t c = 0;

	for (size_t i = 0; i < ps->conf.stunc; i++) {
		const struct sa *sa = &ps->conf.stunv[i];

		if (!n || !nat64_map(&ps->stunv[c], n, sa))
			ps->stunv[c] = *sa;
		c++;
	}
	return c;
}

int paths_env(struct paths *ps, struct finder_env *env,
	      const struct member *m)
{
	int err = 0;

	if (!ps->net_at || clock_ns() > ps->net_at + NETIF_FRESH)
		err = net_read(ps);
	/* the list of before is better than none */
	if (err && !ps->net_at)
		return err;
	*env = (struct finder_env){
		.netv = ps->netv, .netc = ps->netc,
		.port4 = ps->conf.port4, .port6 = ps->conf.port6,
		.tcp4 = ps->conf.tcp4, .tcp6 = ps->conf.tcp6,
		.tls4 = ps->conf.tls4, .tls6 = ps->conf.tls6,
		.stunv = ps->stunv, .stunc = servers(ps),
		.mapv = ps->mapv, .mapc = ps->mapc,
		.relayv = ps->relayv, .relayc = ps->relayc,
		.relay_ops = ps->conf.relay_ops,
		.guess_ops = ps->conf.guess_ops,
		.keepalive = &ps->keepalive,
		.handle = m->handle,
	};
	return 0;
}

/* Whose it was is not known here: each looks. By index: a handler may free any
 * path, and start others. */
void paths_lost(struct paths *ps, int proto, const struct sa *local,
		const struct sa *remote)
{
	if (!ps)
		return;
	mem_ref(ps);
	for (uint32_t i = 0; i < ps->slotc; i++)
		if (ps->slotv[i])
			ps->slotv[i]->losth(proto, local, remote,
					    ps->slotv[i]->arg);
	mem_deref(ps);
}

static void tell(struct paths *ps, enum paths_news news)
{
	mem_ref(ps);
	for (uint32_t i = 0; i < ps->slotc; i++)
		if (ps->slotv[i])
			ps->slotv[i]->newsh(news, ps->slotv[i]->arg);
	mem_deref(ps);
}

void paths_changed(struct paths *ps)
{
	if (ps && !net_read(ps))
		tell(ps, PATHS_ADDRESSES);
}

void paths_stun_set(struct paths *ps, const struct sa *sav, size_t sac)
{
	if (!ps)
		return;
	ps->conf.stunc = min(sac, ARRAY_SIZE(ps->conf.stunv));
	for (size_t i = 0; i < ps->conf.stunc; i++)
		ps->conf.stunv[i] = sav[i];
	tell(ps, PATHS_SERVERS);
}

void paths_nat64_set(struct paths *ps, const struct nat64 *n)
{
	if (!ps)
		return;
	memset(&ps->nat64, 0, sizeof ps->nat64);
	if (n)
		ps->nat64 = *n;
	tell(ps, PATHS_SERVERS);
}

void paths_mapped_set(struct paths *ps, const struct path_mapping *v,
		      size_t n)
{
	if (!ps)
		return;
	ps->mapc = min(n, (size_t)PATH_MAPPINGS_MAX);
	for (size_t i = 0; i < ps->mapc; i++)
		ps->mapv[i] = v[i];
	tell(ps, PATHS_MAPPINGS);
}

void paths_relays_set(struct paths *ps, struct relay *const *v, size_t n)
{
	if (!ps)
		return;
	for (size_t i = 0; i < ps->relayc; i++)
		ps->relayv[i] = mem_deref(ps->relayv[i]);
	ps->relayc = min(n, (size_t)RELAYS_MAX);
	for (size_t i = 0; i < ps->relayc; i++)
		ps->relayv[i] = mem_ref(v[i]);
	tell(ps, PATHS_RELAYS);
}

size_t paths_stun(const struct paths *ps, const struct sa **sav)
{
	*sav = ps->conf.stunv;
	return ps->conf.stunc;
}

size_t paths_relays(const struct paths *ps, struct relay *const **v)
{
	*v = ps->relayv;
	return ps->relayc;
}
