/*
 * tun.h: one TUN interface with virtio headers; it vanishes when it is freed
 * or when the process ends.
 */
#ifndef DIALTONE_VPN_TUN_H
#define DIALTONE_VPN_TUN_H

#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct loop;
struct tun;

enum { TUN_TURN = 64 };         /* packets read in one turn of the loop */

/* What came from the kernel: n bytes at p, SEGMENT_ROOM before them free,
 * all of it the handler's to overwrite. */
typedef void (tun_read_h)(const struct virtio_net_hdr *vh, uint8_t *p,
			  size_t n, void *arg);

/* Make an interface, named as wished or, with "", vpn0, vpn1, ... errno with
 * why, a sentence for people. */
int tun_open(struct tun **tp, struct loop *l, const char *name,
	     tun_read_h *h, void *arg, char *why, size_t size);

/* One packet for the kernel, a struct virtio_net_hdr in front. */
int tun_write(struct tun *t, const struct iovec *v, int n);

/* A plain packet that needs nothing from the kernel. */
int tun_write_plain(struct tun *t, const void *p, size_t n);

const char *tun_name(const struct tun *t);
int tun_index(const struct tun *t);

/* Does the kernel cut TCP, UDP for us? */
bool tun_cuts_tcp(const struct tun *t);
bool tun_cuts_udp(const struct tun *t);

#endif
