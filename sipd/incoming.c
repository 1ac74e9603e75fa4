/*
 * incoming.c: reads an INVITE's offer and finds out whose key it shows.
 *
 * A peer is its key. The From address is only a claim: it is used to say
 * that a known address shows a wrong key, and as the name to ask about.
 */
#include <errno.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/incoming.h"

static const struct {
	enum reason reason;
	uint16_t scode;
	const char *phrase;
} answerv[] = {
	{ REASON_UNKNOWN_HERE, 403, "Forbidden"             },
	{ REASON_WRONG_KEY,    403, "Forbidden"             },
	{ REASON_NOT_ALLOWED,  403, "Forbidden"             },
	{ REASON_REFUSED,      488, "Not Acceptable Here"   },
	{ REASON_LIMIT,        486, "Busy Here"             },
	{ REASON_BUSY,         486, "Busy Here"             },
	{ REASON_SHUTDOWN,     480, "Temporarily Unavailable" },
	{ REASON_INTERNAL,     500, "Server Internal Error" },
};

static void refuse(struct incoming *in, enum reason r, uint16_t scode,
		   const char *text)
{
	in->reason = r;
	in->scode = scode;
	(void)str_ncpy(in->text, text, sizeof in->text);
}

static bool read_offer(struct incoming *in, const struct call_body *b)
{
	struct desc_refusal why;

	if (!b || !b->ctype || !b->n) {
		refuse(in, REASON_REFUSED, 488,
		       "the INVITE must carry an offer");
		return false;
	}
	if (str_casecmp(b->ctype, "application/sdp")) {
		refuse(in, REASON_REFUSED, 415, "only SDP is understood");
		return false;
	}
	if (desc_decode(&in->offer, b->p, b->n, true, &why)) {
		refuse(in, REASON_REFUSED, why.scode, why.text);
		return false;
	}
	return true;
}

static void wrong_key(struct incoming *in)
{
	char want[FP_TEXT_SIZE], got[FP_TEXT_SIZE], text[256];

	fp_print(want, in->peer.fp);
	fp_print(got, in->offer->fp);
	(void)re_snprintf(text, sizeof text, "pinned %s, got %s", want, got);
	refuse(in, REASON_WRONG_KEY, 403, text);
}

void incoming_read(struct incoming *in, const struct house *h,
		   const struct call *c)
{
	const char *from = call_peer_uri(c);

	memset(in, 0, sizeof *in);
	in->peer.allow = "";
	(void)str_ncpy(in->peer.name, from, sizeof in->peer.name);
	(void)str_ncpy(in->peer.address, from, sizeof in->peer.address);
	if (!read_offer(in, call_offer(c)))
		return;
	if (!peers_by_fp(h->peers, in->offer->fp, &in->peer)) {
		in->known = true;
		/* called back where it says to be, unless we know better */
		if (!*in->peer.address)
			(void)str_ncpy(in->peer.address, from,
				       sizeof in->peer.address);
	}
	else if (!peers_by_address(h->peers, from, &in->peer) &&
		 in->peer.pinned) {
		wrong_key(in);
	}
}

void incoming_refuse(const struct incoming *in, struct call *c)
{
	uint16_t scode = in->scode;
	const char *phrase = "Not Acceptable Here";
	char warn[300];

	for (size_t i = 0; i < RE_ARRAY_SIZE(answerv); i++) {
		if (answerv[i].reason != in->reason)
			continue;
		phrase = answerv[i].phrase;
		if (!scode)
			scode = answerv[i].scode;
	}
	if (callend_warning(warn, sizeof warn, in->reason, in->text))
		*warn = '\0';
	(void)call_reject(c, scode ? scode : 488, phrase, 399, warn);
}
