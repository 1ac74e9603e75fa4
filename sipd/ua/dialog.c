/*
 * dialog.c: whom a call is with and by which way (RFC 3261 section 12).
 *
 * libre has dialogs too, but hides the Request-URI that digest needs, the
 * next hop and the sequence numbers, and takes 512 bytes for each header
 * block. Owned by calls.
 */
#include <errno.h>
#include <string.h>
#include "sipd/ua/dialog.h"
#include "sipd/ua/siptext.h"

enum { ROUTE_MAX = 4096 };      /* bytes of all Route headers */

static void dialog_destructor(void *arg)
{
	struct dialog *d = arg;

	mem_deref(d->callid);
	mem_deref(d->ltag);
	mem_deref(d->rtag);
	mem_deref(d->local);
	mem_deref(d->remote);
	mem_deref(d->target);
	mem_deref(d->route);
	mem_deref(d->next);
	mem_deref(d->lseq);
}

/* o: another branch of the same request, NULL: there is none. */
static struct dialog *dialog_new(const struct dialog *o)
{
	struct dialog *d = mem_zalloc(sizeof *d, dialog_destructor);

	if (!d)
		return NULL;
	d->lseq = o ? mem_ref(o->lseq) : mem_alloc(sizeof *d->lseq, NULL);
	if (!d->lseq)
		return mem_deref(d);
	if (!o)                 /* 8.1.1.5: below 2^31, with room to count */
		*d->lseq = rand_u16();
	return d;
}

/* Where requests go from now on; d owns the strings. */
static void aim(struct dialog *d, char *target, char *route, char *next)
{
	mem_deref(d->target);
	mem_deref(d->route);
	mem_deref(d->next);
	d->target = target;
	d->route = route;
	d->next = next;
}

int dialog_restart(struct dialog *d, const char *to, const char *target,
		   const char *route, const char *next)
{
	char *remote = NULL, *t = NULL, *r = NULL, *n = NULL;
	int err;

	err  = re_sdprintf(&remote, "<%s>", to);
	err |= str_dup(&t, target);
	err |= route ? re_sdprintf(&r, "Route: <%s;lr>\r\n", route) : 0;
	err |= str_dup(&n, route ? route : next ? next : target);
	if (err) {
		mem_deref(remote);
		mem_deref(t);
		mem_deref(r);
		mem_deref(n);
		return ENOMEM;
	}
	mem_deref(d->remote);
	d->remote = remote;
	d->rtag = mem_deref(d->rtag);
	aim(d, t, r, n);
	return 0;
}

int dialog_alloc(struct dialog **dp, const char *from, const char *to,
		 const char *route, const char *next)
{
	struct dialog *d = dialog_new(NULL);
	int err;

	if (!d)
		return ENOMEM;
	err  = re_sdprintf(&d->callid, "%016llx%016llx", rand_u64(),
			   rand_u64());
	err |= re_sdprintf(&d->ltag, "%016llx", rand_u64());
	if (!err)
		err = re_sdprintf(&d->local, "<%s>;tag=%s", from, d->ltag);
	if (!err)
		err = dialog_restart(d, to, to, route, next);
	if (err)
		mem_deref(d);
	else
		*dp = d;
	return err;
}

struct routes {
	struct mbuf *mb;
	struct pl first;        /* URI of the next hop */
	int err;
};

static bool route_handler(const struct sip_hdr *hdr,
			  const struct sip_msg *msg, void *arg)
{
	struct routes *rt = arg;
	struct sip_addr addr;
	(void)msg;

	if (!rt->first.p) {
		rt->err = siptext_addr(&addr, &hdr->val);
		rt->first = addr.auri;
	}
	if (!rt->err && rt->mb->end + hdr->val.l > ROUTE_MAX)
		rt->err = EMSGSIZE;
	if (!rt->err)
		rt->err = mbuf_printf(rt->mb, "Route: %r\r\n", &hdr->val);
	return rt->err != 0;
}

/* Target and route set; in requests the Record-Routes are in our order, in
 * responses the other way round (sections 12.1.1 and 12.1.2). */
static int learn(struct dialog *d, const struct sip_msg *msg)
{
	struct routes rt = { .mb = mbuf_alloc(256) };
	char *target = NULL, *route = NULL, *next = NULL;
	struct sip_addr contact;
	int err;

	if (!rt.mb)
		return ENOMEM;
	err = siptext_contact(&contact, msg);
	if (!err) {
		(void)sip_msg_hdr_apply(msg, msg->req, SIP_HDR_RECORD_ROUTE,
					route_handler, &rt);
		err = rt.err;
	}
	if (!err)
		err = pl_strdup(&target, &contact.auri);
	if (!err && rt.first.p) {
		rt.mb->pos = 0;
		err  = mbuf_strdup(rt.mb, &route, rt.mb->end);
		err |= pl_strdup(&next, &rt.first);
	}
	else if (!err) {
		err = str_dup(&next, target);
	}
	mem_deref(rt.mb);
	if (err) {
		mem_deref(target);
		mem_deref(route);
		mem_deref(next);
		return err;
	}
	aim(d, target, route, next);
	return 0;
}

int dialog_accept(struct dialog **dp, const struct sip_msg *msg)
{
	struct dialog *d = dialog_new(NULL);
	int err;

	if (!d)
		return ENOMEM;
	d->rseq = msg->cseq.num;
	d->has_rseq = true;
	err = learn(d, msg);
	if (err)
		goto out;
	err  = pl_strdup(&d->callid, &msg->callid);
	err |= pl_strdup(&d->rtag, &msg->from.tag);
	err |= re_sdprintf(&d->ltag, "%016llx", msg->tag);
	err |= re_sdprintf(&d->local, "%r;tag=%016llx", &msg->to.val,
			   msg->tag);
	err |= pl_strdup(&d->remote, &msg->from.val);
 out:
	if (err)
		mem_deref(d);
	else
		*dp = d;
	return err;
}

int dialog_establish(struct dialog *d, const struct sip_msg *resp)
{
	char *rtag = NULL, *remote = NULL;
	int err;

	if (!pl_isset(&resp->to.tag))
		return EBADMSG;
	err  = pl_strdup(&rtag, &resp->to.tag);
	err |= pl_strdup(&remote, &resp->to.val);
	if (!err)
		err = learn(d, resp);
	if (err) {
		mem_deref(rtag);
		mem_deref(remote);
		return err;
	}
	mem_deref(d->rtag);
	mem_deref(d->remote);
	d->rtag = rtag;
	d->remote = remote;
	return 0;
}

int dialog_fork(struct dialog **dp, const struct dialog *o,
		const struct sip_msg *resp)
{
	struct dialog *d = dialog_new(o);
	int err;

	if (!d)
		return ENOMEM;
	d->callid = mem_ref(o->callid);
	d->ltag = mem_ref(o->ltag);
	d->local = mem_ref(o->local);
	err = dialog_establish(d, resp);
	if (err)
		mem_deref(d);
	else
		*dp = d;
	return err;
}

int dialog_refresh(struct dialog *d, const struct sip_msg *msg)
{
	struct sip_addr contact;
	char *target = NULL;
	int err;

	if (!sip_msg_hdr(msg, SIP_HDR_CONTACT))
		return 0;
	err = siptext_contact(&contact, msg);
	if (!err)
		err = pl_strdup(&target, &contact.auri);
	if (err)
		return err;
	mem_deref(d->target);
	d->target = target;
	if (!d->route) {
		mem_deref(d->next);
		d->next = mem_ref(target);
	}
	return 0;
}

bool dialog_match_half(const struct dialog *d, const struct sip_msg *msg)
{
	return !pl_strcmp(&msg->callid, d->callid) &&
		!pl_strcmp(msg->req ? &msg->to.tag : &msg->from.tag, d->ltag);
}

bool dialog_match(const struct dialog *d, const struct sip_msg *msg)
{
	return d->rtag && dialog_match_half(d, msg) &&
		!pl_strcmp(msg->req ? &msg->from.tag : &msg->to.tag, d->rtag);
}

uint32_t dialog_next_cseq(struct dialog *d)
{
	return ++*d->lseq;
}

bool dialog_order(struct dialog *d, const struct sip_msg *msg)
{
	if (d->has_rseq && msg->cseq.num <= d->rseq)
		return false;
	d->rseq = msg->cseq.num;
	d->has_rseq = true;
	return true;
}

int dialog_print(struct re_printf *pf, const struct dialog *d)
{
	return re_hprintf(pf, "%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\n",
			  d->route ? d->route : "", d->local, d->remote,
			  d->callid);
}
