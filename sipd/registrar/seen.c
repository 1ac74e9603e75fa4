/*
 * seen.c: as base64, which no gateway on the way back understands. The answer
 * is never larger than the question: that has all of it, and From and
 * Max-Forwards besides.
 */
#include "sipd/registrar/seen.h"

int seen_print(struct re_printf *pf, const struct sip_msg *msg)
{
	const struct sip_hdr *via = sip_msg_hdr(msg, SIP_HDR_VIA);
	const struct sip_hdr *contact = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	char text[SEEN_MAX], b64[SEEN_MAX * 4 / 3 + 8];
	size_t len = sizeof b64;
	int n;

	if (!sip_msg_xhdr(msg, SEEN_HEADER) || !via || !contact)
		return 0;
	n = re_snprintf(text, sizeof text, "%r\n%r\n%b", &via->val,
			&contact->val, mbuf_buf(msg->mb),
			mbuf_get_left(msg->mb));
	if (n < 0 || base64_encode((uint8_t *)text, (size_t)n, b64, &len))
		return 0;
	return re_hprintf(pf, SEEN_HEADER ": %b\r\n", b64, len);
}
