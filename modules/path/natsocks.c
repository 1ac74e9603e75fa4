/*
 * natsocks.c: numbered UDP sockets, each of which knows its number. Called by
 * natcheck.c and natlife.c.
 */
#include <errno.h>
#include "modules/path/natsocks.h"
#include "modules/path/netif.h"

struct natsock {
	struct natsocks *ns;
	struct udp_sock *us;
};

struct natsocks {
	natsocks_recv_h *h;
	void *arg;
	unsigned n;
	struct natsock v[];
};

static void natsocks_destructor(void *arg)
{
	struct natsocks *ns = arg;

	for (unsigned i = 0; i < ns->n; i++)
		mem_deref(ns->v[i].us);
}

static void udp_handler(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct natsock *s = arg;
	struct natsocks *ns = s->ns;

	ns->h((unsigned)(s - ns->v), src, mbuf_buf(mb), mbuf_get_left(mb),
	      ns->arg);
}

int natsocks_alloc(struct natsocks **np, unsigned n, const struct sa *dst,
		   natsocks_recv_h *h, void *arg)
{
	struct natsocks *ns;
	struct sa local;
	int err;

	if (!np || !n || !dst || !h)
		return EINVAL;
	err = netif_source(&local, dst);
	if (err)
		return err;
	ns = mem_zalloc(sizeof *ns + n * sizeof ns->v[0],
			natsocks_destructor);
	if (!ns)
		return ENOMEM;
	ns->h = h;
	ns->arg = arg;
	for (; ns->n < n && !err; ns->n++) {
		struct natsock *s = &ns->v[ns->n];

		s->ns = ns;
		err = udp_listen(&s->us, &local, udp_handler, s);
	}
	if (err)
		mem_deref(ns);
	else
		*np = ns;
	return err;
}

int natsocks_local(const struct natsocks *ns, unsigned sock, struct sa *local)
{
	return sock < ns->n ? udp_local_get(ns->v[sock].us, local) : EINVAL;
}

void natsocks_send(struct natsocks *ns, unsigned sock, const struct sa *dst,
		   const uint8_t *buf, size_t len)
{
	struct mbuf mb = { .buf = (uint8_t *)buf, .size = len, .end = len };

	(void)udp_send(ns->v[sock].us, dst, &mb);
}
