/*
 * descenc.c: descriptions and trickle fragments as text.
 *
 *   v= o= s= c= t=
 *   a=group:BUNDLE 0 1            what is bundled is what is not rejected
 *   a=ice-options:ice2 trickle
 *   [m=audio 9 RTP/AVP 0 8 101]   bare, for PBXs that want a call
 *   m=application 4711 UDP/QUIC vnd.dialtone
 *   a=mid:0
 *   a=x-dialtone-tunnel:...
 *   a=ice-ufrag: ... a=end-of-candidates    on the first live tunnel only
 *   m=application 0 UDP/QUIC vnd.dialtone
 *   a=mid:1
 *   a=bundle-only                 offers; an answer repeats the port
 */
#include "sdp/addr.h"
#include "sdp/desc.h"
#include "sdp/descline.h"

enum {
	DISCARD_PORT = 9,       /* RFC 8840 section 4.1: no address yet */
};

static bool is_live(const struct desc_media *m)
{
	return m->known && !m->rejected;
}

/* Only an offer leaves the DTLS role open (RFC 8842 section 5.2). */
static bool is_offer(const struct desc *d)
{
	return d->setup == SETUP_ACTPASS;
}

static const struct desc_media *primary(const struct desc *d)
{
	for (size_t i = 0; i < d->mediac; i++)
		if (is_live(&d->mediav[i]))
			return &d->mediav[i];
	return NULL;
}

static int encode_group(struct mbuf *mb, const struct desc *d)
{
	int err;

	/* a peer whose mids were stripped on the way bundles nothing */
	if (!primary(d) || !primary(d)->mid[0])
		return 0;
	err = mbuf_write_str(mb, "a=group:BUNDLE");
	for (size_t i = 0; i < d->mediac && !err; i++)
		if (is_live(&d->mediav[i]))
			err = mbuf_printf(mb, " %s", d->mediav[i].mid);
	return err ? err : mbuf_write_str(mb, "\r\n");
}

static int encode_options(struct mbuf *mb, const struct desc *d)
{
	return mbuf_printf(mb, "a=ice-options:ice2%s%s%s\r\n%s",
			   d->trickle ? " trickle" : "",
			   d->renomination ? " renomination" : "",
			   d->guess ? " guess" : "",
			   d->ice_lite ? "a=ice-lite\r\n" : "");
}

/* The o= line names no address: RFC 8829 section 5.2.1. */
static int encode_session(struct mbuf *mb, const struct desc *d)
{
	char buf[ADDR_TEXT_SIZE];

	return mbuf_printf(mb, "v=0\r\n"
			   "o=- %llu %llu IN IP4 0.0.0.0\r\n"
			   "s=-\r\n"
			   "c=IN %s %s\r\n"
			   "t=0 0\r\n",
			   (unsigned long long)d->sess_id,
			   (unsigned long long)d->sess_ver,
			   sa_af(&d->addr) == AF_INET6 ? "IP6" : "IP4",
			   addr_print(buf, &d->addr));
}

/* Bare: ICE or a fingerprint on it breaks calls through FreeSWITCH. */
static int encode_audio(struct mbuf *mb, const struct desc *d)
{
	return mbuf_printf(mb, "m=audio %u RTP/AVP 0 8 101\r\n"
			   "a=rtpmap:101 telephone-event/8000\r\n",
			   is_offer(d) ? DISCARD_PORT : 0);
}

static int encode_cands(struct mbuf *mb, const struct desc *d)
{
	int err = 0;

	for (size_t i = 0; i < d->candc && !err; i++)
		err = mbuf_printf(mb, "a=candidate:%H\r\n", cand_print,
				  &d->candv[i]);
	if (!err && d->complete)
		err = mbuf_write_str(mb, "a=end-of-candidates\r\n");
	return err;
}

/* What the bundle has once: RFC 9143 section 7.1.3. */
static int encode_transport(struct mbuf *mb, const struct desc *d)
{
	char fp[FP_TEXT_SIZE];
	int err;

	fp_print(fp, d->fp);
	err = mbuf_printf(mb, "a=ice-ufrag:%s\r\n"
			  "a=ice-pwd:%s\r\n"
			  "a=fingerprint:sha-256 %s\r\n"
			  "a=setup:%s\r\n",
			  d->ufrag, d->pwd, fp, descline_setupv[d->setup]);
	if (!err && d->tls_id[0])
		err = mbuf_printf(mb, "a=tls-id:%s\r\n", d->tls_id);
	fp_print(fp, d->issuer);
	if (!err && d->has_issuer)
		err = mbuf_printf(mb, "a=x-dialtone-issuer:%s\r\n", fp);
	return err ? err : encode_cands(mb, d);
}

static uint16_t media_port(const struct desc *d, const struct desc_media *m)
{
	if (!is_live(m) || (m != primary(d) && is_offer(d)))
		return 0;
	return sa_isset(&d->addr, SA_PORT) ? sa_port(&d->addr) : DISCARD_PORT;
}

static int encode_mline(struct mbuf *mb, const struct desc_media *m,
			uint16_t port)
{
	int err = m->known ?
		mbuf_printf(mb, "m=application %u %s %s\r\n", port,
			    descline_protov[m->proto].proto,
			    descline_protov[m->proto].fmt) :
		mbuf_printf(mb, "m=%s\r\n", m->raw);

	if (!err && m->mid[0])
		err = mbuf_printf(mb, "a=mid:%s\r\n", m->mid);
	return err;
}

static int encode_media(struct mbuf *mb, const struct desc *d,
			const struct desc_media *m)
{
	int err = encode_mline(mb, m, media_port(d, m));

	if (err || !is_live(m))
		return err;
	if (m != primary(d) && is_offer(d))
		err = mbuf_write_str(mb, "a=bundle-only\r\n");
	err = err ? err : mbuf_printf(mb, "a=x-dialtone-tunnel:%s%s%s\r\n",
				      m->kind, m->param ? " " : "",
				      m->param ? m->param : "");
	return err || m != primary(d) ? err : encode_transport(mb, d);
}

/* What the decoder at the far end would refuse is our caller's mistake. */
static bool is_whole(const struct desc *d)
{
	for (size_t i = 0; i < d->mediac; i++)
		if (!d->mediav[i].known && !d->mediav[i].raw)
			return false;
	return !primary(d) || (d->ufrag[0] && d->pwd[0] && d->has_fp);
}

static int finish(struct mbuf **mbp, struct mbuf *mb, int err)
{
	if (!err && mb->end > DESC_SIZE_MAX)
		err = EOVERFLOW;
	mb->pos = 0;
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;
	return err;
}

int desc_encode(struct mbuf **mbp, const struct desc *d)
{
	struct mbuf *mb;
	int err;

	if (!mbp || !d || !is_whole(d))
		return EINVAL;
	mb = mbuf_alloc(2048);
	if (!mb)
		return ENOMEM;
	err = encode_session(mb, d);
	err = err ? err : encode_group(mb, d);
	err = err ? err : encode_options(mb, d);
	if (!err && d->audio)
		err = encode_audio(mb, d);
	for (size_t i = 0; i < d->mediac && !err; i++)
		err = encode_media(mb, d, &d->mediav[i]);
	return finish(mbp, mb, err);
}

/* RFC 8840 section 9.2: the m-line is there only to hold the mid. */
int desc_frag_encode(struct mbuf **mbp, const struct desc *d)
{
	struct mbuf *mb;
	int err;

	if (!mbp || !d || !primary(d) || !is_whole(d))
		return EINVAL;
	mb = mbuf_alloc(2048);
	if (!mb)
		return ENOMEM;
	err = encode_group(mb, d);
	err = err ? err : mbuf_printf(mb, "a=ice-pwd:%s\r\na=ice-ufrag:%s\r\n",
				      d->pwd, d->ufrag);
	err = err ? err : encode_options(mb, d);
	err = err ? err : encode_mline(mb, primary(d), DISCARD_PORT);
	err = err ? err : encode_cands(mb, d);
	return finish(mbp, mb, err);
}
