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

	s->gathered = true;
	if (s->local)
		s->local->complete = true;
	if (s->readyh) {
		timer_stop(&s->timer);
		gather_timeout(s);
	}
}

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
	session_flow_path(s, local->transp == CAND_UDP ? IPPROTO_UDP
			  : IPPROTO_TCP, &local->base, &remote->addr);
	if (s->state == SESSION_CHECKING)
		session_state_set(s, SESSION_SECURING);
	else
		log_info("session %s: path moved to %J", s->id,
			 &remote->addr);
}

static void consent_handler(uint64_t until, void *arg)
{
	session_flow_consent(arg, until);
}

static void path_fail_handler(enum path_fail why, void *arg)
{
	struct session *s = arg;

	log_info("session %s: %H", s->id, path_debug, s->path);
	session_hangup(s, why == PATH_FAIL_CONSENT ? REASON_PATH_LOST
						   : REASON_NO_PATH, NULL);
}

static bool busy_handler(void *arg)
{
	struct session *s = arg;
	const uint64_t carried = s->carried;

	s->carried = session_flow_bytes(s);
	return s->carried != carried;
}

int session_path_open(struct session *s)
{
	static const struct path_handlers ph = {
		cand_handler, gathered_handler, found_handler,
		consent_handler, path_fail_handler, busy_handler
	};

	/* RFC 8445 section 6.1.1: the offerer controls */
	return path_alloc(&s->path, s->house->paths, !s->incoming, &ph, s);
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
}

/* An ICE restart of the peer (RFC 8839 section 4.4.1.1): it has another
 * ufrag, so have we then, and all candidates are told anew. */
static int take_offer(struct session *s, const struct call_body *b)
{
	struct desc_refusal why;
	struct desc *d;
	int err;

	if (!b->ctype || !b->n)
		return 0;
	err = desc_decode(&d, b->p, b->n, true, &why);
	if (err)
		return err;
	if (memcmp(d->fp, s->remote->fp, sizeof d->fp)) {
		mem_deref(d);
		return EACCES;          /* the key is the peer */
	}
	if (strcmp(d->ufrag, s->remote->ufrag))
		s->local->candc = 0;
	mem_deref(s->remote);
	s->remote = d;
	err = s->quic || s->dtls ? path_remote(s->path, d) : 0;
	(void)str_ncpy(s->local->ufrag, path_ufrag(s->path),
		       sizeof s->local->ufrag);
	(void)str_ncpy(s->local->pwd, path_pwd(s->path),
		       sizeof s->local->pwd);
	return err;
}

static int encode_body(struct mbuf **mbp, struct call_body *b,
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

void session_reoffer(struct session *s, const struct call_body *offer)
{
	struct mbuf *mb = NULL;
	struct call_body b;
	int err = s->remote ? take_offer(s, offer) : EPROTO;

	if (!err) {
		s->local->setup = session_is_active(s) ? SETUP_ACTIVE
						       : SETUP_PASSIVE;
		s->local->sess_ver++;
		err = encode_body(&mb, &b, s);
	}
	if (err)
		(void)call_reject(s->call, 488, "Not Acceptable Here", 399,
				  "refused: the new offer does not fit the"
				  " session");
	else
		(void)call_answer(s->call, &b);
	mem_deref(mb);
}

void session_refresh(struct session *s)
{
	struct mbuf *mb = NULL;
	struct call_body b;

	if (s->state != SESSION_OPEN || !s->call)
		return;
	s->local->setup = SETUP_ACTPASS;
	s->local->sess_ver++;
	if (!encode_body(&mb, &b, s))
		(void)call_reinvite(s->call, &b);
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
