/* fuzz: tunnels/forward.c tunnels/ask.c tunnels/backlog.c tunnels/ending.c tunnels/errand.c tunnels/record.c tunnels/forward/dialout.c tunnels/forward/fwallow.c tunnels/forward/fwbind.c tunnels/forward/fwcallee.c tunnels/forward/fwcaller.c tunnels/forward/fwconn.c tunnels/forward/fwlisten.c tunnels/forward/fworders.c tunnels/forward/fwports.c tunnels/forward/fwspec.c tunnels/forward/fwstdio.c tunnels/forward/fwudp.c tunnels/forward/fwudpport.c tunnels/forward/fwwire.c tunnels/forward/relay.c tunnels/forward/socks.c tunnels/forward/socksin.c tunnels/forward/socksudp.c tunnels/forward/unixsock.c tunnels/pipe/pipefd.c tunnels/pipe/pipein.c tunnels/pipe/pipeout.c tunnels/flow/flow.c tunnels/flow/loop.c sdp/base/mailbox.c sdp/base/clock.c sdp/base/outside.c sdp/desc.c sdp/descdec.c sdp/descenc.c sdp/descfield.c sdp/descfrag.c sdp/descline.c sdp/descparam.c sdp/desctransp.c sdp/cand.c sdp/addr.c sdp/fp.c sdp/words.c */
/*
 * A forward, either side of it, whose peer sends any records in any order on
 * several streams: orders, connections, UDP flows, datagrams of flows that
 * there are and are not, bytes, ends and resets. Each input byte is a step.
 * What may be connected to is on loopback.
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/fuzz/talk.h"
#include "tunnels/forward/fwwire.h"
#include "tunnels/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct tunnel_kind forward_tunnel;

enum { STEPS = 64, BYTES = 3000 };

static const char *const hostv[] = {
	"127.0.0.1", "::1", "localhost", "", "127.0.0.2", "0.0.0.0", "/no/such",
	"*",
};

static struct {
	struct talk t;
	struct talk_input in;
	struct desc *offer, *answer;
	struct tunnel *caller, *callee;
	int lfd;
	uint16_t tcp, udp;              /* that somebody listens on */
	bool called;                    /* the tunnel that is talked to */
} f;

static int listener(int type, uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof sin;
	const int fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof sin) ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) ||
	    (type == SOCK_STREAM && listen(fd, 64)))
		abort();
	*port = ntohs(sin.sin_port);
	return fd;
}

/* What is there to connect to, for as long as the fuzzer runs. */
static void listen_once(void)
{
	if (f.tcp)
		return;
	f.lfd = listener(SOCK_STREAM, &f.tcp);
	(void)listener(SOCK_DGRAM, &f.udp);
}

/* Those who came are sent away again, with their bytes unread: a reset. */
static void drain(void)
{
	int fd;

	while ((fd = accept(f.lfd, NULL, NULL)) >= 0)
		(void)close(fd);
}

static uint16_t port_of(uint8_t b)
{
	const uint16_t v[] = { f.tcp, f.udp, 9, 0 };

	return v[b % 4];
}

static void record(unsigned i, uint8_t type, const void *body, size_t n)
{
	uint8_t hdr[RECORD_HDR];

	record_header(hdr, type, (uint32_t)n);
	talk_say(&f.t, i, hdr, sizeof hdr);
	talk_say(&f.t, i, body, n);
}

static void say(unsigned i, enum fwwire_type type)
{
	static struct fwwire w;
	struct mbuf *mb = mbuf_alloc(64);
	const uint8_t b = talk_byte(&f.in), c = talk_byte(&f.in);

	memset(&w, 0, sizeof w);
	w.type = type;
	w.version = b & 3 ? 1 : b;
	w.target = (enum fwwire_target)(b % 6);
	w.port = port_of(b >> 3);
	str_ncpy(w.host, hostv[c % RE_ARRAY_SIZE(hostv)], sizeof w.host);
	w.id = c >> 3 & 3;
	w.channel = c >> 5;
	w.err = b & 1 ? 0 : EACCES;
	if (!fwwire_encode(mb, &w))
		record(i, (uint8_t)type, mb->buf, mb->end);
	mem_deref(mb);
}

static void datagram(uint8_t channel)
{
	/* tunnel 0, then the channel */
	uint8_t buf[64] = { 0, 0, 0, 0, (uint8_t)(channel & 7) };

	flow_rx_datagram(f.t.x, buf, channel % sizeof buf);
}

static void step(uint8_t b)
{
	static const uint8_t bytes[BYTES];
	const unsigned i = b >> 6;

	switch (b % 16) {
	case 0: say(i, FWW_HELLO); break;
	case 1: say(i, FWW_CHECK); break;
	case 2: say(i, FWW_LISTEN); break;
	case 3: say(i, FWW_ANSWER); break;
	case 4:
	case 5:
	case 6: say(i, FWW_CONNECT); break;
	case 7: say(i, FWW_RESULT); break;
	case 8: record(i, FWW_PACKET, bytes, talk_byte(&f.in) * 8); break;
	case 9: talk_say(&f.t, i, bytes, talk_byte(&f.in) * 11); break;
	case 10: talk_fin(&f.t, i, false); break;
	case 11: talk_fin(&f.t, i, true); break;
	case 12: datagram(talk_byte(&f.in)); break;
	case 13: talk_flush(&f.t); break;
	case 14: talk_say(&f.t, i, f.in.p, f.in.n < 8 ? f.in.n : 8); break;
	default: record(i, talk_byte(&f.in), bytes, 4); break;
	}
}

static void begin(void *arg)
{
	const struct desc *remote = f.called ? f.offer : f.answer;

	(void)arg;
	talk_start(&f.t, &forward_tunnel, f.called ? f.callee : f.caller,
		   remote->mediav);
}

static void some(void *arg)
{
	*(bool *)arg = talk_some(&f.t, &f.in, step);
}

static void finish(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < TALK_STREAMS; i++)
		talk_fin(&f.t, i, true);
	talk_flush(&f.t);
}

static void words(void)
{
	static char *const argv[] = {
		"0:127.0.0.1:9", "-R", "0:127.0.0.1:9", "-R", "0", "-R",
		"udp:0:127.0.0.1:9", "-D", "0",
	};
	const struct tunnel_ask a = { .argv = argv,
		.argc = RE_ARRAY_SIZE(argv), .fd_in = -1, .fd_out = -1,
		.peer = "x" };
	const struct tunnel_ask b = { .fd_in = -1, .fd_out = -1, .peer = "x",
		.allow = "127.0.0.1:* localhost:* [::1]:* listen:*:* /no/such" };
	struct desc_media *m;

	if (desc_alloc(&f.offer) ||
	    media_add(f.offer, &m, DESC_QUIC, "forward") ||
	    forward_tunnel.offer(&f.caller, &a, m) ||
	    desc_answer_init(&f.answer, f.offer) ||
	    forward_tunnel.answer(&f.callee, &b, f.offer->mediav,
				  f.answer->mediav))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool more = size > 0;

	listen_once();
	f.in = (struct talk_input){ data, size };
	f.called = !(talk_byte(&f.in) & 1);
	words();
	talk_begin(&f.t);
	fake_call(f.t.loop, begin, NULL);
	for (int i = 0; i < STEPS && more; i++) {
		fake_call(f.t.loop, some, &more);
		if (i & 1)
			drain();
	}
	fake_call(f.t.loop, finish, NULL);
	talk_end(&f.t);
	drain();
	mem_deref(f.called ? f.caller : f.callee);
	f.offer = mem_deref(f.offer);
	f.answer = mem_deref(f.answer);
	return 0;
}
