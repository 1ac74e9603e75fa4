/*
 * trans.c: how transactions are told apart, which way they go, and the
 * requests that follow from another.
 *
 * Owns nothing; called by ctrans.c, by who begins a transaction, and by the
 * server transactions of ua and registrar.
 */
#include <errno.h>
#include <string.h>
#include "sipd/sip/trans.h"

enum { MAX_FORWARDS = 70 };

bool trans_reliable(enum sip_transp tp)
{
	return tp == SIP_TRANSP_TCP || tp == SIP_TRANSP_TLS;
}

bool trans_way_cmp(const struct trans_way *a, const struct trans_way *b)
{
	return a->link == b->link && sa_cmp(&a->dst, &b->dst, SA_ALL);
}

uint32_t trans_way_hash(const struct trans_way *way)
{
	return sa_hash(&way->dst, SA_ALL);
}

void trans_branch(char branch[TRANS_BRANCH], const char *mark)
{
	(void)re_snprintf(branch, TRANS_BRANCH, "z9hG4bK%016llx%s",
			  rand_u64(), mark);
}

int trans_via(struct mbuf *mb, enum sip_transp tp, const struct sa *laddr,
	      const char *branch)
{
	return mbuf_printf(mb, "Via: SIP/2.0/%s %J;branch=%s;rport\r\n",
			   sip_transp_name(tp), laddr, branch);
}

/* ---- "branch sent-by method" ---- */

enum { PARTS = 3 };

static void parts(struct pl v[PARTS], const struct sip_msg *msg,
		  const struct pl *met)
{
	v[0] = msg->via.branch;
	v[1] = msg->via.sentby;
	v[2] = *met;
}

size_t trans_key_size(const struct sip_msg *msg)
{
	return msg->via.branch.l + msg->via.sentby.l + msg->met.l + PARTS;
}

void trans_key_write(char *key, const struct sip_msg *msg)
{
	struct pl v[PARTS];

	parts(v, msg, &msg->met);
	for (unsigned i = 0; i < PARTS; i++) {
		memcpy(key, v[i].p, v[i].l);
		key += v[i].l;
		*key++ = i + 1 < PARTS ? ' ' : '\0';
	}
}

bool trans_key_is(const char *key, const struct sip_msg *msg,
		  const struct pl *met)
{
	struct pl v[PARTS];

	parts(v, msg, met);
	for (unsigned i = 0; i < PARTS; i++) {
		if (strncmp(key, v[i].p, v[i].l))
			return false;
		key += v[i].l;
		if (*key++ != (i + 1 < PARTS ? ' ' : '\0'))
			return false;
	}
	return true;
}

/* ---- ACK and CANCEL ---- */

static bool route_handler(const struct sip_hdr *hdr,
			  const struct sip_msg *msg, void *arg)
{
	(void)msg;
	return mbuf_printf(arg, "Route: %r\r\n", &hdr->val) != 0;
}

static int write(struct mbuf *mb, const char *met, const struct sip_msg *req,
		 const struct sip_msg *rsp, const char *headers)
{
	int err;

	err  = mbuf_printf(mb, "%s %r SIP/2.0\r\nVia: %r\r\n"
			   "Max-Forwards: %u\r\n", met, &req->ruri,
			   &req->via.val, MAX_FORWARDS);
	err |= sip_msg_hdr_apply(req, true, SIP_HDR_ROUTE, route_handler, mb)
		? ENOMEM : 0;
	err |= mbuf_printf(mb, "From: %r\r\nTo: %r\r\nCall-ID: %r\r\n"
			   "CSeq: %u %s\r\n%sContent-Length: 0\r\n\r\n",
			   &req->from.val, rsp ? &rsp->to.val : &req->to.val,
			   &req->callid, req->cseq.num, met,
			   headers ? headers : "");
	mb->pos = 0;
	return err;
}

int trans_followup(struct mbuf **mbp, const char *met, struct mbuf *sent,
		   const struct sip_msg *rsp, const char *headers)
{
	struct mbuf *mb = mbuf_alloc(512);
	struct sip_msg *req = NULL;
	int err;

	sent->pos = 0;
	err = mb ? sip_msg_decode(&req, sent) : ENOMEM;
	sent->pos = 0;
	if (!err)
		err = write(mb, met, req, rsp, headers);
	mem_deref(req);
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;
	return err;
}
