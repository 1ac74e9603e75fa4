/*
 * lenient.c: descriptions of others that are read all the same
 * (sdp/descdec.c): of RFC 8839, and what boxes on the way make of ours.
 */
#include "tests/unit/sdp/desc/texts.h"

static void check_transport(const struct desc *d)
{
	static const uint8_t fp[4] = { 0x4a, 0xad, 0xb9, 0xb1 };

	CU_ASSERT_STRING_EQUAL(d->ufrag, "8hhY");
	CU_ASSERT_STRING_EQUAL(d->pwd, "asd88fgpdd777uzjYhagZg");
	CU_ASSERT(d->has_fp && !memcmp(d->fp, fp, sizeof fp));
	CU_ASSERT_EQUAL(d->setup, SETUP_ACTPASS);
	CU_ASSERT_EQUAL_FATAL(d->candc, 2);
	CU_ASSERT_EQUAL(d->candv[1].type, CAND_SRFLX);
	CU_ASSERT_EQUAL(sa_port(&d->candv[1].addr), 45664);
}

/* RFC 8839 appendix A with a tunnel for its audio; ICE on the session. */
static void test_rfc8839(void)
{
	struct desc *d = decoded(
		"v=0\n"
		"o=jdoe 2890844526 2890842807 IN IP4 203.0.113.141\n"
		"s=\n"
		"c=IN IP4 192.0.2.3\n"
		"t=0 0\n"
		"a=ice-options:ice2\n"
		"a=ice-pacing:50\n"
		"a=ice-pwd:asd88fgpdd777uzjYhagZg\n"
		"a=ice-ufrag:8hhY\n"
		"m=application 45664 UDP/QUIC vnd.dialtone\n"
		"b=RS:0\n"
		"b=RR:0\n"
		PIPE
		"a=candidate:1 1 UDP 2130706431 203.0.113.141 8998 typ host\n"
		"a=candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx "
		"raddr 203.0.113.141 rport 8998\n"
		KEY SETUP, true);

	check_transport(d);
	CU_ASSERT_EQUAL(d->sess_id, 2890844526);
	CU_ASSERT_EQUAL(d->sess_ver, 2890842807);
	CU_ASSERT_EQUAL(sa_in(&d->addr), 0xc0000203);
	CU_ASSERT_EQUAL(sa_port(&d->addr), 45664);
	mem_deref(d);
}

/* Wherever it stands it is found, and the first live tunnel wins. */
static void test_places(void)
{
	static const char *const textv[] = {
		GOOD,
		HEAD TRANSP QUIC PIPE,
		HEAD "a=ice-ufrag:SESS\r\na=ice-pwd:0123456789012345678901\r\n"
		"a=setup:passive\r\n" QUIC PIPE TRANSP,
		HEAD "a=group:BUNDLE 0 1\r\n" QUIC PIPE ICE CANDS
		"m=application 1 UDP/DTLS vnd.dialtone.ip\r\na=mid:1\r\n"
		"a=x-dialtone-tunnel:vpn\r\n"
		"a=ice-ufrag:2222\r\na=ice-pwd:0123456789012345678901\r\n"
		"a=candidate:1 1 UDP 1 10.9.9.9 9 typ host\r\n" KEY SETUP,
		HEAD "a=group:BUNDLE 1 0\r\n"
		"m=application 0 UDP/DTLS vnd.dialtone.ip\r\na=mid:1\r\n"
		"a=x-dialtone-tunnel:vpn\r\n"
		"a=ice-ufrag:2222\r\na=ice-pwd:0123456789012345678901\r\n"
		QUIC PIPE TRANSP,
		HEAD "a=group:BUNDLE 1 0\r\n"
		"m=application 0 UDP/DTLS vnd.dialtone.ip\r\na=mid:1\r\n"
		"a=bundle-only\r\na=x-dialtone-tunnel:vpn\r\n"
		"a=ice-ufrag:2222\r\na=ice-pwd:0123456789012345678901\r\n"
		QUIC PIPE TRANSP,
		HEAD "m=audio 5 RTP/AVP 0\r\na=ice-ufrag:bad!\r\n" QUIC PIPE
		TRANSP,
	};

	for (size_t i = 0; i < sizeof textv / sizeof textv[0]; i++) {
		struct desc *d = decoded(textv[i], true);

		check_transport(d);
		mem_deref(d);
	}
}

static void test_bundle(void)
{
	static const char two[] = QUIC PIPE TRANSP
		"m=application 8 UDP/QUIC vnd.dialtone\r\na=mid:1\r\n" PIPE;
	struct desc *d;
	char *text;

	/* each on its own 5-tuple: we have but one */
	d = decoded("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
		    QUIC PIPE TRANSP
		    "m=application 8 UDP/QUIC vnd.dialtone\r\na=mid:1\r\n"
		    PIPE, true);
	CU_ASSERT(!d->mediav[0].rejected && d->mediav[1].rejected);
	mem_deref(d);
	CU_ASSERT_EQUAL_FATAL(re_sdprintf(&text, "%s%s%s", HEAD,
			      "a=group:LS 0 1\r\na=group:BUNDLE 1 0\r\n",
			      two), 0);
	d = decoded(text, true);
	CU_ASSERT(!d->mediav[0].rejected && !d->mediav[1].rejected);
	mem_deref(d);
	mem_deref(text);
	/* bundle-only is for offers */
	d = decoded(HEAD "a=group:BUNDLE 0 1\r\n" QUIC PIPE ICE KEY
		    "m=application 0 UDP/QUIC vnd.dialtone\r\na=mid:1\r\n"
		    "a=bundle-only\r\n" PIPE, false);
	CU_ASSERT(!d->mediav[0].rejected && d->mediav[1].rejected);
	mem_deref(d);
}

/* What is understood of a fingerprint, and what is passed over. */
static void test_lenient(void)
{
	struct desc *d;

	d = decoded(HEAD QUIC PIPE ICE SETUP CANDS
		    "a=fingerprint:sha-1 4A:AD:B9:B1\r\n" KEY
		    "a=candidate:3 1 UDP 5 x.local 7 typ host\r\n"
		    "a=candidate:4 2 UDP 5 10.0.0.1 7 typ host\r\n"
		    "a=candidate:5 1 UDP 9 203.0.113.141 8998 typ host\r\n"
		    "a=unheard:of\r\nb=AS:3\r\nk=clear:x\r\n\r\n", true);
	check_transport(d);
	CU_ASSERT_STRING_EQUAL(d->candv[0].foundation, "1");
	mem_deref(d);
	/* a mid or a kind we cannot hold: refused, but kept and answered */
	d = decoded(HEAD "a=group:BUNDLE 0 1234567890123456 2\r\n" QUIC PIPE
		    TRANSP
		    "m=application 8 UDP/QUIC vnd.dialtone\r\n"
		    "a=mid:1234567890123456\r\n" PIPE
		    "m=application 8 UDP/QUIC vnd.dialtone\r\na=mid:2\r\n"
		    "a=x-dialtone-tunnel:abcdefghijklmnopqrstuvwxyz x=1\r\n",
		    true);
	CU_ASSERT(d->mediav[0].known);
	CU_ASSERT(!d->mediav[1].known && d->mediav[1].rejected);
	CU_ASSERT(!d->mediav[2].known && !d->mediav[2].param);
	CU_ASSERT_STRING_EQUAL(d->mediav[2].raw,
			       "application 0 UDP/QUIC vnd.dialtone");
	mem_deref(d);
	/* a tls-id longer than we keep is as good as none */
	d = decoded(GOOD "a=tls-id:12345678901234567890123456789012345678901"
		    "234567890123456789012345\r\n", true);
	CU_ASSERT_STRING_EQUAL(d->tls_id, "");
	mem_deref(d);
}

/* rtpengine rewrites address and port and replaces ICE by its own. */
static void test_rtpengine(void)
{
	struct desc *d = decoded(
		"v=0\r\no=- 20518 1 IN IP4 198.51.100.9\r\ns=-\r\nt=0 0\r\n"
		"m=application 30004 UDP/QUIC vnd.dialtone\r\n"
		"c=IN IP4 198.51.100.9\r\n"
		"a=mid:0\r\n"
		"a=x-dialtone-tunnel:pipe\r\n"
		"a=X-other:kept\r\n" KEY SETUP
		"a=sendrecv\r\n"
		"a=rtcp:30005\r\n"
		"a=ice-ufrag:hZoWpUjE\r\n"
		"a=ice-pwd:hAwSuDw9eMbbUONLl4RrRhwDLn\r\n"
		"a=candidate:v4xMPVHZ0Wo0bTwB 1 UDP 2130706431 198.51.100.9 "
		"30004 typ host\r\n"
		"a=candidate:v4xMPVHZ0Wo0bTwB 2 UDP 2130706430 198.51.100.9 "
		"30005 typ host\r\n", true);

	CU_ASSERT_STRING_EQUAL(d->ufrag, "hZoWpUjE");
	CU_ASSERT_EQUAL(d->candc, 1);
	CU_ASSERT_EQUAL(sa_in(&d->addr), 0xc6336409);
	CU_ASSERT_EQUAL(sa_port(&d->addr), 30004);
	mem_deref(d);
}

/* SEMS, transparent: a proto it does not know becomes a placeholder. */
static void test_sems(void)
{
	struct desc *d = decoded(HEAD
		"m=application 9 <unknown media type> vnd.dialtone\r\n"
		"a=mid:0\r\n" PIPE TRANSP, true), *a;
	char *text;

	check_transport(d);
	CU_ASSERT(d->mediav[0].known);
	CU_ASSERT_EQUAL(d->mediav[0].proto, DESC_QUIC);
	CU_ASSERT_EQUAL(desc_answer_init(&a, d), 0);
	text = encoded(a);
	CU_ASSERT_PTR_NOT_NULL(strstr(text,
			"m=application 0 UDP/QUIC vnd.dialtone\r\n"));
	mem_deref(text);
	mem_deref(a);
	mem_deref(d);
}

/* mids stripped: one tunnel needs no bundle, in the answer neither. */
static void test_no_mid(void)
{
	struct desc *d = decoded(HEAD
		"m=application 9 UDP/QUIC vnd.dialtone\r\n" PIPE TRANSP
		"m=application 9 UDP/QUIC vnd.dialtone\r\n" PIPE, true);
	char *text;

	CU_ASSERT(!d->mediav[0].rejected && d->mediav[1].rejected);
	text = encoded(d);
	CU_ASSERT_PTR_NULL(strstr(text, "BUNDLE"));
	CU_ASSERT_PTR_NULL(strstr(text, "a=mid"));
	mem_deref(text);
	mem_deref(d);
}

UNIT_SUITE("desc/lenient",
	{ "rfc8839", test_rfc8839 },
	{ "places", test_places },
	{ "bundle", test_bundle },
	{ "lenient", test_lenient },
	{ "rtpengine", test_rtpengine },
	{ "sems", test_sems },
	{ "no mid", test_no_mid })
