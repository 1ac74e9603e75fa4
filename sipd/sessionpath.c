/*
 * sessionpath.c: the path's reports, and what is said to the peer of it.
 *
 * Candidates known in time go into the description, later ones follow by
 * INFO (RFC 8840) if the peer wants that.
 */
#include <errno.h>
#include <string.h>
#include "sipd/log.h"
#include "sipd/sessionflow.h"
#include "sipd/sessionhint.h"
#include "sipd/sessionpath.h"

static const uint64_t gather_wait = 300 * MSEC; /* then trickle the rest */

static void gather_timeout(void *arg)
{
	struct session *s = arg;
	void (*readyh)(struct session *) = s->readyh;

	s->readyh = NULL;
	if (readyh)
		readyh(s);
}

static void gathered_handler(void *arg)
{
	struct session *s = arg;
	const char *why = path_relay_problem(s->path);

	if (why)
		log_warn("session %s: %s", s->id, why);

	s->gathered = true;
	if (s->local)
		s->local->complete = true;
	if (s->readyh) {
		timer_stop(&s->timer);
		gather_timeout(s);
	}
}

void session_trickle(struct session *s)
{
	struct mbuf *mb = NULL;
	struct call_body b = { "application/trickle-ice-sdpfrag", NULL, 0 };

	if (!s->described || !s->remote || !s->remote->trickle || !s->call ||
	    s->local->candc <= s->told)
		return;
	if (desc_frag_encode(&mb, s->local))
		return;
	b.p = (const char *)mbuf_buf(mb);
	b.n = mbuf_get_left(mb);
	if (!call_info(s->call, "INFO", &b))
		s->told = s->local->candc;
	mem_deref(mb);
}

static void cand_handler(const struct cand *c, void *arg)
{
	struct session *s = arg;

	if (!s->local || desc_cand_add(s->local, c))
		return;
	s->told = min(s->told, s->local->candc - 1);
	if (!sa_isset(&s->local->addr, SA_ADDR))
		s->local->addr = c->addr;
	session_trickle(s);
}

static void gone_handler(const struct sa *base, void *arg)
{
	struct session *s = arg;
	const size_t had = s->local ? s->local->candc : 0;

	if (!had)
		return;
	desc_cand_gone(s->local, base);
	s->told -= min(s->told, had - s->local->candc);
}

/* One line for a session: the liar decides how many there are. */
static void forged_handler(const struct sa *src, void *arg)
{
	struct session *s = arg;

	s->forger = *src;
	if (!s->forged++)
		log_warn("session %s: forged STUN from %J is refused;"
			 " `dial why %s` counts it", s->id, src,
			 s->peer.name);
}

/* By its name if the relay is ours, by its address if it is the peer's. */
static void note_relay(struct session *s)
{
	const char *name = path_relay_name(s->path, &s->local_cand.base);

	*s->relay = '\0';
	if (name)
		str_ncpy(s->relay, name, sizeof s->relay);
	else if (s->remote_cand.type == CAND_RELAY)
		(void)re_snprintf(s->relay, sizeof s->relay, "%j",
				  &s->remote_cand.addr);
}

static void found_handler(const struct cand *local, const struct cand *remote,
			  void *arg)
{
	struct session *s = arg;

	s->local_cand = *local;
	s->remote_cand = *remote;
	note_relay(s);
	session_flow_path(s, local->transp == CAND_UDP ? IPPROTO_UDP
			  : IPPROTO_TCP, &local->base, &remote->addr);
	if (s->state == SESSION_CHECKING) {
		session_state_set(s, SESSION_SECURING);
		return;
	}
	log_info("session %s: path moved to %J", s->id, &remote->addr);
	accounts_probe(s->house->accounts);
}

static void consent_handler(uint64_t until, void *arg)
{
	struct session *s = arg;

	s->consent = until;
	session_flow_consent(s, until);
}

static void path_fail_handler(enum path_fail why, void *arg)
{
	struct session *s = arg;
	char hint[400];

	log_info("session %s: %H", s->id, path_debug, s->path);
	session_relay_hint(s, hint, sizeof hint);
	accounts_probe(s->house->accounts);
	if (why == PATH_FAIL_CONSENT)
		session_hangup(s, REASON_PATH_LOST, NULL);
	else
		session_hangup(s, REASON_NO_PATH, hint);
}

static bool busy_handler(void *arg)
{
	struct session *s = arg;
	const uint64_t carried = s->carried;

	s->carried = session_flow_bytes(s);
	return s->carried != carried;
}

/* What is not told to the peer must not be shown to it either. */
static bool guesses(const struct session *s)
{
	return s->house->conf->guess && session_relay(s) != PATH_RELAY_ONLY;
}

static bool guess_handler(void *arg)
{
	struct session *s = arg;

	s->guessing = s->remote && guessbook_begin(s->house->guessbook,
						   s->remote->fp, time(NULL));
	if (s->guessing)
		log_info("session %s: guessing ports", s->id);
	return s->guessing;
}

static void guessed_handler(bool worked, void *arg)
{
	struct session *s = arg;

	log_info("session %s: guessing ports %s", s->id, worked
		 ? "has worked" : "has not worked");
	guessbook_end(s->house->guessbook, worked, time(NULL));
	s->guessing = false;
}

int session_path_open(struct session *s)
{
	static const struct path_handlers ph = {
		cand_handler, gathered_handler, found_handler,
		consent_handler, path_fail_handler, guess_handler,
		guessed_handler, busy_handler, gone_handler, forged_handler
	};
	int err;

	/* RFC 8445 section 6.1.1: the offerer controls */
	err = path_alloc(&s->path, s->house->paths, !s->incoming, &ph, s);
	if (!err)
		path_relay_set(s->path, session_relay(s));
	if (!err)
		path_guess(s->path, guesses(s));
	return err;
}

int session_path_meet(struct session *s)
{
	if (guessbook_worked(s->house->guessbook, s->remote->fp, time(NULL)))
		path_guess_soon(s->path);
	return path_remote(s->path, s->remote);
}

int session_gather(struct session *s, void (*readyh)(struct session *s))
{
	struct session *ref = mem_ref(s);
	int err;

	s->readyh = readyh;
	session_state_set(s, SESSION_GATHERING);
	err = s->path ? path_gather(s->path) : ECANCELED;
	if (!err && s->readyh)
		err = timer_start(s->house->timers, &s->timer, gather_wait,
				  gather_timeout, s);
	mem_deref(ref);
	return err;
}

void session_describe(struct session *s)
{
	const uint8_t *issuer = identity_issuer(s->house->identity);
	struct desc *d = s->local;

	d->has_issuer = issuer != NULL;
	if (issuer)
		memcpy(d->issuer, issuer, sizeof d->issuer);
	d->sess_id = s->started;
	d->sess_ver++;
	if (!s->incoming)
		d->setup = SETUP_ACTPASS;       /* RFC 8842 section 5.2 */
	d->trickle = true;
	d->renomination = true;
	d->guess = guesses(s);
	d->complete = s->gathered;
	d->has_fp = true;
	memcpy(d->fp, identity_fp(s->house->identity), sizeof d->fp);
	if (!*d->tls_id)
		rand_str(d->tls_id, 33);
	(void)str_ncpy(d->ufrag, path_ufrag(s->path), sizeof d->ufrag);
	(void)str_ncpy(d->pwd, path_pwd(s->path), sizeof d->pwd);
	s->described = true;
	s->told = d->candc;
}

int session_body(struct mbuf **mbp, struct call_body *b,
		 const struct session *s)
{
	int err = desc_encode(mbp, s->local);

	if (err)
		return err;
	b->ctype = "application/sdp";
	b->p = (const char *)mbuf_buf(*mbp);
	b->n = mbuf_get_left(*mbp);
	return 0;
}

void session_info_recv(const char *method, const struct call_body *b,
		       void *arg)
{
	struct session *s = arg;

	(void)method;
	if (!s->remote || !s->path || str_casecmp(b->ctype,
				"application/trickle-ice-sdpfrag"))
		return;
	if (desc_frag_decode(s->remote, b->p, b->n)) {
		log_debug("session %s: bad trickle fragment", s->id);
		return;
	}
	if (s->quic || s->dtls)
		(void)path_remote(s->path, s->remote);
}
