/*
 * judge.c: may this peer use the tunnel that it offers? Its rights say so, or
 * somebody waits for it.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "sipd/hours.h"
#include "sipd/judge.h"

const char *judge_conf(const char *key, void *arg)
{
	const struct judge_lookup *lu = arg;

	if (lu->wait && lu->wait->into && !strcmp(key, "inbox"))
		return lu->wait->into;
	if (lu->wait && lu->wait->code && !strcmp(key, "code"))
		return lu->wait->code;
	return conf_kind_get(lu->conf, lu->kind, key);
}

/* Somebody at a terminal waits for files of anybody: it is for them to say
 * what they take. Whoever named the peer, or a code, has said it. */
static bool must_ask(const struct wait *w, const struct desc_media *m)
{
	return w->conf.flags & SESSION_CAN_ASK && !w->conf.from &&
		!w->conf.code && !str_cmp(m->kind, "file");
}

bool judge_tunnel(struct incoming *in, const struct desc_media *m,
		  const struct wait *w, struct session_want *want,
		  char *allow, bool *ask)
{
	const bool waited = w && wait_matches(w, in, m);
	bool may;

	want->kind = tunnel_find(m->kind);
	*allow = '\0';
	if (want->kind && want->kind->first && in->known)
		want->kind = NULL;      /* nothing is new about this key */
	if (!want->kind)
		return true;            /* answered with port 0 */
	may = peers_may(&in->peer, m->kind, allow, JUDGE_ALLOW_MAX);
	*ask |= !may && waited && must_ask(w, m);
	if (!want->kind->first && !may && !waited) {
		in->reason = REASON_NOT_ALLOWED;
		(void)re_snprintf(in->text, sizeof in->text,
				  "%s is not in the allow line of %s",
				  m->kind, in->peer.name);
		return false;
	}
	want->ask.allow = allow;
	want->ask.peer = in->peer.name;
	want->ask.confh = judge_conf;
	want->ask.why = in->text;
	want->ask.why_size = sizeof in->text;
	want->ask.fd_in = waited ? w->conf.fd_in : -1;
	want->ask.fd_out = waited ? w->conf.fd_out : -1;
	return true;
}

/* Its key's; or that of its address, for which an authority vouches. */
static int whose(const struct house *h, const struct session_info *si,
		 struct peer *p)
{
	const struct peers *ps = h->peers;

	if (!peers_by_fp(ps, si->fp, p))
		return 0;
	if (!si->vouched)
		return ENOENT;
	if (si->peer->pinned)           /* the key before this one */
		return peers_by_fp(ps, si->peer->fp, p);
	if (!peers_by_address(ps, si->peer->address, p))
		return p->pinned ? ENOENT : 0;
	*p = *si->peer;
	rights_of(&p->rights, h->conf, NULL);
	return 0;
}

bool judge_offer(struct judged *j, const struct house *h,
		 const struct list *waitl, const struct session_info *si,
		 const struct desc_media *m, struct session_want *want,
		 struct session_handlers *owner)
{
	const struct wait *w;
	bool ask = false;

	memset(j, 0, sizeof *j);
	j->in.reason = REASON_NONE;
	if (!si->fp || whose(h, si, &j->in.peer)) {
		j->in.reason = REASON_NOT_ALLOWED;
		return false;
	}
	if (!hours_now(j->in.peer.rights.hours, time(NULL))) {
		j->in.reason = REASON_NOT_ALLOWED;
		return false;
	}
	w = waits_match(waitl, &j->in, m);
	if (!judge_tunnel(&j->in, m, w, want, j->allow, &ask))
		return false;
	if (ask) {              /* a call of its own can be */
		j->in.reason = REASON_NOT_ALLOWED;
		return false;
	}
	j->lookup = (struct judge_lookup){
		h->conf, m->kind, w ? &w->conf : NULL
	};
	want->ask.arg = &j->lookup;
	if (w)
		*owner = w->conf.sh;
	return true;
}
