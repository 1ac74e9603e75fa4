/*
 * refuse.c: RSTs, ICMP errors, and the ban of those who scan.
 */
#include <netinet/in.h>
#include <string.h>
#include "conf.h"
#include "link.h"
#include "refuse.h"
#include "table.h"

/* An IP header back to the sender of k; its length. */
static int header(uint8_t *r, const struct pkt *k, int ipproto, int payload)
{
	if (k->ver == 4) {
		r[0] = 0x45;
		put16(r + 2, (unsigned)(20 + payload));
		r[8] = 64;
		r[9] = (uint8_t)ipproto;
		memcpy(r + 12, k->b + 16, 4);
		memcpy(r + 16, k->b + 12, 4);
		ip4_csum(r);
		return 20;
	}
	r[0] = 0x60;
	put16(r + 4, (unsigned)payload);
	r[6] = (uint8_t)ipproto;
	r[7] = 64;
	memcpy(r + 8, k->b + 24, 16);
	memcpy(r + 24, k->b + 8, 16);
	return 40;
}

/* RFC 9293 section 3.10.7.1 */
void refuse_rst(const struct pkt *k, enum dir d)
{
	uint8_t r[60] = { 0 }, *t;
	int hl = header(r, k, IPPROTO_TCP, 20);

	if (k->tcpf & F_RST)
		return;
	t = r + hl;
	put16(t, k->dst.p);
	put16(t + 2, k->src.p);
	t[12] = 5 << 4;
	if (k->tcpf & F_ACK) {
		memcpy(t + 4, k->l4 + 8, 4);
		t[13] = F_RST;
	} else {
		int len = k->l4n - (k->l4[12] >> 4) * 4;

		put32(t + 8, get32(k->l4 + 4) + (uint32_t)len +
		      !!(k->tcpf & F_SYN) + !!(k->tcpf & F_FIN));
		t[13] = F_RST | F_ACK;
	}
	l4_csum(r, hl + 20, hl, IPPROTO_TCP);
	COUNT(sent_rst);
	link_emit(d, r, hl + 20);
}

void refuse_icmp(const struct pkt *k, enum dir d, bool prohibited)
{
	uint8_t r[1280] = { 0 };
	bool v4 = k->ver == 4;
	int most = v4 ? 548 : 1000, q = k->n < most ? k->n : most;
	int ipproto = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, hl;

	if (k->proto == P_ICMP)
		return;
	hl = header(r, k, ipproto, 8 + q);
	r[hl] = v4 ? 3 : 1;
	r[hl + 1] = v4 ? (prohibited ? 13 : 3) : (prohibited ? 1 : 4);
	memcpy(r + hl + 8, k->b, (size_t)q);
	l4_csum(r, hl + 8 + q, hl, ipproto);
	COUNT(sent_icmp);
	link_emit(d, r, hl + 8 + q);
}

static void refuse_syn(const struct pkt *k)
{
	if (conf.syn == R_RST)
		refuse_rst(k, OUT);
	else
		refuse_icmp(k, OUT, false);
}

void refuse_unasked(struct pkt *k)
{
	double delay = conf.syn_delay;

	if (k->proto == P_UDP && conf.udp == R_ICMP)
		refuse_icmp(k, OUT, false);
	if (!pkt_syn(k))
		return;
	COUNT(drop_syn_unsolicited);
	if (conf.syn == R_DROP)
		return;
	if (delay < 0)
		delay = conf.syn == R_ICMP ? 6 : 0;
	if (delay > 0)
		link_later(now + (int64_t)(delay * SEC), k->b, k->n);
	else
		refuse_syn(k);
}

void refuse_late(uint8_t *b, int n)
{
	struct pkt k;
	struct sess *s;
	bool exists;

	if (!pkt_parse(&k, b, n))
		return;
	(void)map_find_ext(P_TCP, &k.dst, &k.src, &s, &exists);
	if (!s)         /* no simultaneous open has come of it */
		refuse_syn(&k);
}

bool refuse_banned(const struct addr *a, bool hit)
{
	static struct { struct addr a; int64_t t0, ban; int n; } scanv[1024];
	unsigned i = (a->b[15] | (unsigned)a->b[14] << 8) % 1024;

	if (!conf.scan_limit)
		return false;
	if (!addr_eq(&scanv[i].a, a) ||
	    (scanv[i].ban <= now && now - scanv[i].t0 > SEC)) {
		memset(&scanv[i], 0, sizeof scanv[i]);
		scanv[i].a = *a;
		scanv[i].t0 = now;
	}
	if (scanv[i].ban > now)
		return true;
	if (hit && ++scanv[i].n > conf.scan_limit) {
		scanv[i].ban = now + conf.scan_ban * SEC;
		say("ban %s", addr_text(a));
	}
	return false;
}
