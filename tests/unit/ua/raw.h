/*
 * raw.h: a scripted peer: a bare UDP socket that keeps what it got and sends
 * what the test writes.
 */
#ifndef DIALTONE_TEST_RAW_H
#define DIALTONE_TEST_RAW_H

#include "tests/unit/ua/pair.h"

struct raw {
	struct udp_sock *us;
	struct sa addr, src;
	char got[16384];        /* the message in hand */
	char *msgv[64];         /* all of them */
	struct sa srcv[64];
	unsigned n, next;       /* the next one to look at */
	uint8_t stun[64];       /* the last STUN packet */
	size_t stunn;
	struct sa stunsrc;
	/* NULL, or answers as soon as something comes */
	void (*on_msg)(struct raw *r);
	unsigned step;          /* for on_msg */
};

static inline void raw_take(struct raw *r, unsigned i)
{
	str_ncpy(r->got, r->msgv[i], sizeof r->got);
	r->src = r->srcv[i];
	r->next = i + 1;
}

static inline void raw_recv(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct raw *r = arg;
	size_t n = mbuf_get_left(mb);

	if (n >= 20 && n < sizeof r->stun && mbuf_buf(mb)[0] < 4) {
		memcpy(r->stun, mbuf_buf(mb), n);
		r->stunn = n;
		r->stunsrc = *src;
		return;
	}
	if (n <= 4 || n >= sizeof r->got || r->n >= 64)
		return;
	r->srcv[r->n] = *src;
	r->msgv[r->n] = mem_zalloc(n + 1, NULL);
	memcpy(r->msgv[r->n++], mbuf_buf(mb), n);
	if (r->on_msg) {
		raw_take(r, r->n - 1);
		r->on_msg(r);
	}
}

static inline void raw_open(struct raw *r)
{
	memset(r, 0, sizeof *r);
	sa_set_str(&r->addr, "127.0.0.1", 0);
	CU_ASSERT_EQUAL_FATAL(udp_listen(&r->us, &r->addr, raw_recv, r), 0);
	udp_rxsz_set(r->us, 65536);
	CU_ASSERT_EQUAL_FATAL(udp_local_get(r->us, &r->addr), 0);
}

static inline void raw_close(struct raw *r)
{
	r->us = mem_deref(r->us);
	while (r->n)
		mem_deref(r->msgv[--r->n]);
}

static inline void raw_send(struct raw *r, const struct sa *dst,
			    const char *fmt, ...)
{
	struct mbuf *mb = mbuf_alloc(2048);
	va_list ap;

	va_start(ap, fmt);
	CU_ASSERT_EQUAL(mbuf_vprintf(mb, fmt, ap), 0);
	va_end(ap);
	mb->pos = 0;
	CU_ASSERT_EQUAL(udp_send(r->us, dst, mb), 0);
	mem_deref(mb);
}

/* The lines of a header as they stand in what came last, "" if none. */
static inline const char *raw_hdr(const struct raw *r, const char *name)
{
	static char buf[8][2048];
	static unsigned turn;
	char *out = buf[turn++ % 8];
	char key[64];
	size_t n = 0;

	out[0] = '\0';
	(void)re_snprintf(key, sizeof key, "\r\n%s:", name);
	for (const char *p = r->got; (p = strstr(p, key)) != NULL; p += 2) {
		size_t len = strcspn(p + 2, "\r") + 2;

		if (n + len + 1 < sizeof buf[0]) {
			memcpy(out + n, p + 2, len);
			n += len;
			out[n] = '\0';
		}
	}
	return out;
}

static inline const char *raw_body(const struct raw *r)
{
	const char *p = strstr(r->got, "\r\n\r\n");

	return p ? p + 4 : "";
}

/* Answer what came last; tag "" for none; headers are complete lines. */
static inline void raw_reply(struct raw *r, const char *status,
			     const char *tag, const char *headers)
{
	const char *to = raw_hdr(r, "To");
	bool tagged = strstr(to, "tag=") != NULL;

	raw_send(r, &r->src, "SIP/2.0 %s\r\n%s%s%b%s%s\r\n%s%s%s"
		 "Content-Length: 0\r\n\r\n", status, raw_hdr(r, "Via"),
		 raw_hdr(r, "From"), to, strcspn(to, "\r"),
		 tagged || !tag[0] ? "" : ";tag=", tagged ? "" : tag,
		 raw_hdr(r, "Call-ID"), raw_hdr(r, "CSeq"), headers);
}

struct raw_want {
	struct raw *r;
	const char *begin;
};

static inline bool raw_begins(void *arg)
{
	const struct raw_want *w = arg;

	for (unsigned i = w->r->next; i < w->r->n; i++)
		if (!strncmp(w->r->msgv[i], w->begin, strlen(w->begin))) {
			raw_take(w->r, i);
			return true;
		}
	return false;
}

/* The next message that begins so is in hand then; others are skipped. */
static inline bool raw_wait(struct raw *r, const char *begin, unsigned ms)
{
	struct raw_want w = { r, begin };
	bool ok = run_until(raw_begins, &w, ms);

	if (!ok)
		printf("no '%s' among %u\n", begin, r->n - r->next);
	return ok;
}

/* Where a user agent listens on 127.0.0.1. */
static inline void side_addr(const struct side *s, struct sa *sa)
{
	char uri[128];

	side_uri(s, uri, sizeof uri, "");
	sa_set_str(sa, "127.0.0.1", (uint16_t)atoi(strrchr(uri, ':') + 1));
}

#endif
