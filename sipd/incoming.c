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
} answerv[] = {
	{ REASON_UNKNOWN_HERE, 403 },
	{ REASON_WRONG_KEY,    403 },
	{ REASON_NOT_ALLOWED,  403 },
	{ REASON_REFUSED,      488 },
	{ REASON_LIMIT,        486 },
	{ REASON_BUSY,         486 },
	{ REASON_SHUTDOWN,     480 },
	{ REASON_INTERNAL,     500 },
};

static const struct {
	uint16_t scode;
	const char *phrase;
} phrasev[] = {
	{ 400, "Bad Request"             },
	{ 403, "Forbidden"               },
	{ 415, "Unsupported Media Type"  },
	{ 480, "Temporarily Unavailable" },
	{ 486, "Busy Here"               },
	{ 488, "Not Acceptable Here"     },
	{ 500, "Server Internal Error"   },
	{ 606, "Not Acceptable"          },
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
	in->peer.rights.allow = in->peer.rights.hours = "";
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
	else if (in->offer->has_issuer &&
		 !peers_by_fp(h->peers, in->offer->issuer, &in->peer)) {
		in->renewed = true;
	}
	else if (!peers_by_address(h->peers, from, &in->peer) &&
		 in->peer.pinned) {
		in->renewed = in->offer->has_issuer &&
			!trust_has(h->trust, in->offer->issuer);
		if (!in->renewed)
			wrong_key(in);
	}
}

static uint16_t reason_scode(enum reason r)
{
	for (size_t i = 0; i < RE_ARRAY_SIZE(answerv); i++)
		if (answerv[i].reason == r)
			return answerv[i].scode;
	return 488;
}

static const char *scode_phrase(uint16_t scode)
{
	for (size_t i = 0; i < RE_ARRAY_SIZE(phrasev); i++)
		if (phrasev[i].scode == scode)
			return phrasev[i].phrase;
	return "Refused";
}

void incoming_refuse(const struct incoming *in, struct call *c)
{
	const uint16_t scode = in->scode ? in->scode
					 : reason_scode(in->reason);
	char warn[300];

	if (callend_warning(warn, sizeof warn, in->reason, in->text))
		*warn = '\0';
	(void)call_reject(c, scode, scode_phrase(scode), 399, warn);
}
