/*
 * binding.c: the location service.
 *
 *   user name ──hash──> aor ──> bindings, the newest first
 *   flow ──────hash──────────> bindings, to drop them with their connection
 *
 * Owns both tables and a timer for each binding. Changed by register.c, asked
 * by the proxy.
 */
#include <string.h>
#include "sipd/registrar/binding.h"

enum {
	BUCKETS = 4096,
};

struct aor {
	struct le he;
	struct bindings *b;
	char *user;
	struct list bindingl;
};

struct bindings {
	struct timers *timers;
	struct hash *aors;
	struct hash *flows;
	unsigned n;
};

static void bindings_destructor(void *arg)
{
	struct bindings *b = arg;

	hash_flush(b->aors);
	mem_deref(b->aors);
	mem_deref(b->flows);
}

int bindings_alloc(struct bindings **bp, struct timers *timers)
{
	struct bindings *b = mem_zalloc(sizeof *b, bindings_destructor);
	int err;

	if (!b)
		return ENOMEM;
	b->timers = timers;
	err = hash_alloc(&b->aors, BUCKETS);
	if (!err)
		err = hash_alloc(&b->flows, BUCKETS);
	if (err)
		mem_deref(b);
	else
		*bp = b;
	return err;
}

static void aor_destructor(void *arg)
{
	struct aor *aor = arg;

	list_flush(&aor->bindingl);
	hash_unlink(&aor->he);
	mem_deref(aor->user);
}

static void binding_destructor(void *arg)
{
	struct binding *bi = arg;

	timer_stop(&bi->timer);
	list_unlink(&bi->le);
	hash_unlink(&bi->he);
	--bi->aor->b->n;
	mem_deref(bi->uri);
	mem_deref(bi->instance);
	mem_deref(bi->callid);
}

/* An aor without bindings is not kept. */
static void binding_remove(struct binding *bi)
{
	struct aor *aor = bi->aor;

	mem_deref(bi);
	if (!aor->bindingl.head)
		mem_deref(aor);
}

static void expire_handler(void *arg)
{
	binding_remove(arg);
}

uint32_t bindings_hash(const struct pl *user)
{
	return hash_joaat_pl(user);
}

static bool user_handler(struct le *le, void *arg)
{
	const struct aor *aor = le->data;

	return !pl_strcmp(arg, aor->user);
}

static struct aor *aor_find(const struct bindings *b, const struct pl *user)
{
	return list_ledata(hash_lookup(b->aors, bindings_hash(user),
				       user_handler, (void *)user));
}

const struct list *bindings_of(const struct bindings *b,
			       const struct pl *user)
{
	const struct aor *aor = aor_find(b, user);

	return aor ? &aor->bindingl : NULL;
}

static bool hash_handler(struct le *le, void *arg)
{
	const struct aor *aor = le->data;
	const uint32_t *hash = arg;

	return hash_joaat_str(aor->user) == *hash;
}

const struct list *bindings_by_hash(const struct bindings *b, uint32_t hash)
{
	const struct aor *aor = list_ledata(hash_lookup(b->aors, hash,
							hash_handler,
							&hash));

	return aor ? &aor->bindingl : NULL;
}

bool bindings_has_flow(const struct list *l, const struct flow *flow)
{
	for (const struct le *le = list_head(l); le; le = le->next) {
		const struct binding *bi = le->data;

		if (flow_cmp(&bi->flow, flow))
			return true;
	}
	return false;
}

/* RFC 5626 section 6: instance and reg-id name a binding, with or without
 * outbound; else the Contact does. */
static bool same_binding(const struct binding *bi,
			 const struct binding_update *up)
{
	if (pl_isset(&up->instance) && bi->instance)
		return bi->reg_id == up->reg_id &&
			!pl_strcmp(&up->instance, bi->instance);
	return !pl_strcasecmp(&up->uri, bi->uri);
}

static struct binding *binding_find(const struct aor *aor,
				    const struct binding_update *up)
{
	for (struct le *le = list_head(&aor->bindingl); le; le = le->next)
		if (same_binding(le->data, up))
			return le->data;
	return NULL;
}

/* RFC 3261 section 10.3 step 7. An equal CSeq is a retransmission. */
static bool out_of_order(const struct binding *bi, const struct pl *callid,
			 uint32_t cseq)
{
	return !pl_strcmp(callid, bi->callid) && cseq < bi->cseq;
}

int binding_check(const struct bindings *b, const struct binding_update *up)
{
	const struct aor *aor = aor_find(b, &up->user);
	const struct binding *bi = aor ? binding_find(aor, up) : NULL;

	if (bi)
		return out_of_order(bi, &up->callid, up->cseq) ? EPROTO : 0;
	return up->expires && b->n >= BINDINGS_MAX ? ENOSPC : 0;
}

static int aor_alloc(struct aor **ap, struct bindings *b,
		     const struct pl *user)
{
	struct aor *aor = mem_zalloc(sizeof *aor, aor_destructor);

	if (!aor)
		return ENOMEM;
	aor->b = b;
	if (pl_strdup(&aor->user, user)) {
		mem_deref(aor);
		return ENOMEM;
	}
	hash_append(b->aors, bindings_hash(user), &aor->he, aor);
	*ap = aor;
	return 0;
}

static int replace(char **sp, const struct pl *pl)
{
	char *s = NULL;

	if (pl_isset(pl) && pl_strdup(&s, pl))
		return ENOMEM;
	mem_deref(*sp);
	*sp = s;
	return 0;
}

static int binding_write(struct binding *bi, const struct binding_update *up)
{
	struct bindings *b = bi->aor->b;
	const uint64_t life = up->expires * SEC;
	int err;

	err  = replace(&bi->uri, &up->uri);
	err |= replace(&bi->instance, &up->instance);
	err |= replace(&bi->callid, &up->callid);
	if (err)
		return ENOMEM;
	bi->reg_id = up->reg_id;
	bi->cseq = up->cseq;
	bi->flow = up->flow;
	bi->expires = clock_ns() + life;
	hash_unlink(&bi->he);
	hash_append(b->flows, sa_hash(&up->flow.peer, SA_ALL), &bi->he, bi);
	list_unlink(&bi->le);
	list_prepend(&bi->aor->bindingl, &bi->le, bi);
	return timer_start(b->timers, &bi->timer, life, expire_handler, bi);
}

static struct binding *binding_new(struct aor *aor)
{
	struct binding *bi;

	if (list_count(&aor->bindingl) >= BINDINGS_PER_USER)
		mem_deref(list_ledata(list_tail(&aor->bindingl)));
	bi = mem_zalloc(sizeof *bi, binding_destructor);
	if (!bi)
		return NULL;
	bi->aor = aor;
	++aor->b->n;
	list_prepend(&aor->bindingl, &bi->le, bi);
	return bi;
}

int binding_set(struct bindings *b, const struct binding_update *up)
{
	struct aor *aor = aor_find(b, &up->user);
	struct binding *bi = aor ? binding_find(aor, up) : NULL;
	int err = 0;

	if (!up->expires) {
		if (bi)
			binding_remove(bi);
		return 0;
	}
	if (!aor)
		err = aor_alloc(&aor, b, &up->user);
	if (err)
		return err;
	if (!bi)
		bi = binding_new(aor);
	err = bi ? binding_write(bi, up) : ENOMEM;
	if (err && bi)
		binding_remove(bi);
	else if (err && !aor->bindingl.head)
		mem_deref(aor);
	return err;
}

int bindings_clear(struct bindings *b, const struct pl *user,
		   const struct pl *callid, uint32_t cseq)
{
	struct aor *aor = aor_find(b, user);

	if (!aor)
		return 0;
	for (struct le *le = aor->bindingl.head; le; le = le->next)
		if (out_of_order(le->data, callid, cseq))
			return EPROTO;
	mem_deref(aor);
	return 0;
}

static bool flow_handler(struct le *le, void *arg)
{
	const struct binding *bi = le->data;

	return flow_cmp(&bi->flow, arg);
}

void bindings_flow_closed(struct bindings *b, const struct flow *flow)
{
	struct le *le;

	while ((le = hash_lookup(b->flows, sa_hash(&flow->peer, SA_ALL),
				 flow_handler, (void *)flow)))
		binding_remove(le->data);
}

struct pruning {
	bool (*keep)(const struct pl *user, void *arg);
	void *arg;
};

static bool prune_handler(struct le *le, void *arg)
{
	struct aor *aor = le->data;
	const struct pruning *pr = arg;
	struct pl user;

	pl_set_str(&user, aor->user);
	if (!pr->keep(&user, pr->arg))
		mem_deref(aor);
	return false;
}

void bindings_prune(struct bindings *b,
		    bool (*keep)(const struct pl *user, void *arg),
		    void *arg)
{
	struct pruning pr = { keep, arg };

	(void)hash_apply(b->aors, prune_handler, &pr);
}

unsigned bindings_count(const struct bindings *b)
{
	return b->n;
}

struct printing {
	struct re_printf *pf;
	bool more;
	int err;
};

static bool print_handler(struct le *le, void *arg)
{
	const struct aor *aor = le->data;
	struct printing *pr = arg;

	pr->err |= re_hprintf(pr->pf, "%s\"%s\":%u", pr->more ? "," : "",
			      aor->user, list_count(&aor->bindingl));
	pr->more = true;
	return false;
}

int bindings_print(struct re_printf *pf, const struct bindings *b)
{
	struct printing pr = { pf, false, 0 };

	pr.err = re_hprintf(pf, "{");
	(void)hash_apply(b->aors, print_handler, &pr);
	return pr.err | re_hprintf(pf, "}");
}
