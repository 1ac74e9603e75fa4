/*
 * wire.h: addresses, checksums and packets as they are on the wire.
 */
#ifndef NATEMU_WIRE_H
#define NATEMU_WIRE_H

#include <stdbool.h>
#include <stdint.h>

struct addr { uint8_t b[16]; };                 /* IPv4 as ::ffff:a.b.c.d */
struct ep { struct addr a; uint16_t p; };       /* port in host order */

enum proto { P_UDP, P_TCP, P_ICMP, P_N };
enum dir { OUT, IN };                   /* towards the outside, the inside */
enum { F_FIN = 1, F_SYN = 2, F_RST = 4, F_ACK = 16 };
enum { FRAG_NO, FRAG_FIRST, FRAG_LATER };
enum { PACKET_MAX = 66000 };

struct pkt {
	uint8_t *b, *l4;
	int n, l4n, ver, hl;            /* lengths, IP version, header */
	int ipproto;
	enum proto proto;
	bool known;                     /* proto is one of enum proto */
	bool icmperr;
	int frag;
	uint32_t fragid;
	struct ep src, dst;             /* the port of an echo is its id */
	int tcpf;
};

uint16_t get16(const uint8_t *p);
uint32_t get32(const uint8_t *p);
void put16(uint8_t *p, unsigned v);
void put32(uint8_t *p, uint32_t v);

struct addr addr4(const uint8_t *p);
bool addr_is4(const struct addr *a);
bool addr_eq(const struct addr *a, const struct addr *b);
bool addr_parse(struct addr *a, const char *s);
/* One of four static buffers. */
const char *addr_text(const struct addr *a);
bool ep_eq(const struct ep *a, const struct ep *b);

uint32_t sum16(const uint8_t *p, int n, uint32_t s);
uint16_t sum_fold(uint32_t s);
/* The header's checksum, and that of the whole transport part. */
void ip4_csum(uint8_t *b);
void l4_csum(uint8_t *b, int n, int hl, int ipproto);

/* False if it is malformed; b stays, and k points into it. */
bool pkt_parse(struct pkt *k, uint8_t *b, int n);
/* Set source or destination, of the same family; checksums follow. */
void pkt_set(struct pkt *k, bool src, const struct ep *e);
/* The router counts as one hop, yet the kernel decrements twice. */
void pkt_ttl(struct pkt *k);
/* A connection's first packet? */
bool pkt_syn(const struct pkt *k);

#endif
