/*
 * link.c: finding a link, and waiting for room in it. What a link is made of
 * is for the files that make one.
 */
#include <errno.h>
#include "tunnels/flow/link.h"

void link_init(struct link *l, const struct link_ops *ops, int proto,
	       const struct sa *local, const struct sa *remote)
{
	l->ops = ops;
	l->proto = proto;
	l->local = *local;
	if (remote)
		l->remote = *remote;
	else
		sa_init(&l->remote, AF_UNSPEC);
}

static bool local_fits(const struct link *l, const struct sa *local)
{
	if (sa_af(&l->local) != sa_af(local))
		return false;
	return sa_cmp(&l->local, local,
		      sa_is_any(&l->local) ? SA_PORT : SA_ALL);
}

struct link *link_find(const struct list *links, int proto,
		       const struct sa *local, const struct sa *remote)
{
	struct link *any = NULL;
	struct le *le;

	LIST_FOREACH(links, le) {
		struct link *l = le->data;

		if (l->proto != proto || !local_fits(l, local))
			continue;
		if (!sa_isset(&l->remote, SA_ADDR))
			any = l;
		else if (sa_cmp(&l->remote, remote, SA_ALL))
			return l;
	}
	return any;
}

int link_write(struct link *l, const struct sa *remote, const uint8_t *buf,
	       size_t len, size_t seg, size_t *done)
{
	*done = len;
	return l->ops ? l->ops->write(l, remote, buf, len, seg, done)
		: ENOTCONN;
}

void waits_add(struct list *waitl, struct worker_wait *wait,
	       void (*h)(void *arg), void *arg)
{
	if (wait->le.list)
		return;
	wait->h = h;
	wait->arg = arg;
	list_append(waitl, &wait->le, wait);
}

/* Those that wait again in their handler are called another time. */
void waits_run(struct list *waitl)
{
	struct list l = LIST_INIT;
	struct le *le;

	while ((le = list_head(waitl))) {
		list_unlink(le);
		list_append(&l, le, le->data);
	}
	while ((le = list_head(&l))) {
		struct worker_wait *wait = le->data;

		list_unlink(le);
		wait->h(wait->arg);
	}
}

void link_room(struct link *l)
{
	waits_run(&l->waitl);
}
