/*
 * nat.h: a NAT of each kind (RFC 4787): what an inside address becomes, and
 * who may send to it.
 */
#ifndef DIALTONE_MOCKNET_NAT_H
#define DIALTONE_MOCKNET_NAT_H

#include <re.h>

/* By what it lets in; a symmetric one has a mapping for each destination. */
enum nat_kind {
	NAT_NONE, NAT_FULL, NAT_ADDR, NAT_PORT, NAT_SYMMETRIC, NAT_BLOCKED
};

enum { MAPPINGS = 256, SEEN = 16 };

struct mapping {
	int proto;
	struct sa in, out, to;          /* `to`: what opened it */
	struct sa seen[SEEN];           /* who was sent to: filtering */
	unsigned seenc;
	uint64_t born;
};

struct nat {
	enum nat_kind kind;
	struct sa pub;                  /* port 0 */
	struct mapping map[MAPPINGS];
	unsigned mapc;
	uint64_t life;                  /* of UDP's mappings; 0: no end */
	uint16_t port_next;
};

/* Its time is over, however much it is used. */
static inline bool nat_ended(const struct nat *nat, const struct mapping *m,
			     uint64_t now)
{
	return nat->life && m->proto == IPPROTO_UDP &&
		now >= m->born + nat->life;
}

static inline struct mapping *nat_find(struct nat *nat, int proto,
				       const struct sa *in,
				       const struct sa *dst, uint64_t now)
{
	for (unsigned i = 0; i < nat->mapc; i++) {
		struct mapping *m = &nat->map[i];

		if (m->proto == proto && sa_cmp(&m->in, in, SA_ALL) &&
		    !nat_ended(nat, m, now) &&
		    (nat->kind != NAT_SYMMETRIC ||
		     sa_cmp(&m->to, dst, SA_ALL)))
			return m;
	}
	return NULL;
}

static inline struct mapping *nat_map(struct nat *nat, int proto,
				      const struct sa *in,
				      const struct sa *dst, uint64_t now)
{
	struct mapping *m;

	if (nat->mapc == MAPPINGS)
		return NULL;
	m = &nat->map[nat->mapc++];
	m->proto = proto;
	m->in = *in;
	m->to = *dst;
	m->born = now;
	m->out = nat->pub;
	sa_set_port(&m->out, (uint16_t)(20000 + 7 * nat->port_next++));
	return m;
}

/* The mapping of an inside address towards dst, made if there is none; NULL:
 * there is no room. */
static inline struct mapping *nat_out(struct nat *nat, int proto,
				      const struct sa *in,
				      const struct sa *dst, uint64_t now)
{
	struct mapping *m = nat_find(nat, proto, in, dst, now);

	if (!m)
		m = nat_map(nat, proto, in, dst, now);
	for (unsigned i = 0; m && i < m->seenc && i < SEEN; i++)
		if (sa_cmp(&m->seen[i], dst, SA_ALL))
			return m;
	if (m)
		m->seen[m->seenc++ % SEEN] = *dst;
	return m;
}

/* The inside address of a packet from src to an outside one; NULL: dropped. */
static inline const struct sa *nat_in(const struct nat *nat, int proto,
				      const struct sa *src,
				      const struct sa *dst, uint64_t now)
{
	for (unsigned i = 0; i < nat->mapc; i++) {
		const struct mapping *m = &nat->map[i];

		if (m->proto != proto || !sa_cmp(&m->out, dst, SA_ALL) ||
		    nat_ended(nat, m, now))
			continue;
		if (nat->kind == NAT_FULL)
			return &m->in;
		for (unsigned k = 0; k < m->seenc && k < SEEN; k++)
			if (sa_cmp(&m->seen[k], src, nat->kind == NAT_ADDR
				   ? SA_ADDR : SA_ALL))
				return &m->in;
	}
	return NULL;
}

/* It has forgotten everything. */
static inline void nat_reboot(struct nat *nat)
{
	nat->mapc = 0;
	nat->port_next += 100;
}

#endif
