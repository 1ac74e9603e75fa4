/*
 * fetch.c: connect, send, read until the answer is whole, tell, close. No
 * more than HTTP_ANSWER_MAX bytes, no longer than it was told.
 * Called by mapper.c.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/fetch.h"

struct fetch {
	struct tcp_conn *tc;
	struct timer timer;
	struct mbuf *req, *answer;
	fetch_h *h;             /* NULL: told */
	void *arg;
};

static void fetch_destructor(void *arg)
{
	struct fetch *f = arg;

	timer_stop(&f->timer);
	mem_deref(f->tc);
	mem_deref(f->req);
	mem_deref(f->answer);
}

/* Last in whatever calls it. */
static void tell(struct fetch *f, const struct http_answer *a)
{
	static const struct pl none;
	fetch_h *h = f->h;

	timer_stop(&f->timer);
	f->tc = mem_deref(f->tc);
	f->h = NULL;
	if (h)
		h(a ? a->scode : 0, a ? &a->body : &none, f->arg);
}

static void timeout_handler(void *arg)
{
	tell(arg, NULL);
}

static void estab_handler(void *arg)
{
	struct fetch *f = arg;

	if (tcp_send(f->tc, f->req))
		tell(f, NULL);
}

static void look(struct fetch *f, bool eof)
{
	struct http_answer a;
	int err = http_decode(&a, (char *)f->answer->buf, f->answer->end,
			      eof);

	if (err != EAGAIN)
		tell(f, err ? NULL : &a);
}

static void recv_handler(struct mbuf *mb, void *arg)
{
	struct fetch *f = arg;
	size_t n = mbuf_get_left(mb);

	f->answer->pos = f->answer->end;
	if (n > HTTP_ANSWER_MAX - f->answer->end ||
	    mbuf_write_mem(f->answer, mbuf_buf(mb), n))
		tell(f, NULL);
	else
		look(f, false);
}

static void close_handler(int err, void *arg)
{
	struct fetch *f = arg;
	(void)err;

	look(f, true);
}

int fetch_alloc(struct fetch **fp, struct timers *timers, uint64_t limit,
		const struct sa *dst, const char *req, size_t len,
		fetch_h *h, void *arg)
{
	struct fetch *f = mem_zalloc(sizeof *f, fetch_destructor);
	int err = 0;

	if (!f)
		return ENOMEM;
	f->h = h;
	f->arg = arg;
	f->req = mbuf_alloc(len);
	f->answer = mbuf_alloc(1024);
	if (!f->req || !f->answer)
		err = ENOMEM;
	if (!err)
		err = mbuf_write_mem(f->req, (const uint8_t *)req, len);
	if (!err) {
		f->req->pos = 0;
		err = timer_start(timers, &f->timer, limit, timeout_handler,
				  f);
	}
	if (!err)
		err = tcp_connect(&f->tc, dst, estab_handler, recv_handler,
				  close_handler, f);
	if (err)
		mem_deref(f);
	else
		*fp = f;
	return err;
}
