/*
 * filepump.c: what the sending side sends.
 *
 *   walk -> FILE -> read(2) straight into the stream -> END -> next
 *                     ^            |
 *                     +-- the peer had other bytes than we thought
 *
 * It does as much as there is room for, up to a limit a turn: the worker has
 * others to serve. It goes on when there is room again (writeh), in the next
 * turn, or when a hash is known.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/file/filepump.h"

enum {
	TURN_BYTES = 1 << 20,           /* read from disk in one turn */
	ENTRY_COST = 16384,             /* what an entry counts as of these */
	READ_MAX = 512 * 1024,          /* of one read(2) */
	PACK_MIN = 4096,                /* fewer bytes are not packed */
};
#define PROGRESS_WAIT (100 * MSEC)

static int say(struct filesend *f)
{
	return filewire_say(&f->wr, &f->w);
}

void filepump_failed(struct filesend *f, const char *path, const char *why)
{
	if (!f->failed++)
		(void)re_snprintf(f->first, sizeof f->first, "%H: %H",
				  plain_print, path, plain_print, why);
	if (f->notes++ < FILESEND_NOTES)
		ending_note(&f->end, "%H: not sent: %H", plain_print, path,
			    plain_print, why);
}

void filepump_progress(struct filesend *f, bool now)
{
	struct tunnel_progress p;
	uint64_t unacked;
	char shown[512];

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
	if (f->src.fd >= 0) {
		p.name = shown;
		if (re_snprintf(shown, sizeof shown, "%H", plain_print,
				filewalk_path(f->walk)) < 0)
			str_ncpy(shown, "...", sizeof shown);
		p.part = f->src.off > unacked ? f->src.off - unacked : 0;
		p.part_total = f->src.size;
	}
	f->end.ev.progressh(&p, f->end.ev.arg);
}

static int start_file(struct filesend *f)
{
	const struct filewalk_item *it = &f->it;
	struct filewire *w = &f->w;

	filesource_open(&f->src, it->fd, &it->st);
	w->type = FW_FILE;
	w->mode = it->st.st_mode & 0777;
	w->mtime = it->st.st_mtim;
	w->size = f->src.size;
	w->data = filesource_data(&it->st);
	str_ncpy(w->name, it->name, sizeof w->name);
	f->entries++;
	return say(f);
}

static int say_name(struct filesend *f, enum filewire_type type)
{
	struct filewire *w = &f->w;

	w->type = type;
	str_ncpy(w->name, f->it.name, sizeof w->name);
	str_ncpy(w->path, f->it.target, sizeof w->path);
	f->entries++;
	return say(f);
}

static int say_leave(struct filesend *f)
{
	f->w.type = FW_LEAVE;
	f->w.mode = f->it.st.st_mode & 0777;
	f->w.mtime = f->it.st.st_mtim;
	return say(f);
}

static int say_finish(struct filesend *f)
{
	f->finished = true;
	f->w.type = FW_FINISH;
	return say(f);
}

static int say_missed(struct filesend *f)
{
	const char *path = filewalk_path(f->walk);
	const char *why = f->it.err == ENOTSUP ?
		"neither a file nor a folder nor a link" :
		strerror(f->it.err);

	filepump_failed(f, path, why);
	f->unsent++;
	f->unread++;
	f->w.type = FW_MISSED;
	f->w.err = f->it.err;
	str_ncpy(f->w.path, path, sizeof f->w.path);
	str_ncpy(f->w.text, why, sizeof f->w.text);
	return say(f);
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
	case WALK_FAIL:  return say_missed(f);
	}
	return EINVAL;
}

static int drop_file(struct filesend *f, int err, const char *why)
{
	filepump_failed(f, filewalk_path(f->walk), why);
	f->unsent++;
	filesource_close(&f->src);
	f->w.type = FW_DROP;
	f->w.err = err;
	str_ncpy(f->w.text, why, sizeof f->w.text);
	return say(f);
}

/* All bytes are out; but are they still those of one file? */
static int end_file(struct filesend *f)
{
	int err = filesource_check(&f->src);

	if (err)
		return drop_file(f, err, err == ESTALE ? "it was changed"
				 " while it was being sent" : strerror(err));
	filesource_close(&f->src);
	f->files++;
	f->w.type = FW_END;
	filesource_digest(&f->src, f->w.hash);
	return say(f);
}

static int read_failed(struct filesend *f, ssize_t n)
{
	return n < 0 ? drop_file(f, errno, strerror(errno)) :
		drop_file(f, ESTALE, "it became shorter while it was being"
			  " sent");
}

static int say_size(struct filesend *f, enum filewire_type type, uint64_t n)
{
	f->w.type = type;
	f->w.size = n;
	return say(f);
}

/* A block, packed if that makes it smaller. What the stream does not take is
 * kept by record_write, and nothing more is read until it has gone. */
static int send_packed(struct filesend *f, size_t *n)
{
	uint8_t *raw = filezip_block(f->zip);
	const uint8_t *p;
	ssize_t k;
	size_t z;

	if (!raw)
		return ENOMEM;
	k = filesource_read(&f->src, raw, FILEZIP_BLOCK);
	if (k <= 0)
		return read_failed(f, k);
	f->bytes += (uint64_t)k;
	*n = 2 * (size_t)k;             /* it is work, too */
	z = filezip_pack(f->zip, (size_t)k, &p);
	f->wire += z ? z : (size_t)k;
	return z ? record_write(&f->wr, FW_ZDATA, p, z) :
		record_write(&f->wr, FW_DATA, p, (size_t)k);
}

/* A record of data; *n: its bytes, 0: there is no room. */
static int send_data(struct filesend *f, size_t *n)
{
	const uint64_t hole = filesource_hole(&f->src);
	uint8_t *room;
	bool pack;
	size_t size;
	ssize_t k;

	if (hole) {
		f->bytes += hole;
		*n = ENTRY_COST;
		return say_size(f, FW_HOLE, hole);
	}
	size = record_reserve(&f->wr, &room);
	*n = 0;
	if (!size) {
		f->waited = true;
		return 0;
	}
	pack = f->unpacks && f->src.end - f->src.off >= PACK_MIN &&
		filezip_try(f->zip, f->waited, f->wire, loop_now(f->loop));
	f->waited = false;
	if (pack)
		return send_packed(f, n);
	k = filesource_read(&f->src, room, size < READ_MAX ? size : READ_MAX);
	if (k <= 0)
		return read_failed(f, k);
	f->bytes += (uint64_t)k;
	f->wire += (uint64_t)k;
	record_commit(&f->wr, FW_DATA, (size_t)k);
	*n = (size_t)k;
	return 0;
}

/* Was it right to pass over what the peer has? */
static int settle(struct filesend *f)
{
	struct filesource *src = &f->src;
	const uint64_t passed = src->gap_end - src->gap;
	const bool same = filesource_gap(src) == GAP_SAME;

	filesource_settle(src);
	if (same) {
		f->w.type = FW_KEEP;
		return say(f);
	}
	f->bytes -= passed;
	return say_size(f, FW_SEEK, src->off);
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
	if (f->src.off < f->src.end)
		return send_data(f, cost);
	if (filesource_gap(&f->src) == GAP_WAIT)
		return 0;
	*cost = 1;
	return filesource_gap(&f->src) == GAP_NONE ? end_file(f) : settle(f);
}

void filepump_run(void *arg)
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
		loop_defer(f->loop, &f->defer, filepump_run, f);
	filepump_progress(f, false);
}
