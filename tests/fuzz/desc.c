/* fuzz: sdp/addr.c sdp/cand.c sdp/desc.c sdp/descdec.c sdp/descenc.c sdp/descfield.c sdp/descfrag.c sdp/descline.c sdp/descparam.c sdp/desctransp.c sdp/fp.c sdp/words.c
 *
 * A text is read as offer, answer and trickle fragment. What was read can be
 * written and read again, and comes to rest; an offer can be answered; a bad
 * fragment changes nothing.
 */
#include <stdlib.h>
#include <string.h>
#include "sdp/desc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char base[] = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\n"
	"t=0 0\r\nm=application 9 UDP/QUIC vnd.dialtone\r\na=mid:0\r\n"
	"a=x-dialtone-tunnel:pipe\r\na=ice-ufrag:8hhY\r\n"
	"a=ice-pwd:asd88fgpdd777uzjYhagZg\r\na=ice-options:trickle\r\n"
	"a=fingerprint:sha-256 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:"
	"6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF\r\n"
	"a=candidate:1 1 UDP 5 192.0.2.1 7 typ host\r\n";

static void need(bool truth)
{
	if (!truth)
		abort();
}

static void refusal_check(int err, const struct desc_refusal *why)
{
	static const struct {
		int err;
		uint16_t scode;
	} v[] = { { EBADMSG, 400 }, { ENOTSUP, 488 }, { EACCES, 606 } };
	size_t i;

	for (i = 0; i < sizeof v / sizeof v[0]; i++)
		if (v[i].err == err && v[i].scode == why->scode)
			break;
	need(i < sizeof v / sizeof v[0]);
	need(why->text[0] && strlen(why->text) < sizeof why->text - 1);
}

static void value_check(const struct desc *d)
{
	char buf[64];
	int live = 0;

	need(d->mediac <= DESC_MEDIA_MAX && d->candc <= DESC_CAND_MAX);
	need(strlen(d->ufrag) >= 4 && strlen(d->pwd) >= 22 && d->has_fp);
	for (size_t i = 0; i < d->mediac; i++) {
		const struct desc_media *m = &d->mediav[i];

		need(m->known ? !m->raw : m->raw && m->rejected);
		need(m->rejected || m->kind[0]);
		need(desc_param_get(m, "a", buf, sizeof buf) != EBADMSG);
		live += !m->rejected;
	}
	need(live > 0);
}

static void answer_check(const struct desc *offer)
{
	struct mbuf *mb = NULL;
	struct desc *a = NULL;

	need(!desc_answer_init(&a, offer));
	need(!desc_answer_check(offer, a));
	need(!desc_encode(&mb, a));
	mem_deref(mb);
	mem_deref(a);
}

/* Written and read again. A line that we refuse may be one of ours with a
 * word too much, so it is what comes out the second time that must stay. */
static void again(const struct desc *d, bool offer)
{
	struct mbuf *mb = NULL, *last = NULL;
	struct desc *next = NULL;

	for (int i = 0; i < 3; i++) {
		int err = desc_encode(&mb, next ? next : d);

		need(!err || (err == EOVERFLOW && !i));
		next = mem_deref(next);
		if (err)
			break;
		if (i == 2)
			need(mb->end == last->end &&
			     !memcmp(mb->buf, last->buf, mb->end));
		need(!desc_decode(&next, (char *)mb->buf, mb->end, offer,
				  NULL));
		mem_deref(last);
		last = mb;
	}
	mem_deref(next);
	mem_deref(last);
}

static void desc_try(const char *text, size_t size, bool offer)
{
	struct desc_refusal why;
	struct desc *d = NULL;
	int err = desc_decode(&d, text, size, offer, &why);

	if (err) {
		refusal_check(err, &why);
		return;
	}
	value_check(d);
	again(d, offer);
	if (offer)
		answer_check(d);
	mem_deref(d);
}

static void frag_try(const char *text, size_t size)
{
	struct desc *d = NULL;
	struct mbuf *mb = NULL;
	size_t candc;
	int err;

	need(!desc_decode(&d, base, sizeof base - 1, true, NULL));
	err = desc_frag_decode(d, text, size);
	need(!err ? d->candc >= 1 : d->candc == 1 && !d->complete);
	need(!err || err == EBADMSG || err == EPROTO);
	candc = d->candc;
	need(!desc_frag_encode(&mb, d));
	need(!desc_frag_decode(d, (char *)mb->buf, mb->end));
	need(d->candc == candc);
	mem_deref(mb);
	mem_deref(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";

	desc_try(text, size, true);
	desc_try(text, size, false);
	frag_try(text, size);
	return 0;
}
