/*
 * texts.h: for the tests of sdp/desc*.c: the parts that most texts there are
 * put together from, and values to texts and back.
 */
#ifndef DIALTONE_DESC_TEXTS_H
#define DIALTONE_DESC_TEXTS_H

#include <string.h>
#include "sdp/desc.h"
#include "tests/unit/media.h"
#include "tests/unit/unit.h"

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

static inline int decode(struct desc **dp, const char *text, bool offer,
			 struct desc_refusal *why)
{
	return desc_decode(dp, text, strlen(text), offer, why);
}

static inline struct desc *decoded(const char *text, bool offer)
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

static inline char *encoded(const struct desc *d)
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
static inline int offer_make(struct desc **dp)
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
	err |= media_add(d, &m, DESC_QUIC, "file");
	err = err ? err : desc_param_set(m, "size", "5120");
	err = err ? err : desc_param_set(m, "name", "a b;c=100%\xc3\xbc");
	err = err ? err : media_add(d, &m, DESC_DTLS, "vpn");
	if (err)
		mem_deref(d);
	else
		*dp = d;
	return err;
}

#endif
