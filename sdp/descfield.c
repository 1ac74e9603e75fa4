/*
 * descfield.c: o=, c=, m=, a=mid and a=x-dialtone-tunnel, taken apart.
 */
#include "sdp/addr.h"
#include "sdp/descfield.h"
#include "sdp/descline.h"
#include "sdp/descparam.h"
#include "sdp/words.h"

/* A "numeric string" of any length (RFC 8866 section 5.2); beyond 64 bits it
 * wraps, since it is only ever compared. */
static bool origin_number(struct pl *s, uint64_t *np)
{
	struct pl w;

	if (!words_next(s, &w))
		return false;
	for (size_t i = 0; i < w.l; i++)
		if (w.p[i] < '0' || w.p[i] > '9')
			return false;
	*np = pl_u64(&w);
	return true;
}

int descfield_origin(uint64_t *id, uint64_t *ver, const struct pl *val)
{
	struct pl s = *val, w;

	return words_next(&s, &w) && origin_number(&s, id) &&
		origin_number(&s, ver) && words_next(&s, &w) &&
		words_next(&s, &w) && words_next(&s, &w) ? 0 : EBADMSG;
}

int descfield_conn(struct sa *sa, const struct pl *val)
{
	struct pl s = *val, net, type, host;
	const char *slash;

	if (!words_next(&s, &net) || !words_next(&s, &type) ||
	    !words_next(&s, &host))
		return EBADMSG;
	slash = pl_strchr(&host, '/');
	if (slash)              /* a multicast TTL */
		host.l = (size_t)(slash - host.p);
	if (addr_decode(sa, &host, 0) == EBADMSG)
		return EBADMSG;
	if (sa_is_any(sa))
		sa_init(sa, AF_UNSPEC);
	return 0;
}

/* "49170/2" asks for two ports (RFC 8866 section 5.14): the first counts. */
static bool port_decode(struct pl *s, uint32_t *port)
{
	struct pl w;
	const char *slash;

	if (!words_next(s, &w))
		return false;
	slash = pl_strchr(&w, '/');
	if (slash)
		w.l = (size_t)(slash - w.p);
	return words_number(&w, port, 5, 65535);
}

static bool printable(const struct pl *s)
{
	for (size_t i = 0; i < s->l; i++)
		if (s->p[i] < ' ' || s->p[i] > '~')
			return false;
	return true;
}

/* SEMS writes "<unknown media type>" for a proto that it does not know, so
 * the proto is whatever stands between the port and the last word. */
int descfield_mline(struct mline *m, const struct pl *val)
{
	struct pl s = *val, w;

	if (s.l > MLINE_MAX || !printable(&s) ||
	    !words_next(&s, &m->media) || !words_token(&m->media) ||
	    !port_decode(&s, &m->port))
		return EBADMSG;
	if (!words_next(&s, &m->proto) || !words_next(&s, &m->fmt))
		return EBADMSG;
	while (words_next(&s, &w)) {
		m->proto.l = (size_t)(m->fmt.p + m->fmt.l - m->proto.p);
		m->fmt = w;
	}
	m->rest.p = m->proto.p;
	m->rest.l = (size_t)(m->fmt.p + m->fmt.l - m->rest.p);
	return 0;
}

bool descfield_is_tunnel(const struct mline *m, enum desc_proto *proto)
{
	if (pl_strcasecmp(&m->media, "application"))
		return false;
	for (int i = DESC_QUIC; i <= DESC_DTLS; i++) {
		if (pl_strcasecmp(&m->fmt, descline_protov[i].fmt))
			continue;
		*proto = (enum desc_proto)i;
		return m->proto.p[0] == '<' ||
			!pl_strcasecmp(&m->proto, descline_protov[i].proto);
	}
	return false;
}

bool descfield_is_audio(const struct mline *m)
{
	struct pl s = m->rest, proto;

	return !pl_strcasecmp(&m->media, "audio") && words_next(&s, &proto) &&
		!pl_strcasecmp(&proto, "RTP/AVP");
}

int descfield_refused(char **rawp, const struct mline *m)
{
	return re_sdprintf(rawp, "%r 0 %r", &m->media, &m->rest);
}

int descfield_mid(struct desc_media *m, const struct pl *val)
{
	if (!words_token(val))
		return EBADMSG;
	if (!words_copy(m->mid, sizeof m->mid, val))
		m->known = false;
	return 0;
}

int descfield_tunnel(struct desc_media *m, const struct pl *val)
{
	struct pl s = *val, kind, param = PL_INIT, more;

	if (!words_next(&s, &kind) || !descparam_name(&kind))
		return EBADMSG;
	if (words_next(&s, &param) && !descparam_valid(&param))
		return EBADMSG;
	if (words_next(&s, &more) || m->kind[0])
		return EBADMSG;
	if (!words_copy(m->kind, sizeof m->kind, &kind))
		m->known = false;
	return pl_isset(&param) ? pl_strdup(&m->param, &param) : 0;
}
