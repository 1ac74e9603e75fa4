/*
 * tun.c: opens /dev/net/tun and moves packets between it and its owner.
 *
 * The kernel is asked for packets as large as it likes (TSO, USO) with their
 * checksums left out, as far as it knows of that (Linux 6.2 for UDP).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <re.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "sdp/base/recompat.h"
#include "tunnels/flow/loop.h"
#include "tunnels/vpn/inner.h"
#include "tunnels/vpn/segment.h"
#include "tunnels/vpn/tun.h"

#ifndef TUN_F_USO4              /* Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

enum { VH = sizeof(struct virtio_net_hdr) };

struct tun {
	int fd;
	int index;
	bool tcp, udp;
	char name[IF_NAMESIZE];
	struct loop_fd lf;
	tun_read_h *readh;
	void *arg;
	uint8_t buf[SEGMENT_ROOM + VH + INNER_MAX + 1];
};

static void tun_destructor(void *arg)
{
	struct tun *t = arg;

	loop_unwatch(&t->lf);
	if (t->fd >= 0)
		(void)close(t->fd);
}

/* Of many packets the reader may free us. */
static void fd_handler(uint32_t events, void *arg)
{
	struct tun *t = mem_ref(arg);
	struct virtio_net_hdr vh;
	(void)events;

	for (int i = 0; i < TUN_TURN && mem_nrefs(t) > 1; i++) {
		uint8_t *p = t->buf + SEGMENT_ROOM;
		const ssize_t n = read(t->fd, p, VH + INNER_MAX + 1);

		if (n <= VH)
			break;
		memcpy(&vh, p, sizeof vh);
		t->readh(&vh, p + VH, (size_t)n - VH, t->arg);
	}
	mem_deref(t);
}

static const struct {
	int err;
	const char *text;
} sentences[] = {
	{ ENOENT, "There is no /dev/net/tun here: load the module tun, or"
		  " give the container the device." },
	{ ENODEV, "There is no /dev/net/tun here: load the module tun, or"
		  " give the container the device." },
	{ EACCES, "/dev/net/tun may not be used by this user." },
	{ EPERM,  "A VPN needs the capability CAP_NET_ADMIN: run sipd as"
		  " root or give it AmbientCapabilities=CAP_NET_ADMIN, and"
		  " dial through it." },
	{ EBUSY,  "The interface exists and is in use by another program." },
};

static int sentence(int err, char *why, size_t size)
{
	for (size_t i = 0; i < RE_ARRAY_SIZE(sentences); i++)
		if (sentences[i].err == err) {
			(void)re_snprintf(why, size, "%s",
					  sentences[i].text);
			return err;
		}
	(void)re_snprintf(why, size, "The interface cannot be made: %m.",
			  err);
	return err;
}

/* What of it the kernel knows, the best first. */
static void offload(struct tun *t)
{
	const unsigned tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	const struct {
		unsigned flags;
		bool tcp, udp;
	} v[] = {
		{ tso | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6, true, true },
		{ tso | TUN_F_TSO_ECN, true, false },
		{ tso, true, false },
		{ TUN_F_CSUM, false, false },
	};

	for (size_t i = 0; i < RE_ARRAY_SIZE(v); i++)
		if (!ioctl(t->fd, TUNSETOFFLOAD, (unsigned long)v[i].flags)) {
			t->tcp = v[i].tcp;
			t->udp = v[i].udp;
			return;
		}
}

static int set_up(struct tun *t, const char *name)
{
	struct ifreq r;
	int size = VH;

	memset(&r, 0, sizeof r);
	r.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	(void)str_ncpy(r.ifr_name, *name ? name : "vpn%d",
		       sizeof r.ifr_name);
	if (ioctl(t->fd, TUNSETIFF, &r))
		return errno;
	(void)str_ncpy(t->name, r.ifr_name, sizeof t->name);
	if (ioctl(t->fd, TUNSETVNETHDRSZ, &size))
		return errno;
	offload(t);
	t->index = (int)if_nametoindex(t->name);
	return t->index ? 0 : errno;
}

int tun_open(struct tun **tp, struct loop *l, const char *name,
	     tun_read_h *h, void *arg, char *why, size_t size)
{
	struct tun *t = mem_zalloc(sizeof *t, tun_destructor);
	int err = 0;

	if (!t)
		return ENOMEM;
	t->readh = h;
	t->arg = arg;
	t->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (t->fd < 0)
		err = errno;
	if (!err)
		err = set_up(t, name);
	if (!err)
		err = loop_watch(l, &t->lf, t->fd, EPOLLIN, fd_handler, t);
	if (err) {
		mem_deref(t);
		return sentence(err, why, size);
	}
	*tp = t;
	return 0;
}

int tun_write(struct tun *t, const struct iovec *v, int n)
{
	return writev(t->fd, v, n) < 0 ? errno : 0;
}

int tun_write_plain(struct tun *t, const void *p, size_t n)
{
	struct virtio_net_hdr vh = { 0 };
	const struct iovec v[2] = {
		{ &vh, sizeof vh }, { (void *)(uintptr_t)p, n }
	};

	return tun_write(t, v, 2);
}

const char *tun_name(const struct tun *t)
{
	return t->name;
}

int tun_index(const struct tun *t)
{
	return t->index;
}

bool tun_cuts_tcp(const struct tun *t)
{
	return t->tcp;
}

bool tun_cuts_udp(const struct tun *t)
{
	return t->udp;
}
