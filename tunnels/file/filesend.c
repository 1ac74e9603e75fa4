/*
 * filesend.c: the sending side of the file tunnel.
 *
 *   walk -> FILE -> read(2) straight into the stream -> END -> next
 *
 * `pump` does as much as there is room for, up to a limit a turn: the worker
 * has others to serve. It goes on when there is room again (writeh), or in
 * the next turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "tunnels/ending.h"
#include "tunnels/file/filecount.h"
#include "tunnels/file/filehash.h"
#include "tunnels/file/fileprefix.h"
#include "tunnels/file/filesend.h"
#include "tunnels/file/filewalk.h"
#include "tunnels/record.h"

enum {
	TURN_BYTES = 1 << 20,           /* read from disk in one turn */
	ENTRY_COST = 16384,             /* what an entry counts as of these */
	READ_MAX = 512 * 1024,          /* of one read(2) */
	NOTES_MAX = 10,                 /* entries told one by one */
};
#define PROGRESS_WAIT (100 * MSEC)
#define LINGER (2 * SEC)                /* for the stream's end */

/* The file being sent. */
struct source {
	int fd;                         /* -1: none */
	uint64_t size, off;
	struct timespec mtime;
	XXH3_state_t *hash;
	struct errand *errand;          /* hashes what the peer has */
	uint8_t sha[FW_SHA_SIZE];       /* as the peer found it */
};

struct filesend {
	struct loop *loop;
	struct stream *s;
	struct record_reader rd;
	struct record_writer wr;
	struct ending end;
	struct filewalk *walk;
	struct filewalk_item it;
	struct filewire w;              /* the record at hand */
	struct source src;
	struct errand *count;
	struct loop_defer defer;
	struct timer linger;
	char peer[64];
	char path[512];                 /* of the file, for people */
	bool finished;                  /* FINISH is out */
	bool done;                      /* the peer has said how it went */
	uint64_t entries;
	uint64_t bytes, total;          /* sent or had; to send, 0: unknown */
	uint64_t files, files_total;
	uint64_t failed, had;
	unsigned notes;
	char first[400];                /* the first failure, a sentence */
	uint64_t shown;
};

static void source_close(struct source *src)
{
	src->errand = mem_deref(src->errand);
	if (src->fd >= 0)
		(void)close(src->fd);
	src->fd = -1;
}

static void filesend_destructor(void *arg)
{
	struct filesend *f = arg;

	ending_stop(&f->end);
	timer_stop(&f->linger);
	loop_defer_cancel(f->loop, &f->defer);
	stream_reset(f->s, record_errno_code(ECANCELED));
	mem_deref(f->count);
	source_close(&f->src);
	if (f->src.hash)
		(void)XXH3_freeState(f->src.hash);
	mem_deref(f->walk);
	mem_deref(f->rd.body);
	mem_deref(f->wr.backlog);
}

static int say(struct filesend *f, const struct filewire *w)
{
	struct mbuf *mb = mbuf_alloc(128);
	int err = mb ? filewire_encode(mb, w) : ENOMEM;

	if (!err)
		err = record_write(&f->wr, (uint8_t)w->type, mb->buf,
				   mb->end);
	mem_deref(mb);
	return err;
}

/* One entry did not make it; the others go on. */
static void entry_failed(struct filesend *f, const char *path,
			 const char *why)
{
	if (!f->failed++)
		(void)re_snprintf(f->first, sizeof f->first, "%H: %H",
				  plain_print, path, plain_print, why);
	if (f->notes++ < NOTES_MAX)
		ending_note(&f->end, "%H: not sent: %H", plain_print, path,
			    plain_print, why);
}

static void progress(struct filesend *f, bool now)
{
	struct tunnel_progress p;
	uint64_t unacked;

	if (!f->end.ev.progressh || f->end.set ||
	    (!now && loop_now(f->loop) - f->shown < PROGRESS_WAIT))
		return;
	f->shown = loop_now(f->loop);
	unacked = f->s ? stream_unacked(f->s) : 0;
	memset(&p, 0, sizeof p);
	p.bytes = f->bytes > unacked ? f->bytes - unacked : 0;
	p.total = f->total;
	p.files = f->files;
	p.files_total = f->files_total;
	p.name = f->src.fd >= 0 ? f->path : NULL;
	f->end.ev.progressh(&p, f->end.ev.arg);
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
		(void)say(f, &w);
}

static int start_file(struct filesend *f)
{
	const struct filewalk_item *it = &f->it;
	struct filewire *w = &f->w;

	f->src.fd = it->fd;
	f->src.size = (uint64_t)it->st.st_size;
	f->src.off = 0;
	f->src.mtime = it->st.st_mtim;
	(void)XXH3_128bits_reset(f->src.hash);
	if (f->src.size >= FW_BULK_MIN)
		(void)posix_fadvise(it->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (re_snprintf(f->path, sizeof f->path, "%H", plain_print,
			it->path) < 0)
		str_ncpy(f->path, "...", sizeof f->path);
	w->type = FW_FILE;
	w->mode = it->st.st_mode & 0777;
	w->mtime = it->st.st_mtim;
	w->size = f->src.size;
	str_ncpy(w->name, it->name, sizeof w->name);
	f->entries++;
	return say(f, w);
}

static int say_name(struct filesend *f, enum filewire_type type)
{
	struct filewire *w = &f->w;

	w->type = type;
	str_ncpy(w->name, f->it.name, sizeof w->name);
	str_ncpy(w->path, f->it.target, sizeof w->path);
	f->entries++;
	return say(f, w);
}

static int say_leave(struct filesend *f)
{
	f->w.type = FW_LEAVE;
	f->w.mode = f->it.st.st_mode & 0777;
	f->w.mtime = f->it.st.st_mtim;
	return say(f, &f->w);
}

static int say_finish(struct filesend *f)
{
	f->finished = true;
	f->w.type = FW_FINISH;
	return say(f, &f->w);
}

static int next_entry(struct filesend *f)
{
	int err = filewalk_next(f->walk, &f->it);

	if (err)
		return err;
	switch (f->it.what) {
	case WALK_FILE:  return start_file(f);
	case WALK_DIR:   return say_name(f, FW_DIR);
	case WALK_LINK:  return say_name(f, FW_LINK);
	case WALK_LEAVE: return say_leave(f);
	case WALK_END:   return say_finish(f);
	case WALK_FAIL:
		entry_failed(f, f->it.path, f->it.err == ENOTSUP ?
			     "neither a file nor a folder nor a link" :
			     strerror(f->it.err));
		break;
	}
	return 0;
}

static int drop_file(struct filesend *f, int err, const char *why)
{
	entry_failed(f, f->path, why);
	source_close(&f->src);
	f->w.type = FW_DROP;
	f->w.err = err;
	str_ncpy(f->w.text, why, sizeof f->w.text);
	return say(f, &f->w);
}

/* All bytes are out; but are they still those of one file? */
static int end_file(struct filesend *f)
{
	XXH128_canonical_t hash;
	struct stat st;

	if (fstat(f->src.fd, &st))
		return drop_file(f, errno, strerror(errno));
	if ((uint64_t)st.st_size != f->src.size ||
	    st.st_mtim.tv_sec != f->src.mtime.tv_sec ||
	    st.st_mtim.tv_nsec != f->src.mtime.tv_nsec)
		return drop_file(f, ESTALE, "it was changed while it was"
				 " being sent");
	source_close(&f->src);
	f->files++;
	XXH128_canonicalFromHash(&hash, XXH3_128bits_digest(f->src.hash));
	f->w.type = FW_END;
	memcpy(f->w.hash, hash.digest, FW_HASH_SIZE);
	return say(f, &f->w);
}

/* As pread, but never fewer bytes than asked for, unless the file ends. */
static ssize_t read_at(const struct source *src, uint8_t *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t k = pread(src->fd, p + done, n - done,
				  (off_t)(src->off + done));

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		if (!k)
			break;
		done += (size_t)k;
	}
	return (ssize_t)done;
}

static size_t smaller(uint64_t a, uint64_t b)
{
	return (size_t)(a < b ? a : b);
}

static void sent(struct filesend *f, const uint8_t *p, size_t n)
{
	(void)XXH3_128bits_update(f->src.hash, p, n);
	f->src.off += n;
	f->bytes += n;
}

static int read_failed(struct filesend *f, ssize_t n)
{
	return n < 0 ? drop_file(f, errno, strerror(errno)) :
		drop_file(f, ESTALE, "it became shorter while it was being"
			  " sent");
}

/* A record of data; *n: its bytes, 0: there is no room. */
static int send_data(struct filesend *f, size_t *n)
{
	uint8_t *room;
	size_t size = record_reserve(&f->wr, &room);
	ssize_t k;

	*n = 0;
	if (!size)
		return 0;
	size = smaller(smaller(size, READ_MAX), f->src.size - f->src.off);
	k = read_at(&f->src, room, size);
	if (k <= 0)
		return read_failed(f, k);
	sent(f, room, (size_t)k);
	record_commit(&f->wr, FW_DATA, (size_t)k);
	*n = (size_t)k;
	return 0;
}

/* One step. *cost: how much it was, 0: it must wait. */
static int step(struct filesend *f, size_t *cost)
{
	*cost = 0;
	if (f->finished || f->end.set || !f->s || !record_flush(&f->wr))
		return 0;
	if (f->src.fd < 0) {
		*cost = ENTRY_COST;
		return next_entry(f);
	}
	if (f->src.off < f->src.size)
		return send_data(f, cost);
	*cost = 1;
	return end_file(f);
}

static void pump(void *arg)
{
	struct filesend *f = arg;
	size_t done = 0, cost;
	int err = 0;

	do {
		err = step(f, &cost);
		done += cost;
	} while (!err && cost && done < TURN_BYTES);
	if (err)
		ending_set(&f->end, err, "Sending to %s failed: %m.", f->peer,
			   err);
	else if (cost)
		loop_defer(f->loop, &f->defer, pump, f);
	progress(f, false);
}

static void prefix_handler(int err, uint64_t n,
			   const uint8_t sha[FW_SHA_SIZE], void *arg)
{
	struct filesend *f = arg;
	struct source *src = &f->src;
	struct filewire w;

	src->errand = mem_deref(src->errand);
	if (f->end.set || !f->s)
		return;
	w.type = FW_SEEK;
	w.size = 0;
	if (!err && src->off < n && !memcmp(sha, src->sha, FW_SHA_SIZE)) {
		w.size = n;
		f->bytes += n - src->off;
		src->off = n;
	}
	err = say(f, &w);
	if (err)
		ending_set(&f->end, err, "Sending to %s failed: %m.", f->peer,
			   err);
	else
		pump(f);
}

/* The peer has the first bytes of the file, or says so: do we find the
 * same? Late answers are no harm: the file goes on meanwhile. */
static void on_have(struct filesend *f)
{
	struct source *src = &f->src;

	if (src->fd < 0 || src->errand || f->w.entry != f->entries - 1 ||
	    f->w.size > src->size || f->w.size <= src->off)
		return;
	memcpy(src->sha, f->w.hash, FW_SHA_SIZE);
	(void)fileprefix_start(&src->errand, f->loop, src->fd, f->w.size,
			       prefix_handler, f);
}

static void on_verdict(struct filesend *f)
{
	const struct filewire *w = &f->w;

	if (w->outcome == FW_FAILED)
		entry_failed(f, w->path, *w->text ? w->text :
			     strerror(w->err));
	else if (w->outcome == FW_HAD)
		f->had++;
	else if (w->outcome == FW_RENAMED && f->notes++ < NOTES_MAX)
		ending_note(&f->end, "%H is there already, with other content:"
			    " stored as %H", plain_print, w->path,
			    plain_print, w->text);
}

static void linger_handler(void *arg)
{
	struct filesend *f = arg;

	if (f->failed)
		ending_set(&f->end, EIO, "%llu of %llu could not be sent."
			   " The first: %s.", f->failed, f->files + f->failed,
			   f->first);
	else
		ending_set(&f->end, 0, "");
}

static int on_done(struct filesend *f)
{
	if (!f->finished || f->done)
		return EBADMSG;
	f->done = true;
	if (f->w.failed && !f->failed)  /* it did not say which */
		entry_failed(f, f->peer, "it could not store all of it");
	if (f->had)
		ending_note(&f->end, "%llu were there already", f->had);
	progress(f, true);
	stream_fin(f->s);
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
	case FW_HELLO:   return f->w.version ? 0 : EBADMSG;
	case FW_HAVE:    on_have(f); return 0;
	case FW_VERDICT: on_verdict(f); return 0;
	case FW_DONE:    return on_done(f);
	case FW_FAIL:
		ending_set(&f->end, f->w.err, "%s could not receive it: %H.",
			   f->peer, plain_print, f->w.text);
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
	pump(arg);
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

static int setup(struct filesend *f, struct flow *flow, unsigned number,
		 char *const *argv, size_t argc)
{
	static const struct stream_handlers h = {
		read_handler, NULL, write_handler, close_handler
	};
	int err;

	f->src.hash = XXH3_createState();
	if (!f->src.hash)
		return ENOMEM;
	err = filewalk_alloc(&f->walk, argv, argc);
	if (!err)
		err = filecount_start(&f->count, f->loop, argv, argc,
				      count_handler, f);
	if (!err)
		err = stream_open(&f->s, flow, number, &h, f);
	if (err)
		return err;
	f->wr.s = f->s;
	f->w.type = FW_HELLO;
	f->w.version = FW_VERSION;
	return say(f, &f->w);
}

int filesend_alloc(struct filesend **fp, struct flow *flow, unsigned number,
		   char *const *argv, size_t argc, const char *peer,
		   const struct tunnel_events *ev)
{
	struct filesend *f = mem_zalloc(sizeof *f, filesend_destructor);
	int err;

	if (!f)
		return ENOMEM;
	f->loop = flow_loop(flow);
	f->src.fd = -1;
	str_ncpy(f->peer, peer, sizeof f->peer);
	ending_init(&f->end, f->loop, ev);
	err = setup(f, flow, number, argv, argc);
	if (err) {
		mem_deref(f);
		return err;
	}
	loop_defer(f->loop, &f->defer, pump, f);
	*fp = f;
	return 0;
}

int filesend_status(struct re_printf *pf, const struct filesend *f)
{
	return re_hprintf(pf, "bytes=%llu total=%llu files=%llu failed=%llu",
			  f->bytes, f->total, f->files, f->failed);
}
