/*
 * uastrans.c: server transactions of a user agent: the same request by
 * another way, and a limit beyond which nothing is remembered.
 *
 *   request ──> its transaction? ──no──> CANCEL? merged? ──no──> false
 *
 * With each transaction it keeps an origin: the socket or connection, and what
 * a merged request is known by. Called by stack.c and by who answers.
 */
#include <errno.h>
#include <string.h>
#include "sipd/sip/response.h"
#include "sipd/ua/uastrans.h"

enum { BUCKETS = 8192 };

struct uastrans_set {
	struct stable *table;
	struct hash *merges;
	struct transp *transp;
	unsigned max;
};

struct origin {
	struct le he;           /* in merges */
	uint64_t merge;         /* digest of Call-ID, From tag, CSeq */
	void *sock;
};

static void origin_destructor(void *arg)
{
	struct origin *o = arg;

	hash_unlink(&o->he);
	mem_deref(o->sock);
}

static void set_destructor(void *arg)
{
	struct uastrans_set *set = arg;

	mem_deref(set->table);
	mem_deref(set->merges);
}

/* ---- merged requests (section 8.2.2.2) ---- */

static uint64_t mix(uint64_t h, const struct pl *pl)
{
	for (size_t i = 0; i < pl->l; i++)
		h = (h ^ (uint8_t)pl->p[i]) * 1099511628211ULL;
	return (h ^ 0xff) * 1099511628211ULL;
}

static uint64_t merge_digest(const struct sip_msg *msg)
{
	uint64_t h = mix(14695981039346656037ULL, &msg->callid);

	h = mix(h, &msg->from.tag);
	h = mix(h, &msg->met);
	return h ^ ((uint64_t)msg->cseq.num << 32);
}

static bool merged(const struct uastrans_set *set, const struct sip_msg *msg)
{
	const uint64_t h = merge_digest(msg);
	struct le *le = list_head(hash_list(set->merges, (uint32_t)h));

	for (; le; le = le->next) {
		const struct origin *o = le->data;

		if (o->merge == h)
			return true;
	}
	return false;
}

/* ---- transactions ---- */

static int send_handler(const struct trans_way *way, struct mbuf *mb,
			void *arg)
{
	const struct uastrans_set *set = arg;
	const struct hop hop = {
		.tp = way->tp, .dst = way->dst, .sock = (void *)way->link,
	};

	return transp_send(set->transp, &hop, mb, NULL);
}

static struct trans_way way_back(const struct sip_msg *msg)
{
	struct trans_way way = {
		.tp = msg->tp, .link = (uintptr_t)msg->sock,
	};

	response_addr(&way.dst, msg);
	return way;
}

int uastrans_alloc(struct strans **sp, struct uastrans_set *set,
		   const struct sip_msg *msg,
		   const struct strans_handlers *h, void *arg)
{
	struct origin *o = mem_zalloc(sizeof *o, origin_destructor);
	const struct strans_conf conf = {
		.msg = msg, .way = way_back(msg), .keep = o, .h = h,
		.arg = arg,
	};
	int err;

	if (!o)
		return ENOMEM;
	o->sock = mem_ref(msg->sock);
	if (!pl_isset(&msg->to.tag)) {
		o->merge = merge_digest(msg);
		hash_append(set->merges, (uint32_t)o->merge, &o->he, o);
	}
	err = strans_alloc(sp, set->table, &conf);
	mem_deref(o);
	return err;
}

bool uastrans_full(const struct uastrans_set *set)
{
	return stable_count(set->table) >= set->max;
}

int uastrans_answer(struct uastrans_set *set, const struct sip_msg *msg,
		    uint16_t scode, const char *phrase, const char *fmt, ...)
{
	const struct trans_way way = way_back(msg);
	const char *more = fmt ? "%v" : NULL;
	struct strans *st = NULL;
	va_list ap;
	int err = 0;

	/* a CANCEL's is the INVITE's, of which there is none */
	if (!uastrans_full(set) && pl_strcmp(&msg->met, "CANCEL"))
		err = uastrans_alloc(&st, set, msg, NULL, NULL);
	if (err)
		return err;
	va_start(ap, fmt);
	err = st ? strans_reply(st, false, scode, phrase, more, fmt, &ap)
		: stable_answer(set->table, msg, &way, scode, phrase, more,
				fmt, &ap);
	va_end(ap);
	strans_detach(st);
	return err;
}

bool uastrans_request(struct uastrans_set *set, const struct sip_msg *msg)
{
	if (stable_recv(set->table, msg))
		return true;
	if (!pl_strcmp(&msg->met, "ACK"))
		return false;
	if (!pl_strcmp(&msg->met, "CANCEL")) {
		(void)uastrans_answer(set, msg, 481,
				      "Call/Transaction Does Not Exist", NULL);
		return true;
	}
	if (pl_isset(&msg->to.tag) || !merged(set, msg))
		return false;
	(void)uastrans_answer(set, msg, 482, "Loop Detected", NULL);
	return true;
}

int uastrans_set_alloc(struct uastrans_set **sp, struct timers *timers,
		       struct transp *transp, const char *software,
		       unsigned max)
{
	struct uastrans_set *set = mem_zalloc(sizeof *set, set_destructor);
	int err;

	if (!set)
		return ENOMEM;
	set->transp = transp;
	set->max = max;
	err = hash_alloc(&set->merges, BUCKETS);
	if (!err)
		err = stable_alloc(&set->table, timers, software,
				   send_handler, set);
	if (err)
		mem_deref(set);
	else
		*sp = set;
	return err;
}
