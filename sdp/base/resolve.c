/*
 * resolve.c: getaddrinfo, and SRV records, in a thread of its own, which ends with its answer.
 *
 * The question is shared by two threads, so it is malloc'ed and counted under
 * a lock of its own; the handle is libre's and belongs to the asker.
 */
#include <errno.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <pthread.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "sdp/base/resolve.h"

enum { SRV_MAX = 8, ANSWER_MAX = 4096 };

struct srv {
	uint16_t prio, weight, port;
	char host[256];
};

struct question {
	struct resolve *owner;          /* asker's thread only; NULL: gone */
	struct mailbox *box;
	char service[32];               /* "": none */
	char host[256];
	uint16_t port;
	struct sa sav[RESOLVE_MAX];
	size_t sac;
	int err;
};

struct resolve {
	struct question *q;
	resolve_h *h;
	void *arg;
};

static void resolve_destructor(void *arg)
{
	struct resolve *r = arg;

	if (r->q)
		r->q->owner = NULL;
}

/* In the asker's thread. */
static void answer_handler(void *data)
{
	struct question *q = data;
	struct resolve *r = q->owner;

	if (r) {
		r->q = NULL;
		r->h(q->err, q->sav, q->sac, r->arg);
	}
	mem_deref(q->box);
	free(q);
}

/* By priority, and then the heavier first: a client that asks once has no
 * use for the draw by lots. */
static size_t srv_add(struct srv *v, size_t n, const struct srv *s)
{
	size_t i = n;

	for (; i && (v[i - 1].prio > s->prio ||
		     (v[i - 1].prio == s->prio &&
		      v[i - 1].weight < s->weight)); i--)
		v[i] = v[i - 1];
	v[i] = *s;
	return n + 1;
}

static size_t srv_look_up(struct srv v[SRV_MAX], const struct question *q)
{
	uint8_t answer[ANSWER_MAX];
	struct __res_state rs = { .options = 0 };
	char name[320];
	size_t n = 0;
	ns_msg m;
	int len = -1;

	(void)re_snprintf(name, sizeof name, "%s.%s", q->service, q->host);
	if (!res_ninit(&rs)) {
		len = res_nquery(&rs, name, ns_c_in, ns_t_srv, answer,
				 sizeof answer);
		res_nclose(&rs);
	}
	if (len <= 0 || ns_initparse(answer, min(len, (int)sizeof answer),
				     &m))
		return 0;
	for (int i = 0; i < ns_msg_count(m, ns_s_an) && n < SRV_MAX; i++) {
		struct srv s;
		const uint8_t *p;
		ns_rr rr;

		if (ns_parserr(&m, ns_s_an, i, &rr) ||
		    ns_rr_type(rr) != ns_t_srv || ns_rr_rdlen(rr) < 7)
			continue;
		p = ns_rr_rdata(rr);
		s.prio = (uint16_t)ns_get16(p);
		s.weight = (uint16_t)ns_get16(p + 2);
		s.port = (uint16_t)ns_get16(p + 4);
		if (ns_name_uncompress(answer, answer + len, p + 6, s.host,
				       sizeof s.host) > 0 && s.port &&
		    *s.host && strcmp(s.host, "."))
			n = srv_add(v, n, &s);
	}
	return n;
}

static int host_look_up(struct question *q, const char *host, uint16_t port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *ail = NULL;
	int ret = getaddrinfo(host, NULL, &hints, &ail);

	for (struct addrinfo *ai = ail; ai && q->sac < RESOLVE_MAX;
	     ai = ai->ai_next) {
		struct sa *sa = &q->sav[q->sac];

		if (sa_set_sa(sa, ai->ai_addr))
			continue;
		sa_set_port(sa, port);
		q->sac++;
	}
	if (ail)
		freeaddrinfo(ail);
	return ret;
}

static void *look_up(void *arg)
{
	struct question *q = arg;
	struct srv srvv[SRV_MAX];
	size_t n = *q->service ? srv_look_up(srvv, q) : 0;
	int ret = 0;

	for (size_t i = 0; i < n; i++)
		ret = host_look_up(q, srvv[i].host, srvv[i].port);
	if (!n)
		ret = host_look_up(q, q->host, q->port);
	if (!q->sac)
		q->err = ret == EAI_AGAIN ? EAGAIN : ENOENT;
	/* no memory for the post: the asker's own time-out ends it */
	(void)mailbox_post(q->box, answer_handler, q);
	return NULL;
}

int resolve_service(struct resolve **rp, struct mailbox *box,
		    const char *service, const char *host, uint16_t port,
		    resolve_h *h, void *arg)
{
	struct resolve *r;
	struct question *q;
	pthread_attr_t attr;
	pthread_t th;
	int err;

	if (!rp || !box || !host || !h)
		return EINVAL;
	r = mem_zalloc(sizeof *r, resolve_destructor);
	q = calloc(1, sizeof *q);
	if (!r || !q) {
		err = ENOMEM;
		goto out;
	}
	q->owner = r;
	q->box = mem_ref(box);
	q->port = port;
	(void)str_ncpy(q->host, host, sizeof q->host);
	(void)str_ncpy(q->service, service, sizeof q->service);
	r->q = q;
	r->h = h;
	r->arg = arg;
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&th, &attr, look_up, q);
	(void)pthread_attr_destroy(&attr);
	if (err)
		mem_deref(box);
 out:
	if (err) {
		if (r)
			r->q = NULL;
		mem_deref(r);
		free(q);
	}
	else {
		*rp = r;
	}
	return err;
}

int resolve_name(struct resolve **rp, struct mailbox *box, const char *host,
		 uint16_t port, resolve_h *h, void *arg)
{
	return resolve_service(rp, box, "", host, port, h, arg);
}
