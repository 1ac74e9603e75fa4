/*
 * fworders.c: the stream of orders and answers.
 */
#include <errno.h>
#include "tunnels/forward/fworders.h"
#include "tunnels/record.h"

struct fworders {
	struct stream *s;
	struct record_reader rd;
	struct record_writer wr;
	bool over;
	struct fworders_handlers h;
	void *arg;
};

static void fworders_destructor(void *arg)
{
	struct fworders *o = arg;

	stream_reset(o->s, record_errno_code(ECANCELED));
	mem_deref(o->rd.body);
	mem_deref(o->wr.backlog);
}

int fworders_say(struct fworders *o, const struct fwwire *w)
{
	struct mbuf *mb = mbuf_alloc(128);
	int err = mb ? fwwire_encode(mb, w) : ENOMEM;

	if (!err && o->s)
		err = record_write(&o->wr, (uint8_t)w->type, mb->buf,
				   mb->end);
	mem_deref(mb);
	return err;
}

static int record_handler(uint8_t type, const uint8_t *p, size_t n, void *arg)
{
	struct fworders *o = arg;
	struct fwwire w;
	int err = fwwire_decode(&w, type, p, n);

	if (err == ENOTSUP && type & RECORD_OPTIONAL)
		return 0;
	if (err)
		return err;
	switch (w.type) {
	case FWW_HELLO:  return w.version ? 0 : EBADMSG;
	case FWW_CHECK:
	case FWW_LISTEN:
	case FWW_ANSWER: return o->h.orderh(&w, o->arg);
	default:         return EBADMSG;
	}
}

void fworders_rx(struct fworders *o, const uint8_t *p, size_t n)
{
	static const struct record_sink sink = { 0, NULL, record_handler };
	int err = o->over ? 0 : record_feed(&o->rd, &sink, p, n, o);

	stream_consumed(o->s, n);
	if (!err)
		return;
	o->over = true;
	o->h.overh(err, o->arg);
}

static void read_handler(struct stream *s, const uint8_t *p, size_t n,
			 void *arg)
{
	(void)s;
	fworders_rx(arg, p, n);
}

static void write_handler(struct stream *s, void *arg)
{
	struct fworders *o = arg;

	(void)s;
	(void)record_flush(&o->wr);
}

static void close_handler(struct stream *s, int err, uint64_t code, void *arg)
{
	struct fworders *o = arg;

	(void)s;
	(void)code;
	o->s = o->wr.s = NULL;
	if (o->over)
		return;
	o->over = true;
	o->h.overh(err ? err : ECONNRESET, o->arg);
}

static const struct stream_handlers handlers = {
	read_handler, NULL, write_handler, close_handler
};

static int orders_alloc(struct fworders **op,
			const struct fworders_handlers *h, void *arg)
{
	struct fworders *o = mem_zalloc(sizeof *o, fworders_destructor);

	if (!o)
		return ENOMEM;
	o->h = *h;
	o->arg = arg;
	*op = o;
	return 0;
}

static int say_hello(struct fworders *o)
{
	const struct fwwire w = { .type = FWW_HELLO,
				  .version = FWW_VERSION };

	return fworders_say(o, &w);
}

int fworders_open(struct fworders **op, struct flow *f, unsigned number,
		  const struct fworders_handlers *h, void *arg)
{
	struct fworders *o;
	int err = orders_alloc(&o, h, arg);

	if (err)
		return err;
	err = stream_open(&o->s, f, number, &handlers, o);
	if (!err) {
		stream_priority(o->s, 1);
		o->wr.s = o->s;
		err = say_hello(o);
	}
	if (err)
		mem_deref(o);
	else
		*op = o;
	return err;
}

int fworders_take(struct fworders **op, struct stream *s,
		  const struct fworders_handlers *h, void *arg)
{
	struct fworders *o;
	int err = orders_alloc(&o, h, arg);

	if (err)
		return err;
	o->s = o->wr.s = s;
	stream_handle(s, &handlers, o);
	(void)say_hello(o);
	*op = o;
	return 0;
}
