/*
 * turnreq.c: a request to a TURN server until it is answered.
 *
 *   send, again after 250, 500, 1000 ... ms --no answer in 8 s--> done(NULL)
 *     | 401, 438: realm and nonce, the same once more, with credentials
 *     | proven by our key, or an error before there is one --> done
 *     | anything else: as if it had not come
 *
 * RFC 8489 sections 6.2.1 and 9.2.5.
 */
#include <string.h>
#include <openssl/rand.h>
#include "modules/path/turnreq.h"

enum { ROUNDS_MAX = 4, SHIFT_MAX = 3 };

#define RTO     (250 * MSEC)
#define GIVE_UP (8 * SEC)
#define GIVE_UP_READY (4 * SEC)         /* one that has answered before */

size_t turnreq_write(const struct turn *t, const struct turn_txn *x,
		     turn_body_h *body, uint8_t *buf, size_t size)
{
	struct stun_out o;

	stun_begin_method(&o, buf, size, x->method, STUN_CLASS_REQUEST,
			  x->tid);
	body(&o, t, x);
	turn_auth_put(&o, &t->auth);
	return stun_end(&o);
}

static void transmit(struct turn *t, struct turn_txn *x, turn_body_h *body,
		     uint64_t now)
{
	uint8_t buf[TURN_MSG_MAX];
	size_t len = turnreq_write(t, x, body, buf, sizeof buf);

	x->next = t->conf.reliable ? UINT64_MAX :
		now + (RTO << min(x->txc, (unsigned)SHIFT_MAX));
	x->txc++;
	if (len)
		t->conf.sendh(buf, len, t->conf.arg);
}

static void begin(struct turn *t, struct turn_txn *x, turn_body_h *body,
		  uint64_t now)
{
	memcpy(x->tid, &t->conf.handle, 4);
	x->active = RAND_bytes(x->tid + 4, sizeof x->tid - 4) == 1;
	x->authed = *t->auth.realm;
	x->started = now;
	x->txc = 0;
	if (x->active)
		transmit(t, x, body, now);
}

void turnreq_start(struct turn *t, struct turn_txn *x, uint16_t method,
		   turn_body_h *body, turn_done_h *doneh, uint64_t now)
{
	x->method = method;
	x->doneh = doneh;
	x->rounds = 0;
	begin(t, x, body, now);
}

static void done(struct turn *t, struct turn_txn *x, const struct stun_pkt *m,
		 const struct turn_msg *a, uint64_t now)
{
	x->active = false;
	x->doneh(t, x, m, a, now);
}

/* Errors that a server cannot protect, for it does not know by what. */
static bool unprotected(uint16_t code)
{
	return code == 400 || code == 401 || code == 420 || code == 438 ||
		code == 500;
}

/* RFC 8489 section 9.2.5. One that had credentials must come with integrity
 * unless it says that they are not known. */
static bool believable(const struct turn *t, const struct turn_txn *x,
		       const struct stun_pkt *m, const struct turn_msg *a)
{
	if (!x->authed)
		return m->cls == STUN_CLASS_ERROR_RESP;
	if (turn_auth_ok(&t->auth, m, a))
		return true;
	return m->cls == STUN_CLASS_ERROR_RESP && !m->mi && !a->mi256 &&
		unprotected(m->ecode);
}

/* The server wants credentials, or others: a new nonce. */
static bool try_again(struct turn *t, const struct turn_txn *x,
		      const struct stun_pkt *m, const struct turn_msg *a)
{
	if (m->cls != STUN_CLASS_ERROR_RESP || x->rounds >= ROUNDS_MAX ||
	    !*t->auth.user)
		return false;
	if (m->ecode != 438 && (m->ecode != 401 || x->authed))
		return false;
	return !turn_auth_follow(&t->auth, a);
}

bool turnreq_recv(struct turn *t, struct turn_txn *x, turn_body_h *body,
		  const struct stun_pkt *m, uint64_t now)
{
	struct turn_msg a;

	if (!x->active || memcmp(x->tid, m->tid, sizeof x->tid) ||
	    m->method != x->method)
		return false;
	if (turn_msg_parse(&a, m) || !believable(t, x, m, &a)) {
		if (t->conf.forgedh)
			t->conf.forgedh(t->conf.arg);
		return true;
	}
	if (try_again(t, x, m, &a)) {
		x->rounds++;
		begin(t, x, body, now);
	}
	else {
		done(t, x, m, &a, now);
	}
	return true;
}

static uint64_t end(const struct turn *t, const struct turn_txn *x)
{
	return x->started + (t->state == TURN_READY ? GIVE_UP_READY
			     : GIVE_UP);
}

void turnreq_tick(struct turn *t, struct turn_txn *x, turn_body_h *body,
		  uint64_t now)
{
	if (!x->active)
		return;
	if (now >= end(t, x))
		done(t, x, NULL, NULL, now);
	else if (now >= x->next)
		transmit(t, x, body, now);
}

uint64_t turnreq_next(const struct turn *t, const struct turn_txn *x)
{
	return x->active ? min(x->next, end(t, x))
		: UINT64_MAX;
}
