/*
 * guessops.c: a path's sockets of its own, for guesses and renewals, are the
 * worker's guesslinks.
 */
#include <errno.h>
#include "sipd/guessops.h"
#include "tunnels/flow/guesslink.h"

struct guess_links {
	struct guesslinks *g;
};

static void links_destructor(void *arg)
{
	struct guess_links *l = arg;

	mem_deref(l->g);
}

static int open_links(struct guess_links **lp, const struct sa *base,
		      const struct sa *dst, void (*stoph)(void *arg),
		      void *harg, void *arg)
{
	struct worker **wp = arg;
	struct guess_links *l = mem_zalloc(sizeof *l, links_destructor);
	int err;

	if (!l)
		return ENOMEM;
	err = guesslinks_alloc(&l->g, *wp, base, dst, stoph, harg);
	if (err)
		mem_deref(l);
	else
		*lp = l;
	return err;
}

static int more_links(struct guess_links *l, unsigned n)
{
	return guesslinks_more(l->g, n);
}

static void keep_link(struct guess_links *l, const struct sa *base)
{
	(void)guesslinks_keep(l->g, base);
}

static int one_link(struct guess_links **lp, struct sa *base, void *arg)
{
	struct worker **wp = arg;
	struct guess_links *l = mem_zalloc(sizeof *l, links_destructor);
	int err;

	if (!l)
		return ENOMEM;
	err = guesslinks_one(&l->g, *wp, base);
	if (err)
		mem_deref(l);
	else
		*lp = l;
	return err;
}

void guess_ops_init(struct guess_ops *ops, struct worker **wp)
{
	*ops = (struct guess_ops){
		open_links, more_links, keep_link, one_link, wp
	};
}
