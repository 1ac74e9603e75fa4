/*
 * filesend.c: the sending side of the file tunnel: its life, and what the
 * receiver says. What it sends is filepump.c's.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/file/filecount.h"
#include "tunnels/file/filepump.h"
#include "tunnels/file/filesend.h"

#define LINGER (2 * SEC)                /* for the stream's end */
/* What is over before needs no bar, and to count it would take the disk and
 * a processor from the sending: a third of what 10,000 small files cost. */
#define COUNT_WAIT (200 * MSEC)

static void filesend_destructor(void *arg)
{
	struct filesend *f = arg;

	ending_stop(&f->end);
	timer_stop(&f->linger);
	timer_stop(&f->counting);
	loop_defer_cancel(f->loop, &f->defer);
	stream_reset(f->s, record_errno_code(ECANCELED));
	mem_deref(f->count);
	filesource_end(&f->src);
	mem_deref(f->zip);
	mem_deref(f->walk);
	mem_deref(f->rd.body);
	mem_deref(f->wr.backlog);
}

static void count_handler(uint64_t files, uint64_t bytes, void *arg)
{
	struct filesend *f = arg;
	struct filewire w;

	f->count = mem_deref(f->count);
	f->files_total = w.files = files;
	f->total = w.bytes = bytes;
	w.type = FW_TOTAL;
	if (f->s && !f->finished)
		(void)filewire_say(&f->wr, &w);
}

static void counting_handler(void *arg)
{
	struct filesend *f = arg;
	const struct filewalk_arg *argv;
	const size_t argc = filewalk_args(f->walk, &argv);

	/* without it there is no bar */
	if (!f->finished && !f->end.set)
		(void)filecount_start(&f->count, f->loop, argv, argc,
				      count_handler, f);
}

/* It has the first bytes of this file, or says so. Too late is no harm. */
static int on_part(struct filesend *f)
{
	const uint64_t before = f->src.off;
	struct filewire w;

	if (f->end.set || !f->s || f->w.entry != f->entries - 1 ||
	    !filesource_part(&f->src, f->loop, f->w.size))
		return 0;
	f->bytes += f->src.off - before;
	w.type = FW_SEEK;
	w.size = f->src.off;
	return filewire_say(&f->wr, &w);
}

static void on_have(struct filesend *f)
{
	if (f->src.fd >= 0 && f->w.entry == f->entries - 1)
		filesource_have(&f->src, f->w.size, f->w.hash);
}

static void on_verdict(struct filesend *f)
{
	const struct filewire *w = &f->w;

	if (w->outcome == FW_FAILED)
		filepump_failed(f, w->path, *w->text ? w->text :
			     strerror(w->err));
	else if (w->outcome == FW_HAD)
		f->had++;
	else if (w->outcome == FW_RENAMED && f->notes++ < FILESEND_NOTES)
		ending_note(&f->end, "%H is there already, with other content:"
			    " stored as %H", plain_print, w->path,
			    plain_print, w->text);
}

static void linger_handler(void *arg)
{
	struct filesend *f = arg;

	const uint64_t all = f->entries + f->unread;
	const uint64_t failed = MIN(f->unsent + f->refused, all);

	if (failed && all == 1)
		ending_set(&f->end, EIO, "%s.", f->first);
	else if (failed)
		ending_set(&f->end, EIO, "%llu of %llu files and folders could"
			   " not be sent. The first: %s.", failed, all,
			   f->first);
	else
		ending_set(&f->end, 0, "");
}

static int on_done(struct filesend *f)
{
	if (!f->finished || f->done)
		return EBADMSG;
	f->done = true;
	f->refused = f->w.failed;
	if (!f->total) {                /* it was over before */
		f->total = f->bytes;
		f->files_total = f->files;
	}
	if (f->refused && !f->failed)   /* it did not say which */
		filepump_failed(f, f->peer, "it could not store all of it");
	if (f->had)
		ending_note(&f->end, "%llu %s there already", f->had,
			    f->had == 1 ? "was" : "were");
	filepump_progress(f, true);
	stream_fin(f->s);
	if (f->failed) {        /* before the peer's hangup, that knows less */
		linger_handler(f);
		return 0;
	}
	return timer_start(loop_timers(f->loop), &f->linger, LINGER,
			   linger_handler, f);
}

static int record_handler(uint8_t type, const uint8_t *p, size_t n, void *arg)
{
	struct filesend *f = arg;
	int err = filewire_decode(&f->w, type, p, n);

	if (err)
		return err;
	switch (f->w.type) {
	case FW_HELLO:
		f->unpacks = f->w.flags & FW_UNPACKS;
		return f->w.version ? 0 : EBADMSG;
	case FW_PART:    return on_part(f);
	case FW_HAVE:    on_have(f); return 0;
	case FW_VERDICT: on_verdict(f); return 0;
	case FW_DONE:    return on_done(f);
	case FW_FAIL:
		ending_set(&f->end, f->w.err, "%s could not receive it: %H.",
			   f->peer, plain_print, f->w.text);
		stream_fin(f->s);       /* it need not wait for more */
		return 0;
	default:
		return type & RECORD_OPTIONAL ? 0 : EBADMSG;
	}
}

static void read_handler(struct stream *s, const uint8_t *p, size_t n,
			 void *arg)
{
	/* the receiver sends no bulk: type 0 is nobody's */
	static const struct record_sink sink = { 0, NULL, record_handler };
	struct filesend *f = arg;
	int err = 0;

	if (!f->end.set)
		err = record_feed(&f->rd, &sink, p, n, f);
	stream_consumed(s, n);
	if (err)
		ending_set(&f->end, err, "%s does not follow the protocol.",
			   f->peer);
}

static void write_handler(struct stream *s, void *arg)
{
	(void)s;
	filepump_run(arg);
}

static void close_handler(struct stream *s, int err, uint64_t code, void *arg)
{
	struct filesend *f = arg;

	(void)s;
	f->s = f->wr.s = NULL;
	loop_defer_cancel(f->loop, &f->defer);
	if (f->done)
		linger_handler(f);
	else if (err == ECONNRESET || !err)
		ending_set(&f->end, err ? record_code_errno(code) : EPIPE,
			   "%s ended before it had all; what it has is kept,"
			   " send again to go on.", f->peer);
	else
		ending_set(&f->end, err, "");
}

static int setup(struct filesend *f, const struct filesend_conf *c)
{
	static const struct stream_handlers h = {
		read_handler, NULL, write_handler, close_handler
	};
	int err = filesource_init(&f->src, filepump_run, f);

	if (!err)
		err = filezip_alloc(&f->zip, c->zip);
	if (!err)
		err = filewalk_alloc(&f->walk, c->argv, c->argc);
	if (!err)
		err = timer_start(loop_timers(f->loop), &f->counting,
				  COUNT_WAIT, counting_handler, f);
	if (!err)
		err = stream_open(&f->s, c->flow, c->number, &h, f);
	if (err)
		return err;
	f->wr.s = f->s;
	f->w.type = FW_HELLO;
	f->w.version = FW_VERSION;
	f->w.flags = 0;
	return filewire_say(&f->wr, &f->w);
}

int filesend_alloc(struct filesend **fp, const struct filesend_conf *c,
		   const struct tunnel_events *ev)
{
	struct filesend *f = mem_zalloc(sizeof *f, filesend_destructor);
	int err;

	if (!f)
		return ENOMEM;
	f->loop = flow_loop(c->flow);
	f->src.fd = -1;
	str_ncpy(f->peer, c->peer, sizeof f->peer);
	ending_init(&f->end, f->loop, ev);
	err = setup(f, c);
	if (err) {
		mem_deref(f);
		return err;
	}
	loop_defer(f->loop, &f->defer, filepump_run, f);
	*fp = f;
	return 0;
}

int filesend_status(struct re_printf *pf, const struct filesend *f)
{
	return re_hprintf(pf, "bytes=%llu total=%llu files=%llu failed=%llu",
			  f->bytes, f->total, f->files, f->failed);
}
