/*
 * bundledesc.c: what the tunnels of a session say in the descriptions. Each
 * has an m-line (RFC 3264 section 8), whose mid is its number.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "sipd/bundledesc.h"
#include "sipd/bundleimpl.h"

enum { NUMBER_MAX = 1023 };             /* flow.h's FLOW_TUNNEL_MAX */

static enum desc_proto kind_proto(const struct tunnel_kind *kind)
{
	return kind->need == FLOW_DATAGRAM ? DESC_DTLS : DESC_QUIC;
}

static void name_add(struct bundle *b, const struct tunnel_kind *kind)
{
	const size_t n = strlen(b->names);

	if (kind->first)
		return;
	(void)re_snprintf(b->names + n, sizeof b->names - n, "%s%s",
			  n ? "," : "", kind->name);
}

static int item_add(struct item **ip, struct bundle *b, unsigned group,
		    const struct tunnel_kind *kind)
{
	int err = item_alloc(ip, &b->iteml, b->control, &b->h, b->arg);

	if (err)
		return err;
	(*ip)->kind = kind;
	(*ip)->group = group;
	(*ip)->serial = b->serials;
	return 0;
}

int bundledesc_plan(struct bundle *b, unsigned group,
		    const struct tunnel_kind *kind,
		    const struct tunnel_ask *ask)
{
	struct item *it;
	int err = item_add(&it, b, group, kind);

	if (err)
		return err;
	it->ours = true;
	it->said.proto = kind_proto(kind);
	it->said.known = true;
	(void)str_ncpy(it->said.kind, kind->name, sizeof it->said.kind);
	err = kind->offer(&it->tunnel, ask, &it->said);
	if (err) {
		mem_deref(it);
		return err;
	}
	b->serials++;
	name_add(b, kind);
	return 0;
}

/* The number that a line's mid is; else its place. */
static unsigned media_number(const struct desc_media *m, unsigned line)
{
	char *end;
	unsigned long n = strtoul(m->mid, &end, 10);

	return isdigit((unsigned char)*m->mid) && !*end && n <= NUMBER_MAX
		? (unsigned)n : line;
}

static void number_used(struct bundle *b, unsigned number)
{
	if (number >= b->numbers)
		b->numbers = number + 1;
}

bool bundledesc_line(const struct bundle *b, unsigned line, unsigned *group)
{
	struct le *le;

	for (le = list_head(&b->iteml); le; le = le->next) {
		const struct item *it = le->data;

		if (it->state < ITEM_PLACED || it->line != line)
			continue;
		*group = it->group;
		return true;
	}
	return false;
}

/* A line that is free, RFC 3264 section 8.1, or a new one. */
static struct desc_media *line_find(const struct bundle *b, struct desc *d,
				    unsigned *line)
{
	unsigned i, group;

	for (i = 0; i < d->mediac; i++)
		if (d->mediav[i].rejected && !bundledesc_line(b, i, &group))
			break;
	if (i == DESC_MEDIA_MAX)
		return NULL;
	*line = i;
	return &d->mediav[i];
}

static int place(struct bundle *b, struct item *it, struct desc *local)
{
	struct desc_media *m = line_find(b, local, &it->line);
	char *param = NULL;

	if (!m || b->numbers > NUMBER_MAX)
		return EOVERFLOW;
	if (it->said.param && str_dup(&param, it->said.param))
		return ENOMEM;
	it->fresh = it->line == local->mediac;
	if (it->fresh)
		local->mediac++;
	mem_deref(m->param);
	mem_deref(m->raw);
	*m = it->said;
	m->param = param;
	(void)re_snprintf(m->mid, sizeof m->mid, "%u", b->numbers++);
	it->state = ITEM_PLACED;
	return 0;
}

bool bundledesc_room(const struct bundle *b, const struct desc *local, size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < local->mediac; i++)
		used += !local->mediav[i].rejected;
	/* the peer may be about to take what lines there are */
	return used + n <= DESC_MEDIA_MAX &&
		b->numbers + DESC_MEDIA_MAX <= NUMBER_MAX + 1;
}

int bundledesc_place(struct bundle *b, struct desc *local)
{
	struct le *le;
	int err = 0;

	for (le = list_head(&b->iteml); le && !err; le = le->next) {
		struct item *it = le->data;

		if (it->state == ITEM_PLANNED)
			err = place(b, it, local);
	}
	return err;
}

/* From the end, so that new lines vanish again: the peer has never heard of
 * them. */
void bundledesc_unplace(struct bundle *b, struct desc *local, bool refused)
{
	struct le *le;

	for (le = list_tail(&b->iteml); le; le = le->prev) {
		struct item *it = le->data;
		struct desc_media *m = &local->mediav[it->line];

		if (it->state != ITEM_PLACED)
			continue;
		it->state = refused ? ITEM_REFUSED : ITEM_PLANNED;
		m->rejected = true;
		m->param = mem_deref(m->param);
		if (it->fresh && it->line + 1 == local->mediac)
			memset(&local->mediav[--local->mediac], 0,
			       sizeof *m);
	}
}

/* Does the peer take this tunnel too? */
static bool taken(const struct item *it, const struct desc *remote)
{
	const struct desc_media *m = &remote->mediav[it->line];

	return it->line < remote->mediac && !m->rejected &&
		!str_casecmp(m->kind, it->kind->name);
}

static int take(struct bundle *b, struct item *it,
		const struct desc_media *remote)
{
	it->remote = *remote;
	it->remote.raw = NULL;
	it->remote.param = NULL;
	it->way.number = media_number(remote, it->line);
	it->state = ITEM_TAKEN;
	number_used(b, it->way.number);
	return remote->param ? str_dup(&it->remote.param, remote->param) : 0;
}

int bundledesc_settle(struct bundle *b, const struct desc *remote,
		      struct desc *local)
{
	struct le *le;
	int err = 0;

	for (le = list_head(&b->iteml); le && !err; le = le->next) {
		struct item *it = le->data;

		if (it->state != ITEM_PLACED)
			continue;
		it->news = taken(it, remote);
		if (it->news) {
			err = take(b, it, &remote->mediav[it->line]);
			continue;
		}
		it->state = ITEM_REFUSED;
		local->mediav[it->line].rejected = true;
	}
	return err;
}

int bundledesc_answer(struct bundle *b, unsigned group, unsigned line,
		      const struct tunnel_kind *kind,
		      const struct tunnel_ask *ask,
		      const struct desc_media *remote,
		      struct desc_media *local)
{
	struct item *it;
	int err = item_add(&it, b, group, kind);

	if (err)
		return err;
	it->line = line;
	err = kind->answer(&it->tunnel, ask, remote, local);
	if (!err)
		err = take(b, it, remote);
	if (err) {
		mem_deref(it);
		return err;
	}
	local->rejected = false;
	b->serials++;
	name_add(b, kind);
	return 0;
}

void bundledesc_drop_line(struct bundle *b, unsigned line, struct desc *local)
{
	struct le *le = list_head(&b->iteml);

	while (le) {
		struct item *it = le->data;

		le = le->next;
		if (it->state < ITEM_PLACED || it->line != line)
			continue;
		local->mediav[line].rejected = true;
		item_drop(it);
	}
}
