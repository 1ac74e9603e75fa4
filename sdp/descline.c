/*
 * descline.c: SDP as lines. One pass, no copies; libre's decoder is quadratic
 * in places and wipes what it had before it fails, so it is not used.
 */
#include <string.h>
#include "sdp/desc.h"
#include "sdp/descline.h"

const struct descline_proto descline_protov[2] = {
	[DESC_QUIC] = { "UDP/QUIC", "vnd.dialtone" },
	[DESC_DTLS] = { "UDP/DTLS", "vnd.dialtone.ip" },
};

const char *const descline_setupv[3] = {
	[SETUP_ACTPASS] = "actpass",
	[SETUP_ACTIVE]  = "active",
	[SETUP_PASSIVE] = "passive",
};

/* Up to the next LF or the end, without the CR before it. */
static void raw_line(struct pl *rest, struct pl *line)
{
	const char *lf = memchr(rest->p, '\n', rest->l);

	line->p = rest->p;
	line->l = lf ? (size_t)(lf - rest->p) : rest->l;
	pl_advance(rest, (ssize_t)(line->l + (lf ? 1 : 0)));
	if (line->l && line->p[line->l - 1] == '\r')
		--line->l;
}

int descline_next(struct pl *rest, struct descline *l)
{
	struct pl line;

	do {
		if (!rest->l)
			return ENOENT;
		raw_line(rest, &line);
		++l->no;
	} while (!line.l);

	if (line.l > DESCLINE_MAX)
		return EMSGSIZE;
	if (line.l < 2 || line.p[0] < 'a' || line.p[0] > 'z' ||
	    line.p[1] != '=' || memchr(line.p, '\0', line.l) ||
	    memchr(line.p, '\r', line.l))
		return EBADMSG;
	l->type = line.p[0];
	l->val.p = line.p + 2;
	l->val.l = line.l - 2;
	return 0;
}

bool descline_attr(const struct descline *l, const char *name,
		   struct pl *val)
{
	size_t n = strlen(name);

	if (l->type != 'a' || l->val.l < n || memcmp(l->val.p, name, n) ||
	    (l->val.l > n && l->val.p[n] != ':'))
		return false;
	if (val) {
		*val = l->val;
		pl_advance(val, (ssize_t)(l->val.l > n ? n + 1 : n));
	}
	return true;
}
