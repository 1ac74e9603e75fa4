/*
 * stunq.c: STUN packets on their way to the control thread.
 *
 *   worker: push --> ring --> report when it was empty --> control: stunh
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include "tunnels/flow/stunq.h"

enum {
	SLOTS = 128,
	SLOT_SIZE = 1500,       /* ours are below 600 bytes */
};

struct slot {
	int proto;
	struct sa local, src;
	size_t len;
	uint8_t buf[SLOT_SIZE];
};

struct stunq {
	pthread_mutex_t lock;
	unsigned head, n;       /* of what is in the ring */
	struct reports *reports;
	struct report report;
	worker_stun_h *h;       /* NULL: nobody listens any more */
	void *arg;
	struct slot slots[SLOTS];
};

static void stunq_destructor(void *arg)
{
	struct stunq *q = arg;

	(void)pthread_mutex_destroy(&q->lock);
}

int stunq_alloc(struct stunq **qp, struct reports *reports,
		worker_stun_h *h, void *arg)
{
	struct stunq *q = mem_zalloc(sizeof *q, stunq_destructor);

	if (!q)
		return ENOMEM;
	(void)pthread_mutex_init(&q->lock, NULL);
	q->reports = reports;
	q->h = h;
	q->arg = arg;
	*qp = q;
	return 0;
}

static bool pop(struct stunq *q, struct slot *out)
{
	const struct slot *s;
	bool some;

	(void)pthread_mutex_lock(&q->lock);
	some = q->n > 0;
	if (some) {
		s = &q->slots[q->head];
		out->proto = s->proto;
		out->local = s->local;
		out->src = s->src;
		out->len = s->len;
		memcpy(out->buf, s->buf, s->len);
		q->head = (q->head + 1) % SLOTS;
		--q->n;
	}
	(void)pthread_mutex_unlock(&q->lock);
	return some;
}

/* Bounded: what comes in while we work is told anew. stunh may drop the
 * worker: the reference is ours alone then, and there is no more to do. */
static void run(void *arg)
{
	struct stunq *q = mem_ref(arg);
	struct slot s;
	unsigned left = SLOTS;

	while (left-- && mem_nrefs(q) > 1 && pop(q, &s))
		q->h(s.proto, &s.local, &s.src, s.buf, s.len, q->arg);
	mem_deref(q);
}

void stunq_push(struct stunq *q, const struct udp_rx *rx)
{
	struct slot *s;

	if (!q->h || rx->len > SLOT_SIZE)
		return;
	(void)pthread_mutex_lock(&q->lock);
	if (q->n < SLOTS) {
		s = &q->slots[(q->head + q->n++) % SLOTS];
		s->proto = rx->proto;
		s->local = rx->local;
		s->src = rx->src;
		s->len = rx->len;
		memcpy(s->buf, rx->buf, rx->len);
	}
	(void)pthread_mutex_unlock(&q->lock);
	report_tell(q->reports, &q->report, run, q);
}
