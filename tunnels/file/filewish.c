/*
 * filewish.c: what `get` asks for.
 *
 * The wish has a stream of its own. The files come as those of `send` do, on
 * a stream that the callee opens.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tunnels/ending.h"
#include "tunnels/file/filefolder.h"
#include "tunnels/file/filewire.h"
#include "tunnels/file/filewish.h"
#include "tunnels/record.h"

#define LINGER (2 * SEC)

enum { WISH_MAX = 64 };                 /* paths: each holds a descriptor */

struct filewish {
	struct flow *flow;
	unsigned number;
	struct stream *s;
	struct record_reader rd;
	struct record_writer wr;
	struct filewire w;
	char *list;                     /* callee: its folders */
	struct filewalk_arg argv[WISH_MAX];
	int fdv[WISH_MAX];
	size_t argc;
	bool hello, over;
	struct timer linger;            /* callee: its word is to be heard */
	int err;
	char why[FW_TEXT_MAX + 1];
	filewish_found_h *foundh;
	filewish_fail_h *failh;
	void *arg;
};

static void filewish_destructor(void *arg)
{
	struct filewish *f = arg;

	timer_stop(&f->linger);
	if (f->list)
		(void)flow_listen(f->flow, f->number, NULL, NULL);
	stream_reset(f->s, record_errno_code(ECANCELED));
	for (size_t i = 0; i < f->argc; i++) {
		mem_deref(f->argv[i].path);
		mem_deref(f->argv[i].name);
		mem_deref(f->argv[i].shown);
		(void)close(f->fdv[i]);
	}
	mem_deref(f->list);
	mem_deref(f->rd.body);
	mem_deref(f->wr.backlog);
}

static int filewish_alloc(struct filewish **wp, struct flow *flow,
			  unsigned number, filewish_fail_h *failh, void *arg)
{
	struct filewish *f = mem_zalloc(sizeof *f, filewish_destructor);

	if (!f)
		return ENOMEM;
	f->flow = flow;
	f->number = number;
	f->failh = failh;
	f->arg = arg;
	*wp = f;
	return 0;
}

/* The last thing that is told. */
static void fail(struct filewish *f, int err, const char *fmt, ...)
{
	char why[512];
	va_list ap;

	if (f->over)
		return;
	f->over = true;
	va_start(ap, fmt);
	(void)re_vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	f->failh(err, why, f->arg);
}

static int nonsense(struct filewish *f)
{
	fail(f, EBADMSG, "What was asked for does not follow the protocol.");
	return EBADMSG;
}

/* --- the callee -------------------------------------------------------- */

static const char *sentence(int err)
{
	switch (err) {
	case ELOOP:
	case EXDEV:   return "it leads out of the folders that may be got";
	case ENOTSUP: return "it is neither a file nor a folder";
	default:      return strerror(err);
	}
}

static void linger_handler(void *arg)
{
	struct filewish *f = arg;

	f->failh(f->err, f->why, f->arg);
}

/* The caller hears it, and ends the session with that sentence. */
static int deny(struct filewish *f, int err)
{
	struct filewire w;
	char path[160];

	str_ncpy(path, f->w.path, sizeof path);
	w.type = FW_FAIL;
	w.err = err;
	if (re_snprintf(w.text, sizeof w.text, "%s: %s", path,
			sentence(err)) < 0)
		str_ncpy(w.text, sentence(err), sizeof w.text);
	(void)filewire_say(&f->wr, &w);
	stream_fin(f->s);
	f->over = true;
	f->err = err;
	if (re_snprintf(f->why, sizeof f->why, "%H", plain_print,
			w.text) < 0)
		str_ncpy(f->why, sentence(err), sizeof f->why);
	return timer_start(loop_timers(flow_loop(f->flow)), &f->linger,
			   LINGER, linger_handler, f);
}

static int on_wish(struct filewish *f)
{
	const size_t n = f->argc;
	int err;

	if (n == WISH_MAX)
		return nonsense(f);
	err = filefolder_find(&f->argv[n], &f->fdv[n], f->list, f->w.path);
	if (!err) {
		f->argc++;
		return 0;
	}
	return deny(f, err);
}

static int on_finish(struct filewish *f)
{
	if (!f->argc)
		return nonsense(f);
	f->over = true;
	stream_fin(f->s);
	f->foundh(f->argv, f->argc, f->arg);
	return 0;
}

static int hear_record(uint8_t type, const uint8_t *p, size_t n, void *arg)
{
	struct filewish *f = arg;
	int err = filewire_decode(&f->w, type, p, n);

	if (err || f->over || (!f->hello && type != FW_HELLO))
		return f->over ? 0 : nonsense(f);
	switch (f->w.type) {
	case FW_HELLO:
		f->hello = true;
		return f->w.version ? 0 : nonsense(f);
	case FW_WISH:   return on_wish(f);
	case FW_FINISH: return on_finish(f);
	default:
		return type & RECORD_OPTIONAL ? 0 : nonsense(f);
	}
}

/* --- the caller -------------------------------------------------------- */

static int ask_record(uint8_t type, const uint8_t *p, size_t n, void *arg)
{
	struct filewish *f = arg;
	int err = filewire_decode(&f->w, type, p, n);

	if (!err && f->w.type == FW_FAIL)
		fail(f, f->w.err, "%H.", plain_print, f->w.text);
	else if (err || !(type & RECORD_OPTIONAL))
		return nonsense(f);
	return 0;
}

/* --- both -------------------------------------------------------------- */

static void read_handler(struct stream *s, const uint8_t *p, size_t n,
			 void *arg)
{
	static const struct record_sink hear = { 0, NULL, hear_record };
	static const struct record_sink ask = { 0, NULL, ask_record };
	struct filewish *f = mem_ref(arg);

	stream_consumed(s, n);
	if (!f->over && record_feed(&f->rd, f->list ? &hear : &ask, p, n, f))
		(void)nonsense(f);
	mem_deref(f);
}

static void fin_handler(struct stream *s, void *arg)
{
	struct filewish *f = arg;
	(void)s;

	if (f->list && !f->over)
		(void)nonsense(f);
}

static void write_handler(struct stream *s, void *arg)
{
	struct filewish *f = arg;

	if (record_flush(&f->wr) && !f->list)
		stream_fin(s);
}

static void close_handler(struct stream *s, int err, uint64_t code, void *arg)
{
	struct filewish *f = arg;
	(void)s;

	f->s = f->wr.s = NULL;
	if (err == ECONNRESET)
		fail(f, record_code_errno(code), "The peer does not take"
		     " what was asked for.");
	else if (err)
		fail(f, err, "%m", err);
}

static const struct stream_handlers handlers = {
	read_handler, fin_handler, write_handler, close_handler
};

static int say_all(struct filewish *f, char *const *argv, size_t argc)
{
	int err;

	f->w.type = FW_HELLO;
	f->w.version = FW_VERSION;
	f->w.flags = 0;
	err = filewire_say(&f->wr, &f->w);
	f->w.type = FW_WISH;
	for (size_t i = 0; i < argc && !err; i++) {
		str_ncpy(f->w.path, argv[i], sizeof f->w.path);
		err = filewire_say(&f->wr, &f->w);
	}
	f->w.type = FW_FINISH;
	if (!err)
		err = filewire_say(&f->wr, &f->w);
	if (!err && !f->wr.backlog)
		stream_fin(f->s);
	return err;
}

int filewish_ask(struct filewish **wp, struct flow *flow, unsigned number,
		 char *const *argv, size_t argc, filewish_fail_h *failh,
		 void *arg)
{
	struct filewish *f;
	int err;

	if (argc > WISH_MAX)
		return E2BIG;
	err = filewish_alloc(&f, flow, number, failh, arg);
	if (err)
		return err;
	err = stream_open(&f->s, flow, number, &handlers, f);
	f->wr.s = f->s;
	if (!err)
		err = say_all(f, argv, argc);
	if (err)
		mem_deref(f);
	else
		*wp = f;
	return err;
}

static void accept_handler(struct stream *s, void *arg)
{
	struct filewish *f = arg;

	if (f->s || f->over)
		return;         /* one is enough: reset */
	f->s = f->wr.s = s;
	stream_handle(s, &handlers, f);
}

int filewish_hear(struct filewish **wp, struct flow *flow, unsigned number,
		  const char *list, filewish_found_h *foundh,
		  filewish_fail_h *failh, void *arg)
{
	struct filewish *f;
	int err = filewish_alloc(&f, flow, number, failh, arg);

	if (err)
		return err;
	f->foundh = foundh;
	err = str_dup(&f->list, list);
	if (!err)
		err = flow_listen(flow, number, accept_handler, f);
	if (err)
		mem_deref(f);
	else
		*wp = f;
	return err;
}
