/*
 * desc.c: a description as a value: made, filled and answered. The texts are
 * written by descenc.c and read by descdec.c and descfrag.c.
 */
#include <string.h>
#include "sdp/desc.h"

enum { CAND_STEP = 4 };

static void destructor(void *arg)
{
	struct desc *d = arg;

	for (size_t i = 0; i < d->mediac; i++) {
		mem_deref(d->mediav[i].param);
		mem_deref(d->mediav[i].raw);
	}
	mem_deref(d->candv);
}

int desc_alloc(struct desc **dp)
{
	struct desc *d;

	if (!dp)
		return EINVAL;
	d = mem_zalloc(sizeof *d, destructor);
	if (!d)
		return ENOMEM;
	sa_init(&d->addr, AF_UNSPEC);
	*dp = d;
	return 0;
}

static int cand_room(struct desc *d)
{
	size_t size = (d->candc + CAND_STEP) * sizeof *d->candv;
	struct cand *v = d->candv ? mem_realloc(d->candv, size)
				  : mem_alloc(size, NULL);

	if (!v)
		return ENOMEM;
	d->candv = v;
	return 0;
}

static void cand_drop(struct desc *d, size_t i)
{
	d->candc--;
	memmove(&d->candv[i], &d->candv[i + 1],
		(d->candc - i) * sizeof *d->candv);
}

void desc_cand_gone(struct desc *d, const struct sa *base)
{
	for (size_t i = d->candc; i--; )
		if (sa_cmp(&d->candv[i].base, base, SA_ALL))
			cand_drop(d, i);
}

static bool drop_oldest(struct desc *d)
{
	for (size_t i = 0; i < d->candc; i++) {
		if (d->candv[i].type != CAND_SRFLX)
			continue;
		cand_drop(d, i);
		return true;
	}
	return false;
}

int desc_cand_add(struct desc *d, const struct cand *c)
{
	if (!d || !c)
		return EINVAL;
	if (d->candc == DESC_CAND_MAX && !drop_oldest(d))
		return EOVERFLOW;
	/* room comes by fours: most sides have two or three */
	if (!(d->candc % CAND_STEP) && cand_room(d))
		return ENOMEM;
	d->candv[d->candc++] = *c;
	return 0;
}

static int media_answer(struct desc_media *a, const struct desc_media *o)
{
	*a = *o;
	a->param = NULL;
	a->raw = NULL;
	a->rejected = true;
	return o->raw ? str_dup(&a->raw, o->raw) : 0;
}

int desc_answer_init(struct desc **dp, const struct desc *offer)
{
	struct desc *d = NULL;
	int err;

	if (!dp || !offer)
		return EINVAL;
	err = desc_alloc(&d);
	if (err)
		return err;
	d->audio = offer->audio;
	/* RFC 8842 section 5.3 recommends active, if the offerer leaves it to
	 * us. But the client is to be who has a pair first, and then speaks
	 * first: our checks open our NAT, the offerer's come through. */
	d->setup = offer->setup == SETUP_PASSIVE ? SETUP_ACTIVE :
		SETUP_PASSIVE;
	while (d->mediac < offer->mediac && !err) {
		size_t i = d->mediac++;

		err = media_answer(&d->mediav[i], &offer->mediav[i]);
	}
	if (err)
		mem_deref(d);
	else
		*dp = d;
	return err;
}

static bool line_fits(const struct desc_media *o, const struct desc_media *a)
{
	if (a->rejected || !a->known)
		return true;
	return !o->rejected && o->proto == a->proto &&
	       !strcmp(o->kind, a->kind);
}

int desc_answer_check(const struct desc *offer, const struct desc *answer)
{
	if (!offer || !answer)
		return EINVAL;
	if (offer->audio != answer->audio || offer->mediac != answer->mediac)
		return EPROTO;
	for (size_t i = 0; i < offer->mediac; i++)
		if (!line_fits(&offer->mediav[i], &answer->mediav[i]))
			return EPROTO;
	return 0;
}
