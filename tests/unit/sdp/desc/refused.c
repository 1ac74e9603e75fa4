/*
 * refused.c: every description that sdp/descdec.c refuses, with its reason;
 * its limits; texts that are cut or damaged; no memory.
 */
#include "tests/unit/fail.h"
#include "tests/unit/sdp/desc/texts.h"

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

/* More candidates than we keep are let pass; equal ones count once. What a
 * NAT gave makes room for what it gives now. */
static void test_many_candidates(void)
{
	struct mbuf *mb = mbuf_alloc(DESC_SIZE_MAX);
	struct desc *d = NULL;
	struct desc_refusal why;
	struct cand c;
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
	c = d->candv[1];
	c.type = d->candv[0].type = CAND_SRFLX;
	c.base = c.addr;
	sa_set_port(&c.addr, 8);
	CU_ASSERT_EQUAL(desc_cand_add(d, &c), 0);
	CU_ASSERT_EQUAL(d->candc, DESC_CAND_MAX);
	CU_ASSERT_EQUAL(d->candv[0].type, CAND_HOST);
	CU_ASSERT(sa_cmp(&d->candv[DESC_CAND_MAX - 1].addr, &c.addr, SA_ALL));
	desc_cand_gone(d, &c.addr);
	CU_ASSERT_EQUAL(d->candc, DESC_CAND_MAX);
	desc_cand_gone(d, &c.base);
	CU_ASSERT_EQUAL(d->candc, DESC_CAND_MAX - 1);
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
	while (d->mediac < DESC_MEDIA_MAX) {
		CU_ASSERT_EQUAL(media_add(d, &m, DESC_QUIC, "pipe"), 0);
		CU_ASSERT_EQUAL(desc_param_set(m, "k", big), EOVERFLOW);
		CU_ASSERT_PTR_NULL(m->param);
		big[DESC_PARAM_MAX - 2] = '\0';
		CU_ASSERT_EQUAL(desc_param_set(m, "k", big), 0);
		big[DESC_PARAM_MAX - 2] = 'x';
	}
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

UNIT_SUITE("desc/refused",
	{ "refused", test_refused },
	{ "nul", test_nul },
	{ "sizes", test_sizes },
	{ "many candidates", test_many_candidates },
	{ "limits", test_limits },
	{ "incomplete", test_incomplete },
	{ "frag refused", test_frag_refused },
	{ "cut", test_cut },
	{ "no memory", test_no_memory })
