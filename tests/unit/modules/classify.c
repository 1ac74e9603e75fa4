/*
 * Tests modules/path/classify.c: a NAT of each kind and a server with two
 * addresses, in memory and in fake time.
 *
 *   [classify] --sendh--> NAT: 203.0.113.1 --> server 198.51.100.1, .2
 */
#include <string.h>
#include "modules/path/classify.h"
#include "modules/path/stun.h"
#include "sdp/base/clock.h"
#include "tests/unit/unit.h"

enum { MAPS = 64, FLYING = 64, PRIMARY = 3478, OTHER = 3479 };

struct net {
	struct classify *c;
	struct classify_conf conf;
	uint64_t now;
	enum nat_kind mapping, filtering;
	unsigned step;                  /* between ports, 0: preserved */
	bool hairpin, plain;            /* the server has one address */
	bool deaf;
	unsigned lose;                  /* so many packets, first */
	struct map {
		unsigned sock;
		struct sa to, ext;
		struct sa sent[16];
		unsigned sentc;
	} mapv[MAPS];
	unsigned mapc;
	uint16_t port;
	struct flying {
		uint64_t at;
		unsigned sock;
		struct sa src;
		size_t len;
		uint8_t buf[128];
	} flyv[FLYING];
	unsigned flyc;
};

static bool maps_same(const struct net *n, const struct sa *a,
		      const struct sa *b)
{
	switch (n->mapping) {
	case NAT_ADDRESS:
		return sa_cmp(a, b, SA_ADDR);
	case NAT_ADDRESS_PORT:
		return sa_cmp(a, b, SA_ALL);
	default:
		return true;
	}
}

static struct map *map_out(struct net *n, unsigned sock, const struct sa *to)
{
	struct map *m = NULL;

	for (unsigned i = 0; i < n->mapc && !m; i++)
		if (n->mapv[i].sock == sock &&
		    maps_same(n, &n->mapv[i].to, to))
			m = &n->mapv[i];
	if (!m) {
		m = &n->mapv[n->mapc++];
		m->sock = sock;
		m->to = *to;
		if (n->mapping == NAT_NONE)
			m->ext = n->conf.basev[sock];
		else
			sa_set_in(&m->ext, 0xcb007101, n->step
				  ? (uint16_t)(n->port += n->step)
				  : sa_port(&n->conf.basev[sock]));
	}
	m->sent[m->sentc++ % 16] = *to;
	return m;
}

static bool lets_in(const struct net *n, const struct map *m,
		    const struct sa *src)
{
	for (unsigned i = 0; i < m->sentc && i < 16; i++)
		if (sa_cmp(&m->sent[i], src, n->filtering == NAT_ADDRESS
			   ? SA_ADDR : SA_ALL))
			return true;
	return n->filtering <= NAT_INDEPENDENT;
}

static void fly(struct net *n, const struct map *m, const struct sa *src,
		const uint8_t *buf, size_t len)
{
	struct flying *f = &n->flyv[n->flyc];

	if (!lets_in(n, m, src) || n->flyc == FLYING || n->deaf)
		return;
	n->flyc++;
	f->at = n->now + 10 * MSEC;
	f->sock = m->sock;
	f->src = *src;
	f->len = len;
	memcpy(f->buf, buf, len);
}

static void serve(struct net *n, const struct map *m, const struct sa *dst,
		  const uint8_t *req)
{
	uint32_t change = req[20] == 0 && req[21] == 3 ? req[27] : 0;
	struct sa src = *dst, other = *dst;
	uint8_t buf[128], attr[8] = { 0, 1 };
	struct stun_out o;

	sa_set_in(&other, sa_in(dst) ^ 3, sa_port(dst) ^ PRIMARY ^ OTHER);
	if (change & 4)
		sa_set_in(&src, sa_in(&other), sa_port(&src));
	if (change & 2)
		sa_set_port(&src, sa_port(&other));
	stun_begin(&o, buf, sizeof buf, STUN_CLASS_SUCCESS_RESP, req + 8);
	stun_put_mapped(&o, &m->ext);
	attr[2] = (uint8_t)(sa_port(&other) >> 8);
	attr[3] = (uint8_t)sa_port(&other);
	for (int i = 0; i < 4; i++)
		attr[4 + i] = (uint8_t)(sa_in(&other) >> (24 - 8 * i));
	if (!n->plain)
		stun_put(&o, STUN_ATTR_OTHER_ADDR, attr, sizeof attr);
	if (!n->plain || !change)
		fly(n, m, &src, buf, stun_end(&o));
}

static void on_send(unsigned sock, const struct sa *dst, const uint8_t *buf,
		    size_t len, void *arg)
{
	struct net *n = arg;
	struct map *m = map_out(n, sock, dst);

	if (n->lose && n->lose--)
		return;
	if (sa_in(dst) >> 8 == 0xc63364) {
		serve(n, m, dst, buf);
		return;
	}
	for (unsigned i = 0; n->hairpin && i < n->mapc; i++)
		if (sa_cmp(&n->mapv[i].ext, dst, SA_ALL))
			fly(n, &n->mapv[i], &m->ext, buf, len);
}

static void net_init(struct net *n, enum nat_kind mapping,
		     enum nat_kind filtering)
{
	memset(n, 0, sizeof *n);
	n->now = SEC;
	n->mapping = mapping;
	n->filtering = filtering;
	n->port = 30000;
	for (unsigned i = 0; i < CLASSIFY_SOCKETS; i++)
		sa_set_in(&n->conf.basev[i], 0x0a000002,
			  (uint16_t)(4000 + i));
	sa_set_in(&n->conf.serverv[0], 0xc6336401, PRIMARY);
	n->conf.serverc = 1;
	n->conf.sendh = on_send;
	n->conf.arg = n;
}

static struct nat run(struct net *n)
{
	struct nat nat;
	uint64_t next;

	CU_ASSERT_EQUAL(classify_alloc(&n->c, &n->conf, n->now), 0);
	while ((next = classify_next(n->c)) != UINT64_MAX || n->flyc) {
		if (n->flyc && n->flyv[0].at <= next) {
			struct flying f = n->flyv[0];

			memmove(n->flyv, n->flyv + 1,
				--n->flyc * sizeof f);
			n->now = max(n->now, f.at);
			classify_recv(n->c, f.sock, &f.src, f.buf, f.len,
				      n->now);
			continue;
		}
		n->now = max(n->now, next);
		classify_tick(n->c, n->now);
	}
	CU_ASSERT(n->now < 4 * SEC);
	classify_result(&nat, n->c);
	n->c = mem_deref(n->c);
	return nat;
}

static void test_kinds(void)
{
	for (int m = NAT_NONE; m <= NAT_ADDRESS_PORT; m++)
		for (int f = NAT_INDEPENDENT; f <= NAT_ADDRESS_PORT; f++) {
			struct net n;
			struct nat nat;

			net_init(&n, (enum nat_kind)m, (enum nat_kind)f);
			n.step = 7001;  /* or all would look alike */
			nat = run(&n);
			CU_ASSERT(nat.udp);
			CU_ASSERT_EQUAL((int)nat.mapping, m);
			CU_ASSERT_EQUAL((int)nat.filtering, f);
			CU_ASSERT_EQUAL(nat.rtt, 10 * MSEC);
		}
}

static void test_loss(void)
{
	struct nat nat;
	struct net n;

	net_init(&n, NAT_ADDRESS_PORT, NAT_ADDRESS);
	n.lose = 3;
	n.step = 7001;
	nat = run(&n);
	CU_ASSERT_EQUAL(nat.mapping, NAT_ADDRESS_PORT);
	CU_ASSERT_EQUAL(nat.filtering, NAT_ADDRESS);
	/* a server that wakes late is heard, and the rest still asked for */
	net_init(&n, NAT_INDEPENDENT, NAT_ADDRESS_PORT);
	n.lose = 5;
	nat = run(&n);
	CU_ASSERT(nat.udp);
	CU_ASSERT_EQUAL(nat.mapping, NAT_INDEPENDENT);
	CU_ASSERT_EQUAL(nat.filtering, NAT_ADDRESS_PORT);
	net_init(&n, NAT_INDEPENDENT, NAT_INDEPENDENT);
	n.deaf = true;
	nat = run(&n);
	CU_ASSERT(!nat.udp);
	CU_ASSERT_EQUAL(n.now, 3 * SEC);
}

static void test_ports(void)
{
	struct nat nat;
	struct net n;

	net_init(&n, NAT_INDEPENDENT, NAT_ADDRESS_PORT);
	nat = run(&n);
	CU_ASSERT_EQUAL(nat.preserves, NAT_HAS);
	net_init(&n, NAT_ADDRESS_PORT, NAT_ADDRESS_PORT);
	n.step = 2;
	nat = run(&n);
	CU_ASSERT_EQUAL(nat.preserves, NAT_HAS_NOT);
	CU_ASSERT_EQUAL(nat.delta, 2);
	net_init(&n, NAT_ADDRESS_PORT, NAT_ADDRESS_PORT);
	n.step = 7001;
	nat = run(&n);
	CU_ASSERT_EQUAL(nat.delta, 0);
}

static void test_hairpin(void)
{
	struct nat nat;
	struct net n;

	for (int has = 0; has < 2; has++) {
		net_init(&n, NAT_INDEPENDENT, NAT_ADDRESS_PORT);
		n.hairpin = has;
		nat = run(&n);
		CU_ASSERT_EQUAL(nat.hairpin, NAT_HAS_UNKNOWN);
		net_init(&n, NAT_INDEPENDENT, NAT_ADDRESS_PORT);
		n.hairpin = has;
		n.conf.hairpin = true;
		nat = run(&n);
		CU_ASSERT_EQUAL(nat.hairpin, has ? NAT_HAS : NAT_HAS_NOT);
	}
}

/* Servers of one address each. */
static void test_plain(void)
{
	struct nat nat;
	struct net n;

	net_init(&n, NAT_INDEPENDENT, NAT_ADDRESS_PORT);
	n.plain = true;
	nat = run(&n);
	CU_ASSERT_EQUAL(nat.mapping, NAT_UNKNOWN);
	CU_ASSERT_EQUAL(nat.filtering, NAT_UNKNOWN);
	for (int m = NAT_INDEPENDENT; m <= NAT_ADDRESS_PORT; m++) {
		net_init(&n, (enum nat_kind)m, NAT_ADDRESS_PORT);
		n.plain = true;
		n.step = 3;
		sa_set_in(&n.conf.serverv[1], 0xc6336402, PRIMARY);
		n.conf.serverc = 2;
		nat = run(&n);
		CU_ASSERT_EQUAL(nat.mapping, m == NAT_INDEPENDENT
				? NAT_INDEPENDENT : NAT_DEPENDENT);
	}
}

/* Right id, wrong source: nothing is believed. */
static void test_spoofed(void)
{
	struct flying *f;
	struct sa evil;
	struct nat nat;
	struct net n;

	net_init(&n, NAT_INDEPENDENT, NAT_INDEPENDENT);
	CU_ASSERT_EQUAL(classify_alloc(&n.c, &n.conf, n.now), 0);
	CU_ASSERT_EQUAL_FATAL(n.flyc, 1);
	f = &n.flyv[0];
	(void)sa_set_str(&evil, "198.51.100.66", PRIMARY);
	classify_recv(n.c, 0, &evil, f->buf, f->len, n.now);
	classify_recv(n.c, 1, &f->src, f->buf, f->len, n.now);
	for (size_t i = 0; i < f->len; i++)
		classify_recv(n.c, 0, &f->src, f->buf, i, n.now);
	classify_result(&nat, n.c);
	CU_ASSERT(!nat.udp);
	classify_recv(n.c, 0, &f->src, f->buf, f->len, n.now);
	classify_result(&nat, n.c);
	CU_ASSERT(nat.udp);
	mem_deref(n.c);
}

UNIT_SUITE("classify",
	{ "mapping and filtering", test_kinds },
	{ "loss", test_loss },
	{ "ports", test_ports },
	{ "hairpin", test_hairpin },
	{ "servers with one address", test_plain },
	{ "spoofed", test_spoofed })
