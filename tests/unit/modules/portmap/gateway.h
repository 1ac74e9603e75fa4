/*
 * gateway.h: for the tests of modules/path/portmap*.c and igd.c: a gateway in
 * memory and in fake time.
 *
 *   [portmap] --udph--> gateway: answers queued, delivered when time passes
 *             --httph-> the same
 */
#ifndef DIALTONE_PORTMAP_GATEWAY_H
#define DIALTONE_PORTMAP_GATEWAY_H

#include <string.h>
#include "modules/path/natpmp.h"
#include "modules/path/pcp.h"
#include "modules/path/portmap.h"
#include "modules/path/wire.h"
#include "sdp/base/clock.h"
#include "tests/unit/fail.h"

enum { QUEUE = 16, PORT = 4000 };

struct packet {
	uint64_t at;
	size_t len;
	uint8_t buf[1100];
};

static const uint8_t nonce[] = "of a mapping";

/* What the gateway can do, and what has been done to it. */
struct gw {
	struct portmap *p;
	uint64_t now;
	struct sa addr, local;
	bool pcp, natpmp, upnp, igd2;
	uint8_t refuse;                 /* result code of MAP */
	unsigned upnp_error;            /* of the next AddPortMapping */
	bool deaf;
	uint64_t began;
	uint16_t mapped;                /* external port, 0: none */
	uint16_t give;                  /* it gives another one */
	uint32_t lifetime;              /* that was asked for last */
	unsigned maps, probes, http, spoofed;
	unsigned scode;                 /* of the HTTP answer that waits */
	char body[2048];
	uint64_t http_at;
	struct packet q[QUEUE];
	unsigned qn;
};

static const char desc[] =
	"<root><URLBase>http://10.0.0.1:5000</URLBase><device><serviceList>"
	"<service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding"
	":1</serviceType><controlURL>/l3</controlURL></service>"
	"<service>\n<serviceType>urn:schemas-upnp-org:service:WANIPConnection"
	":%c</serviceType><controlURL> /ctl/IPConn </controlURL></service>"
	"</serviceList></device></root>";

static inline void reply(struct gw *g, const void *p, size_t n)
{
	struct packet *q = &g->q[g->qn];

	if (g->qn == QUEUE || g->deaf)
		return;
	q->at = g->now + 5 * MSEC;
	q->len = n;
	memcpy(q->buf, p, n);
	g->qn++;
}

static inline uint32_t epoch(const struct gw *g)
{
	return (uint32_t)((g->now - g->began) / SEC);
}

static inline void map(struct gw *g, uint16_t internal, uint32_t lifetime)
{
	CU_ASSERT_EQUAL(internal, PORT);
	g->lifetime = lifetime;
	g->mapped = lifetime ? g->give : 0;
	g->maps++;
}

static inline void do_pcp(struct gw *g, const uint8_t *buf, size_t len)
{
	uint8_t r[60];

	if (!g->pcp)
		return;
	memset(r, 0, sizeof r);
	memcpy(r, buf, len);
	r[1] |= 0x80;
	memset(r + 8, 0, 16);
	wire_put32(r + 8, epoch(g));
	CU_ASSERT(!memcmp(buf + 8, "\0\0\0\0\0\0\0\0\0\0\377\377\12\0\0\2",
			  16));
	if (buf[1] == PCP_MAP) {
		CU_ASSERT_EQUAL(len, 60);
		CU_ASSERT(!memcmp(buf + 24, nonce, PCP_NONCE_SIZE));
		r[3] = g->refuse;
		if (!g->refuse) {
			map(g, wire_get16(buf + 40), wire_get32(buf + 4));
			wire_put16(r + 42, g->give);
			memset(r + 44, 0, 10);
			memset(r + 54, 0xff, 2);
			wire_put32(r + 56, 0xc6336401);
		}
	}
	else {
		g->probes++;
	}
	reply(g, r, len);
}

static inline void do_natpmp(struct gw *g, const uint8_t *buf, size_t len)
{
	uint8_t r[16] = { 0 };

	if (!g->natpmp)
		return;
	r[1] = 128 | buf[1];
	wire_put32(r + 4, epoch(g));
	if (len == 2) {
		g->probes++;
		wire_put32(r + 8, 0xc6336402);
		reply(g, r, 12);
		return;
	}
	CU_ASSERT_EQUAL(len, 12);
	wire_put16(r + 2, g->refuse);
	if (!g->refuse) {
		map(g, wire_get16(buf + 4), wire_get32(buf + 8));
		memcpy(r + 8, buf + 4, 8);
		wire_put16(r + 10, g->give);
	}
	reply(g, r, 16);
}

static inline void do_search(struct gw *g, const uint8_t *buf, size_t len)
{
	static const char ok[] = "HTTP/1.1 200 OK\r\nST: x\r\n"
		"Location: http://10.0.0.1:5000/rootDesc.xml\r\n\r\n";

	if (g->upnp && len > 8 && !memcmp(buf, "M-SEARCH", 8)) {
		g->probes++;
		reply(g, ok, sizeof ok - 1);
	}
}

static inline void on_udp(const struct sa *dst, const uint8_t *buf, size_t len,
			  void *arg)
{
	struct gw *g = arg;

	if (sa_port(dst) == 1900)
		do_search(g, buf, len);
	else if (buf[0] == 2)
		do_pcp(g, buf, len);
	else
		do_natpmp(g, buf, len);
}

static inline bool has(const char *req, size_t len, const char *word)
{
	return memmem(req, len, word, strlen(word)) != NULL;
}

static inline void do_add(struct gw *g, const char *req, size_t len)
{
	CU_ASSERT(has(req, len, "<NewInternalClient>10.0.0.2<"));
	CU_ASSERT(has(req, len, "<NewInternalPort>4000<"));
	if (g->upnp_error) {
		g->scode = 500;
		(void)re_snprintf(g->body, sizeof g->body, "<s:Fault><detail>"
				  "<errorCode>%u</errorCode></s:Fault>",
				  g->upnp_error);
		if (g->upnp_error != 606)
			g->upnp_error = 0;
		return;
	}
	map(g, PORT, has(req, len, "<NewLeaseDuration>0<") ? 1 : 7200);
	(void)re_snprintf(g->body, sizeof g->body, "<u:R xmlns:u=\"x\">"
			  "<NewReservedPort>%u</NewReservedPort></u:R>",
			  g->give);
}

static inline int on_http(const struct sa *dst, const char *req, size_t len,
			  void *arg)
{
	struct gw *g = arg;

	CU_ASSERT_EQUAL(g->http_at, 0);         /* one at a time */
	CU_ASSERT_EQUAL(sa_in(dst), 0x0a000001);
	CU_ASSERT_EQUAL(sa_port(dst), 5000);
	g->http++;
	g->scode = 200;
	g->http_at = g->now + 10 * MSEC;
	*g->body = '\0';
	if (!strncmp(req, "GET /rootDesc.xml ", 18))
		(void)re_snprintf(g->body, sizeof g->body, desc,
				  g->igd2 ? '2' : '1');
	else if (has(req, len, "#GetExternalIPAddress\""))
		(void)str_ncpy(g->body, "<NewExternalIPAddress>198.51.100.3"
			       "</NewExternalIPAddress>", sizeof g->body);
	else if (has(req, len, "#AddPortMapping\"") ||
		 (g->igd2 && has(req, len, "#AddAnyPortMapping\"")))
		do_add(g, req, len);
	else if (has(req, len, "#DeletePortMapping\""))
		g->mapped = 0;
	else
		g->scode = 401;
	if (g->deaf)
		g->scode = 0;
	return 0;
}

static inline int gw_alloc(struct gw *g)
{
	struct portmap_conf conf = {
		.udph = on_udp, .httph = on_http, .nonce = nonce, .arg = g
	};

	memset(g, 0, sizeof *g);
	g->now = g->began = SEC;
	g->give = 4000;
	(void)sa_set_str(&g->addr, "10.0.0.1", 0);
	(void)sa_set_str(&g->local, "10.0.0.2", PORT);
	conf.gateway = g->addr;
	conf.local = g->local;
	return portmap_alloc(&g->p, &conf);
}

static inline void gw_init(struct gw *g)
{
	CU_ASSERT_EQUAL_FATAL(gw_alloc(g), 0);
}

static inline void deliver(struct gw *g)
{
	struct packet q = g->q[0];
	struct sa src = g->addr;

	memmove(g->q, g->q + 1, --g->qn * sizeof g->q[0]);
	sa_set_port(&src, 5351);
	portmap_recv(g->p, &src, q.buf, q.len, g->now);
}

/* Let that much time pass. */
static inline void run(struct gw *g, uint64_t ns)
{
	uint64_t end = g->now + ns, next;

	for (unsigned i = 0; i < 10000; i++) {
		next = portmap_next(g->p);
		if (g->qn)
			next = min(next, g->q[0].at);
		if (g->http_at)
			next = min(next, g->http_at);
		if (next > end)
			break;
		g->now = max(g->now, next);
		if (g->qn && g->q[0].at <= g->now) {
			deliver(g);
		}
		else if (g->http_at && g->http_at <= g->now) {
			struct pl body;

			pl_set_str(&body, g->body);
			g->http_at = 0;
			portmap_http(g->p, g->scode, &body, g->now);
		}
		else {
			portmap_tick(g->p, g->now);
		}
	}
	g->now = end;
}

static inline bool maps_to(const struct gw *g, const char *addr, uint16_t port)
{
	struct sa sa;

	(void)sa_set_str(&sa, addr, port);
	return sa_cmp(portmap_external(g->p), &sa, SA_ALL) &&
		g->mapped == port;
}

static inline bool unmapped(const struct gw *g)
{
	return !sa_isset(portmap_external(g->p), SA_ALL);
}

/* And release: nothing stays behind. */
static inline void finish(struct gw *g)
{
	portmap_release(g->p, g->now);
	run(g, SEC);
	CU_ASSERT(portmap_released(g->p));
	CU_ASSERT_EQUAL(g->mapped, 0);
	g->p = mem_deref(g->p);
}

#endif
