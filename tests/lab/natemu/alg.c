/*
 * alg.c: every endpoint of the one side that stands in a SIP message becomes
 * one of the other. A bad ALG forgets the Content-Length.
 */
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "alg.h"
#include "conf.h"

enum { SIP_PORT = 5060, SIP_MAX = 4000 };

bool alg_sip(const struct pkt *k)
{
	return k->ver == 4 && k->proto == P_UDP && !k->frag &&
	       k->l4n > 8 + 20 && k->l4n < SIP_MAX &&
	       (k->dst.p == SIP_PORT || k->src.p == SIP_PORT) &&
	       isalpha(k->l4[8]);
}

/* Is this address the whole of what stands at p? */
static bool is_whole(const char *begin, const char *p, size_t n,
		     const char *end)
{
	return (p == begin || (!isdigit((unsigned char)p[-1]) &&
			       p[-1] != '.')) &&
	       (p + n == end || (!isdigit((unsigned char)p[n]) &&
				 p[n] != '.'));
}

/* Content-Length of what has been written; the new end. */
static char *fix_length(char *msg, char *end)
{
	static char rest[2 * SIP_MAX];
	char *body, *cl, *eol;

	*end = '\0';
	body = strstr(msg, "\r\n\r\n");
	cl = strcasestr(msg, "\nContent-Length:");
	if (!body || !cl || cl > body)
		return end;
	eol = strstr(cl, "\r\n");
	strcpy(rest, eol);
	return cl + sprintf(cl, "\nContent-Length: %d%s",
			    (int)(end - body - 4), rest);
}

int alg_rewrite(const struct pkt *k, uint8_t *out, enum dir d,
		const struct map *m,
		int (*port)(enum dir d, const struct ep *e,
			    const struct ep *rem))
{
	static char msg[2 * SIP_MAX + 64];
	const char *s = (const char *)k->l4 + 8, *e = s + k->l4n - 8, *p;
	const char *from = addr_text(d == OUT ? &m->in.a : &m->ext.a);
	const char *to = addr_text(d == OUT ? &m->ext.a : &m->in.a);
	size_t n = strlen(from);
	int hdr = k->hl + 8, len;
	char *w = msg;

	for (p = s; p < e && w < msg + 2 * SIP_MAX - 32; ) {
		if ((size_t)(e - p) < n || memcmp(p, from, n) ||
		    !is_whole(s, p, n, e)) {
			*w++ = *p++;
			continue;
		}
		w += sprintf(w, "%s", to);
		p += n;
		COUNT(alg_rewrites);
		if (p + 1 < e && *p == ':' && isdigit((unsigned char)p[1])) {
			struct ep q = { d == OUT ? m->in.a : m->ext.a,
					(uint16_t)atoi(p + 1) };

			w += sprintf(w, ":%d", port(d, &q, d == OUT
						    ? &k->dst : &k->src));
			for (p++; p < e && isdigit((unsigned char)*p); p++)
				;
		}
	}
	if (conf.alg == ALG_GOOD)
		w = fix_length(msg, w);
	len = (int)(w - msg);
	memcpy(out, k->b, (size_t)hdr);
	memcpy(out + hdr, msg, (size_t)len);
	put16(out + k->hl + 4, (unsigned)(len + 8));
	put16(out + 2, (unsigned)(hdr + len));
	ip4_csum(out);
	l4_csum(out, hdr + len, k->hl, IPPROTO_UDP);
	return hdr + len;
}
