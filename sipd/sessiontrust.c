/*
 * sessiontrust.c: asking about a new key, and pinning it.
 */
#include <errno.h>
#include <string.h>
#include "sipd/confparts.h"
#include "sipd/log.h"
#include "sipd/sessionflow.h"
#include "sipd/sessiontrust.h"
#include "tunnels/flow/identityrenew.h"

static const uint64_t ask_wait = 120 * SEC;

const struct tunnel_kind *session_greet_kind(void)
{
	return tunnel_find("greet");
}

bool session_greets(const struct desc *d)
{
	for (size_t i = 0; i < d->mediac; i++)
		if (!d->mediav[i].rejected &&
		    !str_casecmp(d->mediav[i].kind, "greet"))
			return true;
	return false;
}

/* The user has said no, or nothing. A caller hears why it was. */
static void not_agreed(struct session *s)
{
	const enum reason r = s->peer.pinned || s->vouched ? REASON_NOT_ACCEPTED :
					       REASON_NOT_TRUSTED;

	if (s->incoming && s->state <= SESSION_RINGING)
		(void)call_reject(s->call, 603, "Decline", 399,
				  reason_name(r));
	session_hangup(s, r, NULL);
}

static void ask_timeout(void *arg)
{
	not_agreed(arg);
}

int session_offered(struct re_printf *pf, const struct session *s)
{
	char name[256], size[24];

	for (size_t i = 0; s->remote && i < s->remote->mediac; i++) {
		const struct desc_media *m = &s->remote->mediav[i];

		if (!desc_param_get(m, "name", name, sizeof name) &&
		    !desc_param_get(m, "size", size, sizeof size))
			return re_hprintf(pf, "%s, %s bytes", name, size);
	}
	return 0;
}

void session_ask(struct session *s, void (*trustedh)(struct session *s))
{
	s->trustedh = trustedh;
	(void)timer_start(s->house->timers, &s->timer, ask_wait, ask_timeout,
			  s);
	s->h.askh(s, s->remote->fp, s->h.arg);
}

void session_hold(struct session *s, void (*admittedh)(struct session *s))
{
	s->admittedh = admittedh;
	(void)timer_start(s->house->timers, &s->timer, ask_wait, ask_timeout,
			  s);
}

bool session_is_held(const struct session *s)
{
	return s->admittedh != NULL;
}

void session_admit(struct session *s)
{
	void (*admittedh)(struct session *) = s->admittedh;

	if (!admittedh)
		return;
	s->admittedh = NULL;
	timer_stop(&s->timer);
	admittedh(s);
}

void session_trust(struct session *s, bool accept)
{
	void (*trustedh)(struct session *) = s->trustedh;
	int err;

	if (!trustedh)
		return;
	s->trustedh = NULL;
	timer_stop(&s->timer);
	if (!accept) {
		not_agreed(s);
		return;
	}
	err = s->peer.pinned || s->vouched ? 0 :
		peers_pin(s->house->peers, s->peer.address, s->peer.name,
			  s->remote->fp);
	if (err)
		log_warn("the key of %s could not be kept: %m",
			 s->peer.address, err);
	trustedh(s);
}

/* --- an authority ------------------------------------------------------ */

bool session_vouchable(const struct house *h, const struct desc *d)
{
	return d->has_issuer && trust_has(h->trust, d->issuer);
}

static size_t peer_chain(const struct session *s, const uint8_t **chain)
{
	return s->quic ? quic_chain(s->quic, chain)
		       : dtls_chain(s->dtls, chain);
}

static void go_on(struct session *s)
{
	s->vouched = true;
	if (s->asks)
		session_ask(s, session_flow_go);
	else
		session_flow_go(s);
}

static void judge_chain(struct session *s)
{
	const uint8_t *chain = NULL;
	const size_t n = peer_chain(s, &chain);
	char why[256];

	if (trust_check(s->house->trust, chain, n, s->peer.address, why,
			sizeof why)) {
		session_hangup(s, REASON_NOT_TRUSTED, why);
		return;
	}
	log_info("session %s: an authority vouches for %s", s->id,
		 s->peer.address);
	go_on(s);
}

void session_vouch(struct session *s)
{
	s->vouchh = judge_chain;
}

/* --- the key before ---------------------------------------------------- */

void session_wrong_key(struct session *s)
{
	char want[FP_TEXT_SIZE], have[FP_TEXT_SIZE], both[256];

	fp_print(want, s->peer.fp);
	fp_print(have, s->remote->fp);
	(void)re_snprintf(both, sizeof both, "pinned %s, got %s", want, have);
	session_hangup(s, REASON_WRONG_KEY, both);
}

/* What sipd.conf pins is for its owner to change; until then the old key goes
 * on vouching for the new one. */
static void repin(struct session *s)
{
	const struct conf_peer *cp = s->peer.configured ?
		conf_peer_find(s->house->conf, s->peer.name) : NULL;
	char fp[FP_TEXT_SIZE];
	int err;

	fp_print(fp, s->remote->fp);
	if (cp && cp->has_fp) {
		log_warn("%s has a new key, signed by the one pinned: set"
			 " fingerprint = %s in [peer %s]", s->peer.name, fp,
			 cp->name);
		return;
	}
	err = peers_pin(s->house->peers, s->peer.address, s->peer.name,
			s->remote->fp);
	log_warn("%s has a new key, signed by the one pinned: %s%s",
		 s->peer.name, fp, err ? ", which could not be kept" : "");
}

static void judge_renewal(struct session *s)
{
	const uint8_t *chain = NULL;
	const size_t n = peer_chain(s, &chain);

	if (!identity_follows(chain, n, s->peer.fp)) {
		session_wrong_key(s);
		return;
	}
	repin(s);
	go_on(s);
}

void session_follow(struct session *s)
{
	s->vouchh = judge_renewal;
}

/* --- unknown = pin ----------------------------------------------------- */

/* Another call from there may have been first. */
static int keep(struct session *s)
{
	struct peers *ps = s->house->peers;
	struct peer p;

	if (peers_by_address(ps, s->peer.address, &p) || !p.pinned)
		return peers_pin(ps, s->peer.address, s->peer.name,
				 s->remote->fp);
	memcpy(s->peer.fp, p.fp, sizeof s->peer.fp);
	return memcmp(p.fp, s->remote->fp, sizeof p.fp) ? EEXIST : 0;
}

static void judge_first(struct session *s)
{
	const int err = keep(s);

	if (err == EEXIST) {
		session_wrong_key(s);
		return;
	}
	if (err) {
		log_warn("the key of %s could not be kept: %m",
			 s->peer.address, err);
		session_hangup(s, REASON_INTERNAL, strerror(err));
		return;
	}
	memcpy(s->peer.fp, s->remote->fp, sizeof s->peer.fp);
	s->peer.pinned = true;
	session_flow_go(s);
}

void session_pin(struct session *s)
{
	s->vouchh = judge_first;
}

/* --- greeting ---------------------------------------------------------- */

static void welcome(struct session *s)
{
	s->greeting = false;
	session_flow_go(s);
}

void session_greeted(struct session *s, int err, const char *words)
{
	if (!s->greeting)
		return;
	if (err) {
		session_hangup(s, REASON_TUNNEL_FAILED, words);
		return;
	}
	(void)str_ncpy(s->words, words, sizeof s->words);
	session_ask(s, welcome);
}
