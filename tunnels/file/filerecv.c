/*
 * filerecv.c: the receiving side of the file tunnel: its stream, its folder,
 * and what comes back from the disk.
 *
 *   tail of the one before us, quota's count -> listen
 *   stream -> records (fileentry.c) -> queue, to disk
 *                                        +-> verdicts ... DONE
 *
 * Nothing is DONE before it would survive a power cut.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "tunnels/file/filecount.h"
#include "tunnels/file/fileentry.h"
#include "tunnels/file/filerecv.h"
#include "tunnels/file/filetail.h"
#include "tunnels/file/filetell.h"

static void filerecv_destructor(void *arg)
{
	struct filerecv *r = arg;

	ending_stop(&r->end);
	timer_stop(&r->linger);
	(void)flow_listen(r->flow, r->number, NULL, NULL);
	stream_reset(r->s, record_errno_code(ECANCELED));
	mem_deref(r->tail);
	mem_deref(r->count);
	mem_deref(r->in);
	mem_deref(r->unzip);
	mem_deref(r->queue);
	fileroom_leave(r->room, r->pending);
	filetree_close(&r->tree);
	if (r->tree.root >= 0)
		(void)close(r->tree.root);
	mem_deref(r->rd.body);
	mem_deref(r->wr.backlog);
}

/* It has its name, or never will. What was there was counted already. */
static void settle(struct filerecv *r, const struct fileop *op)
{
	if (!r->room)
		return;
	r->pending -= op->whole;
	fileroom_settle(r->room, op->whole);
	if (!op->err && op->had && op->kind == FILEOP_SMALL)
		fileroom_charge(r->room, -op->whole, 0);
}

static void op_handler(const struct fileop *op, void *arg)
{
	struct filerecv *r = arg;

	settle(r, op);
	if (op->kind == FILEOP_LEAVE)
		return;         /* its mode: not worth a word */
	if (op->err) {
		filetell_failed(r, op->entry, op->dir, op->name, op->err);
	}
	else if (op->had) {
		r->had++;
		filetell_verdict(r, op->entry, op->dir, op->name, FW_HAD, 0, "");
	}
	else {
		r->stored++;
		if (op->as)
			filetell_verdict(r, op->entry, op->dir, op->name, FW_RENAMED,
				0, op->as);
	}
}

static void pay(struct filerecv *r)
{
	const size_t n = r->debt;

	if (!r->s || (!r->dead && filequeue_full(r->queue)))
		return;
	r->debt = 0;
	stream_consumed(r->s, n);
}

static void batch_handler(int err, void *arg)
{
	struct filerecv *r = arg;

	if (err)
		filetell_die(r, err, filetell_sentence(err));
	if (r->finished && !r->dead && !r->done &&
	    filequeue_empty(r->queue))
		filetell_done(r);
	pay(r);
}

static void read_handler(struct stream *s, const uint8_t *p, size_t n,
			 void *arg)
{
	static const struct record_sink sink = {
		RECORD_BULK(FW_DATA) | RECORD_BULK(FW_ZDATA),
		fileentry_data, fileentry_record
	};
	struct filerecv *r = arg;
	int err = 0;

	(void)s;
	if (!r->dead)
		err = record_feed(&r->rd, &sink, p, n, r);
	if (err)
		filetell_die(r, err, err == EBADMSG || err == ENOTSUP ?
		    "what was sent does not follow the protocol" :
		    filetell_sentence(err));
	r->debt += n;
	pay(r);
}

static void fin_handler(struct stream *s, void *arg)
{
	struct filerecv *r = arg;

	(void)s;
	if (!r->finished)
		filetell_die(r, ECONNRESET, "it ended before all was sent");
}

static void write_handler(struct stream *s, void *arg)
{
	struct filerecv *r = arg;

	if (record_flush(&r->wr) && (r->done || r->dead))
		stream_fin(s);
}

static void close_handler(struct stream *s, int err, uint64_t code, void *arg)
{
	struct filerecv *r = arg;

	(void)s;
	(void)code;
	r->s = r->wr.s = NULL;
	r->in = mem_deref(r->in);
	if (r->done || r->dead)
		ending_set(&r->end, r->err, "%s", r->why);
	else if (!err || err == ECONNRESET)
		ending_set(&r->end, ECONNRESET, "%s ended before all was"
			   " sent; what has come is kept for the next time.",
			   r->peer);
	else
		ending_set(&r->end, err, "");
}

static void accept_handler(struct stream *s, void *arg)
{
	static const struct stream_handlers h = {
		read_handler, fin_handler, write_handler, close_handler
	};
	struct filerecv *r = arg;

	if (r->s || r->end.set)
		return;         /* one is enough: reset */
	r->s = r->wr.s = s;
	stream_handle(s, &h, r);
	if (!r->queue)
		filetell_die(r, r->err, filetell_sentence(r->err));
}

static int open_folder(struct filerecv *r, const struct filerecv_conf *c)
{
	static const struct filequeue_handlers h = {
		op_handler, batch_handler
	};
	bool made;
	int err = filestore_folder(&r->tree.root, c->folder, &made);

	if (!err)
		err = filetree_init(&r->tree, r->tree.root);
	if (!err)
		err = filequeue_alloc(&r->queue, r->loop, r->tree.root, made,
				      c->taken, &h, r);
	if (!err && c->quota)
		err = fileroom_join(&r->room, r->tree.root);
	return err;
}

static void count_handler(uint64_t files, uint64_t bytes, void *arg)
{
	struct filerecv *r = arg;
	(void)files;

	r->count = mem_deref(r->count);
	r->base += bytes;
	(void)flow_listen(r->flow, r->number, accept_handler, r);
}

/* With a quota what is there is counted first; a stream waits that long. */
static int listen_after_count(struct filerecv *r)
{
	char path[32];
	const struct filewalk_arg arg = { path, NULL, NULL };

	if (!r->room)
		return flow_listen(r->flow, r->number, accept_handler, r);
	r->base = fileroom_unseen(r->room);
	(void)re_snprintf(path, sizeof path, "/proc/self/fd/%d",
			  r->tree.root);
	return filecount_start(&r->count, r->loop, &arg, 1, count_handler,
			       r);
}

static void tail_handler(void *arg)
{
	struct filerecv *r = arg;
	int err;

	r->tail = mem_deref(r->tail);
	err = listen_after_count(r);
	if (err)
		ending_set(&r->end, err, "");
}

/* Before all else: what that brings is ours to find, and to count. */
static int listen_after_tail(struct filerecv *r)
{
	int err = 0;

	if (!r->err)
		err = filetail_wait(&r->tail, r->loop, r->tree.root,
				    tail_handler, r);
	return err || r->tail ? err : listen_after_count(r);
}

int filerecv_alloc(struct filerecv **rp, const struct filerecv_conf *c,
		   const struct tunnel_events *ev)
{
	struct filerecv *r = mem_zalloc(sizeof *r, filerecv_destructor);
	int err;

	if (!r)
		return ENOMEM;
	r->flow = c->flow;
	r->number = c->number;
	r->loop = flow_loop(c->flow);
	r->max = c->max;
	r->quota = c->quota;
	r->asked = c->asked;
	r->tree.root = r->tree.fd = -1;
	str_ncpy(r->peer, c->peer, sizeof r->peer);
	ending_init(&r->end, r->loop, ev);
	r->err = open_folder(r, c);
	if (r->err) {           /* for the sender to hear, then for us */
		r->queue = mem_deref(r->queue);
		(void)re_snprintf(r->why, sizeof r->why, "The folder %s"
				  " cannot be used: %m.", c->folder, r->err);
		filetell_linger(r);
	}
	err = listen_after_tail(r);
	if (err) {
		mem_deref(r);
		return err;
	}
	*rp = r;
	return 0;
}

int filerecv_status(struct re_printf *pf, const struct filerecv *r)
{
	return re_hprintf(pf, "bytes=%llu total=%llu files=%llu had=%llu"
			  " failed=%llu", r->bytes, r->total, r->stored,
			  r->had, r->failed);
}
