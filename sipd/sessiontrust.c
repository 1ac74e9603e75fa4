/*
 * sessiontrust.c: asking about a new key, and pinning it.
 */
#include <errno.h>
#include <string.h>
#include "sipd/log.h"
#include "sipd/sessionflow.h"
#include "sipd/sessiontrust.h"

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

static void ask_timeout(void *arg)
{
	struct session *s = arg;

	session_hangup(s, REASON_NOT_TRUSTED, NULL);
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
		session_hangup(s, REASON_NOT_TRUSTED, NULL);
		return;
	}
	err = peers_pin(s->house->peers, s->peer.address, s->peer.name,
			s->remote->fp);
	if (err)
		log_warn("the key of %s could not be kept: %m",
			 s->peer.address, err);
	trustedh(s);
}

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
