/*
 * fwwire.c: the records of the forward tunnel, to bytes and back.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/forward/fwwire.h"
#include "tunnels/record.h"

static int put_place(struct mbuf *mb, const struct fwwire *w)
{
	int err = fields_put_uint(mb, w->target, 1);

	if (!err)
		err = fields_put_uint(mb, w->id, 4);
	if (!err)
		err = fields_put_text(mb, w->host);
	return err ? err : fields_put_uint(mb, w->port, 2);
}

static int put_answer(struct mbuf *mb, const struct fwwire *w)
{
	int err = fields_put_uint(mb, w->id, 4);

	if (!err)
		err = fields_put_uint(mb, record_errno_code(w->err), 1);
	if (!err)
		err = fields_put_uint(mb, w->port, 2);
	return err ? err : fields_put_text(mb, w->text);
}

static int put_connect(struct mbuf *mb, const struct fwwire *w)
{
	int err = put_place(mb, w);

	return err ? err : fields_put_uint(mb, w->channel, 4);
}

int fwwire_encode(struct mbuf *mb, const struct fwwire *w)
{
	switch (w->type) {
	case FWW_HELLO:   return fields_put_uint(mb, w->version, 1);
	case FWW_CHECK:
	case FWW_LISTEN:  return put_place(mb, w);
	case FWW_CONNECT: return put_connect(mb, w);
	case FWW_ANSWER:  return put_answer(mb, w);
	case FWW_RESULT:
		return fields_put_uint(mb, record_errno_code(w->err), 1);
	case FWW_PACKET:  break;
	}
	return EINVAL;
}

static int get_place(struct fields *f, struct fwwire *w)
{
	const unsigned target = (unsigned)fields_uint(f, 1);

	w->id = (uint32_t)fields_uint(f, 4);
	if (fields_text(f, w->host, sizeof w->host))
		f->bad = true;
	w->port = (uint16_t)fields_uint(f, 2);
	if (target < FWW_TCP || target > FWW_UDP)
		return f->bad ? EBADMSG : ENOTSUP;
	w->target = (enum fwwire_target)target;
	return 0;
}

static void get_answer(struct fields *f, struct fwwire *w)
{
	w->id = (uint32_t)fields_uint(f, 4);
	w->err = record_code_errno(fields_uint(f, 1));
	w->port = (uint16_t)fields_uint(f, 2);
	(void)fields_text(f, w->text, sizeof w->text);
}

int fwwire_decode(struct fwwire *w, uint8_t type, const uint8_t *p, size_t n)
{
	struct fields f = { p, p + n, false };
	int err = 0;

	memset(w, 0, sizeof *w);
	switch (type) {
	case FWW_HELLO:   w->version = (uint8_t)fields_uint(&f, 1); break;
	case FWW_CHECK:
	case FWW_LISTEN:
	case FWW_CONNECT:
		err = get_place(&f, w);
		if (type == FWW_CONNECT)
			w->channel = (uint32_t)fields_uint(&f, 4);
		break;
	case FWW_ANSWER:  get_answer(&f, w); break;
	case FWW_RESULT:
		w->err = record_code_errno(fields_uint(&f, 1));
		break;
	default:          return ENOTSUP;
	}
	w->type = (enum fwwire_type)type;
	return f.bad ? EBADMSG : err;
}
