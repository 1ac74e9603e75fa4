/*
 * resolve.c: getaddrinfo in a thread of its own, which ends with its answer.
 *
 * The question is shared by two threads, so it is malloc'ed and counted under
 * a lock of its own; the handle is libre's and belongs to the asker.
 */
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "sdp/base/resolve.h"

struct question {
	struct resolve *owner;          /* asker's thread only; NULL: gone */
	struct mailbox *box;
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

static void *look_up(void *arg)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct question *q = arg;
	struct addrinfo *ail = NULL;
	int ret = getaddrinfo(q->host, NULL, &hints, &ail);

	for (struct addrinfo *ai = ail; ai && q->sac < RESOLVE_MAX;
	     ai = ai->ai_next) {
		struct sa *sa = &q->sav[q->sac];

		if (sa_set_sa(sa, ai->ai_addr))
			continue;
		sa_set_port(sa, q->port);
		q->sac++;
	}
	if (ail)
		freeaddrinfo(ail);
	if (!q->sac)
		q->err = ret == EAI_AGAIN ? EAGAIN : ENOENT;
	/* no memory for the post: the asker's own time-out ends it */
	(void)mailbox_post(q->box, answer_handler, q);
	return NULL;
}

int resolve_name(struct resolve **rp, struct mailbox *box, const char *host,
		 uint16_t port, resolve_h *h, void *arg)
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
