/*
 * udp.h: a UDP socket read and written in batches of equal datagrams.
 *
 * The kernel cuts (UDP_SEGMENT) and joins (UDP_GRO) the batches where it can;
 * where it cannot, they go one by one, and nobody above notices. Addresses
 * say on which of ours a packet came and from which one goes.
 */
#ifndef DIALTONE_UDP_H
#define DIALTONE_UDP_H

#include <re.h>

struct udp;
struct link;

enum {
	UDP_BATCH_MAX = 65000,          /* bytes of a write: IP allows less
	                                   than 64 KiB with its headers */
	UDP_SEGS_MAX = 64,              /* datagrams of a write */
	UDP_ROOM = 64,                  /* bytes in front of what was read */
};

enum udp_flag {
	UDP_NO_GSO = 1 << 0,            /* as on a kernel without */
	UDP_NO_GRO = 1 << 1,
};

/* len bytes: datagrams of seg bytes, the last may be shorter. Valid during
 * the call. */
struct udp_rx {
	const uint8_t *buf;
	size_t len, seg;
	int proto;              /* IPPROTO_UDP, unless a link says otherwise */
	struct sa src, local;
	uint64_t now;           /* when it was read, clock_ns */
};

typedef void (udp_rx_h)(const struct udp_rx *rx, void *arg);

/* Where a write goes. */
struct udp_to {
	struct sa local;                /* unset: the kernel's choice */
	struct sa remote;
	bool no_gso;                    /* this way cannot; set by write */
	struct link *link;              /* the worker's: instead of a socket */
};

/* A non-blocking socket, wildcard bound, don't-fragment set, 8 MB of buffers
 * where allowed. EADDRINUSE; EAFNOSUPPORT, EADDRNOTAVAIL if the host lacks
 * the family. */
int udp_batch_open(struct udp **up, int af, uint16_t port, unsigned flags);

/* Make one of a UDP socket that is bound, and maybe connected: fd is u's, on
 * success only. */
int udp_batch_adopt(struct udp **up, int af, int fd);

int udp_batch_fd(const struct udp *u);

/* Bytes that were written and are still on this host, as the kernel counts:
 * with the space they take. 0 where that is not told. */
size_t udp_batch_queued(const struct udp *u);

uint16_t udp_batch_port(const struct udp *u);

/* Hand over what one system call brings. EAGAIN: nothing there. */
int udp_batch_read(struct udp *u, udp_rx_h *h, void *arg);

/* Send buf as datagrams of seg bytes. *done: how much of it is dealt with,
 * a multiple of seg or all. EAGAIN: the socket is full, come back with the
 * rest at EPOLLOUT. Any other error: those packets are lost, as the network
 * would lose them; EMSGSIZE: some are larger than the interface's MTU. */
int udp_batch_write(struct udp *u, struct udp_to *to, const uint8_t *buf,
		    size_t len, size_t seg, size_t *done);

/* One datagram; from any thread. 0 or errno. */
int udp_batch_send1(const struct udp *u, const struct sa *local,
		    const struct sa *remote, const uint8_t *buf, size_t len);

#endif
