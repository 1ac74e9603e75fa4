/*
 * stuns.c: names to addresses. Each server counts with its first address
 * before any counts with its second: what several servers see tells how the
 * NAT behaves. Called by environs.c.
 */
#include <errno.h>
#include "sdp/base/resolve.h"
#include "sipd/log.h"
#include "sipd/stuns.h"

enum { STUN_PORT_DEFAULT = 3478 };

struct server {
	struct stuns *all;
	char host[256];
	struct resolve *q;              /* being asked for */
	struct sa sav[RESOLVE_MAX];
	size_t sac;
};

struct stuns {
	struct mailbox *mailbox;
	void (*h)(const struct sa *sav, size_t sac, void *arg);
	void *arg;
	struct server v[STUNS_MAX];
	size_t n;
};

static void stuns_destructor(void *arg)
{
	struct stuns *s = arg;

	for (size_t i = 0; i < s->n; i++)
		mem_deref(s->v[i].q);
}

static void tell(struct stuns *s)
{
	struct sa sav[STUNS_MAX];
	size_t n = 0;

	for (size_t k = 0; k < RESOLVE_MAX; k++)
		for (size_t i = 0; i < s->n; i++)
			if (k < s->v[i].sac && n < STUNS_MAX)
				sav[n++] = s->v[i].sav[k];
	s->h(sav, n, s->arg);
}

static void answer_handler(int err, const struct sa *sav, size_t sac,
			   void *arg)
{
	struct server *v = arg;
	(void)err;

	if (!sac)
		log_warn("the STUN server %s is not known to the DNS",
			 v->host);
	v->sac = min(sac, (size_t)RESOLVE_MAX);
	for (size_t i = 0; i < v->sac; i++)
		v->sav[i] = sav[i];
	v->q = mem_deref(v->q);
	tell(v->all);
}

static void add(struct stuns *s, const struct pl *item)
{
	struct server *v = &s->v[s->n];
	struct pl host = *item, port = pl_null, name;
	uint16_t number = STUN_PORT_DEFAULT;

	v->all = s;
	if (!sa_decode(&v->sav[0], item->p, item->l) ||
	    !sa_set(&v->sav[0], item, STUN_PORT_DEFAULT)) {
		v->sac = 1;
		s->n++;
		return;
	}
	if (!re_regex(item->p, item->l, "[^:]+:[0-9]+", &name, &port)) {
		host = name;
		number = (uint16_t)pl_u32(&port);
	}
	if (pl_strcpy(&host, v->host, sizeof v->host))
		return;
	s->n++;
	(void)resolve_name(&v->q, s->mailbox, v->host, number,
			   answer_handler, v);
}

int stuns_alloc(struct stuns **sp, struct mailbox *mailbox, const char *list,
		void (*h)(const struct sa *sav, size_t sac, void *arg),
		void *arg)
{
	struct stuns *s = mem_zalloc(sizeof *s, stuns_destructor);
	struct pl left, item, rest;

	if (!s)
		return ENOMEM;
	s->mailbox = mailbox;
	s->h = h;
	s->arg = arg;
	pl_set_str(&left, list ? list : "");
	while (s->n < STUNS_MAX && left.l &&
	       !re_regex(left.p, left.l, "[^, ]+[, ]*[~]*", &item, NULL,
			 &rest)) {
		left = rest;
		add(s, &item);
	}
	tell(s);
	*sp = s;
	return 0;
}

bool stuns_waiting(const struct stuns *s)
{
	for (size_t i = 0; s && i < s->n; i++)
		if (s->v[i].q)
			return true;
	return false;
}
