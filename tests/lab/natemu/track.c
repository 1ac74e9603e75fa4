/*
 * track.c: mappings by RFC 4787 section 4.1, timers by 4.3 and RFC 5382.
 */
#include "conf.h"
#include "ports.h"
#include "track.h"

static int64_t sec(double s)
{
	return (int64_t)(s * SEC);
}

struct map *track_map(enum proto p, const struct ep *in,
		      const struct ep *rem, bool fw, bool make)
{
	int mapping = fw ? EIM : conf.map[p];
	struct ep key = { .p = 0 }, ext = *in;
	struct map *m;

	if (mapping != EIM)
		key.a = rem->a;
	if (mapping == APDM)
		key.p = rem->p;
	m = map_find(p, in, &key);
	if (m || !make || !map_room())
		return m;
	if (!fw) {
		ext.a = conf.ext;
		if (!port_pick(p, in, &ext)) {
			COUNT(drop_no_port);
			return NULL;
		}
	}
	return map_add(p, in, &ext, &key);
}

static int64_t idle(enum proto p)
{
	return sec(p == P_UDP ? conf.udp_to
		   : p == P_ICMP ? conf.icmp_to : conf.est_to);
}

static void tcp_state(struct sess *s, int f, enum dir d)
{
	bool idle_now = s->st == T_NONE || s->st >= T_FIN;

	if (f & F_RST)
		s->st = T_CLOSED;
	else if (f & F_FIN)
		s->st = T_FIN;
	else if ((f & (F_SYN | F_ACK)) == (F_SYN | F_ACK))
		s->st = s->st == T_SYN_OUT || s->st == T_SYN_IN ? T_EST
								: s->st;
	else if ((f & F_SYN) && idle_now)
		s->st = d == OUT ? T_SYN_OUT : T_SYN_IN;
	else if (!(f & F_SYN) && s->st == T_NONE)
		s->st = T_EST;
}

static int64_t tcp_idle(const struct sess *s)
{
	switch (s->st) {
	case T_EST:    return sec(conf.est_to);
	case T_FIN:    return sec(conf.fin_to);
	case T_CLOSED: return conf.rst_del ? 0 : 2 * SEC;
	default:       return sec(conf.syn_to);
	}
}

void track_seen(struct sess *s, const struct pkt *k, enum dir d)
{
	if (k->proto == P_TCP) {
		tcp_state(s, k->tcpf, d);
		s->exp = now + tcp_idle(s);
		map_touch(s->m, SEC);
	} else if (d == OUT || conf.refresh_in) {
		s->exp = now + idle(k->proto);
		map_touch(s->m, idle(k->proto));
	}
}

void track_addr(struct map *m, const struct pkt *k)
{
	struct ep r = { .a = k->dst.a };
	struct sess *s = sess_find(m, &r, true);

	if (!s)
		s = sess_add(m, &r, true);
	s->exp = now + idle(k->proto);
}
