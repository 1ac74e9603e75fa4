/*
 * response.c: the headers that a response copies from its request (RFC 3261
 * section 8.2.6), and where it goes (section 18.2.2, RFC 3581).
 */
#include <errno.h>
#include <string.h>
#include "sipd/sip/quota.h"
#include "sipd/sip/response.h"

/* Section 18.2.2 and RFC 3581; maddr is not honoured: answers go to where
 * the request came from. */
void response_addr(struct sa *dst, const struct sip_msg *msg)
{
	struct pl rport;

	*dst = msg->src;
	/* sent-by [::ffff:192.0.2.1]:5062 is no address to libre */
	if (!sa_isset(&msg->via.addr, SA_ADDR) &&
	    msg->via.sentby.l && msg->via.sentby.p[0] == '[')
		return;
	/* on streams: should the connection be gone by then */
	if (msg->tp != SIP_TRANSP_UDP ||
	    msg_param_exists(&msg->via.params, "rport", &rport))
		sa_set_port(dst, sip_transp_port(msg->tp,
						 sa_port(&msg->via.addr)));
}

int response_via(struct mbuf *mb, const struct sip_msg *msg,
		 const struct sip_hdr *hdr)
{
	struct pl rport;
	int err = mbuf_printf(mb, "%r: ", &hdr->name);

	if (!msg_param_exists(&msg->via.params, "rport", &rport)) {
		err |= mbuf_write_pl_skip(mb, &hdr->val, &rport);
		err |= mbuf_printf(mb, ";rport=%u", sa_port(&msg->src));
	}
	else {
		err |= mbuf_write_pl(mb, &hdr->val);
	}
	return err | mbuf_printf(mb, ";received=%j\r\n", &msg->src);
}

static int to_write(struct mbuf *mb, const struct sip_msg *msg,
		    const struct sip_hdr *hdr, uint64_t tag, uint16_t scode)
{
	int err = mbuf_printf(mb, "%r: %r", &hdr->name, &hdr->val);

	if (!pl_isset(&msg->to.tag) && scode > 100)
		err |= mbuf_printf(mb, ";tag=%016llx", tag);
	return err | mbuf_write_str(mb, "\r\n");
}

/* The status line, and the headers that are copied. */
static int head_write(struct mbuf *mb, const struct sip_msg *msg,
		      uint64_t tag, uint16_t scode, const char *phrase)
{
	bool top = true;
	int err = mbuf_printf(mb, "SIP/2.0 %u %s\r\n", scode, phrase);

	for (struct le *le = msg->hdrl.head; le; le = le->next) {
		const struct sip_hdr *hdr = le->data;

		switch (hdr->id) {
		case SIP_HDR_TO:
			err |= to_write(mb, msg, hdr, tag, scode);
			break;
		case SIP_HDR_VIA:
			if (top) {
				err |= response_via(mb, msg, hdr);
				top = false;
				break;
			}
			/*@fallthrough@*/
		case SIP_HDR_FROM:
		case SIP_HDR_CALL_ID:
		case SIP_HDR_CSEQ:
			err |= mbuf_printf(mb, "%r: %r\r\n", &hdr->name,
					   &hdr->val);
			break;
		case SIP_HDR_RECORD_ROUTE:
			if (scode > 100 && scode < 300)
				err |= mbuf_printf(mb, "%r: %r\r\n",
						   &hdr->name, &hdr->val);
			break;
		default:
			break;
		}
	}
	return err;
}

int response_make(struct mbuf **mbp, const struct sip_msg *msg, uint64_t tag,
		  const char *software, uint16_t scode, const char *phrase,
		  const char *fmt, ...)
{
	struct mbuf *mb = mbuf_alloc(1024);
	va_list ap;
	int err;

	if (!mb)
		return ENOMEM;
	err = head_write(mb, msg, tag, scode, phrase);
	if (software)
		err |= mbuf_printf(mb, "Server: %s\r\n", software);
	va_start(ap, fmt);
	err |= fmt ? mbuf_vprintf(mb, fmt, ap)
		: mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
	va_end(ap);
	mb->pos = 0;
	(void)mbuf_resize(mb, mb->end);         /* it may stay for 32 s */
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;
	return err;
}

int response_refuse(struct mbuf **mbp, struct sa *dst,
		    const struct sip_msg *msg, uint16_t scode,
		    const char *phrase)
{
	if (!msg->req || !pl_strcmp(&msg->met, "ACK") ||
	    !pl_isset(&msg->via.sentby) || !pl_isset(&msg->via.branch))
		return EINVAL;
	response_addr(dst, msg);
	return response_make(mbp, msg, msg->tag, NULL, scode, phrase,
			     scode == 503 ? "Retry-After: %u\r\n"
			     "Content-Length: 0\r\n\r\n" : NULL,
			     QUOTA_RETRY);
}

int response_busy(struct mbuf **mbp, struct sa *dst,
		  const struct sip_msg *msg)
{
	return response_refuse(mbp, dst, msg, 503, "Service Unavailable");
}

bool response_is(const struct mbuf *mb)
{
	static const char first[] = "SIP/2.0 ";

	return mbuf_get_left(mb) >= sizeof first - 1 &&
		!memcmp(mbuf_buf(mb), first, sizeof first - 1);
}
