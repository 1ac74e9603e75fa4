/*
 * quicorder.c: which stream of a QUIC connection sends next. Those with
 * something to send take turns, those of higher priority first.
 *
 *   ready --> sendl --> a turn's bytes --> behind all of its priority
 *        \      ^
 *         laterl   patient: until something goes anyway, or LATER_TIME
 */
#include "tunnels/flow/quicorder.h"

enum { TURN_SIZE = 32 << 10 };          /* then another stream is served */

#define LATER_TIME MSEC                 /* see stream_patient */

/* Behind all of its priority. */
static void queue(struct qstream *q)
{
	struct list *l = &q->c->sendl;
	struct le *le = list_tail(l);

	while (le && ((struct qstream *)le->data)->prio < q->prio)
		le = le->prev;
	if (le)
		list_insert_after(l, le, &q->send, q);
	else
		list_prepend(l, &q->send, q);
	q->turn = 0;
}

void quicorder_hurry(struct qconn *c)
{
	struct le *le;

	timer_stop(&c->later);
	while ((le = list_head(&c->laterl))) {
		list_unlink(le);
		queue(le->data);
	}
}

static void later_handler(void *arg)
{
	struct qconn *c = arg;

	quicorder_hurry(c);
	quic_kick(c);
}

/* false: it has to go now. */
static bool may_wait(struct qstream *q)
{
	struct qconn *c = q->c;

	if (!q->s.patient)
		return false;
	if (q->send.list)
		return true;
	if (list_isempty(&c->laterl) &&
	    timer_start(loop_timers(c->f.loop), &c->later, LATER_TIME,
			later_handler, c))
		return false;
	list_append(&c->laterl, &q->send, q);
	return true;
}

void quicorder_ready(struct qstream *q)
{
	if (q->id < 0 || q->send.list == &q->c->sendl || q->blocked ||
	    !quicorder_unsent(q))
		return;
	if (may_wait(q))
		return;
	list_unlink(&q->send);
	queue(q);
	quic_kick(q->c);
}

void quicorder_sent(struct qstream *q, size_t n)
{
	q->turn += n;
	if (quicorder_unsent(q) && q->turn < TURN_SIZE)
		return;
	list_unlink(&q->send);
	if (quicorder_unsent(q))
		queue(q);
}

void quicorder_again(struct qstream *q)
{
	if (q->send.list != &q->c->sendl)
		return;
	list_unlink(&q->send);
	queue(q);
}

void quicorder_end(struct qconn *c)
{
	list_clear(&c->sendl);
	list_clear(&c->laterl);
	timer_stop(&c->later);
}
