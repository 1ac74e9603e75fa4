/*
 * forward.c: the tunnel kind `forward`: TCP ports and Unix sockets, as ssh -L,
 * -R, -D and -W.
 *
 *   -L: client -> [port] caller ==stream==> callee [dialout] -> target
 *   -D: the same, and each client says where to
 *   -W: the user's stdin and stdout are the client
 *   -R: target <- [dialout] caller <==stream== callee [port] <- client
 *
 * The callee does only what the caller's allow entry says (fwallow.h). The
 * caller connects only to what its own user has named: the peer says which
 * of the forwards, never where to, but for -R without a target. It ends when
 * somebody hangs up, or when -W's connection is over.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/ask.h"
#include "tunnels/forward/fwallow.h"
#include "tunnels/forward/fwcallee.h"
#include "tunnels/forward/fwcaller.h"

enum { NOTES_MAX = 20 };                /* refusals told one by one */

static void tunnel_destructor(void *arg)
{
	struct tunnel *t = arg;

	ending_stop(&t->end);
	mem_deref(t->stdio);
	mem_deref(t->ports);
	mem_deref(t->conns);
	mem_deref(t->udps);
	mem_deref(t->orders);
	pipefd_close(&t->fd_in);
	pipefd_close(&t->fd_out);
	mem_deref(t->allow);
	mem_deref(t->specv);
	mem_deref(t->peer);
}

/* --- where connections lead -------------------------------------------- */

static int target_handler(struct fwwire *w, void *arg)
{
	struct tunnel *t = arg;

	return t->caller ? fwcaller_target(t, w) : fwcallee_target(t, w);
}

static bool allow_handler(const struct fwwire *w, const struct sa *sa,
			  void *arg)
{
	const struct tunnel *t = arg;

	return t->caller || w->id || fwallow_addr(t->allow, sa);
}

static void refused_handler(const char *host, uint16_t port, int err,
			    bool here, void *arg)
{
	const struct fwplace place = { host, port };
	struct tunnel *t = arg;

	if (!t->caller || t->notes++ >= NOTES_MAX)
		return;
	ending_note(&t->end, "%H could not be connected to%s%s: %m",
		    fwplace_print, &place, here ? "" : " by ",
		    here ? "" : t->peer, err);
}

/* --- both -------------------------------------------------------------- */

static int order_handler(struct fwwire *w, void *arg)
{
	struct tunnel *t = arg;

	if (t->end.set)
		return 0;
	return t->caller ? fwcaller_answer(t, w) : fwcallee_order(t, w);
}

static void orders_over(int err, void *arg)
{
	struct tunnel *t = arg;

	if (err == ECONNRESET)
		ending_set(&t->end, err, "%s has ended the forward.",
			   t->peer);
	else if (err == EBADMSG || err == ENOTSUP)
		ending_set(&t->end, err, "%s does not follow the protocol.",
			   t->peer);
	else
		ending_set(&t->end, err, "");
}

static const struct fworders_handlers orders_handlers = {
	order_handler, orders_over
};

/* A stream that is no connection, but the caller's orders. */
static int hello_handler(struct stream *s, const uint8_t *p, size_t n,
			 void *arg)
{
	struct tunnel *t = arg;
	int err;

	if (t->caller || t->orders)
		return EPROTO;
	err = fworders_take(&t->orders, s, &orders_handlers, t);
	if (!err)
		fworders_rx(t->orders, p, n);
	return err;
}

/* By one of our -R the target may be UDP although the peer did not say so. */
static bool is_udp(const struct tunnel *t, const struct fwwire *w)
{
	return w->target == FWW_UDP ||
		(t->caller && w->target == FWW_LISTENER &&
		 w->id < t->specc && t->specv[w->id].target == FWW_UDP);
}

static int udp_handler(struct stream *s, const struct fwwire *w,
		       const uint8_t *p, size_t n, void *arg)
{
	struct tunnel *t = arg;

	return is_udp(t, w) ? fwudps_take(t->udps, s, w, p, n) : EPROTO;
}

static int forward_start(struct tunnel *t, const struct desc_media *remote,
			 const struct tunnel_way *way,
			 const struct tunnel_events *ev)
{
	static const struct fwconn_handlers h = {
		target_handler, allow_handler, hello_handler, udp_handler,
		refused_handler
	};
	static const struct fwudps_handlers uh = {
		target_handler, allow_handler
	};
	int err;

	(void)remote;
	if (t->flow)
		return EALREADY;
	t->flow = way->flow;
	t->loop = way->loop;
	ending_init(&t->end, t->loop, ev);
	err = fwconns_alloc(&t->conns, way->flow, way->number, &h, t);
	if (!err)
		err = fwudps_alloc(&t->udps, way->flow, way->number,
				   t->caller, &uh, t);
	if (!err)
		err = fwports_alloc(&t->ports, t->loop, t->conns, t->udps);
	if (!err)
		err = fwconns_go(t->conns);
	if (!err)
		fwudps_go(t->udps);
	if (err || !t->caller)
		return err;
	return fwcaller_start(t, way->number, &orders_handlers);
}

/* --- words ------------------------------------------------------------- */

static int forward_alloc(struct tunnel **tp, const struct tunnel_ask *ask)
{
	struct tunnel *t = mem_zalloc(sizeof *t, tunnel_destructor);
	int err;

	if (!t)
		return ENOMEM;
	t->fd_in.fd = t->fd_out.fd = -1;
	err = ask_peer(&t->peer, ask);
	if (err) {
		mem_deref(t);
		return err;
	}
	*tp = t;
	return 0;
}

static bool forward_stdio(char *const *argv, size_t argc)
{
	return fwspec_stdio(argv, argc);
}

static int take_stdio(struct tunnel *t, const struct tunnel_ask *ask)
{
	int err;

	if (!fwspec_stdio(ask->argv, ask->argc))
		return 0;
	if (ask->fd_in < 0 || ask->fd_out < 0)
		return ask_refuse(ask, EINVAL, "-W needs a standard input and"
				  " output.");
	err = pipefd_open(&t->fd_in, ask->fd_in, false);
	return err ? err : pipefd_open(&t->fd_out, ask->fd_out, true);
}

static int forward_offer(struct tunnel **tp, const struct tunnel_ask *ask,
			 struct desc_media *local)
{
	struct tunnel *t;
	int err = forward_alloc(&t, ask);

	if (err)
		return err;
	t->caller = true;
	t->specv = mem_zalloc(FWSPEC_MAX * sizeof *t->specv, NULL);
	err = t->specv ? fwspec_decode(t->specv, &t->specc, ask->argv,
				       ask->argc, ask->why, ask->why_size) :
			 ENOMEM;
	if (!err)
		err = take_stdio(t, ask);
	if (!err)
		err = desc_param_set(local, "v", "1");
	if (err) {
		mem_deref(t);
		return err;
	}
	*tp = t;
	return 0;
}

static int read_rules(struct fwallow **ap, const struct tunnel_ask *ask)
{
	struct pl bad = PL_INIT;
	const int err = fwallow_alloc(ap, ask->allow, &bad);

	return err == EINVAL ? ask_refuse(ask, err, "'%r' is none of host:port,"
					  " listen:port, /path and"
					  " listen:/path", &bad) : err;
}

static int forward_allow(const struct tunnel_ask *ask)
{
	struct fwallow *a = NULL;
	const int err = read_rules(&a, ask);

	mem_deref(a);
	return err;
}

static int read_allow(struct tunnel *t, const struct tunnel_ask *ask)
{
	int err;

	if (!ask->allow || !*ask->allow)
		return ask_refuse(ask, EACCES, "No target is allowed: name"
				  " some in allow, as in forward"
				  " 127.0.0.1:22.");
	err = read_rules(&t->allow, ask);
	return err == EINVAL ? EACCES : err;
}

static int forward_answer(struct tunnel **tp, const struct tunnel_ask *ask,
			  const struct desc_media *remote,
			  struct desc_media *local)
{
	struct tunnel *t = NULL;
	int err = ask_version(ask, remote, "forward");

	if (!err)
		err = forward_alloc(&t, ask);
	if (err)
		return err;
	err = read_allow(t, ask);
	if (!err)
		err = desc_param_set(local, "v", "1");
	if (err) {
		mem_deref(t);
		return err;
	}
	*tp = t;
	return 0;
}

static int forward_status(struct re_printf *pf, const struct tunnel *t)
{
	int err = t->conns ? fwconns_status(pf, t->conns) : 0;

	return err || !t->udps ? err : fwudps_status(pf, t->udps);
}

const struct tunnel_kind forward_tunnel = {
	.name = "forward",
	.endless = true,
	.usage = "[-L|-R|-D] SPEC... | -W HOST:PORT",
	.help = "ports, as with ssh: SPEC is [udp:][ADDRESS:]PORT:HOST:PORT,"
		" with -D [ADDRESS:]PORT",
	.stdio = forward_stdio,
	.need = FLOW_STREAM,
	.allow = forward_allow,
	.offer = forward_offer,
	.answer = forward_answer,
	.start = forward_start,
	.status = forward_status,
};
