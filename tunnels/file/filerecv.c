/*
 * filerecv.c: the receiving side of the file tunnel.
 *
 *   stream -> records -> tree      where we are
 *                     -> incoming  the file being received
 *                     -> queue     complete entries, to disk
 *                          +-> verdicts ... DONE
 *
 * Nothing is DONE before it would survive a power cut.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "tunnels/ending.h"
#include "tunnels/file/filequeue.h"
#include "tunnels/file/filerecv.h"
#include "tunnels/file/filetree.h"
#include "tunnels/file/incoming.h"
#include "tunnels/record.h"

#define PROGRESS_WAIT (100 * MSEC)
#define LINGER (10 * SEC)                /* for the peer's last word */

struct filerecv {
	struct flow *flow;
	unsigned number;
	struct loop *loop;
	struct stream *s;
	struct record_reader rd;
	struct record_writer wr;
	struct ending end;
	struct filequeue *queue;
	struct filetree tree;
	struct filewire w;              /* the record at hand */
	uint64_t max;
	char peer[64];

	struct incoming *in;            /* NULL: between files, or skipping */
	uint64_t off;                   /* of it, come or had */
	bool skip;                      /* what comes is of a file we failed */
	char name[FW_NAME_MAX + 1];     /* of that file */
	uint64_t entry;                 /* its number */
	uint64_t entries;               /* numbered so far */
	size_t debt;                    /* not given back to the stream */

	bool hello, finished, done, dead;
	int err;                        /* how it ends when the stream does */
	char why[FW_TEXT_MAX + 1];
	uint64_t declared;              /* bytes of all FILE records */
	uint64_t bytes, total;          /* received; to come, 0: unknown */
	uint64_t files_total;
	uint64_t stored, had, failed;   /* entries */
	uint64_t shown;                 /* when progress was told last */
	struct timer linger;
};

static void filerecv_destructor(void *arg)
{
	struct filerecv *r = arg;

	ending_stop(&r->end);
	timer_stop(&r->linger);
	(void)flow_listen(r->flow, r->number, NULL, NULL);
	stream_reset(r->s, record_errno_code(ECANCELED));
	mem_deref(r->in);
	mem_deref(r->queue);
	filetree_close(&r->tree);
	if (r->tree.root >= 0)
		(void)close(r->tree.root);
	mem_deref(r->rd.body);
	mem_deref(r->wr.backlog);
}

/* People's words for what goes wrong while receiving. */
static const char *sentence(int err)
{
	switch (err) {
	case ENOSPC:
	case EDQUOT:       return "the disk there is full";
	case EROFS:        return "the disk there is read-only";
	case EFBIG:        return "it is larger than a file may be there";
	case ELOOP:
	case ENOTDIR:
	case EXDEV:        return "something else of that name is in the way";
	case EACCES:
	case EPERM:        return "the folder there may not be written to";
	case EINVAL:       return "a name like that is not taken";
	case ENAMETOOLONG: return "the name is too long there";
	case EILSEQ:       return "it was damaged on the way";
	case EBUSY:        return "it is being received there already";
	case ENOMEM:       return "there is no memory left there";
	default:           return strerror(err);
	}
}

static int say(struct filerecv *r, const struct filewire *w)
{
	struct mbuf *mb = mbuf_alloc(128);
	int err = mb ? filewire_encode(mb, w) : ENOMEM;

	if (!err && r->s)
		err = record_write(&r->wr, (uint8_t)w->type, mb->buf,
				   mb->end);
	mem_deref(mb);
	return err;
}

static void linger_handler(void *arg)
{
	struct filerecv *r = arg;

	ending_set(&r->end, r->err, "%s", r->why);
}

/* Nothing more to say; the end comes with the stream's. */
static void linger(struct filerecv *r)
{
	if (!r->wr.backlog)
		stream_fin(r->s);
	if (timer_start(loop_timers(r->loop), &r->linger, LINGER,
			linger_handler, r))
		linger_handler(r);
}

/* It cannot go on. The peer is told, and has a moment to hear it. */
static void die(struct filerecv *r, int err, const char *why)
{
	struct filewire w;

	if (r->dead || r->done)
		return;
	r->dead = true;
	if (!r->err) {
		r->err = err;
		(void)re_snprintf(r->why, sizeof r->why, "Receiving from %s"
				  " failed: %s.", r->peer, why);
	}
	r->in = mem_deref(r->in);
	w.type = FW_FAIL;
	w.err = err;
	str_ncpy(w.text, why, sizeof w.text);
	(void)say(r, &w);
	linger(r);
}

/* An entry that is not just stored: NAME in the folder DIR. */
static void verdict(struct filerecv *r, uint64_t entry, const char *dir,
		    const char *name, enum filewire_outcome outcome, int err,
		    const char *text)
{
	struct filewire w;

	w.type = FW_VERDICT;
	w.entry = entry;
	w.outcome = (uint8_t)outcome;
	w.err = err;
	/* a path too long for one is told by its name */
	if (re_snprintf(w.path, sizeof w.path, "%s%s%s", dir,
			*dir ? "/" : "", name) < 0)
		str_ncpy(w.path, name, sizeof w.path);
	str_ncpy(w.text, text, sizeof w.text);
	err = say(r, &w);
	if (err)
		die(r, err, "the sender does not listen");
}

static void entry_failed(struct filerecv *r, uint64_t entry, const char *dir,
			 const char *name, int err)
{
	r->failed++;
	verdict(r, entry, dir, name, FW_FAILED, err, sentence(err));
	if (filebatch_fatal(err))
		die(r, err, sentence(err));
}

static void progress(struct filerecv *r, const char *name)
{
	struct tunnel_progress p;
	char shown[256];

	if (!r->end.ev.progressh || r->end.set)
		return;
	if (loop_now(r->loop) - r->shown < PROGRESS_WAIT && !r->done)
		return;
	r->shown = loop_now(r->loop);
	memset(&p, 0, sizeof p);
	p.bytes = r->bytes;
	p.total = r->total;
	p.files = r->stored + r->had;
	p.files_total = r->files_total;
	if (name && re_snprintf(shown, sizeof shown, "%H", plain_print,
				name) >= 0)
		p.name = shown;
	r->end.ev.progressh(&p, r->end.ev.arg);
}

/* All is on disk, or failed and told. */
static void say_done(struct filerecv *r)
{
	struct filewire w;

	r->done = true;
	w.type = FW_DONE;
	w.files = r->stored;
	w.bytes = r->bytes;
	w.had = r->had;
	w.failed = r->failed;
	(void)say(r, &w);
	if (r->failed) {
		r->err = EIO;
		(void)re_snprintf(r->why, sizeof r->why, "%llu of the files"
				  " that %s sent could not be stored.",
				  r->failed, r->peer);
	}
	progress(r, NULL);
	linger(r);
}

static void op_handler(const struct fileop *op, void *arg)
{
	struct filerecv *r = arg;

	if (op->kind == FILEOP_LEAVE)
		return;         /* its mode: not worth a word */
	if (op->err) {
		entry_failed(r, op->entry, op->dir, op->name, op->err);
	}
	else if (op->had) {
		r->had++;
		verdict(r, op->entry, op->dir, op->name, FW_HAD, 0, "");
	}
	else {
		r->stored++;
		if (strcmp(op->name, op->as))
			verdict(r, op->entry, op->dir, op->name, FW_RENAMED,
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
		die(r, err, sentence(err));
	if (r->finished && !r->dead && !r->done &&
	    filequeue_empty(r->queue))
		say_done(r);
	pay(r);
}

static int enqueue(struct filerecv *r, struct fileop *op)
{
	return filequeue_add(r->queue, op);
}

static void have_handler(uint64_t n, const uint8_t sha[FW_SHA_SIZE],
			 void *arg)
{
	struct filerecv *r = arg;
	struct filewire w;

	w.type = FW_HAVE;
	w.entry = r->entry;
	w.size = n;
	memcpy(w.hash, sha, FW_SHA_SIZE);
	(void)say(r, &w);
}

/* A file we cannot take: told at once, its bytes are thrown away. */
static int fail_file(struct filerecv *r, int err)
{
	r->in = mem_deref(r->in);
	r->skip = true;
	if (r->tree.err)
		r->failed++;    /* its folder was told of */
	else
		entry_failed(r, r->entry, r->tree.path, r->name, err);
	return 0;
}

static int too_much(struct filerecv *r)
{
	char why[FW_TEXT_MAX + 1];

	(void)re_snprintf(why, sizeof why, "at most %llu bytes are taken"
			  " there in one call (max-size)", r->max);
	die(r, EFBIG, why);
	return 0;
}

static int on_file(struct filerecv *r)
{
	const struct filewire *w = &r->w;
	int err = r->tree.err;

	if (r->in || r->skip)
		return EBADMSG;
	r->entry = r->entries++;
	str_ncpy(r->name, w->name, sizeof r->name);
	if (r->max && (w->size > r->max ||
		       r->declared > r->max - w->size))
		return too_much(r);
	r->declared += w->size;
	r->off = 0;
	if (!err && !w->name_ok)
		err = EINVAL;
	if (!err)
		err = incoming_alloc(&r->in, r->loop, r->tree.fd,
				     r->tree.path, w, r->entry, have_handler,
				     r);
	return err ? fail_file(r, err) : 0;
}

static int on_dir(struct filerecv *r)
{
	const struct filewire *w = &r->w;
	char dir[FW_PATH_MAX + 1];
	const int before = r->tree.err;
	int err;

	if (r->in || r->skip)
		return EBADMSG;
	str_ncpy(dir, r->tree.path, sizeof dir);
	err = filetree_enter(&r->tree, w->name, w->name_ok);
	if (err == EOVERFLOW)
		return EBADMSG;
	r->entry = r->entries++;
	/* what is inside a folder that failed is counted, not told */
	if (err && !before)
		entry_failed(r, r->entry, dir, w->name, err);
	else if (err)
		r->failed++;
	return 0;
}

static int on_leave(struct filerecv *r)
{
	char dir[FW_PATH_MAX + 1];
	struct fileop *op;
	bool made;
	int err;

	if (r->in || r->skip || filetree_leave(&r->tree, &made, dir))
		return EBADMSG;
	if (!made)
		return 0;
	err = fileop_alloc(&op, FILEOP_LEAVE, dir, "");
	if (err)
		return err;
	op->mode = r->w.mode;
	op->mtime = r->w.mtime;
	return enqueue(r, op);
}

static int on_link(struct filerecv *r)
{
	const struct filewire *w = &r->w;
	struct fileop *op;
	char *target;
	int err = r->tree.err;

	if (r->in || r->skip)
		return EBADMSG;
	r->entry = r->entries++;
	if (!err && !w->name_ok)
		err = EINVAL;
	if (err) {
		str_ncpy(r->name, w->name, sizeof r->name);
		(void)fail_file(r, err);
		r->skip = false;
		return 0;
	}
	err = fileop_alloc(&op, FILEOP_LINK, r->tree.path, w->name);
	if (err)
		return err;
	op->entry = r->entry;
	err = str_dup(&target, w->path);
	if (err) {
		mem_deref(op);
		return err;
	}
	op->data = (uint8_t *)target;
	op->size = strlen(target);
	return enqueue(r, op);
}

static int on_end(struct filerecv *r)
{
	struct fileop *op;
	int err;

	if (r->skip) {
		r->skip = false;
		return 0;
	}
	if (!r->in)
		return EBADMSG;
	err = incoming_end(r->in, r->w.hash, &op);
	if (err == EBADMSG)
		return err;
	if (err) {
		(void)fail_file(r, err);
		r->skip = false;
		return 0;
	}
	r->in = mem_deref(r->in);
	return enqueue(r, op);
}

static int on_drop(struct filerecv *r)
{
	if (!r->in && !r->skip)
		return EBADMSG;
	if (r->in)
		incoming_forget(r->in);
	r->in = mem_deref(r->in);
	r->skip = false;
	return 0;
}

static int on_seek(struct filerecv *r)
{
	int err;

	if (r->skip)
		return 0;
	if (!r->in)
		return EBADMSG;
	err = incoming_seek(r->in, r->w.size);
	if (!err && r->w.size) {
		r->bytes += r->w.size - r->off;
		r->off = r->w.size;
	}
	return err && err != EBADMSG ? fail_file(r, err) : err;
}

static int on_finish(struct filerecv *r)
{
	if (r->in || r->skip || r->tree.depth || r->finished)
		return EBADMSG;
	r->finished = true;
	if (filequeue_empty(r->queue))
		say_done(r);
	else
		filequeue_flush(r->queue);
	return 0;
}

static int on_hello(struct filerecv *r)
{
	struct filewire w;

	if (r->hello || !r->w.version)
		return EBADMSG;
	r->hello = true;
	w.type = FW_HELLO;
	w.version = FW_VERSION;
	return say(r, &w);
}

static int on_fail(struct filerecv *r)
{
	ending_set(&r->end, r->w.err, "%s could not go on: %H.", r->peer,
		   plain_print, r->w.text);
	return 0;
}

static int dispatch(struct filerecv *r)
{
	switch (r->w.type) {
	case FW_HELLO:  return on_hello(r);
	case FW_DIR:    return on_dir(r);
	case FW_FILE:   return on_file(r);
	case FW_LINK:   return on_link(r);
	case FW_LEAVE:  return on_leave(r);
	case FW_SEEK:   return on_seek(r);
	case FW_END:    return on_end(r);
	case FW_DROP:   return on_drop(r);
	case FW_FINISH: return on_finish(r);
	case FW_FAIL:   return on_fail(r);
	case FW_TOTAL:
		r->files_total = r->w.files;
		r->total = r->w.bytes;
		return 0;
	default:        /* the optional ones; those are ours to say */
		return r->w.type & RECORD_OPTIONAL ? 0 : EBADMSG;
	}
}

static int record_handler(uint8_t type, const uint8_t *p, size_t n, void *arg)
{
	struct filerecv *r = arg;
	int err;

	if (r->dead)
		return 0;
	err = filewire_decode(&r->w, type, p, n);
	if (!err && (r->finished || !r->hello) && type != FW_HELLO &&
	    type != FW_FAIL && !(type & RECORD_OPTIONAL))
		err = EBADMSG;
	return err ? err : dispatch(r);
}

static int data_handler(const uint8_t *p, size_t n, void *arg)
{
	struct filerecv *r = arg;
	int err;

	if (r->dead)
		return 0;
	if (!r->in && !r->skip)
		return EBADMSG;
	r->bytes += n;
	r->off += n;
	progress(r, r->name);
	if (r->skip)
		return 0;
	err = incoming_data(r->in, p, n);
	return err && err != EBADMSG ? fail_file(r, err) : err;
}

static void read_handler(struct stream *s, const uint8_t *p, size_t n,
			 void *arg)
{
	static const struct record_sink sink = {
		FW_DATA, data_handler, record_handler
	};
	struct filerecv *r = arg;
	int err = 0;

	(void)s;
	if (!r->dead)
		err = record_feed(&r->rd, &sink, p, n, r);
	if (err)
		die(r, err, err == EBADMSG || err == ENOTSUP ?
		    "what was sent does not follow the protocol" :
		    sentence(err));
	r->debt += n;
	pay(r);
}

static void fin_handler(struct stream *s, void *arg)
{
	struct filerecv *r = arg;

	(void)s;
	if (!r->finished)
		die(r, ECONNRESET, "it ended before all was sent");
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
		die(r, r->err, sentence(r->err));
}

static int open_folder(struct filerecv *r, const char *folder)
{
	static const struct filequeue_handlers h = {
		op_handler, batch_handler
	};
	int err = filestore_folder(&r->tree.root, folder);

	if (!err)
		err = filetree_init(&r->tree, r->tree.root);
	if (!err)
		err = filequeue_alloc(&r->queue, r->loop, r->tree.root, &h,
				      r);
	return err;
}

int filerecv_alloc(struct filerecv **rp, struct flow *flow, unsigned number,
		   const char *folder, uint64_t max, const char *peer,
		   const struct tunnel_events *ev)
{
	struct filerecv *r = mem_zalloc(sizeof *r, filerecv_destructor);
	int err;

	if (!r)
		return ENOMEM;
	r->flow = flow;
	r->number = number;
	r->loop = flow_loop(flow);
	r->max = max;
	r->tree.root = r->tree.fd = -1;
	str_ncpy(r->peer, peer, sizeof r->peer);
	ending_init(&r->end, r->loop, ev);
	r->err = open_folder(r, folder);
	if (r->err) {           /* for the sender to hear, then for us */
		r->queue = mem_deref(r->queue);
		(void)re_snprintf(r->why, sizeof r->why, "The folder %s"
				  " cannot be used: %m.", folder, r->err);
		linger(r);
	}
	err = flow_listen(flow, number, accept_handler, r);
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
