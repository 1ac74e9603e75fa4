/*
 * both_ways.c: tests sdp/desc*.c: values to texts and back, offers and their
 * answers, parameters, fragments, fingerprints.
 */
#include "tests/unit/sdp/desc/texts.h"

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
	CU_ASSERT_EQUAL(media_add(a, NULL, DESC_QUIC, "pipe"), 0);
	CU_ASSERT_EQUAL(desc_answer_check(o, a), EPROTO);
	a->mediac = 1;
	a->audio = true;
	CU_ASSERT_EQUAL(desc_answer_check(o, a), EPROTO);
	mem_deref(o);
	mem_deref(a);
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

UNIT_SUITE("desc/both_ways",
	{ "encode", test_encode },
	{ "round trip", test_round_trip },
	{ "ipv6", test_ipv6 },
	{ "no address", test_no_address },
	{ "answer", test_answer },
	{ "answer role", test_answer_role },
	{ "answer check", test_answer_check },
	{ "params", test_params },
	{ "param bytes", test_param_bytes },
	{ "frag", test_frag },
	{ "fp", test_fp })
