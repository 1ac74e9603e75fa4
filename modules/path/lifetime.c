/*
 * lifetime.c: all mappings are made at once, each is left alone for a time of
 * its own, and one socket has the server send to them, one after the other.
 * A mapping is asked for once, because the answer may refresh it.
 *
 *   sockets 0..17 --Binding--> server       then nothing, for idlev[] seconds
 *   socket 18 --RESPONSE-PORT of socket i--> server --> socket i: it lives
 *             --without------------------->        --> socket 18: so i's is
 *                                                      gone, not the server
 *
 * Each request is sent up to four times: in vain within a second if it is to
 * a mapping, which may be gone; within four to the server, whose silence would
 * be the end of all. Called by natlife.c.
 */
#include <errno.h>
#include <string.h>
#include <openssl/rand.h>
#include "modules/path/lifetime.h"
#include "modules/path/stun.h"
#include "sdp/base/clock.h"

#define RTO (250 * MSEC)

enum { TXC_MAX = 4, ASKER = LIFETIME_STEPS };

/* Seconds. The first shows that the server is able to do it. */
static const uint8_t idlev[LIFETIME_STEPS] = {
	0, 2, 4, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 75, 90, 105, 120
};

enum phase { OPENING, IDLE, ASKING, DOUBTING, OVER };

struct step {
	uint8_t open[STUN_TID_SIZE], ask[STUN_TID_SIZE];
	uint16_t port;          /* outside; 0: not known */
	uint64_t since;         /* idle */
};

struct lifetime {
	struct lifetime_conf conf;
	struct step stepv[LIFETIME_STEPS];
	unsigned cur;
	enum phase phase;
	unsigned txc;           /* in this phase */
	uint64_t next;
	uint8_t plain[STUN_TID_SIZE];
	struct lifetime_result res;
};

/* port 0: answer to who asks */
static void transmit(struct lifetime *l, unsigned sock, const uint8_t *tid,
		     uint16_t port)
{
	const uint8_t attr[2] = { (uint8_t)(port >> 8), (uint8_t)port };
	uint8_t buf[STUN_HEADER_SIZE + 16];
	struct stun_out o;

	stun_begin(&o, buf, sizeof buf, STUN_CLASS_REQUEST, tid);
	if (port)
		stun_put(&o, STUN_ATTR_RESP_PORT, attr, sizeof attr);
	stun_put_fingerprint(&o);
	l->conf.sendh(sock, &l->conf.server, buf, stun_end(&o), l->conf.arg);
}

static void end(struct lifetime *l, enum lifetime_state state)
{
	l->phase = OVER;
	l->next = UINT64_MAX;
	l->res.state = state;
}

static void enter(struct lifetime *l, enum phase phase, uint64_t next)
{
	l->phase = phase;
	l->txc = 0;
	l->next = next;
}

static void again(struct lifetime *l, uint64_t now)
{
	l->next = now + (l->phase == ASKING ? RTO : RTO << l->txc);
	l->txc++;
}

/* Wait for the next mapping that was made. */
static void await(struct lifetime *l, unsigned i)
{
	while (i < LIFETIME_STEPS && !l->stepv[i].port)
		i++;
	if (i == LIFETIME_STEPS) {
		end(l, l->cur ? LIFETIME_LONGER : LIFETIME_SILENT);
		return;
	}
	l->cur = i;
	enter(l, IDLE, l->stepv[i].since + idlev[i] * SEC);
}

static void open_all(struct lifetime *l, uint64_t now)
{
	unsigned missing = 0;

	for (unsigned i = 0; i < LIFETIME_STEPS; i++)
		missing += !l->stepv[i].port;
	if (!missing || l->txc == TXC_MAX) {
		await(l, 0);
		return;
	}
	for (unsigned i = 0; i < LIFETIME_STEPS; i++)
		if (!l->stepv[i].port)
			transmit(l, i, l->stepv[i].open, 0);
	again(l, now);
}

static void ask(struct lifetime *l, uint64_t now)
{
	const struct step *s = &l->stepv[l->cur];

	if (l->phase == ASKING && l->txc == TXC_MAX)
		enter(l, DOUBTING, now);
	if (l->txc == TXC_MAX) {
		end(l, LIFETIME_SILENT);
		return;
	}
	if (l->phase == ASKING)
		transmit(l, ASKER, s->ask, s->port);
	else
		transmit(l, ASKER, l->plain, 0);
	again(l, now);
}

void lifetime_tick(struct lifetime *l, uint64_t now)
{
	if (now < l->next)
		return;
	if (l->phase == IDLE)
		enter(l, ASKING, now);
	if (l->phase == OPENING)
		open_all(l, now);
	else
		ask(l, now);
}

int lifetime_alloc(struct lifetime **lp, const struct lifetime_conf *conf,
		   uint64_t now)
{
	struct lifetime *l;
	bool ok;

	if (!lp || !conf || !conf->sendh)
		return EINVAL;
	l = mem_zalloc(sizeof *l, NULL);
	if (!l)
		return ENOMEM;
	l->conf = *conf;
	ok = RAND_bytes(l->plain, sizeof l->plain) == 1;
	for (unsigned i = 0; i < LIFETIME_STEPS && ok; i++) {
		struct step *s = &l->stepv[i];

		ok = RAND_bytes(s->open, sizeof s->open) == 1 &&
			RAND_bytes(s->ask, sizeof s->ask) == 1;
	}
	if (!ok) {
		mem_deref(l);
		return EIO;
	}
	enter(l, OPENING, now);
	lifetime_tick(l, now);
	*lp = l;
	return 0;
}

static bool is(const struct stun_pkt *m, const uint8_t tid[STUN_TID_SIZE])
{
	return !memcmp(m->tid, tid, STUN_TID_SIZE);
}

static void recv_mapping(struct lifetime *l, unsigned i,
			 const struct stun_pkt *m, uint64_t now)
{
	struct step *s = &l->stepv[i];

	if (m->cls != STUN_CLASS_SUCCESS_RESP)
		return;
	if (is(m, s->open) && sa_port(&m->mapped)) {
		s->port = sa_port(&m->mapped);
		s->since = now;
	}
	else if (l->phase > IDLE && i == l->cur && is(m, s->ask)) {
		l->res.alive = idlev[i];
		await(l, i + 1);
	}
}

/* What the asker hears speaks against the mapping: the server has heard and
 * the mapping has not, or the server knows no RESPONSE-PORT. */
static void recv_asker(struct lifetime *l, const struct stun_pkt *m)
{
	if (l->phase == ASKING && is(m, l->stepv[l->cur].ask)) {
		end(l, LIFETIME_UNABLE);
	}
	else if (l->phase == DOUBTING && is(m, l->plain)) {
		l->res.gone = idlev[l->cur];
		end(l, l->cur ? LIFETIME_FOUND : LIFETIME_UNABLE);
	}
}

void lifetime_recv(struct lifetime *l, unsigned sock, const struct sa *src,
		   const uint8_t *buf, size_t len, uint64_t now)
{
	struct stun_pkt m;

	if (l->phase == OVER || !sa_cmp(src, &l->conf.server, SA_ALL) ||
	    stun_parse(&m, buf, len) || m.method != STUN_METHOD_BINDING ||
	    m.cls == STUN_CLASS_REQUEST)
		return;
	if (sock == ASKER)
		recv_asker(l, &m);
	else if (sock < ASKER)
		recv_mapping(l, sock, &m, now);
}

uint64_t lifetime_next(const struct lifetime *l)
{
	return l->next;
}

const struct lifetime_result *lifetime_result(const struct lifetime *l)
{
	return &l->res;
}
