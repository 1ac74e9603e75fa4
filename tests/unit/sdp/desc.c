/*
 * desc.c: tests sdp/desc*.c: values, texts both ways, what boxes on the way
 * do to them, and every refusal.
 */
#include <string.h>
#include "sdp/desc.h"
#include "tests/unit/fail.h"

#define FP_TEXT "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:" \
		"19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF"

/* The parts that most texts here are put together from. */
#define HEAD "v=0\r\no=- 20518 1 IN IP4 0.0.0.0\r\ns=-\r\n" \
	"c=IN IP4 192.0.2.3\r\nt=0 0\r\n"
#define ICE "a=ice-ufrag:8hhY\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\n"
#define KEY "a=fingerprint:sha-256 " FP_TEXT "\r\n"
#define SETUP "a=setup:actpass\r\n"
#define CANDS "a=candidate:1 1 UDP 2130706431 203.0.113.141 8998 typ host" \
	"\r\na=candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr " \
	"203.0.113.141 rport 8998\r\n"
#define TRANSP ICE KEY SETUP CANDS
#define QUIC "m=application 45664 UDP/QUIC vnd.dialtone\r\na=mid:0\r\n"
#define PIPE "a=x-dialtone-tunnel:pipe\r\n"
#define GOOD HEAD QUIC PIPE TRANSP

static int decode(struct desc **dp, const char *text, bool offer,
		  struct desc_refusal *why)
{
	return desc_decode(dp, text, strlen(text), offer, why);
}

static struct desc *decoded(const char *text, bool offer)
{
	struct desc_refusal why = { .text = "" };
	struct desc *d = NULL;
	int err = decode(&d, text, offer, &why);

	CU_ASSERT_EQUAL(err, 0);
	if (err)
		printf("%d %s\n%s\n", why.scode, why.text, text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	return d;
}

static char *encoded(const struct desc *d)
{
	struct mbuf *mb = NULL;
	char *text = NULL;

	CU_ASSERT_EQUAL_FATAL(desc_encode(&mb, d), 0);
	CU_ASSERT_EQUAL(mb->pos, 0);
	CU_ASSERT_EQUAL_FATAL(mbuf_strdup(mb, &text, mb->end), 0);
	mem_deref(mb);
	return text;
}

/* What a caller fills in; kinds "file" and "vpn". */
static int offer_make(struct desc **dp)
{
	struct desc *d = NULL;
	struct desc_media *m;
	struct pl c = PL("1 1 UDP 2130706431 192.0.2.7 4711 typ host");
	struct cand cand;
	int err = desc_alloc(&d);

	if (err)
		return err;
	d->sess_id = 20518;
	d->sess_ver = 1;
	d->trickle = d->renomination = d->complete = d->has_fp = true;
	d->guess = true;
	memset(d->fp, 0xab, sizeof d->fp);
	strcpy(d->ufrag, "8hhY");
	strcpy(d->pwd, "asd88fgpdd777uzjYhagZg");
	strcpy(d->tls_id, "abcdefghijklmnopqrst");
	(void)cand_decode(&cand, &c);
	err |= desc_cand_add(d, &cand);
	d->addr = cand.addr;
	err |= desc_media_add(d, &m, DESC_QUIC, "file");
	err = err ? err : desc_param_set(m, "size", "5120");
	err = err ? err : desc_param_set(m, "name", "a b;c=100%\xc3\xbc");
	err = err ? err : desc_media_add(d, &m, DESC_DTLS, "vpn");
	if (err)
		mem_deref(d);
	else
		*dp = d;
	return err;
}

static void test_encode(void)
{
	static const char want[] = "v=0\r\n"
		"o=- 20518 1 IN IP4 0.0.0.0\r\n"
		"s=-\r\n"
		"c=IN IP4 192.0.2.7\r\n"
		"t=0 0\r\n"
		"a=group:BUNDLE 0 1\r\n"
		"a=ice-options:ice2 trickle renomination guess\r\n"
		"m=application 4711 UDP/QUIC vnd.dialtone\r\n"
		"a=mid:0\r\n"
		"a=x-dialtone-tunnel:file "
		"size=5120;name=a%20b%3Bc%3D100%25%C3%BC\r\n"
		"a=ice-ufrag:8hhY\r\n"
		"a=ice-pwd:asd88fgpdd777uzjYhagZg\r\n"
		"a=fingerprint:sha-256 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:"
		"AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB"
		"\r\n"
		"a=setup:actpass\r\n"
		"a=tls-id:abcdefghijklmnopqrst\r\n"
		"a=candidate:1 1 UDP 2130706431 192.0.2.7 4711 typ host\r\n"
		"a=end-of-candidates\r\n"
		"m=application 0 UDP/DTLS vnd.dialtone.ip\r\n"
		"a=mid:1\r\n"
		"a=bundle-only\r\n"
		"a=x-dialtone-tunnel:vpn\r\n";
	struct desc *d;
	char *text;

	CU_ASSERT_EQUAL_FATAL(offer_make(&d), 0);
	text = encoded(d);
	CU_ASSERT_STRING_EQUAL(text, want);
	if (strcmp(text, want))
		printf("%s", text);
	mem_deref(text);
	mem_deref(d);
}

static void test_round_trip(void)
{
	struct desc *a, *b;
	char *atext, *btext, buf[64];

	CU_ASSERT_EQUAL_FATAL(offer_make(&a), 0);
	a->audio = true;
	atext = encoded(a);
	b = decoded(atext, true);
	btext = encoded(b);
	CU_ASSERT_STRING_EQUAL(atext, btext);
	CU_ASSERT(b->audio && b->trickle && b->renomination && b->complete);
	CU_ASSERT(b->guess);
	CU_ASSERT_EQUAL(b->mediac, 2);
	CU_ASSERT(b->mediav[0].known && !b->mediav[0].rejected);
	CU_ASSERT(b->mediav[1].known && !b->mediav[1].rejected);
	CU_ASSERT_EQUAL(b->mediav[1].proto, DESC_DTLS);
	CU_ASSERT_STRING_EQUAL(b->mediav[1].kind, "vpn");
	CU_ASSERT_EQUAL(memcmp(a->fp, b->fp, sizeof a->fp), 0);
	CU_ASSERT_STRING_EQUAL(b->tls_id, "abcdefghijklmnopqrst");
	CU_ASSERT(sa_cmp(&a->addr, &b->addr, SA_ALL));
	CU_ASSERT_EQUAL(desc_param_get(&b->mediav[0], "name", buf,
				       sizeof buf), 0);
	CU_ASSERT_STRING_EQUAL(buf, "a b;c=100%\xc3\xbc");
	mem_deref(atext);
	mem_deref(btext);
	mem_deref(a);
	mem_deref(b);
}

static void test_ipv6(void)
{
	struct desc *a, *b;
	char *text;

	CU_ASSERT_EQUAL_FATAL(offer_make(&a), 0);
	(void)sa_set_str(&a->addr, "2001:db8::7", 4711);
	text = encoded(a);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "c=IN IP6 2001:db8::7\r\n"));
	b = decoded(text, true);
	CU_ASSERT(sa_cmp(&a->addr, &b->addr, SA_ALL));
	mem_deref(text);
	mem_deref(a);
	mem_deref(b);
}

/* Nothing gathered yet: RFC 8840 section 4.1. */
static void test_no_address(void)
{
	struct desc *a, *b;
	char *text;

	CU_ASSERT_EQUAL_FATAL(offer_make(&a), 0);
	sa_init(&a->addr, AF_UNSPEC);
	a->candc = 0;
	a->complete = false;
	text = encoded(a);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "c=IN IP4 0.0.0.0\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "m=application 9 UDP/QUIC "));
	b = decoded(text, true);
	CU_ASSERT_FALSE(sa_isset(&b->addr, SA_ADDR));
	CU_ASSERT_FALSE(b->complete);
	CU_ASSERT_EQUAL(b->candc, 0);
	mem_deref(text);
	mem_deref(a);
	mem_deref(b);
}

/* Lines keep their order, what is not taken has port 0, the audio line stays
 * bare, and what is bundled shares the port. */
static void test_answer(void)
{
	static const char offer[] = HEAD
		"a=group:BUNDLE a b\r\n"
		"m=audio 4000 RTP/AVP 0 8\r\n" ICE
		"m=video 4002/2 RTP/SAVPF 96 97\r\na=mid:v\r\n"
		"m=application 45664 UDP/QUIC vnd.dialtone\r\na=mid:a\r\n"
		PIPE TRANSP
		"m=application 0 UDP/QUIC vnd.dialtone\r\na=mid:b\r\n"
		"a=bundle-only\r\na=x-dialtone-tunnel:file size=3\r\n"
		"m=image 5000 udptl t38\r\n";
	static const char want[] = "v=0\r\n"
		"o=- 7 1 IN IP4 0.0.0.0\r\n"
		"s=-\r\n"
		"c=IN IP4 0.0.0.0\r\n"
		"t=0 0\r\n"
		"a=group:BUNDLE a b\r\n"
		"a=ice-options:ice2\r\n"
		"m=audio 0 RTP/AVP 0 8 101\r\n"
		"a=rtpmap:101 telephone-event/8000\r\n"
		"m=video 0 RTP/SAVPF 96 97\r\n"
		"a=mid:v\r\n"
		"m=application 9 UDP/QUIC vnd.dialtone\r\n"
		"a=mid:a\r\n"
		"a=x-dialtone-tunnel:pipe\r\n"
		"a=ice-ufrag:9uB6\r\n"
		"a=ice-pwd:YH75Fviy6338Vbrhrlp8Yh\r\n"
		"a=fingerprint:sha-256 00:00:00:00:00:00:00:00:00:00:00:00:"
		"00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00"
		"\r\n"
		"a=setup:passive\r\n"
		"m=application 9 UDP/QUIC vnd.dialtone\r\n"
		"a=mid:b\r\n"
		"a=x-dialtone-tunnel:file\r\n"
		"m=image 0 udptl t38\r\n";
	struct desc *o = decoded(offer, true), *a = NULL, *r;
	char *text;

	CU_ASSERT(o->audio);
	CU_ASSERT_EQUAL_FATAL(o->mediac, 4);
	CU_ASSERT_FALSE(o->mediav[0].known);
	CU_ASSERT(o->mediav[1].known && !o->mediav[1].rejected);
	CU_ASSERT(o->mediav[2].known && !o->mediav[2].rejected);
	CU_ASSERT_STRING_EQUAL(o->mediav[2].param, "size=3");
	CU_ASSERT_FALSE(o->mediav[3].known);

	CU_ASSERT_EQUAL_FATAL(desc_answer_init(&a, o), 0);
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT(a->mediav[i].rejected);
	a->sess_id = 7;
	a->sess_ver = 1;
	a->has_fp = true;
	strcpy(a->ufrag, "9uB6");
	strcpy(a->pwd, "YH75Fviy6338Vbrhrlp8Yh");
	a->mediav[1].rejected = a->mediav[2].rejected = false;
	text = encoded(a);
	CU_ASSERT_STRING_EQUAL(text, want);
	if (strcmp(text, want))
		printf("%s", text);

	r = decoded(text, false);
	CU_ASSERT_EQUAL(r->setup, SETUP_PASSIVE);
	CU_ASSERT_EQUAL(desc_answer_check(o, r), 0);
	CU_ASSERT(r->mediav[0].rejected && !r->mediav[1].rejected);
	CU_ASSERT(!r->mediav[2].rejected && r->mediav[3].rejected);
	CU_ASSERT(r->complete);         /* no trickle: that was all */
	mem_deref(text);
	mem_deref(r);
	mem_deref(a);
	mem_deref(o);
}

static void test_answer_role(void)
{
	struct desc *o = decoded(HEAD QUIC PIPE ICE KEY "a=setup:active\r\n",
				 true), *a;

	CU_ASSERT_EQUAL(desc_answer_init(&a, o), 0);
	CU_ASSERT_EQUAL(a->setup, SETUP_PASSIVE);
	mem_deref(a);
	mem_deref(o);
	/* absent: RFC 4145 section 4.1 */
	o = decoded(HEAD QUIC PIPE ICE KEY, true);
	CU_ASSERT_EQUAL(o->setup, SETUP_ACTIVE);
	mem_deref(o);
	o = decoded(HEAD QUIC PIPE ICE KEY, false);
	CU_ASSERT_EQUAL(o->setup, SETUP_PASSIVE);
	mem_deref(o);
}

static void test_answer_check(void)
{
	struct desc *o = decoded(GOOD, true);
	struct desc *a = decoded(HEAD QUIC PIPE ICE KEY, false);

	CU_ASSERT_EQUAL(desc_answer_check(o, a), 0);
	strcpy(a->mediav[0].kind, "file");
	CU_ASSERT_EQUAL(desc_answer_check(o, a), EPROTO);
	a->mediav[0].rejected = true;
	CU_ASSERT_EQUAL(desc_answer_check(o, a), 0);
	CU_ASSERT_EQUAL(desc_media_add(a, NULL, DESC_QUIC, "pipe"), 0);
	CU_ASSERT_EQUAL(desc_answer_check(o, a), EPROTO);
	a->mediac = 1;
	a->audio = true;
	CU_ASSERT_EQUAL(desc_answer_check(o, a), EPROTO);
	mem_deref(o);
	mem_deref(a);
}

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

static const struct refused {
	const char *text;
	int err;
	uint16_t scode, warn;
	bool answer;
	const char *why;
} refusedv[] = {
/* the text as a whole */
{ "", EBADMSG, 400, 0, false, "the first line is not v=0" },
{ "\r\n\r\n", EBADMSG, 400, 0, false, "line 2: the first line is not v=0" },
{ "v=1\r\n", EBADMSG, 400, 0, false, "line 1: the first line is not v=0" },
{ "s=-\r\n" GOOD, EBADMSG, 400, 0, false,
	"line 1: the first line is not v=0" },
{ "hello", EBADMSG, 400, 0, false, "line 1: not a line of SDP" },
{ GOOD "hello\r\n", EBADMSG, 400, 0, false, "line 15: not a line of SDP" },
{ GOOD "A=x\r\n", EBADMSG, 400, 0, false, "line 15: not a line of SDP" },
{ GOOD "a", EBADMSG, 400, 0, false, "line 15: not a line of SDP" },
{ GOOD " a=x\r\n", EBADMSG, 400, 0, false, "line 15: not a line of SDP" },
{ GOOD "a=x\ry\r\n", EBADMSG, 400, 0, false, "line 15: not a line of SDP" },
{ GOOD "\r\r\n", EBADMSG, 400, 0, false, "line 15: not a line of SDP" },
{ "v=0\r\ns=-\r\nt=0 0\r\n" QUIC PIPE TRANSP, EBADMSG, 400, 0, false,
	"no o= line" },
{ "v=0\r\no=- x 1 IN IP4 h\r\n", EBADMSG, 400, 0, false,
	"line 2: malformed o= line" },
{ "v=0\r\no=- 1 1 IN IP4\r\n", EBADMSG, 400, 0, false,
	"line 2: malformed o= line" },
{ HEAD "c=IN IP4\r\n", EBADMSG, 400, 0, false, "line 6: malformed c= line" },
{ GOOD "c=IN IP4 a;b\r\n", EBADMSG, 400, 0, false,
	"line 15: malformed c= line" },
/* m-lines */
{ HEAD "m=\r\n", EBADMSG, 400, 0, false, "line 6: malformed m= line" },
{ HEAD "m=application\r\n", EBADMSG, 400, 0, false,
	"line 6: malformed m= line" },
{ HEAD "m=application 9\r\n", EBADMSG, 400, 0, false,
	"line 6: malformed m= line" },
{ HEAD "m=application 9 UDP/QUIC\r\n", EBADMSG, 400, 0, false,
	"line 6: malformed m= line" },
{ HEAD "m=application 65536 UDP/QUIC vnd.dialtone\r\n", EBADMSG, 400, 0,
	false, "line 6: malformed m= line" },
{ HEAD "m=application x UDP/QUIC vnd.dialtone\r\n", EBADMSG, 400, 0, false,
	"line 6: malformed m= line" },
{ HEAD "m=vid\xc3\xa9o 9 RTP/AVP 0\r\n", EBADMSG, 400, 0, false,
	"line 6: malformed m= line" },
{ HEAD "m=video 9 RTP/AVP \x01\r\n", EBADMSG, 400, 0, false,
	"line 6: malformed m= line" },
{ GOOD "a=mid:\r\n", EBADMSG, 400, 0, false,
	"line 15: malformed attribute a=mid" },
{ GOOD "a=mid:x y\r\n", EBADMSG, 400, 0, false,
	"line 15: malformed attribute a=mid" },
{ GOOD QUIC PIPE, EBADMSG, 400, 0, false,
	"line 15: two m= lines have the same a=mid" },
{ HEAD "m=a 1 b c\r\nm=a 1 b c\r\nm=a 1 b c\r\nm=a 1 b c\r\nm=a 1 b c\r\n"
	"m=a 1 b c\r\nm=a 1 b c\r\nm=a 1 b c\r\n" QUIC PIPE TRANSP, ENOTSUP,
	488, 399, false, "line 14: more than 8 m= lines" },
/* the tunnel */
{ HEAD QUIC "a=x-dialtone-tunnel\r\n" TRANSP, EBADMSG, 400, 0, false,
	"line 8: malformed a=x-dialtone-tunnel" },
{ HEAD QUIC "a=x-dialtone-tunnel:Pipe\r\n" TRANSP, EBADMSG, 400, 0, false,
	"line 8: malformed a=x-dialtone-tunnel" },
{ HEAD QUIC "a=x-dialtone-tunnel:pipe a\r\n" TRANSP, EBADMSG, 400, 0, false,
	"line 8: malformed a=x-dialtone-tunnel" },
{ HEAD QUIC "a=x-dialtone-tunnel:pipe a=1;\r\n" TRANSP, EBADMSG, 400, 0,
	false, "line 8: malformed a=x-dialtone-tunnel" },
{ HEAD QUIC "a=x-dialtone-tunnel:pipe =1\r\n" TRANSP, EBADMSG, 400, 0, false,
	"line 8: malformed a=x-dialtone-tunnel" },
{ HEAD QUIC "a=x-dialtone-tunnel:pipe a=%0\r\n" TRANSP, EBADMSG, 400, 0,
	false, "line 8: malformed a=x-dialtone-tunnel" },
{ HEAD QUIC "a=x-dialtone-tunnel:pipe a=%00\r\n" TRANSP, EBADMSG, 400, 0,
	false, "line 8: malformed a=x-dialtone-tunnel" },
{ HEAD QUIC "a=x-dialtone-tunnel:pipe a=1 b=2\r\n" TRANSP, EBADMSG, 400, 0,
	false, "line 8: malformed a=x-dialtone-tunnel" },
{ HEAD QUIC PIPE PIPE TRANSP, EBADMSG, 400, 0, false,
	"line 9: malformed a=x-dialtone-tunnel" },
{ HEAD, ENOTSUP, 488, 304, false, "no tunnel in the description" },
{ HEAD "m=audio 4000 RTP/AVP 0\r\n", ENOTSUP, 488, 304, false,
	"no tunnel in the description" },
{ HEAD "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n" TRANSP,
	ENOTSUP, 488, 304, false, "no tunnel in the description" },
{ HEAD "m=application 9 UDP/DTLS vnd.dialtone\r\n" PIPE TRANSP, ENOTSUP, 488,
	304, false, "no tunnel in the description" },
{ HEAD QUIC TRANSP, ENOTSUP, 488, 304, false,
	"no tunnel in the description" },
{ HEAD "m=application 0 UDP/QUIC vnd.dialtone\r\n" PIPE TRANSP, ENOTSUP, 488,
	304, false, "no tunnel in the description" },
/* the way there */
{ HEAD QUIC PIPE "a=ice-ufrag:abc\r\n", EBADMSG, 400, 0, false,
	"line 9: malformed attribute a=ice-ufrag" },
{ HEAD QUIC PIPE "a=ice-ufrag:ab-d\r\n", EBADMSG, 400, 0, false,
	"line 9: malformed attribute a=ice-ufrag" },
{ HEAD QUIC PIPE "a=ice-pwd:tooshort\r\n", EBADMSG, 400, 0, false,
	"line 9: malformed attribute a=ice-pwd" },
{ GOOD "a=candidate:nonsense\r\n", EBADMSG, 400, 0, false,
	"line 15: malformed attribute a=candidate" },
{ HEAD QUIC PIPE ICE "a=fingerprint:sha-256 4A:AD\r\n", EBADMSG, 400, 0,
	false, "line 11: malformed attribute a=fingerprint" },
{ HEAD QUIC PIPE ICE "a=fingerprint:sha-256\r\n", EBADMSG, 400, 0, false,
	"line 11: malformed attribute a=fingerprint" },
{ HEAD QUIC PIPE ICE KEY "a=setup:maybe\r\n", EBADMSG, 400, 0, false,
	"line 12: malformed attribute a=setup" },
{ HEAD QUIC PIPE ICE KEY "a=tls-id:short\r\n", EBADMSG, 400, 0, false,
	"line 12: malformed attribute a=tls-id" },
{ GOOD, EBADMSG, 400, 0, true, "an answer cannot say setup:actpass" },
{ HEAD QUIC PIPE KEY SETUP CANDS, ENOTSUP, 488, 399, false,
	"no a=ice-ufrag and a=ice-pwd" },
{ HEAD QUIC PIPE "a=ice-ufrag:8hhY\r\n" KEY SETUP, ENOTSUP, 488, 399, false,
	"no a=ice-ufrag and a=ice-pwd" },
{ HEAD QUIC PIPE ICE SETUP CANDS, ENOTSUP, 488, 399, false,
	"no a=fingerprint" },
{ HEAD QUIC PIPE ICE KEY "a=setup:holdconn\r\n", ENOTSUP, 488, 399, false,
	"a=setup:holdconn is not supported" },
{ HEAD QUIC PIPE ICE SETUP "a=fingerprint:sha-1 4A:AD:B9:B1\r\n", EACCES,
	606, 399, false, "only SHA-256 fingerprints are taken" },
/* boxes on the way: SEMS strict strips all attributes, Asterisk and
 * FreeSWITCH answer port 0, rtpengine may remove ICE and key */
{ HEAD "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
	"m=application 9 <unknown media type> vnd.dialtone\r\n", ENOTSUP, 488,
	304, false, "no tunnel in the description" },
{ "v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\ns=Asterisk\r\nc=IN IP4 10.0.0.1\r\n"
	"t=0 0\r\nm=audio 18632 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
	"a=sendrecv\r\nm=application 0 UDP/QUIC vnd.dialtone\r\n", ENOTSUP,
	488, 304, true, "none of the tunnels was taken" },
{ HEAD QUIC PIPE "a=X-other:kept\r\na=sendrecv\r\n", ENOTSUP, 488, 399,
	false, "no a=ice-ufrag and a=ice-pwd" },
};

static void test_refused(void)
{
	for (size_t i = 0; i < sizeof refusedv / sizeof refusedv[0]; i++) {
		const struct refused *r = &refusedv[i];
		struct desc_refusal why = { .text = "" };
		struct desc *d = NULL;
		int err = decode(&d, r->text, !r->answer, &why);

		CU_ASSERT_EQUAL(err, r->err);
		CU_ASSERT_EQUAL(why.scode, r->scode);
		CU_ASSERT_EQUAL(why.warn, r->warn);
		CU_ASSERT_STRING_EQUAL(why.text, r->why);
		CU_ASSERT_PTR_NULL(d);
		if (err != r->err || strcmp(why.text, r->why))
			printf("%d %s\n%s\n", err, why.text, r->text);
		CU_ASSERT_EQUAL(decode(&d, r->text, !r->answer, NULL), r->err);
		mem_deref(d);
	}
}

static void test_nul(void)
{
	static const char text[] = GOOD "a=x\0y\r\n";
	struct desc_refusal why;
	struct desc *d = NULL;

	CU_ASSERT_EQUAL(desc_decode(&d, text, sizeof text - 1, true, &why),
			EBADMSG);
	CU_ASSERT_STRING_EQUAL(why.text, "line 15: not a line of SDP");
	/* a NUL in the very end, and in an address */
	CU_ASSERT_EQUAL(desc_decode(&d, GOOD, sizeof GOOD, true, &why),
			EBADMSG);
	CU_ASSERT_PTR_NULL(d);
}

/* GOOD, then `n` times the text; the caller derefs. */
static char *longer(const char *head, const char *more, size_t n)
{
	struct mbuf *mb = mbuf_alloc(20000);
	char *text;

	(void)mbuf_write_str(mb, head);
	while (n--)
		(void)mbuf_write_str(mb, more);
	mb->pos = 0;
	CU_ASSERT_EQUAL_FATAL(mbuf_strdup(mb, &text, mb->end), 0);
	mem_deref(mb);
	return text;
}

static void refused_longer(const char *head, const char *more, size_t n,
			   const char *text)
{
	struct desc_refusal why = { .text = "" };
	struct desc *d = NULL;
	char *s = longer(head, more, n);

	CU_ASSERT_EQUAL(decode(&d, s, true, &why), EBADMSG);
	CU_ASSERT_EQUAL(why.scode, 400);
	CU_ASSERT_STRING_EQUAL(why.text, text);
	CU_ASSERT_PTR_NULL(d);
	mem_deref(s);
}

static void test_sizes(void)
{
	size_t left = DESC_SIZE_MAX - strlen(GOOD);
	struct desc *d;
	char *s;

	refused_longer(GOOD, "\n", left + 1,
		       "description larger than 16384 bytes");
	s = longer(GOOD, "\n", left);
	d = decoded(s, true);
	mem_deref(d);
	mem_deref(s);
	refused_longer(GOOD "a=", "x", 4095,
		       "line 15: line longer than 4096 bytes");
	s = longer(GOOD "a=", "x", 4094);
	d = decoded(s, true);
	mem_deref(d);
	mem_deref(s);
	refused_longer(HEAD "m=", "x", 513, "line 6: malformed m= line");
	refused_longer(HEAD QUIC "a=x-dialtone-tunnel:pipe a=", "x", 2047,
		       "line 8: malformed a=x-dialtone-tunnel");
	refused_longer(HEAD QUIC PIPE "a=ice-ufrag:", "x", 257,
		       "line 9: malformed attribute a=ice-ufrag");
	refused_longer(HEAD QUIC PIPE "a=ice-pwd:", "x", 257,
		       "line 9: malformed attribute a=ice-pwd");
	s = longer(HEAD QUIC PIPE KEY "a=ice-pwd:asd88fgpdd777uzjYhagZg\r\n"
		   "a=ice-ufrag:", "x", 256);
	d = decoded(s, true);
	CU_ASSERT_EQUAL(strlen(d->ufrag), 256);
	mem_deref(d);
	mem_deref(s);
}

/* More candidates than we keep are let pass; equal ones count once. */
static void test_many_candidates(void)
{
	struct mbuf *mb = mbuf_alloc(DESC_SIZE_MAX);
	struct desc *d = NULL;
	struct desc_refusal why;
	unsigned i;

	(void)mbuf_write_str(mb, GOOD);
	for (i = 0; mb->end < DESC_SIZE_MAX - 80; i++)
		(void)mbuf_printf(mb, "a=candidate:1 1 UDP 5 10.%u.%u.1 7 "
				  "typ host\r\n", i % 100, i % 7);
	CU_ASSERT(i > DESC_CAND_MAX + 2);
	CU_ASSERT_EQUAL(desc_decode(&d, (char *)mb->buf, mb->end, true, &why),
			0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_EQUAL(d->candc, DESC_CAND_MAX);
	CU_ASSERT_EQUAL(desc_cand_add(d, &d->candv[0]), EOVERFLOW);
	mem_deref(d);
	mem_deref(mb);
}

static void test_limits(void)
{
	struct desc *d;
	struct desc_media *m;
	struct mbuf *mb = NULL;
	char *big = longer("", "x", DESC_PARAM_MAX);

	CU_ASSERT_EQUAL_FATAL(offer_make(&d), 0);
	CU_ASSERT_EQUAL(desc_media_add(d, &m, DESC_QUIC, "No"), EINVAL);
	CU_ASSERT_EQUAL(desc_media_add(d, &m, DESC_QUIC, ""), EINVAL);
	CU_ASSERT_EQUAL(desc_media_add(d, &m, DESC_QUIC,
				       "abcdefghijklmnopqrstuvwx"), EINVAL);
	while (d->mediac < DESC_MEDIA_MAX) {
		CU_ASSERT_EQUAL(desc_media_add(d, &m, DESC_QUIC, "pipe"), 0);
		CU_ASSERT_EQUAL(desc_param_set(m, "k", big), EOVERFLOW);
		CU_ASSERT_PTR_NULL(m->param);
		big[DESC_PARAM_MAX - 2] = '\0';
		CU_ASSERT_EQUAL(desc_param_set(m, "k", big), 0);
		big[DESC_PARAM_MAX - 2] = 'x';
	}
	CU_ASSERT_EQUAL(desc_media_add(d, &m, DESC_QUIC, "pipe"), EOVERFLOW);
	for (int i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(desc_param_set(&d->mediav[i], "k", "v"), 0);
	/* six times 2048 fit, eight times do not */
	CU_ASSERT_EQUAL(desc_encode(&mb, d), 0);
	mb = mem_deref(mb);
	big[DESC_PARAM_MAX - 100] = '\0';
	for (int i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(desc_param_set(&d->mediav[i], "k", big), 0);
	CU_ASSERT_EQUAL(desc_encode(&mb, d), EOVERFLOW);
	CU_ASSERT_PTR_NULL(mb);
	mem_deref(big);
	mem_deref(d);
}

static void test_incomplete(void)
{
	struct mbuf *mb = NULL;
	struct desc *d;

	CU_ASSERT_EQUAL_FATAL(offer_make(&d), 0);
	d->has_fp = false;
	CU_ASSERT_EQUAL(desc_encode(&mb, d), EINVAL);
	d->has_fp = true;
	d->pwd[0] = '\0';
	CU_ASSERT_EQUAL(desc_encode(&mb, d), EINVAL);
	CU_ASSERT_EQUAL(desc_frag_encode(&mb, d), EINVAL);
	CU_ASSERT_PTR_NULL(mb);
	mem_deref(d);
}

static void test_params(void)
{
	struct desc_media m;
	char buf[8];

	memset(&m, 0, sizeof m);
	CU_ASSERT_EQUAL(desc_param_get(&m, "a", buf, sizeof buf), ENOENT);
	CU_ASSERT_EQUAL(desc_param_set(&m, "a", "1"), 0);
	CU_ASSERT_EQUAL(desc_param_set(&m, "b-2", ""), 0);
	CU_ASSERT_EQUAL(desc_param_set(&m, "c", "1234567"), 0);
	CU_ASSERT_STRING_EQUAL(m.param, "a=1;b-2=;c=1234567");
	CU_ASSERT_EQUAL(desc_param_get(&m, "b-2", buf, sizeof buf), 0);
	CU_ASSERT_STRING_EQUAL(buf, "");
	CU_ASSERT_EQUAL(desc_param_get(&m, "c", buf, sizeof buf), 0);
	CU_ASSERT_STRING_EQUAL(buf, "1234567");
	CU_ASSERT_EQUAL(desc_param_get(&m, "c", buf, 7), EOVERFLOW);
	CU_ASSERT_EQUAL(desc_param_get(&m, "b", buf, sizeof buf), ENOENT);
	CU_ASSERT_EQUAL(desc_param_set(&m, "a", "\n;=% "), 0);
	CU_ASSERT_STRING_EQUAL(m.param,
			       "b-2=;c=1234567;a=%0A%3B%3D%25%20");
	CU_ASSERT_EQUAL(desc_param_get(&m, "a", buf, sizeof buf), 0);
	CU_ASSERT_STRING_EQUAL(buf, "\n;=% ");
	CU_ASSERT_EQUAL(desc_param_set(&m, "A", "1"), EINVAL);
	CU_ASSERT_EQUAL(desc_param_set(&m, "", "1"), EINVAL);
	CU_ASSERT_EQUAL(desc_param_set(&m, "a", NULL), EINVAL);
	m.param = mem_deref(m.param);
}

static void test_param_bytes(void)
{
	struct desc_media m;
	char all[256], buf[256];

	for (int i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = '\0';
	memset(&m, 0, sizeof m);
	CU_ASSERT_EQUAL(desc_param_set(&m, "k", all), 0);
	CU_ASSERT_EQUAL(desc_param_get(&m, "k", buf, sizeof buf), 0);
	CU_ASSERT_STRING_EQUAL(buf, all);
	mem_deref(m.param);
}

static void test_frag(void)
{
	static const char want[] = "a=group:BUNDLE 0 1\r\n"
		"a=ice-pwd:asd88fgpdd777uzjYhagZg\r\n"
		"a=ice-ufrag:8hhY\r\n"
		"a=ice-options:ice2 trickle renomination guess\r\n"
		"m=application 9 UDP/QUIC vnd.dialtone\r\n"
		"a=mid:0\r\n"
		"a=candidate:1 1 UDP 2130706431 192.0.2.7 4711 typ host\r\n"
		"a=end-of-candidates\r\n";
	struct desc *d, *r = decoded(GOOD "a=ice-options:trickle\r\n", true);
	struct mbuf *mb = NULL;
	size_t n = r->candc;

	CU_ASSERT_EQUAL_FATAL(offer_make(&d), 0);
	CU_ASSERT_EQUAL_FATAL(desc_frag_encode(&mb, d), 0);
	CU_ASSERT_EQUAL(mb->end, sizeof want - 1);
	CU_ASSERT_EQUAL(memcmp(mb->buf, want, mb->end), 0);
	CU_ASSERT_FALSE(r->complete);
	/* INFOs may be repeated and reordered */
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(desc_frag_decode(r, want, sizeof want - 1),
				0);
		CU_ASSERT_EQUAL(r->candc, n + 1);
		CU_ASSERT(r->complete);
	}
	mem_deref(mb);
	mem_deref(d);
	mem_deref(r);
}

/* What is not for our bundle, not of this generation, or not well-formed adds
 * nothing at all. */
static void test_frag_refused(void)
{
	static const char c[] =
		"m=application 9 UDP/QUIC vnd.dialtone\r\na=mid:0\r\n"
		"a=candidate:9 1 UDP 5 10.0.0.1 7 typ host\r\n";
	static const struct {
		const char *head, *more;
		int err;
	} fragv[] = {
		{ "", c, EPROTO },
		{ "a=ice-ufrag:8hhX\r\n", c, EPROTO },
		{ "a=ice-ufrag:8hhY\r\na=ice-pwd:0123456789012345678901\r\n",
		  c, EPROTO },
		{ "a=ice-ufrag:8\r\n", c, EBADMSG },
		{ ICE, "a=candidate:nonsense\r\n", EBADMSG },
		{ ICE, "nonsense\r\n", EBADMSG },
		{ ICE "m=audio 9 RTP/AVP 0\r\na=mid:a\r\n"
		  "a=candidate:9 1 UDP 5 10.0.0.1 7 typ host\r\n", "", 0 },
		{ ICE, "a=candidate:9 1 UDP 5 x.local 7 typ host\r\n", 0 },
	};
	struct desc *d = decoded(GOOD "a=ice-options:trickle\r\n", true);
	char text[1024];

	for (size_t i = 0; i < sizeof fragv / sizeof fragv[0]; i++) {
		int n = re_snprintf(text, sizeof text, "%s%s", fragv[i].head,
				    fragv[i].more);
		int err = desc_frag_decode(d, text, (size_t)n);

		CU_ASSERT_EQUAL(err, fragv[i].err);
		if (err != fragv[i].err)
			printf("%d\n%s\n", err, text);
		CU_ASSERT_EQUAL(d->candc, 2);
		CU_ASSERT_FALSE(d->complete);
	}
	CU_ASSERT_EQUAL(desc_frag_decode(d, text, DESC_SIZE_MAX + 1),
			EBADMSG);
	/* ufrag behind the candidates, on the m-line */
	(void)re_snprintf(text, sizeof text, "%s%s", c, ICE);
	CU_ASSERT_EQUAL(desc_frag_decode(d, text, strlen(text)), 0);
	CU_ASSERT_EQUAL(d->candc, 3);
	mem_deref(d);
}

static void test_fp(void)
{
	static const char low[] = "4aadb9b13f82183b540212df3e5d496b"
		"19e57cab4aadb9b13f82183b540212df";
	uint8_t fp[DESC_FP_SIZE], fp2[DESC_FP_SIZE];
	char text[FP_TEXT_SIZE], bad[FP_TEXT_SIZE];
	struct pl pl;

	pl_set_str(&pl, FP_TEXT);
	CU_ASSERT_EQUAL(fp_decode(fp, &pl), 0);
	fp_print(text, fp);
	CU_ASSERT_STRING_EQUAL(text, FP_TEXT);
	pl_set_str(&pl, low);
	CU_ASSERT_EQUAL(fp_decode(fp2, &pl), 0);
	CU_ASSERT_EQUAL(memcmp(fp, fp2, sizeof fp), 0);
	for (size_t i = 0; i < FP_TEXT_SIZE - 1; i++) {
		memcpy(bad, text, sizeof bad);
		bad[i] = 'g';
		pl_set_str(&pl, bad);
		CU_ASSERT_EQUAL(fp_decode(fp2, &pl), EBADMSG);
	}
	pl_set_str(&pl, text);
	for (pl.l = 0; pl.l < FP_TEXT_SIZE - 1; pl.l++)
		CU_ASSERT_EQUAL(fp_decode(fp2, &pl), EBADMSG);
	CU_ASSERT_EQUAL(fp_decode(fp2, &pl_null), EBADMSG);
	CU_ASSERT_EQUAL(memcmp(fp, fp2, sizeof fp), 0);
}

/* Every cut of a good text, and every byte of it flipped: no more is asked
 * than that it ends; sanitizers look for the rest. */
static void test_cut(void)
{
	size_t len = strlen(GOOD);

	for (size_t n = 0; n < len; n++) {
		char *cut = mem_alloc(n ? n : 1, NULL);
		struct desc_refusal why;
		struct desc *d = NULL;
		int err;

		memcpy(cut, GOOD, n);
		err = desc_decode(&d, cut, n, true, &why);
		CU_ASSERT_EQUAL(!err, d != NULL);
		d = mem_deref(d);
		memcpy(cut, GOOD, n);
		if (n)
			cut[n / 2] = (char)(cut[n / 2] ^ 1 << n % 8);
		err = desc_decode(&d, cut, n, true, &why);
		CU_ASSERT_EQUAL(!err, d != NULL);
		mem_deref(d);
		mem_deref(cut);
	}
}

/* Write an offer, read it, answer it, trickle. */
static int whole_call(void *arg)
{
	struct desc *o = NULL, *r = NULL, *a = NULL;
	struct desc_refusal why;
	struct mbuf *mb = NULL, *frag = NULL;
	int err;

	(void)arg;
	err = offer_make(&o);
	err = err ? err : desc_encode(&mb, o);
	err = err ? err : desc_decode(&r, (char *)mb->buf, mb->end, true,
				      &why);
	if (err == ENOMEM && mb && !r)
		CU_ASSERT_EQUAL(why.scode, 500);
	err = err ? err : desc_answer_init(&a, r);
	err = err ? err : desc_frag_encode(&frag, o);
	err = err ? err : desc_frag_decode(r, (char *)frag->buf, frag->end);
	mem_deref(frag);
	mem_deref(mb);
	mem_deref(a);
	mem_deref(r);
	mem_deref(o);
	return err;
}

static int refused_lines(void *arg)
{
	static const char text[] = HEAD "m=video 1 RTP/AVP 31\r\n" QUIC
		"a=x-dialtone-tunnel:file a=1;b=2\r\n" TRANSP;
	struct desc *o = NULL, *a = NULL;
	int err;

	(void)arg;
	err = desc_decode(&o, text, sizeof text - 1, true, NULL);
	err = err ? err : desc_answer_init(&a, o);
	mem_deref(a);
	mem_deref(o);
	return err;
}

static void test_no_memory(void)
{
	FAIL_EACH(whole_call, NULL);
	FAIL_EACH(refused_lines, NULL);
}

UNIT_SUITE("desc",
	{ "encode", test_encode },
	{ "round trip", test_round_trip },
	{ "ipv6", test_ipv6 },
	{ "no address", test_no_address },
	{ "answer", test_answer },
	{ "answer role", test_answer_role },
	{ "answer check", test_answer_check },
	{ "rfc8839", test_rfc8839 },
	{ "places", test_places },
	{ "bundle", test_bundle },
	{ "lenient", test_lenient },
	{ "rtpengine", test_rtpengine },
	{ "sems", test_sems },
	{ "no mid", test_no_mid },
	{ "refused", test_refused },
	{ "nul", test_nul },
	{ "sizes", test_sizes },
	{ "many candidates", test_many_candidates },
	{ "limits", test_limits },
	{ "incomplete", test_incomplete },
	{ "params", test_params },
	{ "param bytes", test_param_bytes },
	{ "frag", test_frag },
	{ "frag refused", test_frag_refused },
	{ "fp", test_fp },
	{ "cut", test_cut },
	{ "no memory", test_no_memory })
