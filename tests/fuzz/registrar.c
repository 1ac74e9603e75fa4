/* fuzz: sipd/registrar/auth.c sipd/registrar/binding.c sipd/registrar/core.c sipd/registrar/fork.c sipd/registrar/listen.c sipd/registrar/message.c sipd/registrar/onward.c sipd/registrar/proxy.c sipd/registrar/register.c sipd/registrar/route.c sipd/registrar/seen.c sipd/registrar/stun.c sipd/registrar/transport.c sipd/registrar/users.c sipd/sip/ctrans.c sipd/sip/digest.c sipd/sip/digest_client.c sipd/sip/digest_server.c sipd/sip/malformed.c sipd/sip/precheck.c sipd/sip/quota.c sipd/sip/response.c sipd/sip/strans.c sipd/sip/trans.c sdp/base/clock.c sipd/sip/sipconn.c sipd/sip/sipudp.c sipd/sip/tlsctx.c sdp/base/outside.c
 *
 * Messages, a byte of 255 between them, to a proxy where bob is registered at
 * a socket of ours. Responses get the branch of what was forwarded last, so
 * that they meet a transaction. At the end of an input timers fire, and what is
 * left is torn down.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sipd/sip/precheck.h"
#include "sipd/registrar/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct core core;
static struct flow caller, callee;
static int fd;
static char branch[256];

static void recv_handler(struct sip_msg *msg, const struct flow *flow,
			 void *arg)
{
	(void)msg;
	(void)flow;
	(void)arg;
}

static void close_handler(const struct flow *flow, void *arg)
{
	(void)flow;
	(void)arg;
}

static void users_open(void)
{
	char file[] = "/tmp/dialtone-fuzz-XXXXXX", why[128];
	const int ufd = mkstemp(file);

	if (write(ufd, "alice:a\nbob:b\n", 14) != 14)
		abort();
	close(ufd);
	if (users_read(&core.users, file, "example.org", why, sizeof why))
		abort();
	unlink(file);
}

static void socket_open(void)
{
	callee.peer.len = sizeof callee.peer.u;
	sa_set_str(&callee.peer, "127.0.0.1", 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || bind(fd, &callee.peer.u.sa, callee.peer.len) ||
	    getsockname(fd, &callee.peer.u.sa, &callee.peer.len))
		abort();
	caller = callee;
}

static void tables_open(void)
{
	if (stable_alloc(&core.stable, core.timers, NULL, transport_send_way,
			 core.tr) ||
	    ctable_alloc(&core.ctable, core.timers, transport_send_way,
			 core.tr))
		abort();
}

/* As when the registrar goes: forks end with the client transactions. */
static void tables_close(void)
{
	core.ctable = mem_deref(core.ctable);
	core.stable = mem_deref(core.stable);
}

static void core_open(void)
{
	const struct transport_conf conf = {
		.listen = "udp:127.0.0.1:0", .recvh = recv_handler,
		.closeh = close_handler,
	};
	char why[128];

	libre_init();
	users_open();
	socket_open();
	core.expires_max = 3600;
	if (str_dup(&core.domainv[core.domainc++], "example.org") ||
	    timers_alloc(&core.timers) ||
	    transport_alloc(&core.tr, core.timers, &conf, why, sizeof why) ||
	    auth_alloc(&core.auth, "example.org", core.users, NULL) ||
	    bindings_alloc(&core.bindings, core.timers))
		abort();
}

static void bob_online(void)
{
	struct binding_update up = { .flow = callee, .expires = 60 };
	static uint32_t cseq;

	pl_set_str(&up.user, "bob");
	pl_set_str(&up.uri, "sip:bob@192.0.2.1");
	pl_set_str(&up.callid, "c");
	up.cseq = ++cseq;
	if (binding_set(core.bindings, &up))
		abort();
}

/* What was sent to our socket, and the branch of the last request in it. */
static void drain(void)
{
	static char buf[65536];
	const char *s;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof buf - 1, MSG_DONTWAIT)) > 0) {
		buf[n] = '\0';
		s = strstr(buf, ";branch=");
		if (memcmp(buf, "SIP/2.0", 7) && s)
			(void)sscanf(s + 8, "%255[^\r\n;]", branch);
	}
}

static void feed(const uint8_t *p, size_t n)
{
	struct mbuf *mb;
	struct sip_msg *msg = NULL;
	struct precheck pc;

	if (precheck(&pc, p, n))
		return;
	mb = mbuf_alloc(n);
	mbuf_write_mem(mb, p, n);
	mb->pos = 0;
	if (!sip_msg_decode(&msg, mb)) {
		msg->src = caller.peer;
		msg->tp = SIP_TRANSP_UDP;
		if (msg->req) {
			proxy_request(&core, msg, &caller);
		}
		else {
			pl_set_str(&msg->via.branch, branch);
			(void)ctable_recv(core.ctable, msg);
		}
	}
	mem_deref(msg);
	mem_deref(mb);
	drain();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (!core.timers)
		core_open();
	tables_open();
	bob_online();
	while (n) {
		const uint8_t *end = memchr(p, 255, n);
		const size_t len = end ? (size_t)(end - p) : n;

		feed(p, len);
		p += len;
		n -= len;
		if (n) {
			++p;
			--n;
		}
	}
	timers_run(core.timers, clock_ns() + 400 * SEC);
	drain();
	tables_close();
	return 0;
}
