/*
 * onward.c: what a request looks like when it leaves us: its branch with the
 * loop mark, its Record-Routes, and ACK, which leaves no state.
 *
 * Owns nothing; called by fork.c and proxy.c.
 */
#include <string.h>
#include "sipd/registrar/onward.h"

enum { MARK = 8 };              /* hex digits, the last of our branch */

static void mark_write(char mark[MARK + 1], const struct core *c,
		       const struct sip_msg *msg)
{
	uint32_t h = hash_joaat_pl(&msg->ruri);

	h = h * 31 + hash_joaat_pl(&msg->callid);
	h = h * 31 + hash_joaat_pl(&msg->from.tag);
	h = h * 31 + hash_joaat_pl(&msg->to.tag);
	h = (h * 31 + msg->cseq.num) ^ c->salt;
	(void)re_snprintf(mark, MARK + 1, "%08x", h);
}

void onward_branch(char branch[TRANS_BRANCH], const struct core *c,
		   const struct sip_msg *msg)
{
	char mark[MARK + 1];

	mark_write(mark, c, msg);
	trans_branch(branch, mark);
}

static bool loop_handler(const struct sip_hdr *hdr, const struct sip_msg *msg,
			 void *arg)
{
	struct pl branch;
	(void)msg;

	return !msg_param_decode(&hdr->val, "branch", &branch) &&
		branch.l > MARK &&
		!memcmp(branch.p + branch.l - MARK, arg, MARK);
}

bool onward_loops(const struct core *c, const struct sip_msg *msg)
{
	char mark[MARK + 1];

	mark_write(mark, c, msg);
	return sip_msg_hdr_apply(msg, true, SIP_HDR_VIA, loop_handler,
				 mark) != NULL;
}

bool onward_records(const struct sip_msg *msg)
{
	return !pl_isset(&msg->to.tag) &&
		(message_is(msg, "INVITE") || message_is(msg, "SUBSCRIBE") ||
		 message_is(msg, "REFER"));
}

static int record_write(struct mbuf *mb, const struct core *c,
			const struct route *r)
{
	const struct route_token token = { r, c->key };
	enum sip_transp tp;
	const struct sa *laddr = transport_laddr(c->tr, &r->flow, &tp);

	if (!laddr)
		return ENOTCONN;
	return mbuf_printf(mb, "Record-Route: <sip:%H@%J%s;lr>\r\n",
			   route_print, &token, laddr, sip_transp_param(tp));
}

/* Both ends of our part of the path, RFC 5658: the upper line is the one the
 * callee sends to, so each end's last own Route names the other's flow. */
int onward_record(struct mbuf **mbp, const struct core *c,
		  const struct route *in, const struct route *out)
{
	struct mbuf *mb = mbuf_alloc(256);
	int err;

	if (!mb)
		return ENOMEM;
	err = record_write(mb, c, out);
	if (!err)
		err = record_write(mb, c, in);
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;
	return err;
}

int onward_request(struct mbuf **mbp, const struct core *c,
		   struct message_forward *fw, const struct flow *to)
{
	fw->laddr = transport_laddr(c->tr, to, &fw->tp);
	fw->realm = auth_realm(c->auth);
	return fw->laddr ? message_forward_request(mbp, fw) : ENOTCONN;
}

void onward_ack(struct core *c, const struct sip_msg *msg,
		const struct flow *to, unsigned routes)
{
	char branch[TRANS_BRANCH], *uri = NULL;
	struct message_forward fw = {
		.msg = msg, .branch = branch, .routes = routes,
	};
	struct mbuf *mb = NULL;

	onward_branch(branch, c, msg);
	if (pl_strdup(&uri, &msg->ruri))
		return;
	fw.uri = uri;
	if (!onward_request(&mb, c, &fw, to))
		(void)transport_send(c->tr, to, mb);
	mem_deref(mb);
	mem_deref(uri);
}
