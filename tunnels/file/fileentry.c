/*
 * fileentry.c: each record of the sender, in order.
 *
 *   records -> tree      where we are
 *           -> incoming  the file being received
 *           -> queue     complete entries, to disk
 */
#include <errno.h>
#include <string.h>
#include "tunnels/file/fileentry.h"
#include "tunnels/file/filetell.h"

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
	(void)filetell_say(r, &w);
}

/* A file we cannot take: told at once, its bytes are thrown away. */
static int fail_file(struct filerecv *r, int err)
{
	r->in = mem_deref(r->in);
	r->skip = true;
	if (r->tree.err)
		r->failed++;    /* its folder was told of */
	else
		filetell_failed(r, r->entry, r->tree.path, r->name, err);
	return 0;
}

static int too_much(struct filerecv *r)
{
	char why[FW_TEXT_MAX + 1];

	(void)re_snprintf(why, sizeof why, "at most %llu bytes are taken"
			  " there in one call (max-size)", r->max);
	filetell_die(r, EFBIG, why);
	return 0;
}

/* From another time; its hash will follow. */
static int say_part(struct filerecv *r)
{
	struct filewire w;

	w.type = FW_PART;
	w.entry = r->entry;
	w.size = incoming_part(r->in);
	return w.size ? filetell_say(r, &w) : 0;
}

/* What the file at hand will add to the folder; false: that is too much. */
static bool charge(struct filerecv *r)
{
	char why[FW_TEXT_MAX + 1];

	if (!r->room)
		return true;
	r->pending += r->w.size;
	fileroom_charge(r->room, r->w.size - incoming_part(r->in), r->w.size);
	if (r->base + fileroom_charged(r->room) <= r->quota)
		return true;
	(void)re_snprintf(why, sizeof why, "the folder there may hold %llu"
			  " bytes in all (quota)", r->quota);
	filetell_die(r, EDQUOT, why);
	return false;
}

static int on_file(struct filerecv *r)
{
	const struct filewire *w = &r->w;
	int err = r->tree.err;

	if (r->in || r->skip)
		return EBADMSG;
	r->entry = r->entries++;
	filezip_out_reset(r->unzip);
	str_ncpy(r->name, w->name, sizeof r->name);
	if (r->max && (w->size > r->max ||
		       r->declared > r->max - w->size))
		return too_much(r);
	r->declared += w->size;
	if (!err && !w->name_ok)
		err = EINVAL;
	if (!err)
		err = incoming_alloc(&r->in, r->loop, r->tree.fd,
				     r->tree.path, w, r->entry, have_handler,
				     r);
	if (err)
		return fail_file(r, err);
	return charge(r) ? say_part(r) : 0;
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
		filetell_failed(r, r->entry, dir, w->name, err);
	else if (err)
		r->failed++;
	else if (strcmp(filetree_name(&r->tree), w->name))
		filetell_verdict(r, r->entry, dir, w->name, FW_RENAMED, 0,
				 filetree_name(&r->tree));
	return 0;
}

static int on_leave(struct filerecv *r)
{
	char dir[FW_PATH_MAX + 1];
	const bool apart = r->tree.apart;
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
	op->apart = apart;
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
	op->apart = r->tree.apart;
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
	op->apart = r->tree.apart;
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
	filetell_missed(r, r->name, r->w.text);
	return 0;
}

/* What an error of the file at hand means for the whole. */
static int judge(struct filerecv *r, int err)
{
	return err && err != EBADMSG ? fail_file(r, err) : err;
}

static int on_seek(struct filerecv *r)
{
	int64_t moved = 0;
	int err;

	if (r->skip)
		return 0;
	if (!r->in)
		return EBADMSG;
	err = incoming_seek(r->in, r->w.size, &moved);
	r->bytes += (uint64_t)moved;
	if (moved < 0 && r->room)       /* another file's bytes are there */
		fileroom_charge(r->room, (uint64_t)-moved, 0);
	return judge(r, err);
}

static int on_keep(struct filerecv *r)
{
	if (r->skip)
		return 0;
	return r->in ? incoming_keep(r->in) : EBADMSG;
}

static int on_hole(struct filerecv *r)
{
	int err;

	if (r->skip)
		return 0;
	if (!r->in)
		return EBADMSG;
	err = incoming_hole(r->in, r->w.size);
	if (!err)
		r->bytes += r->w.size;
	return judge(r, err);
}

static int on_missed(struct filerecv *r)
{
	filetell_missed(r, r->w.path, r->w.text);
	return 0;
}

static int on_finish(struct filerecv *r)
{
	if (r->in || r->skip || r->tree.depth || r->finished)
		return EBADMSG;
	r->finished = true;
	if (filequeue_empty(r->queue))
		filetell_done(r);
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
	w.flags = FW_UNPACKS;
	return filetell_say(r, &w);
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
	case FW_KEEP:   return on_keep(r);
	case FW_HOLE:   return on_hole(r);
	case FW_MISSED: return on_missed(r);
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

int fileentry_record(uint8_t type, const uint8_t *p, size_t n, void *arg)
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

static int plain_data(const uint8_t *p, size_t n, void *arg)
{
	struct filerecv *r = arg;

	r->bytes += n;
	filetell_progress(r, r->name);
	/* an error before has closed it */
	return r->in ? judge(r, incoming_data(r->in, p, n)) : 0;
}

int fileentry_data(const uint8_t *p, size_t n, void *arg)
{
	struct filerecv *r = arg;
	int err = 0;

	if (r->dead)
		return 0;
	if (!r->in && !r->skip)
		return EBADMSG;
	if (r->skip) {
		r->bytes += n;
		return 0;
	}
	if (r->rd.hdr[0] == FW_DATA)
		return plain_data(p, n, r);
	if (!r->unzip)
		err = filezip_out_alloc(&r->unzip);
	return err ? err : filezip_unpack(r->unzip, p, n, plain_data, r);
}
