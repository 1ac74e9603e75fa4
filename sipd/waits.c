/*
 * waits.c: a queue; the switchboard owns it.
 */
#include <errno.h>
#include "sipd/waits.h"

static void wait_destructor(void *arg)
{
	struct wait *w = arg;

	list_unlink(&w->le);
	mem_deref((void *)w->conf.from);
	mem_deref((void *)w->conf.into);
	mem_deref((void *)w->conf.code);
}

int wait_alloc(struct wait **wp, struct list *waitl,
	       const struct wait_conf *conf)
{
	struct wait *w = mem_zalloc(sizeof *w, wait_destructor);
	char *from = NULL, *into = NULL, *code = NULL;
	int err = 0;

	if (!w)
		return ENOMEM;
	if (conf->from)
		err = str_dup(&from, conf->from);
	if (!err && conf->into)
		err = str_dup(&into, conf->into);
	if (!err && conf->code)
		err = str_dup(&code, conf->code);
	w->conf = *conf;
	w->conf.from = from;
	w->conf.into = into;
	w->conf.code = code;
	if (err) {
		mem_deref(w);
		return err;
	}
	list_append(waitl, &w->le, w);
	*wp = w;
	return 0;
}

bool wait_matches(const struct wait *w, const struct incoming *in,
		  const struct desc_media *m)
{
	/* a key that nobody knows opens this one tunnel and no other, and
	 * not within the call of a key that is known */
	if (w->conf.flags & SESSION_ANY_KEY &&
	    (!in->offer || in->offer->mediac != 1))
		return false;
	if (w->conf.kind ? str_cmp(w->conf.kind->name, m->kind)
			 : str_cmp(m->kind, "pipe") &&
			   str_cmp(m->kind, "file"))
		return false;
	return !w->conf.from || !str_casecmp(w->conf.from, in->peer.name) ||
		!str_casecmp(w->conf.from, in->peer.address);
}

struct wait *waits_match(const struct list *waitl, const struct incoming *in,
			 const struct desc_media *m)
{
	for (struct le *le = waitl->head; le; le = le->next)
		if (wait_matches(le->data, in, m))
			return le->data;
	return NULL;
}

struct wait *waits_find(const struct list *waitl, const struct incoming *in)
{
	for (struct le *le = waitl->head; le; le = le->next) {
		struct wait *w = le->data;

		for (size_t i = 0; i < in->offer->mediac; i++)
			if (wait_matches(w, in, &in->offer->mediav[i]))
				return w;
	}
	return NULL;
}
