/*
 * side.h: for the tests of tunnels/flow/quic*.c: two workers on loopback, with
 * two identities.
 */
#ifndef DIALTONE_QUIC_SIDE_H
#define DIALTONE_QUIC_SIDE_H

#include "tests/unit/tunnels/relay.h"
#include "tests/unit/tunnels/twoends.h"
#include "tunnels/flow/quic.h"

struct side {
	struct worker *w;
	struct quic *q;
	struct flow *f;
	int secured, ended;
	enum flow_end why;
	uint64_t code;
	char text[300];
	uint8_t got_fp[32];
	int stuns;
	struct sa stun_local, stun_src;
};

static inline void stunh(int proto, const struct sa *local,
			 const struct sa *src, const uint8_t *buf, size_t len,
			 void *arg)
{
	struct side *s = arg;

	CU_ASSERT_EQUAL(proto, IPPROTO_UDP);
	if (len == 20 && buf[0] == 0)
		++s->stuns;
	s->stun_local = *local;
	s->stun_src = *src;
}

static inline void securedh(struct flow *f, void *arg)
{
	struct side *s = arg;

	++s->secured;
	s->f = f;
}

static inline void endh(enum flow_end why, uint64_t code, const char *text,
			const uint8_t *got_fp, void *arg)
{
	struct side *s = arg;

	++s->ended;
	s->why = why;
	s->code = code;
	str_ncpy(s->text, text, sizeof s->text);
	memcpy(s->got_fp, got_fp, sizeof s->got_fp);
}

static const struct quic_handlers quic_handlers = { securedh, endh };

static inline void start_worker(struct side *s)
{
	struct worker_conf conf = { .control = control, .stunh = stunh,
				    .arg = s };

	memset(s, 0, sizeof *s);
	CU_ASSERT_EQUAL_FATAL(worker_alloc(&s->w, &conf), 0);
}

static inline void start_quic_idle(struct side *s, bool client, int me,
				   int peer, uint8_t seed, uint64_t idle)
{
	struct quic_conf conf = { .client = client, .identity = ids[me],
				  .idle = idle };

	memcpy(conf.peer_fp, identity_fp(ids[peer]), 32);
	memset(conf.seed, seed, sizeof conf.seed);
	CU_ASSERT_EQUAL_FATAL(quic_alloc(&s->q, s->w, &conf, &quic_handlers,
					 s), 0);
}

static inline void start_quic(struct side *s, bool client, int me, int peer,
			      uint8_t seed)
{
	start_quic_idle(s, client, me, peer, seed, 0);
}

static inline void set_path(struct side *s, uint16_t port)
{
	struct sa local, remote;

	path_to(s->w, port, &local, &remote);
	quic_path(s->q, IPPROTO_UDP, &local, &remote);
	quic_consent(s->q, clock_ns() + CONSENT);
}

static inline void join(struct side *a, struct side *b)
{
	set_path(a, worker_port(b->w, AF_INET));
	set_path(b, worker_port(a->w, AF_INET));
}

static inline void wait_secured(struct side *a, struct side *b)
{
	WAIT_FOR(a->secured && b->secured);
	if (!a->secured || !b->secured)
		CU_FAIL_FATAL("not secured");
}

static inline void connect_pair(struct side *a, struct side *b)
{
	start_worker(a);
	start_worker(b);
	start_quic(a, true, 0, 1, 1);
	start_quic(b, false, 1, 0, 1);
	join(a, b);
	wait_secured(a, b);
}

static inline void connect_over(struct relay *r, struct side *a,
				struct side *b)
{
	start_worker(a);
	start_worker(b);
	relay_run(r, worker_port(a->w, AF_INET), worker_port(b->w, AF_INET));
	start_quic(a, true, 0, 1, 1);
	start_quic(b, false, 1, 0, 1);
	set_path(a, r->port[0]);
	set_path(b, r->port[1]);
	wait_secured(a, b);
}

static inline void stop(struct side *s)
{
	s->q = mem_deref(s->q);
	s->w = mem_deref(s->w);
	control_run(0);
}

static inline void stop_pair(struct side *a, struct side *b)
{
	stop(a);
	stop(b);
}

#endif
