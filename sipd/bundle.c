/*
 * bundle.c: the tunnels of one session.
 *
 * Before the start they belong to the bundle, afterwards to the wire, which
 * lives on the worker. Reports travel by the control mailbox; the wire goes
 * back the same way as the last of them, so none can come too late.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "sipd/bundle.h"
#include "tunnels/flow/loop.h"

struct wire;

struct item {
	const struct tunnel_kind *kind;
	struct tunnel *tunnel;
	struct desc_media remote;       /* param is a copy of our own */
	unsigned number;
	struct wire *wire;
	bool done;                      /* control thread */
};

/* What the worker holds. */
struct wire {
	struct bundle *bundle;          /* control thread only; NULL: gone */
	struct mailbox *control;
	struct tunnel_way way;          /* number and keys are set later */
	uint8_t local_fp[DESC_FP_SIZE], remote_fp[DESC_FP_SIZE];
	size_t itemc;
	struct item itemv[DESC_MEDIA_MAX];
};

struct bundle {
	struct mailbox *control;
	struct loop *loop;              /* set once started */
	struct wire *wire;
	struct bundle_handlers h;
	void *arg;
	char names[128];
	char counters[256];
};

/* One report on its way to the control thread. */
struct report {
	struct item *item;
	bool done;
	int err;
	struct tunnel_progress p;
	char name[256], text[512];
};

static void wire_destructor(void *arg)
{
	struct wire *w = arg;

	for (size_t i = 0; i < w->itemc; i++) {
		mem_deref(w->itemv[i].tunnel);
		mem_deref(w->itemv[i].remote.param);
	}
}

static void wire_free(void *data)
{
	mem_deref(data);
}

/* On the worker: the tunnels end here, the rest on the control thread. */
static void wire_stop(void *data)
{
	struct wire *w = data;

	for (size_t i = 0; i < w->itemc; i++)
		w->itemv[i].tunnel = mem_deref(w->itemv[i].tunnel);
	if (mailbox_post(w->control, wire_free, w))
		mem_deref(w);
}

static void bundle_destructor(void *arg)
{
	struct bundle *b = arg;

	b->wire->bundle = NULL;
	if (!b->loop || loop_post(b->loop, wire_stop, b->wire))
		mem_deref(b->wire);
}

int bundle_alloc(struct bundle **bp, struct mailbox *control,
		 const struct bundle_handlers *h, void *arg)
{
	struct bundle *b;
	struct wire *w;

	w = mem_zalloc(sizeof *w, wire_destructor);
	if (!w)
		return ENOMEM;
	b = mem_zalloc(sizeof *b, bundle_destructor);
	if (!b) {
		mem_deref(w);
		return ENOMEM;
	}
	w->bundle = b;
	w->control = control;
	b->wire = w;
	b->control = control;
	b->h = *h;
	b->arg = arg;
	*bp = b;
	return 0;
}

static struct item *item_add(struct bundle *b, unsigned number,
			     const struct tunnel_kind *kind)
{
	struct wire *w = b->wire;
	struct item *it;
	size_t n = strlen(b->names);

	if (w->itemc == DESC_MEDIA_MAX || b->loop)
		return NULL;
	it = &w->itemv[w->itemc];
	memset(it, 0, sizeof *it);
	it->kind = kind;
	it->number = number;
	it->wire = w;
	(void)re_snprintf(b->names + n, sizeof b->names - n, "%s%s",
			  n ? "," : "", kind->name);
	return it;
}

static enum desc_proto kind_proto(const struct tunnel_kind *kind)
{
	return kind->need == FLOW_DATAGRAM ? DESC_DTLS : DESC_QUIC;
}

int bundle_offer(struct bundle *b, struct desc *local,
		 const struct tunnel_kind *kind, const struct tunnel_ask *ask)
{
	struct desc_media *m;
	struct item *it;
	int err;

	it = item_add(b, (unsigned)local->mediac, kind);
	if (!it)
		return EOVERFLOW;
	err = desc_media_add(local, &m, kind_proto(kind), kind->name);
	if (err)
		return err;
	err = kind->offer(&it->tunnel, ask, m);
	if (err)
		return err;
	b->wire->itemc++;
	return 0;
}

int bundle_answer(struct bundle *b, unsigned number,
		  const struct tunnel_kind *kind,
		  const struct tunnel_ask *ask,
		  const struct desc_media *remote, struct desc_media *local)
{
	struct item *it = item_add(b, number, kind);
	int err;

	if (!it)
		return EOVERFLOW;
	err = kind->answer(&it->tunnel, ask, remote, local);
	if (err)
		return err;
	local->rejected = false;
	b->wire->itemc++;
	return 0;
}

/* Control thread: what a tunnel said, unless the session is gone by now. */
static void report_handler(void *data)
{
	struct report *r = data;
	struct bundle *b = r->item->wire->bundle;

	if (b && r->done) {
		r->item->done = !r->err;
		b->h.doneh(r->item->number, r->err, r->text, b->arg);
	}
	else if (b) {
		b->h.progressh(r->item->number, &r->p, b->arg);
	}
	free(r);
}

static void report_post(struct report *r)
{
	if (mailbox_post(r->item->wire->control, report_handler, r))
		free(r);
}

static void progress_handler(const struct tunnel_progress *p, void *arg)
{
	struct report *r = calloc(1, sizeof *r);

	if (!r)
		return;
	r->item = arg;
	r->p = *p;
	if (p->name) {
		(void)str_ncpy(r->name, p->name, sizeof r->name);
		r->p.name = r->name;
	}
	if (p->note) {
		(void)str_ncpy(r->text, p->note, sizeof r->text);
		r->p.note = r->text;
	}
	report_post(r);
}

static void done_handler(int err, const char *why, void *arg)
{
	struct report *r = calloc(1, sizeof *r);

	if (!r)
		return;
	r->item = arg;
	r->done = true;
	r->err = err;
	(void)str_ncpy(r->text, why ? why : "", sizeof r->text);
	report_post(r);
}

/* On the worker. */
static void wire_start(void *data)
{
	struct wire *w = data;

	for (size_t i = 0; i < w->itemc; i++) {
		struct item *it = &w->itemv[i];
		const struct tunnel_events ev = {
			progress_handler, done_handler, it
		};
		struct tunnel_way way = w->way;
		int err;

		way.number = it->number;
		way.local_fp = w->local_fp;
		way.remote_fp = w->remote_fp;
		err = it->kind->start(it->tunnel, &it->remote, &way, &ev);
		if (err)
			done_handler(err, strerror(err), it);
	}
}

struct count {
	struct wire *wire;
	char text[256];
};

static void count_done(void *data)
{
	struct count *c = data;

	if (c->wire->bundle)
		(void)str_ncpy(c->wire->bundle->counters, c->text,
			       sizeof c->text);
	free(c);
}

/* On the worker. */
static void wire_count(void *data)
{
	struct count *c = data;
	size_t n = 0;

	for (size_t i = 0; i < c->wire->itemc; i++) {
		const struct item *it = &c->wire->itemv[i];
		int len;

		if (!it->kind->status || !it->tunnel)
			continue;
		len = re_snprintf(c->text + n, sizeof c->text - n, "%s%s: %H",
				  n ? ", " : "", it->kind->name,
				  it->kind->status, it->tunnel);
		if (len < 0)
			break;
		n += (size_t)len;
	}
	if (mailbox_post(c->wire->control, count_done, c))
		free(c);
}

void bundle_count(struct bundle *b)
{
	struct count *c;

	if (!b || !b->loop)
		return;
	c = calloc(1, sizeof *c);
	if (!c)
		return;
	c->wire = b->wire;
	if (loop_post(b->loop, wire_count, c))
		free(c);
}

const char *bundle_counters(const struct bundle *b)
{
	return b ? b->counters : "";
}

/* Does the peer take this tunnel too? */
static bool taken(const struct item *it, const struct desc *remote)
{
	const struct desc_media *m = &remote->mediav[it->number];

	return it->number < remote->mediac && !m->rejected &&
		!str_casecmp(m->kind, it->kind->name);
}

/* Keep the items that the peer takes too. */
static int take_answer(struct wire *w, const struct desc *remote)
{
	size_t n = 0;

	for (size_t i = 0; i < w->itemc; i++) {
		struct item *it = &w->itemv[i];
		const struct desc_media *m = &remote->mediav[it->number];

		if (!taken(it, remote)) {
			it->tunnel = mem_deref(it->tunnel);
			continue;
		}
		it->remote = *m;
		it->remote.raw = NULL;
		it->remote.param = NULL;
		if (m->param && str_dup(&it->remote.param, m->param))
			return ENOMEM;
		w->itemv[n] = *it;
		if (n++ != i)
			memset(it, 0, sizeof *it);
	}
	w->itemc = n;
	return n ? 0 : ENOENT;
}

bool bundle_needs(const struct bundle *b, const struct desc *remote,
		  enum flow_need need)
{
	for (size_t i = 0; i < b->wire->itemc; i++)
		if (b->wire->itemv[i].kind->need == need &&
		    taken(&b->wire->itemv[i], remote))
			return true;
	return false;
}

int bundle_start(struct bundle *b, const struct desc *remote,
		 const struct tunnel_way *way)
{
	int err;

	if (b->loop)
		return EALREADY;
	err = take_answer(b->wire, remote);
	if (err)
		return err;
	b->wire->way = *way;
	memcpy(b->wire->local_fp, way->local_fp, DESC_FP_SIZE);
	memcpy(b->wire->remote_fp, way->remote_fp, DESC_FP_SIZE);
	err = loop_post(way->loop, wire_start, b->wire);
	if (!err)
		b->loop = way->loop;
	return err;
}

const char *bundle_names(const struct bundle *b)
{
	return b ? b->names : "";
}

bool bundle_complete(const struct bundle *b)
{
	for (size_t i = 0; i < b->wire->itemc; i++)
		if (!b->wire->itemv[i].done &&
		    !b->wire->itemv[i].kind->endless)
			return false;
	return true;
}
