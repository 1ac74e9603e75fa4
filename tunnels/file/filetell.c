/*
 * filetell.c: what the receiving side tells the sender and its own user.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/file/filetell.h"

#define PROGRESS_WAIT (100 * MSEC)
#define LINGER (10 * SEC)               /* for the peer's last word */

enum { NOTES_MAX = 10 };                /* entries told one by one */

/* People's words for what goes wrong while receiving. */
const char *filetell_sentence(int err)
{
	switch (err) {
	case ENOSPC:
	case EDQUOT:       return "the disk there is full";
	case EROFS:        return "the disk there is read-only";
	case EFBIG:        return "it is larger than a file may be there";
	case ELOOP:
	case ENOTDIR:
	case EXDEV:        return "something else of that name is in the way";
	case ENOENT:       return "the folder for it is missing there";
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

int filetell_say(struct filerecv *r, const struct filewire *w)
{
	return r->s ? filewire_say(&r->wr, w) : 0;
}

static void linger_handler(void *arg)
{
	struct filerecv *r = arg;

	ending_set(&r->end, r->err, "%s", r->why);
}

void filetell_linger(struct filerecv *r)
{
	if (!r->wr.backlog)
		stream_fin(r->s);
	if (timer_start(loop_timers(r->loop), &r->linger, LINGER,
			linger_handler, r))
		linger_handler(r);
}

void filetell_die(struct filerecv *r, int err, const char *why)
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
	(void)filetell_say(r, &w);
	filetell_linger(r);
}

void filetell_verdict(struct filerecv *r, uint64_t entry, const char *dir,
		      const char *name, enum filewire_outcome outcome,
		      int err, const char *text)
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
	err = filetell_say(r, &w);
	if (err)
		filetell_die(r, err, "the sender does not listen");
}

void filetell_failed(struct filerecv *r, uint64_t entry, const char *dir,
		     const char *name, int err)
{
	r->failed++;
	filetell_verdict(r, entry, dir, name, FW_FAILED, err,
			 filetell_sentence(err));
	if (filebatch_fatal(err))
		filetell_die(r, err, filetell_sentence(err));
}

void filetell_missed(struct filerecv *r, const char *path, const char *why)
{
	if (r->missed++ < NOTES_MAX)
		ending_note(&r->end, "%H: not received: %H", plain_print,
			    path, plain_print, why);
}

void filetell_progress(struct filerecv *r, const char *name)
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
	if (r->in)
		p.part = incoming_done(r->in, &p.part_total);
	r->end.ev.progressh(&p, r->end.ev.arg);
}

void filetell_done(struct filerecv *r)
{
	struct filewire w;

	r->done = true;
	w.type = FW_DONE;
	w.files = r->stored;
	w.bytes = r->bytes;
	w.had = r->had;
	w.failed = r->failed;
	(void)filetell_say(r, &w);
	if (r->failed) {
		r->err = EIO;
		(void)re_snprintf(r->why, sizeof r->why, "%llu of the files"
				  " that %s sent could not be stored.",
				  r->failed, r->peer);
	}
	else if (r->missed && r->asked) {
		r->err = EIO;
		(void)re_snprintf(r->why, sizeof r->why, "%llu of the files"
				  " could not be read at %s.", r->missed,
				  r->peer);
	}
	if (!r->total) {                /* it was over before that was known */
		r->total = r->bytes;
		r->files_total = r->stored + r->had;
	}
	filetell_progress(r, NULL);
	filetell_linger(r);
}
