/*
 * stun.c: the STUN codec (RFC 8489).
 *
 *    0      2       4              8                20
 *   | type | length | magic cookie | transaction id | attributes ...
 *                                            ... MESSAGE-INTEGRITY
 *                                            ... FINGERPRINT |
 *
 * Reading is one pass over a hostile buffer by a table of attributes.
 * Called by paths.c for what comes in, by checks.c and stunfinder.c.
 */
#include <errno.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "modules/path/stun.h"

enum {
	MAGIC    = 0x2112a442,
	FP_XOR   = 0x5354554e,
	MI_SIZE  = 20,
	FP_SIZE  = 4,
	USERNAME_MAX = 513,             /* RFC 8489 section 14.3 */
	ATTR_MAX = 763,                 /* a realm or a nonce */
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint64_t get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

static void set16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void set32(uint8_t *p, uint32_t v)
{
	set16(p, (uint16_t)(v >> 16));
	set16(p + 2, (uint16_t)v);
}

/* CRC-32 of ITU V.42, a nibble at a time: messages are short. */
static uint32_t crc(const uint8_t *p, size_t n)
{
	static const uint32_t t[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t c = 0xffffffff;

	for (; n--; p++) {
		c = t[(c ^ *p) & 15] ^ c >> 4;
		c = t[(c ^ *p >> 4) & 15] ^ c >> 4;
	}
	return ~c;
}

/* Method and class are interleaved, RFC 8489 section 5. */
static uint16_t type_encode(uint16_t method, enum stun_msg_class cls)
{
	return (uint16_t)((method & 0xf80) << 2 | (method & 0x70) << 1 |
			  (method & 0xf) | (cls & 2) << 7 | (cls & 1) << 4);
}

static void type_decode(struct stun_pkt *m, uint16_t t)
{
	m->method = (uint16_t)((t & 0x3e00) >> 2 | (t & 0xe0) >> 1 |
			       (t & 0xf));
	m->cls = (enum stun_msg_class)((t & 0x100) >> 7 | (t & 0x10) >> 4);
}

/* Port and address are XORed with the cookie and the transaction id; the
 * same again undoes it. */
static void xor_addr(uint8_t *dst, const uint8_t *src, size_t n,
		     const uint8_t tid[STUN_TID_SIZE])
{
	uint8_t mask[4 + STUN_TID_SIZE];

	set32(mask, MAGIC);
	memcpy(mask + 4, tid, STUN_TID_SIZE);
	for (size_t i = 0; i < n; i++)
		dst[i] = src[i] ^ mask[i];
}

bool stun_get_xor(struct sa *sa, const uint8_t *p, size_t n,
		  const uint8_t tid[STUN_TID_SIZE])
{
	uint8_t a[16];
	uint16_t port;

	if (n != 8 && n != 20)
		return false;
	port = (uint16_t)(get16(p + 2) ^ MAGIC >> 16);
	xor_addr(a, p + 4, n - 4, tid);
	if (p[1] == STUN_AF_IPv4 && n == 8)
		sa_set_in(sa, get32(a), port);
	else if (p[1] == STUN_AF_IPv6 && n == 20)
		sa_set_in6(sa, a, port);
	else
		return false;
	return true;
}

static bool get_mapped(struct stun_pkt *m, const uint8_t *p, size_t n)
{
	return sa_isset(&m->mapped, SA_ADDR) ||
		stun_get_xor(&m->mapped, p, n, m->tid);
}

/* Plain, for it is not about us. */
static bool get_other(struct stun_pkt *m, const uint8_t *p, size_t n)
{
	if (p[1] == STUN_AF_IPv4 && n == 8)
		sa_set_in(&m->other, get32(p + 4), get16(p + 2));
	else if (p[1] == STUN_AF_IPv6 && n == 20)
		sa_set_in6(&m->other, p + 4, get16(p + 2));
	return true;
}

static bool get_username(struct stun_pkt *m, const uint8_t *p, size_t n)
{
	if (pl_isset(&m->username))
		return true;
	m->username.p = (const char *)p;
	m->username.l = n;
	return true;
}

static bool get_prio(struct stun_pkt *m, const uint8_t *p, size_t n)
{
	(void)n;
	m->prio = get32(p);
	m->has_prio = true;
	return true;
}

static bool get_use_cand(struct stun_pkt *m, const uint8_t *p, size_t n)
{
	(void)p, (void)n;
	m->use_cand = true;
	return true;
}

static bool get_controlling(struct stun_pkt *m, const uint8_t *p, size_t n)
{
	(void)n;
	m->tie = get64(p);
	m->controlling = true;
	return true;
}

static bool get_controlled(struct stun_pkt *m, const uint8_t *p, size_t n)
{
	(void)n;
	m->tie = get64(p);
	m->controlled = true;
	return true;
}

static bool get_error(struct stun_pkt *m, const uint8_t *p, size_t n)
{
	uint16_t code = (uint16_t)((p[2] & 7) * 100 + p[3]);

	(void)n;
	if (p[3] > 99 || code < 300 || code > 699)
		return false;
	m->ecode = code;
	return true;
}

static bool get_nomination(struct stun_pkt *m, const uint8_t *p, size_t n)
{
	(void)n;
	m->nomination = get32(p);
	return true;
}

/* Lengths are inclusive. Without a function: understood to be of no meaning
 * here (those of long-term credentials and of old servers). */
static const struct attr {
	uint16_t type, min, max;
	bool (*geth)(struct stun_pkt *m, const uint8_t *p, size_t n);
} attrv[] = {
	{ STUN_ATTR_XOR_MAPPED_ADDR, 8, 20, get_mapped },
	{ STUN_ATTR_OTHER_ADDR, 8, 20, get_other },
	{ STUN_ATTR_USERNAME, 1, USERNAME_MAX, get_username },
	{ STUN_ATTR_PRIORITY, 4, 4, get_prio },
	{ STUN_ATTR_USE_CAND, 0, 0, get_use_cand },
	{ STUN_ATTR_CONTROLLING, 8, 8, get_controlling },
	{ STUN_ATTR_CONTROLLED, 8, 8, get_controlled },
	{ STUN_ATTR_ERR_CODE, 4, 4 + 763, get_error },
	{ STUN_ATTR_NOMINATION, 4, 4, get_nomination },
	{ STUN_ATTR_MAPPED_ADDR, 0, UINT16_MAX, NULL },
	{ STUN_ATTR_UNKNOWN_ATTR, 0, UINT16_MAX, NULL },
	{ STUN_ATTR_REALM, 0, UINT16_MAX, NULL },
	{ STUN_ATTR_NONCE, 0, UINT16_MAX, NULL },
	{ STUN_ATTR_INTEGRITY_SHA256, 0, UINT16_MAX, NULL },
	{ 0x001d /* PASSWORD-ALGORITHM */, 0, UINT16_MAX, NULL },
	{ 0x001e /* USERHASH */, 0, UINT16_MAX, NULL },
};

static bool attr_decode(struct stun_pkt *m, uint16_t type, const uint8_t *p,
			size_t n)
{
	for (size_t i = 0; i < sizeof attrv / sizeof attrv[0]; i++) {
		const struct attr *a = &attrv[i];

		if (a->type != type)
			continue;
		if (n < a->min || n > a->max)
			return false;
		return !a->geth || a->geth(m, p, n);
	}
	if (type < 0x8000 && m->unknownc < STUN_UNKNOWN_MAX)
		m->unknownv[m->unknownc++] = type;
	return true;
}

/* One attribute at pos; what follows MESSAGE-INTEGRITY is not protected and
 * so ignored, but for FINGERPRINT, which ends the message (RFC 8489 sections
 * 14.5 and 14.7). */
static bool attr_at(struct stun_pkt *m, size_t pos, uint16_t type, size_t n)
{
	if (type == STUN_ATTR_FINGERPRINT) {
		m->fp = pos;
		return n == FP_SIZE && pos + 4 + FP_SIZE == m->len;
	}
	if (m->mi)
		return true;
	if (type == STUN_ATTR_MSG_INTEGRITY) {
		m->mi = pos;
		return n == MI_SIZE;
	}
	return attr_decode(m, type, m->buf + pos + 4, n);
}

int stun_parse(struct stun_pkt *m, const uint8_t *buf, size_t len)
{
	if (!m || !buf || len < STUN_HEADER_SIZE || len > STUN_SIZE_MAX ||
	    (buf[0] & 0xc0) || len & 3 || get32(buf + 4) != MAGIC ||
	    get16(buf + 2) != len - STUN_HEADER_SIZE)
		return EBADMSG;

	memset(m, 0, sizeof *m);
	sa_init(&m->mapped, AF_UNSPEC);
	sa_init(&m->other, AF_UNSPEC);
	m->buf = buf;
	m->len = len;
	m->tid = buf + 8;
	type_decode(m, get16(buf));

	/* len is a multiple of 4, so a header is always whole */
	for (size_t pos = STUN_HEADER_SIZE; pos < len;) {
		size_t n = get16(buf + pos + 2);

		if (n > len - pos - 4 ||
		    !attr_at(m, pos, get16(buf + pos), n))
			return EBADMSG;
		pos += 4 + ((n + 3) & ~(size_t)3);
	}
	return 0;
}

bool stun_fingerprint_ok(const struct stun_pkt *m)
{
	/* being last, its length field is that of the message as it is */
	return m->fp && (crc(m->buf, m->fp) ^ FP_XOR) ==
		get32(m->buf + m->fp + 4);
}

/* HMAC of the message up to its integrity, with the length as if that were
 * the last attribute (RFC 8489 sections 14.5 and 14.6). */
static bool message_hmac(uint8_t md[EVP_MAX_MD_SIZE], const uint8_t *buf,
			 size_t mi, const EVP_MD *hash, const void *key,
			 size_t len)
{
	const size_t size = (size_t)EVP_MD_get_size(hash);
	uint8_t tmp[STUN_SIZE_MAX];
	unsigned n = 0;

	if (mi > sizeof tmp)
		return false;
	memcpy(tmp, buf, mi);
	set16(tmp + 2, (uint16_t)(mi + 4 + size - STUN_HEADER_SIZE));
	return HMAC(hash, key, (int)len, tmp, mi, md, &n) && n == size;
}

bool stun_key_ok(const struct stun_pkt *m, const char *pwd)
{
	uint8_t md[EVP_MAX_MD_SIZE];

	return m->mi && pwd && message_hmac(md, m->buf, m->mi, EVP_sha1(),
					    pwd, strlen(pwd)) &&
		!CRYPTO_memcmp(md, m->buf + m->mi + 4, MI_SIZE);
}

/* One that was cut short is not accepted: we never ask for such. */
bool stun_long_key_ok(const struct stun_pkt *m, size_t mi,
		      const struct stun_key *key)
{
	const EVP_MD *hash = key->sha256 ? EVP_sha256() : EVP_sha1();
	const size_t size = (size_t)EVP_MD_get_size(hash);
	uint8_t md[EVP_MAX_MD_SIZE];

	return mi >= STUN_HEADER_SIZE && mi + 4 + size <= m->len &&
		get16(m->buf + mi + 2) == size &&
		message_hmac(md, m->buf, mi, hash, key->key, key->len) &&
		!CRYPTO_memcmp(md, m->buf + mi + 4, size);
}

void stun_begin_method(struct stun_out *o, uint8_t *buf, size_t size,
		       uint16_t method, enum stun_msg_class cls,
		       const uint8_t tid[STUN_TID_SIZE])
{
	*o = (struct stun_out){ .buf = buf, .size = size };
	if (size < STUN_HEADER_SIZE) {
		o->overflow = true;
		return;
	}
	set16(buf, type_encode(method, cls));
	set16(buf + 2, 0);
	set32(buf + 4, MAGIC);
	memcpy(buf + 8, tid, STUN_TID_SIZE);
	o->len = STUN_HEADER_SIZE;
}

void stun_begin(struct stun_out *o, uint8_t *buf, size_t size,
		enum stun_msg_class cls, const uint8_t tid[STUN_TID_SIZE])
{
	stun_begin_method(o, buf, size, STUN_METHOD_BINDING, cls, tid);
}

/* Room for an attribute of n bytes, its header written; NULL: overflow. */
static uint8_t *attr_begin(struct stun_out *o, uint16_t type, size_t n)
{
	size_t padded = (n + 3) & ~(size_t)3;
	uint8_t *p = o->buf + o->len;

	if (o->overflow || n > ATTR_MAX || o->size - o->len < 4 + padded) {
		o->overflow = true;
		return NULL;
	}
	set16(p, type);
	set16(p + 2, (uint16_t)n);
	memset(p + 4, 0, padded);
	o->len += 4 + padded;
	set16(o->buf + 2, (uint16_t)(o->len - STUN_HEADER_SIZE));
	return p + 4;
}

void stun_put(struct stun_out *o, uint16_t type, const void *p, size_t n)
{
	uint8_t *dst = attr_begin(o, type, n);

	if (dst && n)
		memcpy(dst, p, n);
}

void stun_put_u32(struct stun_out *o, uint16_t type, uint32_t v)
{
	uint8_t b[4];

	set32(b, v);
	stun_put(o, type, b, sizeof b);
}

void stun_put_u64(struct stun_out *o, uint16_t type, uint64_t v)
{
	uint8_t b[8];

	set32(b, (uint32_t)(v >> 32));
	set32(b + 4, (uint32_t)v);
	stun_put(o, type, b, sizeof b);
}

void stun_put_xor(struct stun_out *o, uint16_t type, const struct sa *sa)
{
	bool v6 = sa_af(sa) == AF_INET6;
	const uint8_t *a = v6 ? (const uint8_t *)&sa->u.in6.sin6_addr
		: (const uint8_t *)&sa->u.in.sin_addr;
	uint8_t *p = attr_begin(o, type, v6 ? 20 : 8);

	if (!p)
		return;
	p[1] = v6 ? STUN_AF_IPv6 : STUN_AF_IPv4;
	set16(p + 2, (uint16_t)(sa_port(sa) ^ MAGIC >> 16));
	xor_addr(p + 4, a, v6 ? 16 : 4, o->buf + 8);
}

void stun_put_mapped(struct stun_out *o, const struct sa *sa)
{
	stun_put_xor(o, STUN_ATTR_XOR_MAPPED_ADDR, sa);
}

void stun_put_error(struct stun_out *o, uint16_t code,
		    const struct stun_pkt *m)
{
	uint8_t *p = attr_begin(o, STUN_ATTR_ERR_CODE, 4);

	if (!p)
		return;
	p[2] = (uint8_t)(code / 100);
	p[3] = (uint8_t)(code % 100);
	if (code != 420)
		return;
	p = attr_begin(o, STUN_ATTR_UNKNOWN_ATTR, 2 * m->unknownc);
	for (unsigned i = 0; p && i < m->unknownc; i++)
		set16(p + 2 * i, m->unknownv[i]);
}

static void put_integrity(struct stun_out *o, uint16_t type,
			  const EVP_MD *hash, const void *key, size_t len)
{
	const size_t mi = o->len, size = (size_t)EVP_MD_get_size(hash);
	uint8_t md[EVP_MAX_MD_SIZE];
	uint8_t *p = attr_begin(o, type, size);

	if (!p)
		return;
	if (message_hmac(md, o->buf, mi, hash, key, len))
		memcpy(p, md, size);
	else
		o->overflow = true;
}

void stun_put_key(struct stun_out *o, const char *pwd)
{
	put_integrity(o, STUN_ATTR_MSG_INTEGRITY, EVP_sha1(), pwd,
		      strlen(pwd));
}

void stun_put_long_key(struct stun_out *o, const struct stun_key *key)
{
	if (key->sha256)
		put_integrity(o, STUN_ATTR_INTEGRITY_SHA256, EVP_sha256(),
			      key->key, key->len);
	else
		put_integrity(o, STUN_ATTR_MSG_INTEGRITY, EVP_sha1(),
			      key->key, key->len);
}

void stun_put_fingerprint(struct stun_out *o)
{
	size_t fp = o->len;
	uint8_t *p = attr_begin(o, STUN_ATTR_FINGERPRINT, FP_SIZE);

	if (p)
		set32(p, crc(o->buf, fp) ^ FP_XOR);
}

size_t stun_end(const struct stun_out *o)
{
	return o->overflow ? 0 : o->len;
}
