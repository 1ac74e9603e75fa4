/*
 * session.c: what both sides of a call do once they are talking: gather,
 * describe, meet, check, secure, run the tunnels, end.
 *
 * Path, quic and bundle report facts; the state moves here and only here.
 */
#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include <openssl/evp.h>
#include "sipd/sessioncore.h"
#include "sipd/callend.h"
#include "sipd/log.h"

/* How long a state may last before the session is given up. */
static const uint64_t gather_wait = 300 * MSEC; /* then trickle the rest */
static const uint64_t ask_wait = 120 * SEC;

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

static uint32_t since(const struct session *s)
{
	return (uint32_t)((clock_ns() - s->begin) / MSEC) + 1;
}

static uint64_t wall_clock(void)
{
	struct timeval tv;

	(void)gettimeofday(&tv, NULL);
	return (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000;
}

static void stamp(struct session *s, enum session_state st)
{
	struct session_times *t = &s->times;

	switch (st) {
	case SESSION_OFFERING: t->offered = since(s);  break;
	case SESSION_CHECKING: t->answered = since(s); break;
	case SESSION_SECURING: t->found = since(s);    break;
	case SESSION_OPEN:     t->open = since(s);     break;
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
	timer_stop(&s->timer);
	(void)str_ncpy(s->tunnels, bundle_names(s->bundle),
		       sizeof s->tunnels);
	s->bundle = mem_deref(s->bundle);
	s->path = mem_deref(s->path);
	s->quic = mem_deref(s->quic);
	s->call = mem_deref(s->call);
}

static void session_destructor(void *arg)
{
	struct session *s = arg;

	let_go(s);
	mem_deref(s->local);
	mem_deref(s->remote);
}

static void finish(struct session *s, enum reason r, const char *text)
{
	if (s->state == SESSION_CLOSED)
		return;
	s->reason = r;
	(void)str_ncpy(s->text, text ? text : "", sizeof s->text);
	if (s->quic) {
		quic_stats(s->quic, &s->stats);
		quic_close(s->quic, r, reason_name(r));
	}
	let_go(s);
	session_state_set(s, SESSION_CLOSED);
}

void session_hangup(struct session *s, enum reason r, const char *text)
{
	if (!s || s->state == SESSION_CLOSED)
		return;
	if (s->call)
		call_hangup(s->call, reason_name(r), text ? text : "");
	finish(s, r, text);
}

void session_call_ended(struct session *s, const struct call_end *end,
			bool answered)
{
	const char *text;
	enum reason r = callend_reason(end, answered, &text);
	bool complete = s->state == SESSION_OPEN &&
		bundle_complete(s->bundle);

	if (r == REASON_PEER_HANGUP && s->state == SESSION_OPEN && !complete)
		r = REASON_PEER_STOPPED;
	s->peer_said = *text != '\0';
	finish(s, r, text);
}

/* --- the tunnels ------------------------------------------------------- */

static void progress_handler(unsigned number, const struct tunnel_progress *p,
			     void *arg)
{
	struct session *s = arg;

	if (s->h.progressh)
		s->h.progressh(s, number, p, s->h.arg);
}

/* The caller ends the session when its tunnels are done; the callee waits
 * for that, unless something failed. */
static void done_handler(unsigned number, int err, const char *why, void *arg)
{
	struct session *s = arg;
	(void)number;

	if (err)
		session_hangup(s, REASON_TUNNEL_FAILED,
			       str_isset(why) ? why : strerror(err));
	else if (!s->incoming && bundle_complete(s->bundle))
		session_hangup(s, REASON_DONE, why);
}

/* --- the flow ---------------------------------------------------------- */

static const struct {
	enum quic_end end;
	enum reason reason;
} quic_endv[] = {
	{ QUIC_END_CLOSED,    REASON_PEER_HANGUP   },
	{ QUIC_END_IDLE,      REASON_PEER_LOST     },
	{ QUIC_END_HANDSHAKE, REASON_SECURE_FAILED },
	{ QUIC_END_KEY,       REASON_WRONG_KEY     },
	{ QUIC_END_PROTOCOL,  REASON_BAD_PEER      },
};

static enum reason quic_reason(enum quic_end why, const char *text)
{
	enum reason r = why == QUIC_END_CLOSED ? reason_find(text)
					       : REASON_NONE;

	if (r == REASON_DONE || r == REASON_TUNNEL_FAILED)
		return r;
	for (size_t i = 0; i < sizeof quic_endv / sizeof quic_endv[0]; i++)
		if (quic_endv[i].end == why)
			return quic_endv[i].reason;
	return REASON_BAD_PEER;
}

static void closed_late(void *arg)
{
	struct session *s = arg;

	session_hangup(s, REASON_PEER_HANGUP, NULL);
}

/* When the peer closes the flow its BYE is on the way and tells more: wait
 * for it a moment. */
static void quic_end_handler(enum quic_end why, uint64_t code,
			     const char *text, const uint8_t got_fp[32],
			     void *arg)
{
	struct session *s = arg;
	char want[FP_TEXT_SIZE], got[FP_TEXT_SIZE], both[256];
	(void)code;

	if (why == QUIC_END_CLOSED) {
		(void)timer_start(s->house->timers, &s->timer, 2 * SEC,
				  closed_late, s);
		return;
	}
	if (why == QUIC_END_KEY && got_fp && s->remote) {
		fp_print(want, s->remote->fp);
		fp_print(got, got_fp);
		(void)re_snprintf(both, sizeof both, "expected %s, got %s",
				  want, got);
		text = both;
	}
	session_hangup(s, quic_reason(why, text), text);
}

static void secured_handler(struct flow *flow, void *arg)
{
	struct session *s = arg;
	int err;

	s->times.secured = since(s);
	err = bundle_start(s->bundle, s->remote, flow,
			   worker_loop(s->house->worker));
	if (err) {
		session_hangup(s, REASON_INTERNAL, strerror(err));
		return;
	}
	timer_stop(&s->timer);
	session_state_set(s, SESSION_OPEN);
}

/* Both descriptions in the offerer's order: both sides get the same. */
static int make_seed(uint8_t seed[QUIC_SEED_SIZE], const struct session *s)
{
	const struct desc *o = s->incoming ? s->remote : s->local;
	const struct desc *a = s->incoming ? s->local : s->remote;
	char text[4 * (DESC_UFRAG_MAX + 1) + 32];
	unsigned n = QUIC_SEED_SIZE;

	if (re_snprintf(text, sizeof text, "dialtone quic %s:%s %s:%s",
			o->ufrag, o->pwd, a->ufrag, a->pwd) < 0)
		return EOVERFLOW;
	return EVP_Digest(text, strlen(text), seed, &n, EVP_sha256(), NULL)
		? 0 : EPROTO;
}

/* RFC 4145: who says actpass leaves the choice to the other. */
static bool we_are_active(const struct session *s)
{
	return s->incoming ? s->local->setup == SETUP_ACTIVE
			   : s->remote->setup != SETUP_ACTIVE;
}

static int flow_prepare(struct session *s)
{
	static const struct quic_handlers qh = {
		secured_handler, quic_end_handler
	};
	struct quic_conf qc = {
		.client = we_are_active(s),
		.identity = s->house->identity,
	};
	int err = make_seed(qc.seed, s);

	if (err)
		return err;
	memcpy(qc.peer_fp, s->remote->fp, sizeof qc.peer_fp);
	return quic_alloc(&s->quic, s->house->worker, &qc, &qh, s);
}

/* --- the path ---------------------------------------------------------- */

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

	s->gathered = true;
	if (s->local)
		s->local->complete = true;
	if (s->readyh) {
		timer_stop(&s->timer);
		gather_timeout(s);
	}
}

/* What was found after our description had gone out follows by INFO
 * (RFC 8840), if the peer wants that. */
static void trickle(struct session *s)
{
	struct mbuf *mb = NULL;
	struct call_body b = { "application/trickle-ice-sdpfrag", NULL, 0 };

	if (!s->described || !s->remote || !s->remote->trickle || !s->call)
		return;
	if (desc_frag_encode(&mb, s->local))
		return;
	b.p = (const char *)mbuf_buf(mb);
	b.n = mbuf_get_left(mb);
	(void)call_info(s->call, "INFO", &b);
	mem_deref(mb);
}

static void cand_handler(const struct cand *c, void *arg)
{
	struct session *s = arg;

	if (!s->local || desc_cand_add(s->local, c))
		return;
	if (!sa_isset(&s->local->addr, SA_ADDR))
		s->local->addr = c->addr;
	trickle(s);
}

static void found_handler(const struct cand *local, const struct cand *remote,
			  void *arg)
{
	struct session *s = arg;

	s->local_cand = *local;
	s->remote_cand = *remote;
	quic_path(s->quic, &local->base, &remote->addr);
	if (s->state == SESSION_CHECKING)
		session_state_set(s, SESSION_SECURING);
	else
		log_info("session %s: path moved to %J", s->id,
			 &remote->addr);
}

static void consent_handler(uint64_t until, void *arg)
{
	struct session *s = arg;

	if (s->quic)
		quic_consent(s->quic, until);
}

static void path_fail_handler(enum path_fail why, void *arg)
{
	struct session *s = arg;

	log_info("session %s: %H", s->id, path_debug, s->path);
	session_hangup(s, why == PATH_FAIL_CONSENT ? REASON_PATH_LOST
						   : REASON_NO_PATH, NULL);
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

/* --- the beginning ----------------------------------------------------- */

int session_alloc(struct session **sp, struct house *h, const struct peer *p,
		  bool incoming, unsigned flags,
		  const struct session_handlers *sh)
{
	static const struct path_handlers ph = {
		cand_handler, gathered_handler, found_handler,
		consent_handler, path_fail_handler
	};
	static const struct bundle_handlers bh = {
		progress_handler, done_handler
	};
	static uint32_t serial;
	struct session *s;
	int err;

	s = mem_zalloc(sizeof *s, session_destructor);
	if (!s)
		return ENOMEM;
	s->house = h;
	s->peer = *p;
	s->incoming = incoming;
	s->flags = flags;
	s->h = *sh;
	s->begin = clock_ns();
	s->started = wall_clock();
	(void)re_snprintf(s->id, sizeof s->id, "%u", ++serial);
	err = bundle_alloc(&s->bundle, h->mailbox, &bh, s);
	if (!err && !incoming)
		err = desc_alloc(&s->local);
	/* RFC 8445 section 6.1.1: the offerer controls */
	if (!err)
		err = path_alloc(&s->path, h->paths, !incoming, &ph, s);
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}

int session_describe(struct session *s)
{
	struct desc *d = s->local;

	d->sess_id = s->started;
	d->sess_ver++;
	if (!s->incoming)
		d->setup = SETUP_ACTPASS;       /* RFC 8842 section 5.2 */
	d->trickle = true;
	d->renomination = true;
	d->complete = s->gathered;
	d->has_fp = true;
	memcpy(d->fp, identity_fp(s->house->identity), sizeof d->fp);
	if (!*d->tls_id)
		rand_str(d->tls_id, 33);
	(void)str_ncpy(d->ufrag, path_ufrag(s->path), sizeof d->ufrag);
	(void)str_ncpy(d->pwd, path_pwd(s->path), sizeof d->pwd);
	s->described = true;
	return 0;
}

static void ask_timeout(void *arg)
{
	struct session *s = arg;

	session_hangup(s, REASON_NOT_TRUSTED, NULL);
}

void session_begin(struct session *s)
{
	int err;

	timer_stop(&s->timer);
	err = flow_prepare(s);
	if (err) {
		session_hangup(s, REASON_INTERNAL, strerror(err));
		return;
	}
	mem_ref(s);
	session_state_set(s, SESSION_CHECKING);
	if (s->state == SESSION_CHECKING) {
		err = path_remote(s->path, s->remote);
		if (err)
			session_hangup(s, REASON_BAD_PEER, strerror(err));
	}
	mem_deref(s);
}

void session_ask(struct session *s, void (*trustedh)(struct session *s))
{
	s->trustedh = trustedh;
	(void)timer_start(s->house->timers, &s->timer, ask_wait, ask_timeout,
			  s);
	s->h.askh(s, s->remote->fp, s->h.arg);
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

void session_reoffer(struct session *s)
{
	struct call_body b = { "application/sdp", NULL, 0 };
	struct mbuf *mb = NULL;

	s->local->setup = we_are_active(s) ? SETUP_ACTIVE : SETUP_PASSIVE;
	if (desc_encode(&mb, s->local)) {
		(void)call_reject(s->call, 500, "Server Internal Error", 0,
				  NULL);
		return;
	}
	b.p = (const char *)mbuf_buf(mb);
	b.n = mbuf_get_left(mb);
	(void)call_answer(s->call, &b);
	mem_deref(mb);
}

void session_info_recv(struct session *s, const struct call_body *b)
{
	if (!s->remote || !s->path || str_casecmp(b->ctype,
				"application/trickle-ice-sdpfrag"))
		return;
	if (desc_frag_decode(s->remote, b->p, b->n)) {
		log_debug("session %s: bad trickle fragment", s->id);
		return;
	}
	if (s->quic)
		(void)path_remote(s->path, s->remote);
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
	info->tunnels = s->bundle ? bundle_names(s->bundle) : s->tunnels;
	info->callid = s->callid;
	info->fp = s->remote && s->remote->has_fp ? s->remote->fp : NULL;
	info->local = s->local_cand;
	info->remote = s->remote_cand;
	info->times = s->times;
	info->started = s->started;
	if (s->quic)
		quic_stats(s->quic, &m->stats);
	info->stats = &m->stats;
}
