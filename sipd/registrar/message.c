/*
 * message.c: SIP messages as the proxy passes them on.
 *
 * Owns nothing. Headers keep their order and spelling; only what RFC 3261
 * section 16.6 names is changed. Called by fork.c, onward.c and the proxy.
 */
#include <string.h>
#include "sipd/sip/digest.h"
#include "sipd/sip/response.h"
#include "sipd/sip/trans.h"
#include "sipd/registrar/message.h"

enum {
	BRANCH_MAX  = 256,      /* of others: bytes of branch and sent-by */
	CALLID_MAX  = 256,
	MAX_FORWARDS = 70,
};

bool message_is(const struct sip_msg *msg, const char *met)
{
	return !pl_strcmp(&msg->met, met);
}

static bool number(const struct pl *pl, uint32_t max)
{
	for (size_t i = 0; i < pl->l; i++)
		if (pl->p[i] < '0' || pl->p[i] > '9')
			return false;
	return pl->l < 10 && pl_u32(pl) <= max;
}

const char *message_fault(const struct sip_msg *msg)
{
	if (!pl_isset(&msg->via.branch) || msg->via.branch.l > BRANCH_MAX ||
	    !pl_isset(&msg->via.sentby) || msg->via.sentby.l > BRANCH_MAX)
		return "Bad Via";
	if (!pl_isset(&msg->callid) || msg->callid.l > CALLID_MAX)
		return "Bad Call-ID";
	if (!pl_isset(&msg->from.auri) || !pl_isset(&msg->from.tag))
		return "Bad From";
	if (!pl_isset(&msg->to.auri))
		return "Bad To";
	if (pl_cmp(&msg->cseq.met, &msg->met) || msg->met.l >= METHOD_SIZE)
		return "Bad CSeq";
	if (pl_isset(&msg->maxfwd) && !number(&msg->maxfwd, 255))
		return "Bad Max-Forwards";
	return NULL;
}

static int hdr_write(struct mbuf *mb, const struct sip_hdr *hdr)
{
	return mbuf_printf(mb, "%r: %r\r\n", &hdr->name, &hdr->val);
}

static int body_write(struct mbuf *mb, const struct sip_msg *msg)
{
	const size_t n = mbuf_get_left(msg->mb);
	int err = mbuf_printf(mb, "Content-Length: %zu\r\n\r\n", n);

	return err | mbuf_write_mem(mb, mbuf_buf(msg->mb), n);
}

/* Give mb out, or drop it. */
static int finish(struct mbuf **mbp, struct mbuf *mb, int err)
{
	if (err) {
		mem_deref(mb);
		return ENOMEM;
	}
	mb->pos = 0;
	*mbp = mb;
	return 0;
}

int message_forward_response(struct mbuf **mbp, const struct sip_msg *msg,
			     const struct mbuf *challenges)
{
	struct mbuf *mb = mbuf_alloc(1024);
	unsigned vias = 0;
	int err;

	if (!mb)
		return ENOMEM;
	err = mbuf_printf(mb, "SIP/2.0 %u %r\r\n", msg->scode, &msg->reason);
	for (struct le *le = msg->hdrl.head; le; le = le->next) {
		const struct sip_hdr *hdr = le->data;

		if (hdr->id == SIP_HDR_CONTENT_LENGTH ||
		    (hdr->id == SIP_HDR_VIA && !vias++))
			continue;
		if (challenges && (hdr->id == SIP_HDR_WWW_AUTHENTICATE ||
				   hdr->id == SIP_HDR_PROXY_AUTHENTICATE))
			continue;
		err |= hdr_write(mb, hdr);
	}
	if (challenges)
		err |= mbuf_write_mem(mb, challenges->buf, challenges->end);
	err |= body_write(mb, msg);
	return finish(mbp, mb, err);
}

/* Credentials for our realm end here (RFC 3261 section 22.3). */
static bool credentials_for(const struct sip_hdr *hdr, const char *realm)
{
	struct digest_answer a;

	return hdr->id == SIP_HDR_PROXY_AUTHORIZATION &&
		!digest_answer_decode(&a, &hdr->val) &&
		!pl_strcmp(&a.realm, realm);
}

static uint32_t hops_left(const struct sip_msg *msg)
{
	return pl_isset(&msg->maxfwd) ? pl_u32(&msg->maxfwd) - 1 :
		MAX_FORWARDS;
}

static int request_headers(struct mbuf *mb, const struct message_forward *fw)
{
	unsigned vias = 0, routes = 0;
	int err = 0;

	for (struct le *le = fw->msg->hdrl.head; le; le = le->next) {
		const struct sip_hdr *hdr = le->data;

		switch (hdr->id) {

		case SIP_HDR_VIA:
			err |= vias++ ? hdr_write(mb, hdr) :
				response_via(mb, fw->msg, hdr);
			break;

		case SIP_HDR_ROUTE:
			if (routes++ >= fw->routes)
				err |= hdr_write(mb, hdr);
			break;

		case SIP_HDR_MAX_FORWARDS:
		case SIP_HDR_CONTENT_LENGTH:
			break;

		default:
			if (!credentials_for(hdr, fw->realm))
				err |= hdr_write(mb, hdr);
			break;
		}
	}
	return err;
}

int message_forward_request(struct mbuf **mbp,
			    const struct message_forward *fw)
{
	const struct sip_msg *msg = fw->msg;
	struct mbuf *mb = mbuf_alloc(2048);
	int err;

	if (!mb)
		return ENOMEM;
	err = mbuf_printf(mb, "%r %s SIP/2.0\r\n", &msg->met, fw->uri);
	err |= trans_via(mb, fw->tp, fw->laddr, fw->branch);
	if (fw->record)
		err |= mbuf_write_mem(mb, fw->record->buf, fw->record->end);
	err |= request_headers(mb, fw);
	err |= mbuf_printf(mb, "Max-Forwards: %u\r\n", hops_left(msg));
	err |= body_write(mb, msg);
	return finish(mbp, mb, err);
}
