/*
 * quota.c: token buckets by source, before authentication.
 *
 *   datagram, message, connection --> source's place --> pass, refuse, drop
 *
 * Owns a table of fixed size: SETS sets of WAYS places, found by a keyed
 * hash, so that nobody can choose whom he pushes out. Nothing is allocated
 * for a packet. Buckets are counted in nanoseconds: one is full with
 * QUOTA_BURST seconds, and a message costs 1/rate of a second. Asked by the
 * sockets of ua and registrar.
 */
#include <string.h>
#include <sodium.h>
#include "sdp/base/clock.h"
#include "sdp/base/recompat.h"
#include "sipd/sip/quota.h"

enum {
	SETS = 1024,
	WAYS = 4,
	KNOWN_TIME = 3660,      /* s: the longest registration and some */
	LINES = 10,             /* of log a second */
	FULL_TIME = 60,         /* s until it is said again */
	EARNED = 4,             /* minutes of bytes that can be saved up */
};

#define BYTE_COST (60 * SEC / QUOTA_BYTES)      /* ns for a byte */

/* The address of an IPv4 source, the network of an IPv6 one. */
struct key {
	uint8_t v[8];
	uint8_t af;             /* 4, 6; 0: the place is free */
};

struct place {
	struct key key;
	uint16_t told, conns, guesses;
	bool crowded;           /* it was told of its connections */
	uint64_t seen;          /* when the buckets were filled up last */
	uint64_t credit, bytes; /* ns */
	uint64_t proven, exempt;        /* until */
	uint64_t guess;         /* since */
};

struct quota {
	uint8_t secret[crypto_shorthash_KEYBYTES];
	uint64_t cost;          /* ns of a message; 0: no limit */
	void (*logh)(const char *line, void *arg);
	void *arg;
	uint64_t second;        /* of the lines */
	unsigned lines;
	uint64_t full;          /* when it may be said again */
	struct place v[SETS][WAYS];
};

int quota_alloc(struct quota **qp, uint32_t rate,
		void (*logh)(const char *line, void *arg), void *arg)
{
	struct quota *q = mem_zalloc(sizeof *q, NULL);

	if (!q)
		return ENOMEM;
	rand_bytes(q->secret, sizeof q->secret);
	q->logh = logh;
	q->arg = arg;
	quota_rate(q, rate);
	*qp = q;
	return 0;
}

void quota_rate(struct quota *q, uint32_t rate)
{
	if (q)
		q->cost = rate ? SEC / rate : 0;
}

static void tell(struct quota *q, const char *fmt, ...)
{
	const uint64_t second = clock_ns() / SEC;
	char line[256];
	va_list ap;

	if (second != q->second) {
		q->second = second;
		q->lines = 0;
	}
	if (!q->logh || q->lines++ >= LINES)
		return;
	va_start(ap, fmt);
	(void)re_vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	for (char *p = line; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	q->logh(line, q->arg);
}

/* ---- places ---- */

static void key_make(struct key *k, const struct sa *sa)
{
	memset(k, 0, sizeof *k);
	if (sa_af(sa) == AF_INET6) {
		k->af = 6;
		memcpy(k->v, &sa->u.in6.sin6_addr, 8);
	}
	else {
		k->af = 4;
		memcpy(k->v, &sa->u.in.sin_addr, 4);
	}
}

static struct place *set_of(struct quota *q, const struct key *k)
{
	uint8_t h[crypto_shorthash_BYTES];
	unsigned i;

	crypto_shorthash(h, (const uint8_t *)k, sizeof *k, q->secret);
	i = (h[0] | (unsigned)h[1] << 8) % SETS;
	return q->v[i];
}

static struct place *find(struct quota *q, const struct sa *sa)
{
	struct place *v;
	struct key k;

	key_make(&k, sa);
	v = set_of(q, &k);
	for (unsigned i = 0; i < WAYS; i++)
		if (!memcmp(&v[i].key, &k, sizeof k))
			return &v[i];
	return NULL;
}

/* Whom would we rather forget: strangers, and of these the one longest
 * silent. */
static bool lesser(const struct place *a, const struct place *b, uint64_t now)
{
	const bool keep_a = a->exempt > now || a->conns;
	const bool keep_b = b->exempt > now || b->conns;

	return keep_a != keep_b ? keep_b : a->seen < b->seen;
}

static struct place *place_new(struct quota *q, const struct sa *sa,
			       uint64_t now)
{
	struct place *v, *p;
	struct key k;

	key_make(&k, sa);
	p = v = set_of(q, &k);
	for (unsigned i = 1; i < WAYS; i++)
		if (lesser(&v[i], p, now))
			p = &v[i];
	memset(p, 0, sizeof *p);
	p->key = k;
	p->credit = QUOTA_BURST * SEC;
	p->bytes = 60 * SEC;
	return p;
}

/* Its place, with what time has given it meanwhile. */
static struct place *place_of(struct quota *q, const struct sa *sa)
{
	const uint64_t now = clock_ns();
	struct place *p = find(q, sa);

	if (!p)
		p = place_new(q, sa, now);
	else if (now > p->seen) {
		const uint64_t dt = now - p->seen;

		p->credit = MIN(p->credit + dt, QUOTA_BURST * SEC);
		if (p->bytes < 60 * SEC)
			p->bytes = MIN(p->bytes + dt, 60 * SEC);
		if (p->credit > QUOTA_BURST * SEC / 2)
			p->told = 0;
	}
	p->seen = now;
	return p;
}

/* ---- what comes and goes ---- */

enum quota_verdict quota_take(struct quota *q, const struct sa *src, size_t n)
{
	struct place *p;

	if (!q || !q->cost)
		return QUOTA_PASS;
	p = place_of(q, src);
	if (p->bytes < EARNED * 60 * SEC)
		p->bytes += n * BYTE_COST;
	if (p->exempt > p->seen)
		return QUOTA_PASS;
	if (p->credit >= q->cost) {
		p->credit -= q->cost;
		return QUOTA_PASS;
	}
	if (p->told >= QUOTA_TOLD)
		return QUOTA_DROP;
	if (!p->told++)
		tell(q, "SIP from %j is refused for now: more than"
		     " source-rate lets it ask", src);
	return QUOTA_REFUSE;
}

bool quota_answer(struct quota *q, const struct sa *dst, size_t n)
{
	const uint64_t cost = n * BYTE_COST;
	struct place *p;

	if (!q || !q->cost)
		return true;
	p = place_of(q, dst);
	if (p->exempt > p->seen || p->proven > p->seen)
		return true;
	if (p->bytes < cost)
		return false;
	p->bytes -= cost;
	return true;
}

void quota_proven(struct quota *q, const struct sa *src)
{
	struct place *p = q ? place_of(q, src) : NULL;

	if (p)
		p->proven = p->seen + KNOWN_TIME * SEC;
}

void quota_exempt(struct quota *q, const struct sa *src)
{
	struct place *p = q ? place_of(q, src) : NULL;

	if (p)
		p->exempt = p->seen + KNOWN_TIME * SEC;
}

bool quota_enter(struct quota *q, const struct sa *src)
{
	struct place *p;

	if (!q)
		return true;
	p = place_of(q, src);
	if (p->conns >= QUOTA_CONNS) {
		if (!p->crowded)
			tell(q, "connections from %j are refused for now: %u"
			     " are open and have said nothing", src,
			     QUOTA_CONNS);
		p->crowded = true;
		return false;
	}
	++p->conns;
	return true;
}

void quota_leave(struct quota *q, const struct sa *src)
{
	struct place *p = q ? find(q, src) : NULL;

	if (p && p->conns && --p->conns < QUOTA_CONNS / 2)
		p->crowded = false;
}

void quota_full(struct quota *q, const struct sa *src, unsigned most)
{
	const uint64_t now = clock_ns();

	if (!q || now < q->full)
		return;
	q->full = now + FULL_TIME * SEC;
	tell(q, "connections are refused for now, one from %j among them: %u"
	     " are open, which is the most (see ss -tn)", src, most);
}

/* ---- passwords ---- */

void quota_guess(struct quota *q, const struct sa *src, const struct pl *user)
{
	struct place *p;

	if (!q)
		return;
	p = place_of(q, src);
	if (p->seen - p->guess > QUOTA_GUESS_TIME * SEC) {
		p->guess = p->seen;
		p->guesses = 0;
	}
	++p->guesses;
	tell(q, "a wrong password for the user \"%b\" from %j%s", user->p,
	     MIN(user->l, 64), src, p->guesses < QUOTA_GUESSES ? "" :
	     ": no more from there for a minute");
}

bool quota_guessed(struct quota *q, const struct sa *src)
{
	const struct place *p = q ? find(q, src) : NULL;

	return p && p->guesses >= QUOTA_GUESSES &&
		clock_ns() - p->guess <= QUOTA_GUESS_TIME * SEC;
}
