/*
 * response.c: where an answer goes: to the source of the request, at a port
 * that its Via may name, whatever else stands there.
 */
#include <string.h>
#include "tests/unit/unit.h"
#include "sipd/sip/response.h"

static struct sa dst;

/* To where a request with this Via is answered that came from 192.0.2.1:9;
 * "" if it cannot be read. */
static const char *to(enum sip_transp tp, const char *via)
{
	static char text[64];
	struct mbuf *mb = mbuf_alloc(1024);
	struct sip_msg *msg = NULL;

	text[0] = '\0';
	CU_ASSERT_EQUAL(mbuf_printf(mb, "OPTIONS sip:a@b SIP/2.0\r\n"
				    "Via: SIP/2.0/%s %s;branch=z9hG4bK1\r\n"
				    "From: <sip:x@y>;tag=1\r\nTo: <sip:a@b>\r\n"
				    "Call-ID: q\r\nCSeq: 1 OPTIONS\r\n\r\n",
				    sip_transp_name(tp), via), 0);
	mb->pos = 0;
	if (!sip_msg_decode(&msg, mb)) {
		msg->tp = tp;
		sa_set_str(&msg->src, "192.0.2.1", 9);
		response_addr(&dst, msg);
		(void)re_snprintf(text, sizeof text, "%J", &dst);
	}
	mem_deref(msg);
	mem_deref(mb);
	return text;
}

static void test_port(void)
{
	CU_ASSERT_STRING_EQUAL(to(SIP_TRANSP_UDP, "192.0.2.1:9;rport"),
			       "192.0.2.1:9");
	CU_ASSERT_STRING_EQUAL(to(SIP_TRANSP_UDP, "192.0.2.1:7"),
			       "192.0.2.1:7");
	CU_ASSERT_STRING_EQUAL(to(SIP_TRANSP_UDP, "192.0.2.1"),
			       "192.0.2.1:5060");
	/* the host of sent-by is never asked */
	CU_ASSERT_STRING_EQUAL(to(SIP_TRANSP_UDP, "198.51.100.66:7"),
			       "192.0.2.1:7");
	CU_ASSERT_STRING_EQUAL(to(SIP_TRANSP_UDP, "198.51.100.66:7;rport"),
			       "192.0.2.1:9");
}

/* RFC 3261 section 18.2.2 would send it there: to whom a stranger names. */
static void test_maddr(void)
{
	CU_ASSERT_STRING_EQUAL(to(SIP_TRANSP_UDP, "192.0.2.1:7;"
				  "maddr=198.51.100.66"), "192.0.2.1:7");
	CU_ASSERT_STRING_EQUAL(to(SIP_TRANSP_UDP, "192.0.2.1:7;rport;"
				  "maddr=198.51.100.66"), "192.0.2.1:9");
	CU_ASSERT_STRING_EQUAL(to(SIP_TRANSP_UDP, "192.0.2.1;ttl=255;"
				  "maddr=224.0.1.75"), "192.0.2.1:5060");
	CU_ASSERT_STRING_EQUAL(to(SIP_TRANSP_UDP, "192.0.2.1:7;"
				  "received=198.51.100.66"), "192.0.2.1:7");
	CU_ASSERT_STRING_EQUAL(to(SIP_TRANSP_TCP, "192.0.2.1:7;"
				  "maddr=198.51.100.66"), "192.0.2.1:7");
	CU_ASSERT_STRING_EQUAL(to(SIP_TRANSP_TLS, "192.0.2.1:7;"
				  "maddr=198.51.100.66"), "192.0.2.1:7");
}

UNIT_SUITE("response",
	   { "port", test_port },
	   { "maddr", test_maddr })
