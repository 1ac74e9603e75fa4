/*
 * bundle.c: the tunnels of one session: which there are, how far each is, and
 * when it is handed to the worker (bundleitem.c). What they say in the
 * descriptions is in bundledesc.c.
 */
#include <errno.h>
#include <string.h>
#include "sipd/bundleimpl.h"

static void bundle_destructor(void *arg)
{
	struct bundle *b = arg;
	struct le *le;

	while ((le = list_head(&b->iteml)))
		item_drop(le->data);
}

int bundle_alloc(struct bundle **bp, struct mailbox *control,
		 const struct bundle_handlers *h, void *arg)
{
	struct bundle *b = mem_zalloc(sizeof *b, bundle_destructor);

	if (!b)
		return ENOMEM;
	b->control = control;
	b->h = *h;
	b->arg = arg;
	*bp = b;
	return 0;
}

unsigned bundle_group_new(struct bundle *b)
{
	return ++b->groups;
}

void bundle_count(struct bundle *b)
{
	struct le *le;

	for (le = b ? list_head(&b->iteml) : NULL; le; le = le->next)
		item_count(le->data);
}

int bundle_counters(struct re_printf *pf, const struct bundle *b)
{
	const char *sep = "";
	struct le *le;
	int err = 0;

	for (le = b ? list_head(&b->iteml) : NULL; le && !err;
	     le = le->next) {
		const struct item *it = le->data;

		if (!*it->counters)
			continue;
		err = re_hprintf(pf, "%s%s", sep, it->counters);
		sep = ", ";
	}
	return err;
}

int bundle_running(struct re_printf *pf, const struct bundle *b)
{
	const char *sep = "";
	struct le *le;
	int err = 0;

	for (le = b ? list_head(&b->iteml) : NULL; le && !err;
	     le = le->next) {
		const struct item *it = le->data;

		if (it->kind->first || it->state == ITEM_REFUSED)
			continue;
		err = re_hprintf(pf, "%s%s", sep, it->kind->name);
		sep = ",";
	}
	return err;
}

static unsigned group_in(const struct bundle *b, enum item_state state)
{
	struct le *le;

	for (le = list_head(&b->iteml); le; le = le->next) {
		const struct item *it = le->data;

		if (it->state == state)
			return it->group;
	}
	return 0;
}

unsigned bundle_planned(const struct bundle *b)
{
	return group_in(b, ITEM_PLANNED);
}

unsigned bundle_refused(const struct bundle *b)
{
	return group_in(b, ITEM_REFUSED);
}

unsigned bundle_news(struct bundle *b)
{
	unsigned group = 0;
	struct le *le;

	for (le = list_head(&b->iteml); le; le = le->next) {
		struct item *it = le->data;

		if (it->news && (!group || it->group == group)) {
			group = it->group;
			it->news = false;
		}
	}
	return group;
}

bool bundle_needs(const struct bundle *b, enum flow_need need)
{
	struct le *le;

	for (le = list_head(&b->iteml); le; le = le->next) {
		const struct item *it = le->data;

		if (it->state >= ITEM_TAKEN && it->kind->need == need)
			return true;
	}
	return false;
}

static bool way_serves(const struct tunnel_way *way, enum flow_need need)
{
	return need == FLOW_DATAGRAM ? way->dgram != NULL : way->flow != NULL;
}

int bundle_start(struct bundle *b, const struct tunnel_way *way, bool first)
{
	struct le *le;

	for (le = list_head(&b->iteml); le; le = le->next) {
		struct item *it = le->data;
		int err;

		if (it->state != ITEM_TAKEN ||
		    !way_serves(way, it->kind->need) ||
		    (first && !it->kind->first))
			continue;
		err = item_start(it, way);
		if (err)
			return err;
	}
	return 0;
}

void bundle_drop_refused(struct bundle *b)
{
	struct le *le = list_head(&b->iteml);

	while (le) {
		struct item *it = le->data;

		le = le->next;
		if (it->state == ITEM_REFUSED)
			item_drop(it);
	}
}

void bundle_drop_group(struct bundle *b, unsigned group, struct desc *local)
{
	struct le *le = list_head(&b->iteml);

	while (le) {
		struct item *it = le->data;

		le = le->next;
		if (it->group != group)
			continue;
		if (it->state >= ITEM_PLACED)
			local->mediav[it->line].rejected = true;
		item_drop(it);
	}
}

bool bundle_has(const struct bundle *b, unsigned group)
{
	struct le *le;

	for (le = list_head(&b->iteml); le; le = le->next)
		if (((const struct item *)le->data)->group == group)
			return true;
	return false;
}

bool bundle_has_others(const struct bundle *b, unsigned group)
{
	struct le *le;

	for (le = list_head(&b->iteml); le; le = le->next) {
		const struct item *it = le->data;

		if (it->group != group && !it->kind->first)
			return true;
	}
	return false;
}

bool bundle_ours(const struct bundle *b, unsigned group)
{
	struct le *le;

	for (le = list_head(&b->iteml); le; le = le->next) {
		const struct item *it = le->data;

		if (it->group == group)
			return it->ours;
	}
	return false;
}

const char *bundle_names(const struct bundle *b)
{
	return b ? b->names : "";
}

bool bundle_complete(const struct bundle *b, unsigned group)
{
	struct le *le;

	for (le = list_head(&b->iteml); le; le = le->next) {
		const struct item *it = le->data;

		if (group && it->group != group)
			continue;
		if (!it->done && !it->kind->endless)
			return false;
	}
	return true;
}

unsigned bundle_whole(const struct bundle *b)
{
	for (struct le *le = list_head(&b->iteml); le; le = le->next) {
		const struct item *it = le->data;

		if (!it->kind->first && bundle_complete(b, it->group))
			return it->group;
	}
	return 0;
}

bool bundle_owes(const struct bundle *b)
{
	struct le *le;

	for (le = b ? list_head(&b->iteml) : NULL; le; le = le->next) {
		const struct item *it = le->data;

		if (it->ours && !it->done && !it->kind->endless &&
		    !it->kind->first)
			return true;
	}
	return false;
}
