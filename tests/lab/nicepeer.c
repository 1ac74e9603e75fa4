/*
 * nicepeer.c: one side of a pair through libnice, for comparison with us.
 *
 *   nicepeer offer|answer DIR STUN TURN     addresses, IPv4 or IPv6
 *
 *   offer:  gathers, writes DIR/nice.offer, waits for DIR/nice.answer
 *   answer: waits for DIR/nice.offer, gathers, writes DIR/nice.answer
 *
 * Each sends a byte as soon as it can, and begins a handshake of DTLS. The
 * offerer prints
 *   RESULT MS PROTECTED_MS LOCAL REMOTE
 * with the times from the answer to the first byte of the other side: to one
 * that nobody protects, and to one within DTLS. Those must not be as far apart
 * as they would be if the other side's first flight had to be repeated, so
 * what cannot be sent yet is tried again. TURN is asked by UDP and TCP, and by
 * what libnice calls TLS.
 */
#include <nice/agent.h>
#include <stdio.h>
#include <string.h>
#include "nicedtls.h"

enum { POLL_MS = 5, PATIENCE_S = 20, LINGER_MS = 1500, DTLS_MAX = 63 };

struct peer {
	NiceAgent *agent;
	GMainLoop *loop;
	guint stream;
	gboolean offer, heard, told, ready;
	gint64 answered, first, protected; /* us */
	struct nicedtls *dtls;
	char *mine, *theirs;
};

static void file_write(const char *path, const char *text)
{
	char *tmp = g_strconcat(path, ".tmp", NULL);

	if (g_file_set_contents(tmp, text, -1, NULL))
		(void)rename(tmp, path);
	g_free(tmp);
}

static void say_hello(struct peer *p)
{
	(void)nice_agent_send(p->agent, p->stream, 1, 6, "hello\n");
}

static int send_handler(const char *buf, size_t len, void *arg)
{
	struct peer *p = arg;

	return p->ready ? nice_agent_send(p->agent, p->stream, 1, (guint)len,
					  buf) : -1;
}

static const char *type_name(const NiceCandidate *c)
{
	static const char *const namev[] = {
		"host", "srflx", "prflx", "relay"
	};

	return namev[c->type];
}

static void cand_print(const NiceCandidate *c)
{
	char text[NICE_ADDRESS_STRING_LEN];

	nice_address_to_string(&c->addr, text);
	printf(" %s_%s:%u", type_name(c), text,
	       nice_address_get_port(&c->addr));
}

static void print_result(struct peer *p)
{
	NiceCandidate *l, *r;

	if (!p->heard || !nice_agent_get_selected_pair(p->agent, p->stream, 1,
						       &l, &r)) {
		puts("failed - - - -");
		return;
	}
	printf("%s %ld %ld", l->type == NICE_CANDIDATE_TYPE_RELAYED ||
	       r->type == NICE_CANDIDATE_TYPE_RELAYED ? "relayed"
	       : l->transport != NICE_CANDIDATE_TRANSPORT_UDP ? "tcp"
	       : "direct", (long)((p->first - p->answered) / 1000),
	       p->protected ? (long)((p->protected - p->answered) / 1000)
	       : -1);
	cand_print(l);
	cand_print(r);
	putchar('\n');
}

static gboolean leave(gpointer arg)
{
	struct peer *p = arg;

	g_main_loop_quit(p->loop);
	return G_SOURCE_REMOVE;
}

/* The pair may still change after the first byte; the other side needs a
 * moment for its own. */
static void recv_handler(NiceAgent *agent, guint stream, guint comp,
			 guint len, gchar *buf, gpointer arg)
{
	struct peer *p = arg;

	(void)agent, (void)stream, (void)comp;
	if (len && *buf <= DTLS_MAX) {
		if (nicedtls_recv(p->dtls, buf, len) && !p->protected)
			p->protected = g_get_monotonic_time();
		return;
	}
	if (!p->heard) {
		p->heard = TRUE;
		p->first = g_get_monotonic_time();
		say_hello(p);
		g_timeout_add(LINGER_MS, leave, p);
	}
}

static void state_handler(NiceAgent *agent, guint stream, guint comp,
			  guint state, gpointer arg)
{
	struct peer *p = arg;

	(void)agent, (void)stream, (void)comp;
	if (state == NICE_COMPONENT_STATE_CONNECTED ||
	    state == NICE_COMPONENT_STATE_READY) {
		say_hello(p);
		p->ready = TRUE;
		nicedtls_go(p->dtls);
	}
	if (state == NICE_COMPONENT_STATE_FAILED)
		leave(p);
}

/* Repeats what was lost. */
static gboolean tick_handler(gpointer arg)
{
	struct peer *p = arg;

	if (p->ready)
		nicedtls_go(p->dtls);
	return G_SOURCE_CONTINUE;
}

static void gathered_handler(NiceAgent *agent, guint stream, gpointer arg)
{
	struct peer *p = arg;
	char *sdp = nice_agent_generate_local_sdp(agent);

	(void)stream;
	file_write(p->mine, sdp);
	g_free(sdp);
	p->told = TRUE;
	if (!p->offer)
		p->answered = g_get_monotonic_time();
}

static gboolean poll_handler(gpointer arg)
{
	struct peer *p = arg;
	char *sdp;

	if ((p->offer && !p->told) ||
	    !g_file_get_contents(p->theirs, &sdp, NULL, NULL))
		return G_SOURCE_CONTINUE;
	p->answered = g_get_monotonic_time();
	if (nice_agent_parse_remote_sdp(p->agent, sdp) < 0)
		leave(p);
	if (!p->offer)
		(void)nice_agent_gather_candidates(p->agent, p->stream);
	g_free(sdp);
	return G_SOURCE_REMOVE;
}

int main(int argc, char *argv[])
{
	struct peer p = { 0 };

	if (argc != 5)
		return 2;
	p.offer = !strcmp(argv[1], "offer");
	p.mine = g_strdup_printf("%s/nice.%s", argv[2], argv[1]);
	p.theirs = g_strdup_printf("%s/nice.%s", argv[2],
				   p.offer ? "answer" : "offer");
	p.dtls = nicedtls_new(p.offer, send_handler, &p);
	if (!p.dtls)
		return 1;
	p.loop = g_main_loop_new(NULL, FALSE);
	p.agent = nice_agent_new(NULL, NICE_COMPATIBILITY_RFC5245);
	g_object_set(p.agent, "stun-server", argv[3], "stun-server-port",
		     3478, "controlling-mode", p.offer, "upnp", FALSE,
		     "ice-tcp", FALSE, NULL);
	g_signal_connect(p.agent, "candidate-gathering-done",
			 G_CALLBACK(gathered_handler), &p);
	g_signal_connect(p.agent, "component-state-changed",
			 G_CALLBACK(state_handler), &p);
	p.stream = nice_agent_add_stream(p.agent, 1);
	(void)nice_agent_set_stream_name(p.agent, p.stream, "application");
	(void)nice_agent_set_relay_info(p.agent, p.stream, 1, argv[4], 3478,
					"lab", "lab",
					NICE_RELAY_TYPE_TURN_UDP);
	(void)nice_agent_set_relay_info(p.agent, p.stream, 1, argv[4], 3478,
					"lab", "lab",
					NICE_RELAY_TYPE_TURN_TCP);
	(void)nice_agent_set_relay_info(p.agent, p.stream, 1, argv[4], 443,
					"lab", "lab",
					NICE_RELAY_TYPE_TURN_TLS);
	(void)nice_agent_attach_recv(p.agent, p.stream, 1, NULL, recv_handler,
				     &p);
	if (p.offer)
		(void)nice_agent_gather_candidates(p.agent, p.stream);
	g_timeout_add(POLL_MS, poll_handler, &p);
	g_timeout_add(POLL_MS, tick_handler, &p);
	g_timeout_add(PATIENCE_S * 1000, leave, &p);
	g_main_loop_run(p.loop);
	if (p.offer)
		print_result(&p);
	return 0;
}
