/*
 * parley.c: one stream, its records and its end, for pair.c and greet.c.
 */
#include <errno.h>
#include "tunnels/pair/parley.h"

#define PATIENCE (30 * SEC)     /* with the peer */

void parley_over(struct parley *p, int err, const char *text)
{
	timer_stop(&p->timer);
	ending_set(&p->end, err, "%s", text);
}

static void disagree(struct parley *p)
{
	stream_reset(p->s, record_errno_code(EACCES));
	p->s = p->wr.s = NULL;
	parley_over(p, EACCES, p->conf.disagreement);
}

static int record_handler(uint8_t type, const uint8_t *body, size_t n,
			  void *arg)
{
	struct parley *p = arg;

	if (p->end.set || type >= RECORD_OPTIONAL)
		return 0;
	if (!p->next || type != p->next)
		return EBADMSG;
	return p->conf.takev[type](p->conf.arg, body, n);
}

static void read_handler(struct stream *s, const uint8_t *bytes, size_t n,
			 void *arg)
{
	static const struct record_sink sink = { 0, NULL, record_handler };
	struct parley *p = arg;
	int err;

	stream_consumed(s, n);
	err = record_feed(&p->rd, &sink, bytes, n, p);
	if (err == EACCES)
		disagree(p);
	else if (err)
		parley_over(p, err, "The other side does not follow the"
			    " protocol.");
}

static void write_handler(struct stream *s, void *arg)
{
	struct parley *p = arg;
	(void)s;

	(void)record_flush(&p->wr);
}

static void close_handler(struct stream *s, int err, uint64_t code, void *arg)
{
	struct parley *p = arg;
	(void)s;

	p->s = p->wr.s = NULL;
	if (err == ECONNRESET && record_code_errno(code) == EACCES &&
	    p->conf.disagreement)
		parley_over(p, EACCES, p->conf.disagreement);
	else
		parley_over(p, err ? err : ECONNRESET,
			    "The other side has given up.");
}

static const struct stream_handlers handlers = {
	.readh  = read_handler,
	.writeh = write_handler,
	.closeh = close_handler,
};

static void take(struct parley *p, struct stream *s)
{
	p->s = p->wr.s = s;
	stream_priority(s, 1);
}

/* One a session: a second stream would be another try. */
static void accept_handler(struct stream *s, void *arg)
{
	struct parley *p = arg;

	if (p->s || p->end.set)
		return;
	take(p, s);
	stream_handle(s, &handlers, p);
}

static void timeout_handler(void *arg)
{
	parley_over(arg, ETIMEDOUT, "The other side does not answer.");
}

int parley_say(struct parley *p, uint8_t type, const void *body, size_t n,
	       uint8_t next)
{
	int err = record_write(&p->wr, type, body, n);

	p->next = next;
	if (!err && !next)
		stream_fin(p->s);
	return err;
}

static void last_handler(void *arg)
{
	struct parley *p = arg;

	if (p->s)
		(void)parley_say(p, p->last, NULL, 0, 0);
}

/* Our side, which may free us in it; the peer behind it. */
static void done_handler(int err, const char *why, void *arg)
{
	struct parley *p = arg;

	if (p->last)
		loop_defer(p->end.loop, &p->defer, last_handler, p);
	if (p->ev.doneh)
		p->ev.doneh(err, why, p->ev.arg);
}

int parley_start(struct parley *p, const struct parley_conf *conf,
		 const struct tunnel_way *way,
		 const struct tunnel_events *ev)
{
	const struct tunnel_events own = { .doneh = done_handler, .arg = p };
	struct stream *s;
	int err;

	p->conf = *conf;
	p->ev = *ev;
	p->number = way->number;
	p->next = conf->first;
	ending_init(&p->end, way->loop, &own);
	err = timer_start(loop_timers(way->loop), &p->timer, PATIENCE,
			  timeout_handler, p);
	if (err)
		return err;
	p->flow = way->flow;
	if (!conf->caller)
		return flow_listen(p->flow, p->number, accept_handler, p);
	err = stream_open(&s, p->flow, p->number, &handlers, p);
	if (!err)
		take(p, s);
	return err;
}

void parley_last(struct parley *p, uint8_t type)
{
	p->next = 0;
	p->last = type;
	parley_over(p, 0, "");
}

void parley_stop(struct parley *p)
{
	if (p->end.loop)
		loop_defer_cancel(p->end.loop, &p->defer);
	ending_stop(&p->end);
	timer_stop(&p->timer);
	if (p->flow && !p->conf.caller)
		(void)flow_listen(p->flow, p->number, NULL, NULL);
	stream_reset(p->s, record_errno_code(ECANCELED));
	mem_deref(p->rd.body);
	mem_deref(p->wr.backlog);
}
