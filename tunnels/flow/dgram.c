/*
 * dgram.c: between a tunnel and the transport of its packets: who is told,
 * and what is refused before it gets to the transport.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/flow/dgramimpl.h"

void dgram_handle(struct dgram *d, const struct dgram_handlers *h, void *arg)
{
	if (!d)
		return;
	if (h)
		d->h = *h;
	else
		memset(&d->h, 0, sizeof d->h);
	d->arg = arg;
}

int dgram_put(struct dgram *d, const void *p, size_t n)
{
	int err;

	if (!n)
		return EINVAL;
	if (d->over)
		return ENOTCONN;
	if (n > d->mtu)
		return EMSGSIZE;
	err = d->ops->put(d, p, n);
	if (err == EAGAIN)
		d->want = 1;
	return err;
}

bool dgram_full(struct dgram *d)
{
	if (d->over || !d->ops->full || !d->ops->full(d))
		return false;
	d->want = 1;
	return true;
}

size_t dgram_mtu(const struct dgram *d)
{
	return d->mtu;
}

void dgram_rx(struct dgram *d, struct iovec *v, size_t n)
{
	if (n && d->h.recvh)
		d->h.recvh(v, n, d->arg);
}

void dgram_room(struct dgram *d)
{
	const int want = d->want;

	d->want = 0;
	if (want && d->h.writeh)
		d->h.writeh(d->arg);
}

void dgram_set_mtu(struct dgram *d, size_t mtu)
{
	if (d->mtu == mtu)
		return;
	d->mtu = mtu;
	if (d->h.mtuh)
		d->h.mtuh(mtu, d->arg);
}

const struct sa *dgram_outer(const struct dgram *d)
{
	return sa_isset(&d->outer, SA_ADDR) ? &d->outer : NULL;
}

void dgram_set_outer(struct dgram *d, const struct sa *outer)
{
	if (sa_cmp(&d->outer, outer, SA_ADDR))
		return;
	sa_cpy(&d->outer, outer);
	if (d->h.outerh)
		d->h.outerh(outer, d->arg);
}
