/*
 * sessioncore.c: the state of a session moves here and only here, its end
 * included: whoever gives up something calls session_hangup.
 */
#include <errno.h>
#include <string.h>
#include "sipd/callend.h"
#include "sipd/log.h"
#include "sipd/sessioncore.h"
#include "sipd/sessionhint.h"

static const char *const state_namev[] = {
	[SESSION_IDLE]      = "idle",
	[SESSION_GATHERING] = "gathering",
	[SESSION_OFFERING]  = "offering",
	[SESSION_RINGING]   = "ringing",
	[SESSION_CHECKING]  = "checking",
	[SESSION_SECURING]  = "securing",
	[SESSION_OPEN]      = "open",
	[SESSION_CLOSED]    = "closed",
};

const char *session_state_name(enum session_state st)
{
	return state_namev[st];
}

uint32_t session_since(const struct session *s)
{
	return (uint32_t)((clock_ns() - s->begin) / MSEC) + 1;
}

static void stamp(struct session *s, enum session_state st)
{
	struct session_times *t = &s->times;

	switch (st) {
	case SESSION_OFFERING: t->offered = session_since(s);  break;
	case SESSION_CHECKING: t->answered = session_since(s); break;
	case SESSION_SECURING: t->found = session_since(s);    break;
	case SESSION_OPEN:     t->open = session_since(s);     break;
	default: break;
	}
}

void session_state_set(struct session *s, enum session_state st)
{
	log_info("session %s, %s %s: %s -> %s%s%s%s%s", s->id,
		 s->incoming ? "from" : "to", s->peer.name,
		 state_namev[s->state], state_namev[st],
		 st == SESSION_CLOSED ? " (" : "",
		 st == SESSION_CLOSED ? reason_name(s->reason) : "",
		 st == SESSION_CLOSED ? ") " : "",
		 st == SESSION_CLOSED ? s->text : "");
	s->state = st;
	stamp(s, st);
	if (s->h.stateh)
		s->h.stateh(s, s->h.arg);
}

/* Everything but the words of the end. */
static void let_go(struct session *s)
{
	s->admittedh = s->trustedh = s->vouchh = NULL;
	timer_stop(&s->timer);
	timer_stop(&s->sync_timer);
	(void)str_ncpy(s->tunnels, bundle_names(s->bundle),
		       sizeof s->tunnels);
	s->complete = s->state == SESSION_OPEN &&
		bundle_complete(s->bundle, BUNDLE_ALL);
	s->bundle = mem_deref(s->bundle);
	s->path = mem_deref(s->path);
	if (s->guessing)
		guessbook_end(s->house->guessbook, false, time(NULL));
	s->guessing = false;
	s->quic = mem_deref(s->quic);
	s->dtls = mem_deref(s->dtls);
	s->call = mem_deref(s->call);
}

void session_clear(struct session *s)
{
	let_go(s);
	mem_deref(s->local);
	mem_deref(s->remote);
	mem_deref(s->pairs);
}

/* What both flows have carried; the rest is QUIC's. */
static void read_stats(struct session *s)
{
	struct dtls_stats ds = { .rx_bytes = 0 };

	if (!s->quic && !s->dtls)
		return;
	memset(&s->stats, 0, sizeof s->stats);
	quic_stats(s->quic, &s->stats);
	dtls_stats(s->dtls, &ds);
	s->bad = ds.bad;
	s->stats.rx_bytes += ds.rx_bytes;
	s->stats.tx_bytes += ds.tx_bytes;
}

/* While there is a path; the last ones stay. */
static void print_pairs(struct session *s)
{
	char *text;

	if (!s->path || re_sdprintf(&text, "%H", path_debug, s->path))
		return;
	mem_deref(s->pairs);
	s->pairs = text;
}

const char *session_pairs(struct session *s)
{
	print_pairs(s);
	return s->pairs ? s->pairs : "";
}

static void finish(struct session *s, enum reason r, const char *text)
{
	if (s->state == SESSION_CLOSED)
		return;
	s->reason = r;
	(void)str_ncpy(s->text, text ? text : "", sizeof s->text);
	read_stats(s);
	print_pairs(s);
	quic_close(s->quic, r, reason_name(r));
	dtls_close(s->dtls);
	let_go(s);
	session_state_set(s, SESSION_CLOSED);
}

bool session_owes(const struct session *s)
{
	return bundle_owes(s->bundle);
}

void session_hangup(struct session *s, enum reason r, const char *text)
{
	if (!s || s->state == SESSION_CLOSED)
		return;
	if (s->call)
		call_hangup(s->call, reason_name(r), text ? text : "");
	finish(s, r, text);
}

/* An end that the peer brought is good only if everything was transferred,
 * whatever the peer calls it. Of that a caller judges itself; a callee has
 * its caller's word, but for what it has asked for itself. */
static enum reason judge_end(const struct session *s, enum reason r)
{
	const bool open = s->state == SESSION_OPEN;

	if (reason_exit(r) || (open && bundle_complete(s->bundle, BUNDLE_ALL)))
		return r;
	if (s->incoming && (!open || r == REASON_DONE) &&
	    !bundle_owes(s->bundle))
		return r;
	return REASON_PEER_STOPPED;
}

/* What was cut off is no success, but it shares the session with groups of
 * tunnels for which the same end is one: those end first. */
static void end_whole(struct session *s, enum reason r, const char *text)
{
	unsigned group;

	while (s->h.endh && s->bundle && (group = bundle_whole(s->bundle))) {
		bundle_drop_group(s->bundle, group, s->local);
		s->h.endh(s, group, r, text, s->h.arg);
	}
}

/* As end_whole, if it comes to that; the reason for what is left. */
static enum reason peer_end(struct session *s, enum reason r,
			    const char *text)
{
	const enum reason judged = judge_end(s, r);

	if (judged != r && s->state == SESSION_OPEN)
		end_whole(s, r, text);
	return judged;
}

void session_flow_ended(struct session *s)
{
	mem_ref(s);
	session_hangup(s, peer_end(s, REASON_PEER_HANGUP, NULL), NULL);
	mem_deref(s);
}

void session_call_ended(struct session *s, const struct call_end *end,
			bool answered)
{
	const char *text;
	enum reason r = callend_reason(end, answered, &text);
	char hint[400] = "";

	mem_ref(s);
	/* what was done before the peer hung up may not have been read yet */
	mailbox_run(s->house->mailbox);
	if (s->state == SESSION_CLOSED) {
		mem_deref(s);
		return;
	}
	r = peer_end(s, r, text);
	/* both sides give up at the same time: what helps here is told here */
	if (r == REASON_NO_PATH && s->path)
		session_relay_hint(s, hint, sizeof hint);
	/* not what a server in between or our own side said */
	s->peer_said = !*hint && *text && (*end->key || text != end->text);
	finish(s, r, *hint ? hint : text);
	mem_deref(s);
}

void session_count(struct session *s)
{
	bundle_count(s->bundle);
}

int session_running(struct re_printf *pf, const struct session *s)
{
	return bundle_running(pf, s->bundle);
}

const char *session_path_word(const struct session_info *in)
{
	return in->local.type == CAND_RELAY || in->remote.type == CAND_RELAY
		? "relayed" : in->local.transp != CAND_UDP ? "tcp" : "direct";
}

void session_info(const struct session *s, struct session_info *info)
{
	struct session *m = (struct session *)s;

	memset(info, 0, sizeof *info);
	info->id = s->id;
	info->peer = &s->peer;
	info->incoming = s->incoming;
	info->state = s->state;
	info->reason = s->reason;
	info->text = s->text;
	info->peer_said = s->peer_said;
	info->vouched = s->vouched;
	info->tunnels = s->bundle ? bundle_names(s->bundle) : s->tunnels;
	info->callid = s->callid;
	info->fp = s->remote && s->remote->has_fp ? s->remote->fp : NULL;
	info->local = s->local_cand;
	info->remote = s->remote_cand;
	info->relay = s->relay;
	info->times = s->times;
	info->started = s->started;
	read_stats(m);
	(void)re_snprintf(m->counters, sizeof m->counters, "%H",
			  bundle_counters, s->bundle);
	info->local_desc = s->local;
	info->remote_desc = s->remote;
	info->words = s->words;
	info->counters = m->counters;
	info->complete = s->complete;
	info->stats = &m->stats;
	info->forged = s->forged;
	info->forger = s->forger;
	info->bad = s->bad;
}
