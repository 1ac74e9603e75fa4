/*
 * nat.c: one packet at a time, from the inside to the link or back.
 *
 *   nat_inside:  family, policy, hairpin ── mapping, session ── set source
 *   nat_outside: family, ban ── mapping or refusal, session ── set destination
 *
 * Fragments follow the first one; ICMP errors follow what they are about.
 */
#include <string.h>
#include "alg.h"
#include "conf.h"
#include "link.h"
#include "nat.h"
#include "refuse.h"
#include "track.h"

enum { FRAGS = 256, FRAG_S = 30, ICMP_QUOTE = 2000 };

static struct frag {
	struct addr src, dst;
	uint32_t id;
	int64_t exp;
	enum dir d;
	struct ep to;
} fragv[FRAGS];

static struct frag *frag_slot(const struct pkt *k)
{
	return &fragv[(k->fragid * 31 + k->src.a.b[15] + k->dst.a.b[15]) %
		      FRAGS];
}

/* was: k before it was changed; to: what its endpoint became */
static void frag_note(const struct pkt *was, enum dir d, const struct ep *to)
{
	struct frag *f = frag_slot(was);

	f->src = was->src.a;
	f->dst = was->dst.a;
	f->id = was->fragid;
	f->exp = now + FRAG_S * SEC;
	f->d = d;
	f->to = *to;
}

static void frag_later(struct pkt *k, enum dir d)
{
	struct frag *f = frag_slot(k);

	if (!conf.frag || f->exp <= now || f->d != d || f->id != k->fragid ||
	    !addr_eq(&f->src, &k->src.a) || !addr_eq(&f->dst, &k->dst.a)) {
		COUNT(drop_frag);
		return;
	}
	pkt_set(k, d == OUT, &f->to);
	link_emit(d, k->b, k->n);
}

/* What an ICMP error quotes is often cut short: parse a padded copy. */
static bool parse_quote(struct pkt *q, uint8_t *copy, const struct pkt *k)
{
	int n = k->l4n - 8;

	if (n < 28 || n > ICMP_QUOTE)
		return false;
	memset(copy, 0, ICMP_QUOTE + 60);
	memcpy(copy, k->l4 + 8, (size_t)n);
	if (k->ver == 4)
		put16(copy + 2, (unsigned)n + 60);
	else
		put16(copy + 4, (unsigned)n + 60 - 40);
	return pkt_parse(q, copy, n + 60) && q->known && !q->icmperr;
}

/* The endpoint that the quoted packet had on the other side of the box. */
static bool quote_ep(struct ep *e, struct pkt *q, enum dir d, bool fw)
{
	struct sess *s;
	struct map *m;
	bool exists;

	if (q->proto == P_ICMP)         /* an id is of its own side only */
		*(d == IN ? &q->dst.p : &q->src.p) = 0;
	if (d == IN) {
		m = map_find_ext(q->proto, &q->src, &q->dst, &s, &exists);
		if (!m || !s)
			return false;
		*e = m->in;
	} else {
		m = track_map(q->proto, &q->dst, &q->src, fw, false);
		if (!m)
			return false;
		*e = m->ext;
	}
	return true;
}

static void icmp_error(struct pkt *k, enum dir d, bool fw)
{
	static uint8_t copy[ICMP_QUOTE + 60];
	struct pkt q;
	struct ep e;

	if (!conf.icmp || !parse_quote(&q, copy, k) ||
	    !quote_ep(&e, &q, d, fw)) {
		COUNT(drop_icmp);
		return;
	}
	if (!fw) {
		uint8_t *ip = k->l4 + 8, *port = ip + (ip[0] & 15) * 4;

		memcpy(ip + (d == IN ? 12 : 16), e.a.b + 12, 4);
		ip4_csum(ip);
		put16(port + (q.proto == P_ICMP ? 4 : d == IN ? 0 : 2), e.p);
		memcpy(k->b + (d == IN ? 16 : 12), e.a.b + 12, 4);
		ip4_csum(k->b);
		l4_csum(k->b, k->n, k->hl, k->ipproto);
	}
	COUNT(icmp_errors_passed);
	link_emit(d, k->b, k->n);
}

/* Does it end here? What is local, of no family of ours, or a fragment. */
static bool ends_here(struct pkt *k, enum dir d, int mode)
{
	bool local = k->ver == 6
		? k->src.a.b[0] == 0xfe || k->dst.a.b[0] == 0xff
		: k->dst.a.b[12] >= 224;

	if (local)
		return true;
	if (mode == M_PASS)
		link_emit(d, k->b, k->n);
	else if (mode == M_DROP || !k->known)
		COUNT(drop_family);
	else if (k->frag == FRAG_LATER)
		frag_later(k, d);
	else if (k->icmperr)
		icmp_error(k, d, mode == M_FW);
	else
		return false;
	return true;
}

static bool policy_ok(const struct pkt *k)
{
	for (int i = 0; i < conf.allowc; i++) {
		const struct allow *a = &conf.allow[i];

		if (a->proto == (int)k->proto && (k->proto == P_ICMP ||
		    (k->dst.p >= a->lo && k->dst.p <= a->hi)))
			return true;
	}
	return !conf.allowc;
}

static void policy_drop(struct pkt *k)
{
	COUNT(drop_out_policy);
	if (conf.reject && k->proto == P_TCP)
		refuse_rst(k, IN);
	else if (conf.reject)
		refuse_icmp(k, IN, true);
}

/* The first data of a connection must be a TLS record (RFC 8446 section 5.1:
 * 22, handshake). */
static bool dpi_ok(struct sess *s, const struct pkt *k)
{
	int len = k->l4n - (k->l4[12] >> 4) * 4;

	if (!conf.dpi || k->proto != P_TCP || len <= 0 || s->dpi_ok)
		return true;
	s->dpi_ok = k->l4[k->l4n - len] == 22;
	if (!s->dpi_ok) {
		COUNT(drop_dpi);
		refuse_rst(k, IN);
		s->exp = now;
	}
	return s->dpi_ok;
}

/* The other side of a port that stands in a SIP message. */
static int alg_port(enum dir d, const struct ep *e, const struct ep *rem)
{
	struct sess *s;
	bool exists;
	struct map *m = d == OUT
		? track_map(P_UDP, e, rem, false, true)
		: map_find_ext(P_UDP, e, rem, &s, &exists);

	if (!m)
		return e->p;
	map_touch(m, (int64_t)(conf.udp_to * SEC));
	return d == OUT ? m->ext.p : m->in.p;
}

/* Set the endpoint that the box changes, and what SIP says about it. */
static void change(struct pkt *k, enum dir d, const struct map *m)
{
	static uint8_t out[PACKET_MAX];
	struct pkt was = *k;
	const struct ep *to = d == OUT ? &m->ext : &m->in;
	int n;

	if (conf.alg && alg_sip(k)) {
		n = alg_rewrite(k, out, d, m, alg_port);
		memcpy(k->b, out, (size_t)n);
		if (!pkt_parse(k, k->b, n))
			return;
	}
	pkt_set(k, d == OUT, to);
	if (k->frag == FRAG_FIRST)
		frag_note(&was, d, to);
}

static struct sess *in_session(struct pkt *k, struct map *m, struct sess *s)
{
	bool syn = pkt_syn(k);

	if (k->proto == P_TCP && !s && !syn) {
		COUNT(drop_tcp_no_session);
		return NULL;
	}
	if (s && syn) {
		if ((s->st == T_SYN_OUT && !conf.simopen) ||
		    (s->st >= T_FIN && !map_lets(m, &k->src))) {
			refuse_unasked(k);
			return NULL;
		}
		if (s->st == T_SYN_OUT)
			COUNT(simopen_passed);
	}
	if (s)
		return s;
	s = sess_add(m, &k->src, false);
	if (s && k->proto != P_TCP)     /* also where it does not refresh */
		s->exp = m->exp;
	return s;
}

static void come_in(struct pkt *k, bool fw)
{
	struct sess *s;
	bool exists;
	struct map *m = map_find_ext(k->proto, &k->dst, &k->src, &s, &exists);

	if (!m) {
		(void)refuse_banned(&k->src.a, true);
		if (exists)
			COUNT(drop_in_filtered);
		else
			COUNT(drop_in_no_map);
		refuse_unasked(k);
		return;
	}
	s = in_session(k, m, s);
	if (!s)
		return;
	track_seen(s, k, IN);
	if (!fw)
		change(k, IN, m);
	link_emit(IN, k->b, k->n);
}

void nat_outside(struct pkt *k)
{
	int mode = k->ver == 4 ? conf.v4 : conf.v6;

	if (ends_here(k, IN, mode))
		return;
	if (k->proto == P_ICMP)
		k->src.p = 0;
	if (refuse_banned(&k->src.a, false))
		COUNT(drop_scan_ban);
	else
		come_in(k, mode == M_FW);
}

static struct sess *out_session(struct pkt *k, bool fw)
{
	struct map *m = track_map(k->proto, &k->src, &k->dst, fw, false);
	struct sess *s = m ? sess_find(m, &k->dst, false) : NULL;

	if (k->proto == P_TCP && !s && !pkt_syn(k)) {
		COUNT(drop_tcp_no_session);
		return NULL;
	}
	if (!m)
		m = track_map(k->proto, &k->src, &k->dst, fw, true);
	if (m && !s)
		s = sess_add(m, &k->dst, false);
	return s;
}

void nat_inside(struct pkt *k)
{
	int mode = k->ver == 4 ? conf.v4 : conf.v6;
	bool fw = mode == M_FW, hairpin;
	struct ep src = k->src;
	struct sess *s;

	if (ends_here(k, OUT, mode))
		return;
	if (!policy_ok(k)) {
		policy_drop(k);
		return;
	}
	if (k->proto == P_ICMP)
		k->dst.p = 0;
	hairpin = !fw && addr_eq(&k->dst.a, &conf.ext);
	if (hairpin && !conf.hairpin) {
		COUNT(drop_hairpin);
		return;
	}
	s = out_session(k, fw);
	if (!s || !dpi_ok(s, k))
		return;
	if (conf.filter[k->proto] == ADF)
		track_addr(s->m, k);
	track_seen(s, k, OUT);
	if (!fw)
		change(k, OUT, s->m);
	if (!hairpin) {
		link_emit(OUT, k->b, k->n);
		return;
	}
	COUNT(hairpinned);
	/* the filter sees the external source; some boxes leave the inside
	 * one on the packet (RFC 4787 section 6) */
	if (conf.hairpin == HAIRPIN_INT)
		pkt_set(k, true, &src);
	come_in(k, false);
}
