/*
 * uactrans.c: client transactions (RFC 3261 section 17.1, RFC 6026).
 *
 *   INVITE  calling --1xx--> proceeding --3xx-6xx--> completed
 *           2xx from either: gone
 *   other   trying --1xx--> proceeding --2xx-6xx--> completed
 *
 * Found by the branch of their Via; those that wait are also kept by what
 * they were sent to, so that a broken connection is their news at once.
 */
#include <errno.h>
#include <string.h>
#include "sdp/base/outside.h"
#include "sipd/sip/trans.h"
#include "sipd/ua/uactrans.h"

enum { BUCKETS = 1024 };

enum state { TRYING, PROCEEDING, COMPLETED };

struct uactrans_set {
	struct hash *branches;
	struct hash *ways;
	struct timers *timers;
	struct transp *transp;
	unsigned pending;
};

struct uactrans {
	struct le he;           /* in branches, which owns it */
	struct le we;           /* in ways, until completed */
	struct uactrans_set *set;
	struct uactrans **ctp;
	uactrans_h *h;
	void *arg;
	struct mbuf *mb;        /* the request, later the ACK */
	char *met;
	char *headers;          /* for CANCEL */
	struct timer end, again;
	struct sa dst;
	struct outside *outside;
	const void *sock;       /* to compare with only */
	uint64_t branch;
	uint64_t wait;          /* ns, of timer A or E */
	enum sip_transp tp;
	enum state state;
	bool invite, cancel;
	bool counted;
};

static void uactrans_destructor(void *arg)
{
	struct uactrans *ct = arg;

	hash_unlink(&ct->he);
	hash_unlink(&ct->we);
	timer_stop(&ct->end);
	timer_stop(&ct->again);
	if (ct->ctp)
		*ct->ctp = NULL;
	if (ct->counted)
		--ct->set->pending;
	mem_deref(ct->outside);
	mem_deref(ct->mb);
	mem_deref(ct->met);
	mem_deref(ct->headers);
}

static void set_destructor(void *arg)
{
	struct uactrans_set *set = arg;

	hash_flush(set->branches);
	mem_deref(set->branches);
	mem_deref(set->ways);
}

static uint32_t way_key(enum sip_transp tp, const void *sock,
			const struct sa *dst)
{
	return tp == SIP_TRANSP_UDP ? sa_hash(dst, SA_ALL)
		: hash_joaat((const uint8_t *)&sock, sizeof sock);
}

static int transmit(struct uactrans *ct)
{
	struct hop hop = { .tp = ct->tp, .dst = ct->dst };

	return transp_send(ct->set->transp, &hop, ct->mb, NULL);
}

void uactrans_detach(struct uactrans *ct)
{
	if (!ct)
		return;
	if (ct->ctp)
		*ct->ctp = NULL;
	ct->ctp = NULL;
	ct->h = NULL;
}

/* No more waiting: the owner hears it, which is the last thing done here
 * with anything that it may free. */
static void finish(struct uactrans *ct, int err, const struct sip_msg *msg,
		   bool linger)
{
	uactrans_h *h = ct->h;
	void *arg = ct->arg;

	uactrans_detach(ct);
	hash_unlink(&ct->we);
	if (ct->counted)
		--ct->set->pending;
	ct->counted = false;
	if (!linger)
		mem_deref(ct);
	if (h)
		h(err, msg, arg);
}

static void end_handler(void *arg)
{
	struct uactrans *ct = arg;

	if (ct->state == COMPLETED)
		mem_deref(ct);
	else
		finish(ct, ETIMEDOUT, NULL, false);
}

static void start(struct uactrans *ct, struct timer *t, uint64_t ns,
		  timer_h *h)
{
	(void)timer_start(ct->set->timers, t, ns, h, ct);
}

static void again_handler(void *arg)
{
	struct uactrans *ct = arg;
	int err;

	ct->wait = ct->state == PROCEEDING ? T2 : 2 * ct->wait;
	if (!ct->invite && ct->wait > T2)
		ct->wait = T2;
	start(ct, &ct->again, ct->wait, again_handler);
	err = transmit(ct);
	if (err)
		finish(ct, err, NULL, false);
}

static struct uactrans *uactrans_new(struct uactrans_set *set,
				     const struct hop *hop, const char *met,
				     uint64_t branch)
{
	struct uactrans *ct = mem_zalloc(sizeof *ct, uactrans_destructor);

	if (!ct)
		return NULL;
	ct->set = set;
	ct->tp = hop->tp;
	ct->dst = hop->dst;
	ct->branch = branch;
	ct->invite = !strcmp(met, "INVITE");
	if (outside_alloc(&ct->outside, &ct->dst) || str_dup(&ct->met, met))
		return mem_deref(ct);
	hash_append(set->branches, (uint32_t)branch, &ct->he, ct);
	return ct;
}

static int launch(struct uactrans *ct, const struct hop *hop)
{
	int err;

	ct->wait = T1;
	start(ct, &ct->end, 64 * T1, end_handler);
	if (!transp_reliable(ct->tp))
		start(ct, &ct->again, ct->wait, again_handler);
	err = transp_send(ct->set->transp, hop, ct->mb, &ct->sock);
	if (err)
		return err;
	hash_append(ct->set->ways, way_key(ct->tp, ct->sock, &ct->dst),
		    &ct->we, ct);
	return 0;
}

static void send_cancel(struct uactrans *ct)
{
	struct hop hop = { .tp = ct->tp, .dst = ct->dst };
	struct uactrans *can;

	/* RFC 3261 section 9.1: if no final answer comes, give up */
	start(ct, &ct->end, 64 * T1, end_handler);
	can = uactrans_new(ct->set, &hop, "CANCEL", ct->branch);
	if (can && (trans_followup(&can->mb, "CANCEL", ct->mb, NULL,
				   ct->headers) ||
		    launch(can, &hop)))
		mem_deref(can);
}

void uactrans_cancel(struct uactrans *ct, const char *headers)
{
	if (!ct || !ct->invite || ct->cancel || ct->state == COMPLETED)
		return;
	ct->cancel = true;
	if (headers)
		(void)str_dup(&ct->headers, headers);
	if (ct->state == PROCEEDING)
		send_cancel(ct);
}

static void send_ack(struct uactrans *ct, const struct sip_msg *resp)
{
	struct mbuf *ack;

	if (trans_followup(&ack, "ACK", ct->mb, resp, NULL))
		return;
	mem_deref(ct->mb);
	ct->mb = ack;
	(void)transmit(ct);
}

/* ---- responses ---- */

static void provisional(struct uactrans *ct, const struct sip_msg *msg)
{
	bool first = ct->state == TRYING;

	ct->state = PROCEEDING;
	if (ct->invite && first) {
		timer_stop(&ct->again);
		timer_stop(&ct->end);           /* as long as it rings */
		if (ct->cancel)
			send_cancel(ct);
	}
	if (ct->h)
		ct->h(0, msg, ct->arg);
}

static void final(struct uactrans *ct, const struct sip_msg *msg)
{
	bool linger = !transp_reliable(ct->tp);

	timer_stop(&ct->again);
	ct->state = COMPLETED;
	if (ct->invite && msg->scode < 300)
		linger = false;
	else if (ct->invite)
		send_ack(ct, msg);
	if (linger)
		start(ct, &ct->end, ct->invite ? 64 * T1 : T4, end_handler);
	finish(ct, 0, msg, linger);
}

static struct uactrans *find(const struct uactrans_set *set,
			     const struct sip_msg *msg)
{
	struct le *le;
	struct pl hex;
	uint64_t branch;

	if (msg->via.branch.l != 7 + 16 ||
	    memcmp(msg->via.branch.p, "z9hG4bK", 7))
		return NULL;
	hex.p = msg->via.branch.p + 7;
	hex.l = 16;
	branch = pl_x64(&hex);
	le = list_head(hash_list(set->branches, (uint32_t)branch));
	for (; le; le = le->next) {
		struct uactrans *ct = le->data;

		if (ct->branch == branch &&
		    !pl_strcmp(&msg->cseq.met, ct->met))
			return ct;
	}
	return NULL;
}

bool uactrans_response(struct uactrans_set *set, const struct sip_msg *msg)
{
	struct uactrans *ct = find(set, msg);

	if (!ct)
		return false;
	if (ct->state == COMPLETED) {
		if (ct->invite && msg->scode < 300)
			return false;
		if (ct->invite)
			(void)transmit(ct);
	}
	else if (msg->scode < 200) {
		provisional(ct, msg);
	}
	else {
		/* nobody listens: as a repeated one, it is the account's */
		const bool stray = ct->invite && !ct->h && msg->scode < 300;

		final(ct, msg);
		return !stray;
	}
	return true;
}

struct fail {
	struct list hits;
	const void *sock;
	enum sip_transp tp;
	const struct sa *dst;
};

static bool fail_handler(struct le *le, void *arg)
{
	struct uactrans *ct = le->data;
	struct fail *f = arg;

	if (ct->tp != f->tp || (f->tp == SIP_TRANSP_UDP
				? !sa_cmp(&ct->dst, f->dst, SA_ALL)
				: ct->sock != f->sock))
		return false;
	/* gathered first: handlers may send anew to the same place */
	hash_unlink(&ct->we);
	list_append(&f->hits, &ct->we, ct);
	return false;
}

void uactrans_fail(struct uactrans_set *set, const void *sock,
		   enum sip_transp tp, const struct sa *dst, int err)
{
	struct fail f = { .sock = sock, .tp = tp, .dst = dst };

	hash_lookup(set->ways, way_key(tp, sock, dst), fail_handler, &f);
	while (f.hits.head) {
		struct uactrans *ct = f.hits.head->data;

		list_unlink(&ct->we);
		finish(ct, err, NULL, false);
	}
}

/* ---- requests ---- */

int uactrans_via(struct mbuf *mb, enum sip_transp tp, const struct sa *laddr,
		 uint64_t branch)
{
	return mbuf_printf(mb, "Via: SIP/2.0/%s %J;branch=z9hG4bK%016llx"
			   ";rport\r\n", sip_transp_name(tp), laddr, branch);
}

int uactrans_request(struct uactrans **ctp, struct uactrans_set *set,
		     const struct hop *hop, const struct sa *laddr,
		     const char *met, const char *uri, const struct mbuf *rest,
		     uactrans_h *h, void *arg)
{
	struct uactrans *ct = uactrans_new(set, hop, met, rand_u64());
	int err;

	if (!ct)
		return ENOMEM;
	ct->mb = mbuf_alloc(mbuf_get_left(rest) + 256);
	if (!ct->mb) {
		err = ENOMEM;
		goto out;
	}
	err  = mbuf_printf(ct->mb, "%s %s SIP/2.0\r\n", met, uri);
	err |= uactrans_via(ct->mb, hop->tp, laddr, ct->branch);
	err |= mbuf_write_mem(ct->mb, mbuf_buf(rest), mbuf_get_left(rest));
	ct->mb->pos = 0;
	if (!err)
		err = launch(ct, hop);
 out:
	if (err) {
		mem_deref(ct);
		return err;
	}
	ct->h = h;
	ct->arg = arg;
	ct->ctp = ctp;
	ct->counted = true;
	++set->pending;
	*ctp = ct;
	return 0;
}

unsigned uactrans_pending(const struct uactrans_set *set)
{
	return set->pending;
}

int uactrans_set_alloc(struct uactrans_set **sp, struct timers *timers,
		       struct transp *transp)
{
	struct uactrans_set *set = mem_zalloc(sizeof *set, set_destructor);
	int err;

	if (!set)
		return ENOMEM;
	set->timers = timers;
	set->transp = transp;
	err = hash_alloc(&set->branches, BUCKETS);
	err |= hash_alloc(&set->ways, BUCKETS);
	if (err)
		mem_deref(set);
	else
		*sp = set;
	return err ? ENOMEM : 0;
}
