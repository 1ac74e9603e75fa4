/*
 * piperun.c: bytes both ways over one stream, opened by the caller, of
 * records (record.h).
 *
 *   in --> DATA ... EOF -->            --> out
 *   out <--             <-- DATA ... EOF <-- in
 *                STATUS, each way: all that you sent is written (or not),
 *                and how the command has ended
 *
 * Each direction ends by itself (EOF); a side that can write no more says
 * STOP. It is over when both have said STATUS, so that nobody reports success
 * for bytes that were only on their way.
 */
#include <errno.h>
#include <re.h>
#include "tunnels/pipe/piperun.h"
#include "tunnels/pipe/pipetunnel.h"

enum pipe_type {
	PIPE_HELLO  = 1,        /* u8 version */
	PIPE_DATA   = 2,
	PIPE_EOF    = 3,
	PIPE_STOP   = 4,        /* what you send is not written any more */
	PIPE_STATUS = 5,        /* u8 error, u8 how, u8 status */
};

enum { PIPE_VERSION = 1 };
#define LINGER (5 * SEC)        /* for the peer's last word */

static void fail(struct tunnel *t, int err)
{
	ending_set(&t->end, err, err == EBADMSG || err == ENOTSUP ?
		   "%s does not follow the protocol." :
		   "The pipe to %s failed.", t->peer);
}

static void say(struct tunnel *t, enum pipe_type type, const void *body,
		size_t n)
{
	int err = t->s ? record_write(&t->wr, (uint8_t)type, body, n) : 0;

	if (err)
		fail(t, err);
}

static void over_handler(void *arg)
{
	struct tunnel *t = arg;
	int err = t->err ? t->err : t->peer_err;

	if (t->err == EPIPE)    /* as in a shell: nobody wants more */
		err = 0;
	ending_set(&t->end, err, "%s", t->why);
}

static void linger(struct tunnel *t)
{
	if (t->linger.heap)
		return;
	if (timer_start(loop_timers(t->loop), &t->linger, LINGER,
			over_handler, t))
		over_handler(t);
}

/* Both have said how it went; only the stream is left to end. */
static void check_over(struct tunnel *t)
{
	if (!t->said || !t->told)
		return;
	if (!t->wr.backlog)
		stream_fin(t->s);
	linger(t);
}

/* Is there nothing left to do on this side? */
static void check_done(struct tunnel *t)
{
	const uint8_t body[3] = { record_errno_code(t->err),
				  (uint8_t)t->how, t->status };

	if (t->said || !t->in_done || !t->out_done ||
	    (t->command && !t->exited))
		return;
	t->said = true;
	say(t, PIPE_STATUS, body, sizeof body);
	if (t->err)             /* the peer may take long to see it */
		linger(t);
	check_over(t);
}

/* No more of our input is sent. */
static void end_in(struct tunnel *t)
{
	t->sent += pipein_bytes(t->in);
	t->in = mem_deref(t->in);
	if (t->in_done)
		return;
	t->in_done = true;
	say(t, PIPE_EOF, NULL, 0);
	check_done(t);
}

static void in_handler(int err, void *arg)
{
	struct tunnel *t = arg;

	if (err && !t->err) {
		t->err = err;
		(void)re_snprintf(t->why, sizeof t->why,
				  "The input could not be read: %m.", err);
	}
	end_in(t);
}

static void end_out(struct tunnel *t)
{
	t->received += pipeout_bytes(t->out);
	t->out = mem_deref(t->out);
	/* what it still kept is nobody's: the window must not stay shut */
	stream_consumed(t->s, t->kept);
	t->kept = 0;
	if (t->out_done)
		return;
	t->out_done = true;
	if (!t->peer_eof)
		say(t, PIPE_STOP, NULL, 0);
	check_done(t);
}

/* A reader who goes away ends a pipe without a word, as in a shell; but the
 * far side is told, for what it sent was not all taken. With a command, only
 * its input is over. */
static void broken_out(struct tunnel *t, int err)
{
	if (t->command && err == EPIPE)
		return;
	if (err == EPIPE && !t->err) {
		t->err = err;
		end_in(t);
	}
	else if (!t->err) {
		t->err = err;
		(void)re_snprintf(t->why, sizeof t->why,
				  "The output could not be written: %m.",
				  err);
	}
}

static void out_handler(int err, void *arg)
{
	struct tunnel *t = arg;

	if (err)
		broken_out(t, err);
	end_out(t);
}

static void written_handler(size_t n, void *arg)
{
	struct tunnel *t = arg;

	t->kept -= n;
	stream_consumed(t->s, n);
}

static void exit_handler(bool signalled, int status, void *arg)
{
	struct tunnel *t = arg;

	t->exited = true;
	t->how = signalled ? HOW_SIGNAL : HOW_EXIT;
	t->status = (uint8_t)status;
	end_out(t);
	check_done(t);
}

static void describe(struct tunnel *t, enum pipe_how how, unsigned status)
{
	if (t->peer_err == EPIPE)
		(void)re_snprintf(t->why, sizeof t->why, "%s stopped reading"
				  " before all was written.", t->peer);
	else if (t->peer_err)
		(void)re_snprintf(t->why, sizeof t->why, "The far end of the"
				  " pipe failed: %m.", t->peer_err);
	else if (how == HOW_SIGNAL)
		(void)re_snprintf(t->why, sizeof t->why, "The command at %s"
				  " was ended by signal %u.", t->peer,
				  status);
	else if (status == 127)
		(void)re_snprintf(t->why, sizeof t->why, "The command set at"
				  " %s was not found there.", t->peer);
	else if (status)
		(void)re_snprintf(t->why, sizeof t->why, "The command at %s"
				  " ended with exit status %u.", t->peer,
				  status);
}

static int on_status(struct tunnel *t, struct fields *f)
{
	const int err = record_code_errno(fields_uint(f, 1));
	const unsigned how = (unsigned)fields_uint(f, 1);
	const unsigned status = (unsigned)fields_uint(f, 1);

	if (f->bad || t->told || !t->peer_eof)
		return EBADMSG;
	t->told = true;
	t->peer_err = err;
	if (!t->err)
		describe(t, (enum pipe_how)how, status);
	if (!err && (how == HOW_SIGNAL || (how == HOW_EXIT && status)))
		t->peer_err = ECANCELED;
	/* nobody is there to take what we would still read */
	end_in(t);
	check_over(t);
	return 0;
}

static int on_eof(struct tunnel *t)
{
	if (t->peer_eof)
		return EBADMSG;
	t->peer_eof = true;
	pipeout_finish(t->out);
	return 0;
}

static int record_handler(uint8_t type, const uint8_t *p, size_t n, void *arg)
{
	struct tunnel *t = arg;
	struct fields f = { p, p + n, false };

	switch ((enum pipe_type)type) {
	case PIPE_HELLO:  return fields_uint(&f, 1) ? 0 : EBADMSG;
	case PIPE_EOF:    return on_eof(t);
	case PIPE_STOP:   end_in(t); return 0;
	case PIPE_STATUS: return on_status(t, &f);
	case PIPE_DATA:   break;        /* comes in pieces */
	}
	return type & RECORD_OPTIONAL ? 0 : EBADMSG;
}

static int data_handler(const uint8_t *p, size_t n, void *arg)
{
	struct tunnel *t = arg;

	if (t->peer_eof)
		return EBADMSG;
	t->kept += pipeout_write(t->out, p, n);
	return 0;
}

static void read_handler(struct stream *s, const uint8_t *p, size_t n,
			 void *arg)
{
	static const struct record_sink sink = {
		RECORD_BULK(PIPE_DATA), data_handler, record_handler
	};
	struct tunnel *t = arg;
	const size_t before = t->kept;
	int err = 0;

	if (!t->end.set)
		err = record_feed(&t->rd, &sink, p, n, t);
	stream_consumed(s, n - (t->kept - before));
	if (err)
		fail(t, err);
}

static void fin_handler(struct stream *s, void *arg)
{
	struct tunnel *t = arg;

	(void)s;
	if (!t->told)
		ending_set(&t->end, ECONNRESET, "%s ended before all was"
			   " through.", t->peer);
}

static void write_handler(struct stream *s, void *arg)
{
	struct tunnel *t = arg;

	if (!record_flush(&t->wr))
		return;
	if (t->said && t->told)
		stream_fin(s);
	pipein_pump(t->in);
}

static void close_handler(struct stream *s, int err, uint64_t code, void *arg)
{
	struct tunnel *t = arg;

	(void)s;
	t->s = t->wr.s = NULL;
	t->in = mem_deref(t->in);
	if (t->said && t->told)
		over_handler(t);
	else if (!err || err == ECONNRESET)
		ending_set(&t->end, err ? record_code_errno(code) : EPIPE,
			   "%s ended before all was through.", t->peer);
	else
		ending_set(&t->end, err, "");
}

static const struct stream_handlers handlers = {
	read_handler, fin_handler, write_handler, close_handler
};

/* The configured command takes the place of stdin and stdout. */
static int run_command(struct tunnel *t)
{
	int in, out, err;

	err = command_run(&t->command, t->loop, t->line, t->peer, &in, &out,
			  exit_handler, t);
	if (err)
		return err;
	pipefd_take(&t->fd_out, in);
	pipefd_take(&t->fd_in, out);
	return 0;
}

static int start_ends(struct tunnel *t)
{
	static const struct pipeout_handlers h = {
		written_handler, out_handler
	};
	const uint8_t version = PIPE_VERSION;
	int err = t->line ? run_command(t) : 0;

	if (err)
		return err;
	t->wr.s = t->s;
	say(t, PIPE_HELLO, &version, 1);
	if (t->fd_in.tty || t->fd_out.tty)
		stream_priority(t->s, 1);
	err = pipeout_alloc(&t->out, t->loop, &t->fd_out, &h, t);
	if (err)
		return err;
	t->fd_out.fd = -1;
	err = pipein_alloc(&t->in, t->loop, &t->fd_in, &t->wr, PIPE_DATA,
			   in_handler, t);
	if (!err)
		t->fd_in.fd = -1;
	return err;
}

static void accept_handler(struct stream *s, void *arg)
{
	struct tunnel *t = arg;
	int err;

	if (t->s || t->end.set)
		return;         /* one is enough: reset */
	t->s = s;
	stream_handle(s, &handlers, t);
	err = start_ends(t);
	if (err)
		ending_set(&t->end, err, "The pipe's end could not be"
			   " started: %m.", err);
}

int piperun_start(struct tunnel *t)
{
	int err;

	if (!t->caller)
		return flow_listen(t->flow, t->number, accept_handler, t);
	err = stream_open(&t->s, t->flow, t->number, &handlers, t);
	return err ? err : start_ends(t);
}
