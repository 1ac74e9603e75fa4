/*
 * record.c: fills in the entries of the call log. Called by the switchboard.
 */
#include "sipd/log.h"
#include "sipd/record.h"
#include "tunnels/flow/quic.h"

void record_session(struct calllog *cl, const struct session *s)
{
	struct session_info in;
	struct calllog_entry e = { 0 };

	session_info(s, &in);
	e.started = in.started;
	e.duration = clock_wall() - in.started;
	e.incoming = in.incoming;
	e.id = in.id;
	e.callid = in.callid;
	e.peer = in.peer->name;
	e.address = in.peer->address;
	e.fp = in.fp;
	e.tunnel = in.tunnels;
	e.allowed = in.reason != REASON_NOT_TRUSTED &&
		in.reason != REASON_NOT_ACCEPTED &&
		in.reason != REASON_WRONG_KEY;
	e.reason = reason_name(in.reason);
	e.path = in.times.found ? session_path_word(&in) : "";
	e.rx = in.stats->rx_bytes;
	e.tx = in.stats->tx_bytes;
	if (calllog_write(cl, &e))
		log_warn("the call log cannot be written");
}

void record_offer(struct calllog *cl, const struct session *s,
		  const char *tunnel, enum reason r)
{
	struct session_info in;
	struct calllog_entry e = {
		.started = clock_wall(), .incoming = true, .tunnel = tunnel,
		.reason = reason_name(r), .path = "",
	};

	session_info(s, &in);
	e.id = in.id;
	e.callid = in.callid;
	e.peer = in.peer->name;
	e.address = in.peer->address;
	e.fp = in.fp;
	log_info("a tunnel that %s offers in session %s is refused: %s %s",
		 in.peer->name, in.id, tunnel, e.reason);
	if (calllog_write(cl, &e))
		log_warn("the call log cannot be written");
}

static void offered_tunnels(char *buf, size_t size, const struct desc *d)
{
	size_t n = 0;

	*buf = '\0';
	for (size_t i = 0; d && i < d->mediac && n + 26 < size; i++)
		if (d->mediav[i].known)
			n += (size_t)re_snprintf(buf + n, size - n, "%s%s",
						 n ? "," : "",
						 d->mediav[i].kind);
}

void record_refused(struct calllog *cl, const struct incoming *in,
		    const struct call *c)
{
	char tunnels[160];
	struct calllog_entry e = {
		.started = clock_wall(),
		.incoming = true,
		.id = "",
		.callid = call_id(c),
		.peer = in->peer.name,
		.address = call_peer_uri(c),
		.fp = in->offer && in->offer->has_fp ? in->offer->fp : NULL,
		.tunnel = tunnels,
		.reason = reason_name(in->reason),
		.path = "",
	};

	offered_tunnels(tunnels, sizeof tunnels, in->offer);
	log_info("call from %s refused: %s %s", in->peer.name, e.reason,
		 in->text);
	if (calllog_write(cl, &e))
		log_warn("the call log cannot be written");
}
