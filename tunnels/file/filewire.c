/*
 * filewire.c: the records of the file tunnel, to bytes and back. Pure: no
 * file is touched here.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/file/filestore.h"
#include "tunnels/file/filewire.h"
#include "tunnels/record.h"

bool filewire_name_ok(const char *name)
{
	const size_t n = str_len(name), tail = strlen(FILESTORE_PART);

	if (!n || n > FW_NAME_MAX || strchr(name, '/') ||
	    !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	if (n > tail && !strcmp(name + n - tail, FILESTORE_PART))
		return false;
	return strncmp(name, FILESTORE_STAGE, strlen(FILESTORE_STAGE)) != 0;
}

static int put_meta(struct mbuf *mb, const struct filewire *w)
{
	int err = fields_put_uint(mb, w->mode, 2);

	if (!err)
		err = fields_put_uint(mb, (uint64_t)w->mtime.tv_sec, 8);
	if (!err)
		err = fields_put_uint(mb, (uint64_t)w->mtime.tv_nsec, 4);
	return err;
}

static int put_why(struct mbuf *mb, const struct filewire *w)
{
	int err = fields_put_uint(mb, record_errno_code(w->err), 1);

	return err ? err : fields_put_text(mb, w->text);
}

static int put_verdict(struct mbuf *mb, const struct filewire *w)
{
	int err = fields_put_uint(mb, w->entry, 8);

	if (!err)
		err = fields_put_uint(mb, w->outcome, 1);
	if (!err)
		err = fields_put_text(mb, w->path);
	return err ? err : put_why(mb, w);
}

static int put_missed(struct mbuf *mb, const struct filewire *w)
{
	int err = fields_put_text(mb, w->path);

	return err ? err : put_why(mb, w);
}

static int put_part(struct mbuf *mb, const struct filewire *w)
{
	int err = fields_put_uint(mb, w->entry, 8);

	return err ? err : fields_put_uint(mb, w->size, 8);
}

static int put_have(struct mbuf *mb, const struct filewire *w)
{
	int err = put_part(mb, w);

	return err ? err : mbuf_write_mem(mb, w->hash, FW_SHA_SIZE);
}

static int put_counts(struct mbuf *mb, const struct filewire *w)
{
	int err = fields_put_uint(mb, w->files, 8);

	if (!err)
		err = fields_put_uint(mb, w->bytes, 8);
	if (!err && w->type == FW_DONE)
		err = fields_put_uint(mb, w->had, 8);
	if (!err && w->type == FW_DONE)
		err = fields_put_uint(mb, w->failed, 8);
	return err;
}

static int put_file(struct mbuf *mb, const struct filewire *w)
{
	int err = fields_put_text(mb, w->name);

	if (!err)
		err = put_meta(mb, w);
	if (!err)
		err = fields_put_uint(mb, w->size, 8);
	return err ? err : fields_put_uint(mb, w->data, 8);
}

static int put_link(struct mbuf *mb, const struct filewire *w)
{
	int err = fields_put_text(mb, w->name);

	return err ? err : fields_put_text(mb, w->path);
}

static int put_hello(struct mbuf *mb, const struct filewire *w)
{
	int err = fields_put_uint(mb, w->version, 1);

	return err ? err : fields_put_uint(mb, w->flags, 1);
}

int filewire_encode(struct mbuf *mb, const struct filewire *w)
{
	switch (w->type) {
	case FW_HELLO:   return put_hello(mb, w);
	case FW_DIR:     return fields_put_text(mb, w->name);
	case FW_FILE:    return put_file(mb, w);
	case FW_LINK:    return put_link(mb, w);
	case FW_LEAVE:   return put_meta(mb, w);
	case FW_HOLE:
	case FW_SEEK:    return fields_put_uint(mb, w->size, 8);
	case FW_END:     return mbuf_write_mem(mb, w->hash, FW_HASH_SIZE);
	case FW_DROP:
	case FW_FAIL:    return put_why(mb, w);
	case FW_KEEP:
	case FW_FINISH:  return 0;
	case FW_PART:    return put_part(mb, w);
	case FW_HAVE:    return put_have(mb, w);
	case FW_VERDICT: return put_verdict(mb, w);
	case FW_MISSED:  return put_missed(mb, w);
	case FW_TOTAL:
	case FW_DONE:    return put_counts(mb, w);
	case FW_WISH:    return fields_put_text(mb, w->path);
	case FW_ZDATA:
	case FW_DATA:    break;         /* goes past this codec */
	}
	return EINVAL;
}

int filewire_say(struct record_writer *wr, const struct filewire *w)
{
	struct mbuf *mb = mbuf_alloc(128);
	int err = mb ? filewire_encode(mb, w) : ENOMEM;

	if (!err)
		err = record_write(wr, (uint8_t)w->type, mb->buf, mb->end);
	mem_deref(mb);
	return err;
}

static void get_bytes(struct fields *f, uint8_t *p, size_t n)
{
	if (f->bad || (size_t)(f->end - f->p) < n) {
		f->bad = true;
		return;
	}
	memcpy(p, f->p, n);
	f->p += n;
}

static void get_name(struct fields *f, struct filewire *w)
{
	w->name_ok = !fields_text(f, w->name, sizeof w->name) &&
		     filewire_name_ok(w->name);
}

static void get_meta(struct fields *f, struct filewire *w)
{
	w->mode = (uint16_t)fields_uint(f, 2) & 0777;
	w->mtime.tv_sec = (time_t)fields_uint(f, 8);
	w->mtime.tv_nsec = (long)fields_uint(f, 4);
	if (w->mtime.tv_nsec > 999999999)
		f->bad = true;
}

static void get_why(struct fields *f, struct filewire *w)
{
	w->err = record_code_errno(fields_uint(f, 1));
	if (!w->err)            /* it failed, whatever the code says */
		w->err = EIO;
	(void)fields_text(f, w->text, sizeof w->text);
}

static void get_verdict(struct fields *f, struct filewire *w)
{
	w->entry = fields_uint(f, 8);
	w->outcome = (uint8_t)fields_uint(f, 1);
	(void)fields_text(f, w->path, sizeof w->path);
	get_why(f, w);
}

static void get_counts(struct fields *f, struct filewire *w)
{
	w->files = fields_uint(f, 8);
	w->bytes = fields_uint(f, 8);
	if (w->type == FW_TOTAL)
		return;
	w->had = fields_uint(f, 8);
	w->failed = fields_uint(f, 8);
}

static void get_link(struct fields *f, struct filewire *w)
{
	get_name(f, w);
	if (fields_text(f, w->path, sizeof w->path) || !*w->path)
		w->name_ok = false;
}

static void get_part(struct fields *f, struct filewire *w)
{
	w->entry = fields_uint(f, 8);
	w->size = fields_uint(f, 8);
}

static int get(struct fields *f, struct filewire *w)
{
	switch (w->type) {
	case FW_HELLO:
		w->version = (uint8_t)fields_uint(f, 1);
		w->flags = f->p < f->end ? (uint8_t)fields_uint(f, 1) : 0;
		break;
	case FW_DIR:     get_name(f, w); break;
	case FW_FILE:
		get_name(f, w);
		get_meta(f, w);
		w->size = fields_uint(f, 8);
		w->data = fields_uint(f, 8);
		break;
	case FW_LINK:    get_link(f, w); break;
	case FW_LEAVE:   get_meta(f, w); break;
	case FW_HOLE:
	case FW_SEEK:    w->size = fields_uint(f, 8); break;
	case FW_END:     get_bytes(f, w->hash, FW_HASH_SIZE); break;
	case FW_DROP:
	case FW_FAIL:    get_why(f, w); break;
	case FW_KEEP:
	case FW_FINISH:  break;
	case FW_PART:    get_part(f, w); break;
	case FW_HAVE:
		get_part(f, w);
		get_bytes(f, w->hash, FW_SHA_SIZE);
		break;
	case FW_VERDICT: get_verdict(f, w); break;
	case FW_WISH:
		if (fields_text(f, w->path, sizeof w->path))
			f->bad = true;
		break;
	case FW_MISSED:
		(void)fields_text(f, w->path, sizeof w->path);
		get_why(f, w);
		break;
	case FW_TOTAL:
	case FW_DONE:    get_counts(f, w); break;
	default:         return w->type & RECORD_OPTIONAL ? 0 : ENOTSUP;
	}
	return f->bad ? EBADMSG : 0;
}

int filewire_decode(struct filewire *w, uint8_t type, const uint8_t *p,
		    size_t n)
{
	struct fields f = { p, p + n, false };

	/* not all of it: path is large and set where it is used */
	memset(&w->mtime, 0, sizeof w->mtime);
	w->type = type;
	w->name[0] = w->path[0] = w->text[0] = '\0';
	w->name_ok = false;
	return get(&f, w);
}
