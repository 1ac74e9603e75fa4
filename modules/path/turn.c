/*
 * turn.c: an allocation from the first Allocate to the last Refresh.
 *
 *   Allocate both families --440, 420--> IPv4 alone --440--> IPv6 alone
 *      | success                                     | 4xx, 5xx
 *      v                                             v
 *   READY: Refresh a minute before the end         OVER: why, what now
 *      | 437, no answer: OVER, lost
 *
 * Called by turnfinder.c, one for each server and transport.
 */
#include <errno.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include "modules/path/turnpeer.h"
#include "modules/path/turnreq.h"

enum {
	ATTR_ADDITIONAL_FAMILY = 0x8000,        /* RFC 8656 section 18.11 */
	ATTR_ADDITIONAL_FAMILY_DRAFT = 0x8032,  /* coturn's, as of 4.6 */
	TRANSPORT_UDP = 17,
	SECRET_LIFE = 24 * 3600,                /* s */
	LIFETIME_DEFAULT = 600,                 /* s, RFC 8656 section 7.2 */
};

#define MARGIN (60 * SEC)               /* Refresh so long before the end */

static void turn_destructor(void *arg)
{
	struct turn *t = arg;

	for (unsigned i = 0; i < t->peerc; i++)
		mem_deref(t->peerv[i]);
	OPENSSL_cleanse(&t->auth, sizeof t->auth);
}

static void over(struct turn *t, enum turn_end end, const char *why)
{
	t->state = TURN_OVER;
	t->end = end;
	str_ncpy(t->why, why, sizeof t->why);
}

static void put_family(struct stun_out *o, uint16_t type, uint32_t family)
{
	stun_put_u32(o, type, family << 24);
}

static void main_body(struct stun_out *o, const struct turn *t,
		      const struct turn_txn *x)
{
	if (x->method == STUN_METHOD_REFRESH)
		return;         /* the server's own lifetime */
	stun_put_u32(o, STUN_ATTR_REQ_TRANSPORT,
		     (uint32_t)TRANSPORT_UDP << 24);
	if (t->families == FAMILIES_BOTH) {
		put_family(o, ATTR_ADDITIONAL_FAMILY, STUN_AF_IPv6);
		put_family(o, ATTR_ADDITIONAL_FAMILY_DRAFT, STUN_AF_IPv6);
	}
	else if (t->families == FAMILIES_IPV6)
		put_family(o, STUN_ATTR_REQ_ADDR_FAMILY, STUN_AF_IPv6);
}

static void last_body(struct stun_out *o, const struct turn *t,
		      const struct turn_txn *x)
{
	(void)t;
	(void)x;
	stun_put_u32(o, STUN_ATTR_LIFETIME, 0);
}

/* What an error means for us; the words end "the relay ...". */
static const struct {
	uint16_t code;
	enum turn_end end;
	const char *why;
} errorv[] = {
	{ 300, TURN_ELSEWHERE, "sends us to another server" },
	{ 401, TURN_REFUSED, "refuses the user name or the password" },
	{ 403, TURN_REFUSED, "forbids it" },
	{ 437, TURN_LOST, "has lost the allocation" },
	{ 438, TURN_LOST, "finds its own nonce stale" },
	{ 440, TURN_REFUSED, "has no addresses of a family that we use" },
	{ 441, TURN_REFUSED, "has an allocation of somebody else's for us" },
	{ 442, TURN_REFUSED, "does not relay UDP" },
	{ 486, TURN_LATER, "has no more allocations for this user" },
	{ 508, TURN_LATER, "has no more addresses to give" },
};

static void failed(struct turn *t, const struct stun_pkt *m,
		   const struct turn_msg *a)
{
	char why[TURN_WHY_MAX];

	for (size_t i = 0; i < sizeof errorv / sizeof errorv[0]; i++) {
		if (m->ecode != errorv[i].code)
			continue;
		t->alternate = a->alternate;
		over(t, errorv[i].end, errorv[i].why);
		return;
	}
	(void)re_snprintf(why, sizeof why, "answers with error %u", m->ecode);
	over(t, m->ecode >= 500 ? TURN_LATER : TURN_REFUSED, why);
}

/* Where no packet could be sent. */
static bool useless(const struct sa *sa)
{
	return !sa_isset(sa, SA_ALL) || sa_is_any(sa) ||
		(sa_af(sa) == AF_INET && sa_in(sa) >> 28 >= 14) ||
		(sa_af(sa) == AF_INET6 &&
		 IN6_IS_ADDR_MULTICAST(&sa->u.in6.sin6_addr));
}

static void renew_at(struct turn *t, const struct turn_msg *a, uint64_t now)
{
	const uint64_t life = (a->has_lifetime ? a->lifetime
			       : LIFETIME_DEFAULT) * SEC;

	t->renew = now + (life >= 2 * MARGIN ? life - MARGIN : life / 2);
}

static void ready(struct turn *t, const struct stun_pkt *m,
		  const struct turn_msg *a, uint64_t now)
{
	for (int i = 0; i < 2; i++)
		if (!useless(&a->relayed[i]))
			t->relayed[i] = a->relayed[i];
	if (!sa_isset(&t->relayed[0], SA_ADDR) &&
	    !sa_isset(&t->relayed[1], SA_ADDR)) {
		over(t, TURN_REFUSED, "allocates no address");
		return;
	}
	t->mapped = m->mapped;
	t->state = TURN_READY;
	t->keep = now + keepalive_interval(t->conf.keepalive, &t->conf.local,
					   &t->mapped);
	renew_at(t, a, now);
}

/* One family less (RFC 8656 section 7.2). */
static bool fewer_families(struct turn *t, uint16_t code)
{
	if (t->families == FAMILIES_BOTH &&
	    (code == 440 || code == 420 || code == 400))
		t->families = FAMILIES_DEFAULT;
	else if (t->families == FAMILIES_DEFAULT && code == 440)
		t->families = FAMILIES_IPV6;
	else
		return false;
	return true;
}

static void allocate_done(struct turn *t, struct turn_txn *x,
			  const struct stun_pkt *m, const struct turn_msg *a,
			  uint64_t now)
{
	if (!m)
		over(t, TURN_LOST, "does not answer");
	else if (m->cls == STUN_CLASS_SUCCESS_RESP)
		ready(t, m, a, now);
	else if (fewer_families(t, m->ecode))
		turnreq_start(t, x, x->method, main_body, x->doneh, now);
	else
		failed(t, m, a);
}

static void allocate(struct turn *t, uint64_t now)
{
	turnreq_start(t, &t->main, STUN_METHOD_ALLOCATE, main_body,
		      allocate_done, now);
}

static void refresh_done(struct turn *t, struct turn_txn *x,
			 const struct stun_pkt *m, const struct turn_msg *a,
			 uint64_t now)
{
	(void)x;
	if (!m)
		over(t, TURN_LOST, "does not answer any more");
	else if (m->cls == STUN_CLASS_SUCCESS_RESP)
		renew_at(t, a, now);
	else
		/* a name that has expired gets a new one next time */
		over(t, TURN_LOST, "has lost the allocation");
}

static void refresh(struct turn *t, uint64_t now)
{
	t->renew = UINT64_MAX;
	turnreq_start(t, &t->main, STUN_METHOD_REFRESH, main_body,
		      refresh_done, now);
}

static int set_auth(struct turn *t, const struct turn_conf *conf)
{
	if (conf->secret)
		return turn_auth_secret(&t->auth, conf->secret, conf->user,
					conf->wall + SECRET_LIFE);
	if (str_len(conf->user) >= sizeof t->auth.user ||
	    str_len(conf->password) >= sizeof t->auth.password)
		return EOVERFLOW;
	str_ncpy(t->auth.user, conf->user ? conf->user : "",
		 sizeof t->auth.user);
	str_ncpy(t->auth.password, conf->password ? conf->password : "",
		 sizeof t->auth.password);
	return 0;
}

int turn_alloc(struct turn **tp, const struct turn_conf *conf, uint64_t now)
{
	struct turn *t;
	int err;

	if (!tp || !conf || !conf->sendh || !conf->bindh || !conf->datah)
		return EINVAL;
	t = mem_zalloc(sizeof *t, turn_destructor);
	if (!t)
		return ENOMEM;
	t->conf = *conf;
	err = set_auth(t, conf);
	/* what only it needs is not kept */
	t->conf.user = t->conf.password = t->conf.secret = NULL;
	if (err) {
		mem_deref(t);
		return err;
	}
	sa_init(&t->relayed[0], AF_UNSPEC);
	sa_init(&t->relayed[1], AF_UNSPEC);
	sa_init(&t->mapped, AF_UNSPEC);
	sa_init(&t->alternate, AF_UNSPEC);
	t->renew = t->keep = UINT64_MAX;
	allocate(t, now);
	*tp = t;
	return 0;
}

bool turn_recv(struct turn *t, const struct stun_pkt *m, uint64_t now)
{
	if (t->state == TURN_OVER || (m->cls != STUN_CLASS_SUCCESS_RESP &&
				      m->cls != STUN_CLASS_ERROR_RESP))
		return false;
	return turnreq_recv(t, &t->main, main_body, m, now) ||
		turnpeer_recv(t, m, now);
}

/* NATs forget, and an allocation that waits to be needed says nothing. */
static void keep_open(struct turn *t, uint64_t now)
{
	uint8_t buf[STUN_HEADER_SIZE], tid[STUN_TID_SIZE];
	struct stun_out o;

	t->keep = now + keepalive_interval(t->conf.keepalive, &t->conf.local,
					   &t->mapped);
	if (RAND_bytes(tid, sizeof tid) != 1)
		return;
	stun_begin(&o, buf, sizeof buf, STUN_CLASS_INDICATION, tid);
	t->conf.sendh(buf, stun_end(&o), t->conf.arg);
}

void turn_tick(struct turn *t, uint64_t now)
{
	if (t->state == TURN_OVER)
		return;
	turnreq_tick(t, &t->main, main_body, now);
	if (t->state != TURN_READY)
		return;
	turnpeer_tick(t, now);
	if (now >= t->renew)
		refresh(t, now);
	if (now >= t->keep)
		keep_open(t, now);
}

uint64_t turn_next(const struct turn *t)
{
	if (t->state == TURN_OVER)
		return UINT64_MAX;
	return min(min(turnreq_next(t, &t->main), turnpeer_next(t)),
		   min(t->renew, t->keep));
}

enum turn_state turn_state(const struct turn *t)
{
	return t->state;
}

const struct sa *turn_relayed(const struct turn *t, int af)
{
	const struct sa *sa = &t->relayed[af == AF_INET6];

	return sa_isset(sa, SA_ADDR) ? sa : NULL;
}

const struct sa *turn_mapped(const struct turn *t)
{
	return &t->mapped;
}

enum turn_end turn_end(const struct turn *t)
{
	return t->end;
}

const char *turn_why(const struct turn *t)
{
	return t->why;
}

const struct sa *turn_alternate(const struct turn *t)
{
	return &t->alternate;
}

void turn_permit(struct turn *t, const struct sa *peer, uint64_t now)
{
	if (t->state == TURN_READY)
		turnpeer_permit(t, peer, now);
}

int turn_to(struct turn *t, const struct sa *peer, const uint8_t *buf,
	    size_t len, uint64_t now)
{
	return t->state == TURN_READY ? turnpeer_to(t, peer, buf, len, now)
		: ENOTCONN;
}

void turn_probe(struct turn *t, uint64_t now)
{
	if (t->state == TURN_READY && !t->main.active)
		refresh(t, now);
}

size_t turn_last(struct turn *t, uint8_t *buf, size_t size)
{
	struct turn_txn x = { .method = STUN_METHOD_REFRESH };

	/* while asking: it may be allocated before this is read */
	if (t->state == TURN_OVER || !*t->auth.realm ||
	    RAND_bytes(x.tid, sizeof x.tid) != 1)
		return 0;
	return turnreq_write(t, &x, last_body, buf, size);
}
