/*
 * checksip.c: one OPTIONS with our private address where gateways look for
 * one, and the comparison. Called by check.c.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/netif.h"
#include "sipd/checksip.h"
#include "sipd/registrar/seen.h"

enum { TRIES = 4 };

#define RTO (500 * MSEC)

struct checksip {
	struct udp_sock *us;
	struct timers *timers;
	struct timer timer;
	struct sa server;
	unsigned txc;
	char branch[17], via[128], contact[96], body[160];
	struct mbuf *req;
	void (*h)(enum checksip_result r, const char *what, void *arg);
	void *arg;
};

static void checksip_destructor(void *arg)
{
	struct checksip *c = arg;

	timer_stop(&c->timer);
	mem_deref(c->us);
	mem_deref(c->req);
}

/* Last in whatever calls it. */
static void tell(struct checksip *c, enum checksip_result r, const char *what)
{
	timer_stop(&c->timer);
	c->us = mem_deref(c->us);
	c->h(r, what, c->arg);
}

/* Which of the three lines are not as they were. */
static void compare(struct checksip *c, const struct pl *seen)
{
	const char *const wantv[] = { c->via, c->contact, c->body };
	static const char *const namev[] = { "Via", "Contact", "body" };
	char what[64] = "";
	struct pl left = *seen;

	for (size_t i = 0; i < 3; i++) {
		const char *end = i < 2 ? pl_strchr(&left, '\n') : NULL;
		struct pl is = { left.p, end ? (size_t)(end - left.p)
				 : left.l };

		if (pl_strcmp(&is, wantv[i]))
			(void)re_snprintf(what + strlen(what),
					  sizeof what - strlen(what), "%s%s",
					  *what ? ", " : "", namev[i]);
		pl_advance(&left, (ssize_t)(is.l + (end != NULL)));
	}
	tell(c, *what ? CHECKSIP_CHANGED : CHECKSIP_CLEAN, what);
}

/* A server that does not say what it saw still sends back our Via. */
static void judge(struct checksip *c, const struct sip_msg *msg)
{
	const struct sip_hdr *h = sip_msg_xhdr(msg, SEEN_HEADER);
	uint8_t text[SEEN_MAX];
	size_t len = sizeof text;
	struct pl seen, sent;
	char host[64];

	if (h && !base64_decode(h->val.p, h->val.l, text, &len)) {
		seen.p = (char *)text;
		seen.l = len;
		compare(c, &seen);
		return;
	}
	pl_set_str(&sent, c->via + strlen("SIP/2.0/UDP "));
	sent.l = strcspn(sent.p, ";");
	(void)re_snprintf(host, sizeof host, "%r", &msg->via.sentby);
	if (pl_strcmp(&sent, host))
		tell(c, CHECKSIP_CHANGED, "Via");
	else
		tell(c, CHECKSIP_UNKNOWN, "");
}

static void udp_handler(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct checksip *c = arg;
	struct sip_msg *msg;

	if (!sa_cmp(src, &c->server, SA_ALL) || sip_msg_decode(&msg, mb))
		return;
	if (!msg->req && msg->scode >= 200 &&
	    !pl_strcmp(&msg->callid, c->branch))
		judge(c, msg);
	mem_deref(msg);
}

static void timer_handler(void *arg)
{
	struct checksip *c = arg;

	if (c->txc++ == TRIES) {
		tell(c, CHECKSIP_SILENT, "");
		return;
	}
	c->req->pos = 0;
	(void)udp_send(c->us, &c->server, c->req);
	(void)timer_start(c->timers, &c->timer, RTO, timer_handler, c);
}

static int compose(struct checksip *c, const struct sa *us)
{
	rand_str(c->branch, sizeof c->branch);
	(void)re_snprintf(c->via, sizeof c->via, "SIP/2.0/UDP %J;branch="
			  "z9hG4bK%s;rport", us, c->branch);
	(void)re_snprintf(c->contact, sizeof c->contact, "<sip:check@%J>",
			  us);
	(void)re_snprintf(c->body, sizeof c->body, "v=0\r\no=- 1 1 IN IP%d"
			  " %j\r\ns=-\r\nc=IN IP%d %j\r\nt=0 0\r\nm=audio %u"
			  " RTP/AVP 0\r\n", sa_af(us) == AF_INET ? 4 : 6, us,
			  sa_af(us) == AF_INET ? 4 : 6, us, sa_port(us));
	return mbuf_printf(c->req, "OPTIONS sip:%J SIP/2.0\r\n"
			   "Via: %s\r\nMax-Forwards: 70\r\n"
			   "From: <sip:check@%j>;tag=%s\r\nTo: <sip:%J>\r\n"
			   "Call-ID: %s\r\nCSeq: 1 OPTIONS\r\n"
			   "Contact: %s\r\n" SEEN_HEADER ": ?\r\n"
			   "Content-Type: application/sdp\r\n"
			   "Content-Length: %zu\r\n\r\n%s", &c->server, c->via,
			   us, c->branch, &c->server, c->branch, c->contact,
			   strlen(c->body), c->body);
}

int checksip_alloc(struct checksip **cp, struct timers *timers,
		   const struct sa *server,
		   void (*h)(enum checksip_result r, const char *what,
			     void *arg), void *arg)
{
	struct checksip *c = mem_zalloc(sizeof *c, checksip_destructor);
	struct sa us;
	int err;

	if (!c)
		return ENOMEM;
	c->timers = timers;
	c->server = *server;
	c->h = h;
	c->arg = arg;
	c->req = mbuf_alloc(1024);
	err = c->req ? netif_source(&us, server) : ENOMEM;
	if (!err)
		err = udp_listen(&c->us, &us, udp_handler, c);
	if (!err)
		err = udp_local_get(c->us, &us);
	if (!err)
		err = compose(c, &us);
	if (!err)
		err = timer_start(timers, &c->timer, 0, timer_handler, c);
	if (err)
		mem_deref(c);
	else
		*cp = c;
	return err;
}
