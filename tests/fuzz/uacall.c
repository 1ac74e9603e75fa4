/* fuzz: sipd/ua/ack.c sipd/ua/call.c sipd/ua/callans.c sipd/ua/callcore.c sipd/ua/callin.c sipd/ua/callout.c sipd/ua/callpast.c sipd/ua/callreq.c sipd/ua/connpool.c sipd/ua/dialog.c sipd/sip/ctrans.c sipd/sip/digest.c sipd/sip/digest_client.c sipd/ua/local.c sipd/sip/malformed.c sipd/sip/precheck.c sipd/sip/quota.c sipd/ua/reg.c sipd/ua/request.c sipd/ua/resolve.c sipd/sip/response.c sipd/sip/strans.c sipd/sip/trans.c sipd/ua/setimer.c sipd/sip/sipconn.c sipd/ua/siptext.c sipd/ua/stack.c sipd/ua/stunping.c sipd/sip/tlsctx.c sipd/ua/uastrans.c sdp/base/clock.c sdp/base/outside.c
 *
 * Datagrams, a byte of 255 between them, to a user agent that answers what
 * comes; before them it makes a call itself. In them, \1 stands for the
 * branch of what it sent last, \2 for its Call-ID, \3 for its From tag and \4
 * for its To tag, so that they meet transactions and dialogs.
 */
#include <stdlib.h>
#include <unistd.h>
#include <sys/stat.h>
#include "sipd/sip/sipudp.c"
#include "sipd/ua/transp.c"
#include "sipd/ua/ua.c"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { CALLS_MAX = 16, PLACES = 4 };

static struct timers *timers;
static struct ua *ua;
static struct sipudp *at;
static struct sa peer;
static int fd;
static struct call *callv[CALLS_MAX];
static size_t callc;
static char place[PLACES][128];

static void end_handler(const struct call_end *end, void *arg)
{
	struct call **cp = arg;

	if (strlen(end->text) >= sizeof end->text ||
	    strlen(end->key) >= sizeof end->key)
		abort();
	*cp = mem_deref(*cp);
}

static void offer_handler(const struct call_body *b, void *arg)
{
	struct call **cp = arg;

	if (*cp && b->n % 2)
		(void)call_answer(*cp, b);
	else if (*cp)
		(void)call_reject(*cp, 488, "No", 304, "\"no\"");
}

static void answer_handler(const struct call_body *b, void *arg)
{
	struct call **cp = arg;

	(void)call_reinvite(*cp, b);
}

static void info_handler(const char *method, const struct call_body *b,
			 void *arg)
{
	struct call **cp = arg;

	(void)call_info(*cp, method, b);
}

static const struct call_handlers handlers = {
	.answerh = answer_handler, .offerh = offer_handler,
	.infoh = info_handler, .endh = end_handler,
};

static void incoming(struct call *c, void *arg)
{
	struct call_body b = *call_offer(c);
	struct call **cp;
	(void)arg;

	if (callc >= CALLS_MAX)
		return;
	cp = &callv[callc++];
	if (call_take(cp, c, &handlers, cp))
		abort();
	if (b.n % 3 == 1)
		(void)call_progress(c, 183, "Session Progress", &b);
	if (b.n % 3 != 2)
		(void)call_answer(c, &b);
}

static void begin(void)
{
	const struct ua_conf conf = {
		.user = "fuzz", .password = "pw", .tls_ca = "/var/empty",
		.outbound = "sip:127.0.0.1",
	};
	const struct ua_handlers h = { .callh = incoming };
	struct sa sa;

	libre_init();
	peer.len = sizeof peer.u;
	sa_set_str(&peer, "127.0.0.1", 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, &peer.u.sa, peer.len) ||
	    getsockname(fd, &peer.u.sa, &peer.len) ||
	    timers_alloc(&timers) || mkdir("/var/empty", 0755) * 0 ||
	    ua_alloc(&ua, timers, &conf, &h))
		abort();
	sa_set_str(&sa, "127.0.0.1", 0);
	if (transp_open(ua->stack->transp, &sa))
		abort();
	at = sock_at(ua->stack->transp, &sa)->u;
}

/* Remember what stands after `key` in what it sent last. */
static void keep(unsigned i, const char *msg, const char *line,
		 const char *key)
{
	const char *p = strstr(msg, line);
	const char *e = p ? strchr(p, '\r') : NULL;
	size_t n;

	p = p ? strstr(p, key) : NULL;
	if (!p || !e || p > e)
		return;
	p += strlen(key);
	n = strcspn(p, ";\r\n>");
	if (n >= sizeof place[0])
		return;
	memcpy(place[i], p, n);
	place[i][n] = '\0';
}

static void listen_to(void)
{
	char buf[8192];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof buf - 1, MSG_DONTWAIT)) > 0) {
		buf[n] = '\0';
		keep(0, buf, "\r\nVia:", "branch=");
		keep(1, buf, "\r\nCall-ID:", " ");
		keep(2, buf, "\r\nFrom:", "tag=");
		keep(3, buf, "\r\nTo:", "tag=");
	}
}

static void datagram(const uint8_t *p, size_t n)
{
	struct mbuf *mb = mbuf_alloc(n + 512);

	for (size_t i = 0; i < n; i++) {
		if (p[i] >= 1 && p[i] <= PLACES)
			(void)mbuf_write_str(mb, place[p[i] - 1]);
		else
			(void)mbuf_write_u8(mb, p[i]);
	}
	mb->pos = 0;
	recv_handler(&peer, mb, at);
	mem_deref(mb);
	timers_run(timers, clock_ns());
	listen_to();
}

static void call_out(void)
{
	struct call_body b = { "application/sdp", "v=0\r\n", 5 };
	char uri[64];

	(void)re_snprintf(uri, sizeof uri, "sip:%J", &peer);
	callc = 1;
	if (call_connect(&callv[0], ua, uri, &b, NULL, &handlers, &callv[0]))
		abort();
	listen_to();
}

static int resend(const struct trans_way *way, struct mbuf *mb, void *arg)
{
	const struct hop hop = { .tp = way->tp, .dst = way->dst };
	(void)arg;

	return transp_send(ua->stack->transp, &hop, mb, NULL);
}

static void end(void)
{
	for (unsigned s = 1; s < 40; s += 13)
		timers_run(timers, clock_ns() + s * SEC);
	for (size_t i = 0; i < CALLS_MAX; i++)
		callv[i] = mem_deref(callv[i]);
	timers_run(timers, clock_ns() + 33 * SEC);
	calls_close(ua->calls);
	ua->calls->closing = false;
	list_flush(&ua->stack->pendingl);
	mem_deref(ua->stack->ctable);
	mem_deref(ua->stack->uastrans);
	if (ctable_alloc(&ua->stack->ctable, timers, resend, NULL) ||
	    uastrans_set_alloc(&ua->stack->uastrans, timers,
			       ua->stack->transp, UA_SOFTWARE, 64))
		abort();
	listen_to();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (!ua)
		begin();
	call_out();
	while (n) {
		const uint8_t *e = memchr(p, 255, n);
		size_t len = e ? (size_t)(e - p) : n;

		datagram(p, len);
		p += len + (e != NULL);
		n -= len + (e != NULL);
	}
	end();
	return 0;
}
