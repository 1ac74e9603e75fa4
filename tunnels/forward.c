/*
 * forward.c: the tunnel kind `forward`: TCP ports, as ssh -L and -R.
 *
 *   -L: client -> [listen] caller ==stream==> callee [dialout] -> target
 *   -R: target <- [dialout] caller <==stream== callee [listen] <- client
 *
 * The callee does only what the caller's allow entry says (fwallow.h). The
 * caller connects only to what its own user has named: the peer says which
 * of the forwards, never where to. It ends when somebody hangs up.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "tunnels/ending.h"
#include "tunnels/forward/fwallow.h"
#include "tunnels/forward/fwconn.h"
#include "tunnels/forward/fwlisten.h"
#include "tunnels/forward/fwspec.h"
#include "tunnels/record.h"

enum { NOTES_MAX = 20 };                /* refusals told one by one */

/* One port that is listened on; here, for one side or the other. */
struct port {
	struct tunnel *t;
	uint32_t id;
	struct fwlisten *listen;
};

struct tunnel {
	bool caller;
	struct fwspec *specv;           /* caller */
	size_t specc;
	struct fwallow *allow;          /* callee */
	char *peer;
	struct flow *flow;
	struct loop *loop;
	struct ending end;
	struct fwconns *conns;
	struct port portv[FWSPEC_MAX];  /* by the spec's place, or as asked */
	size_t portc;
	struct stream *s;               /* orders */
	struct record_reader rd;
	struct record_writer wr;
	unsigned notes;
};

static void tunnel_destructor(void *arg)
{
	struct tunnel *t = arg;

	ending_stop(&t->end);
	for (size_t i = 0; i < t->portc; i++)
		mem_deref(t->portv[i].listen);
	mem_deref(t->conns);
	stream_reset(t->s, record_errno_code(ECANCELED));
	mem_deref(t->rd.body);
	mem_deref(t->wr.backlog);
	mem_deref(t->allow);
	mem_deref(t->specv);
	mem_deref(t->peer);
}

static int say(struct tunnel *t, const struct fwwire *w)
{
	struct mbuf *mb = mbuf_alloc(128);
	int err = mb ? fwwire_encode(mb, w) : ENOMEM;

	if (!err)
		err = record_write(&t->wr, (uint8_t)w->type, mb->buf,
				   mb->end);
	mem_deref(mb);
	return err;
}

/* A connection has come to one of our ports. */
static void accepted_handler(int fd, void *arg)
{
	const struct port *p = arg;
	struct tunnel *t = p->t;
	struct fwwire w;

	memset(&w, 0, sizeof w);
	w.type = FWW_CONNECT;
	w.target = FWW_LISTENER;
	w.id = p->id;
	if (t->caller) {
		const struct fwspec *s = &t->specv[p->id];

		w.target = FWW_TCP;
		str_ncpy(w.host, s->host, sizeof w.host);
		w.port = s->hport;
	}
	(void)fwconns_add(t->conns, fd, &w, w.host, w.port);
}

/* Where does a CONNECT of the peer's lead? */
static int target_handler(struct fwwire *w, void *arg)
{
	const struct tunnel *t = arg;
	const struct fwspec *s;

	if (t->caller) {
		if (w->target != FWW_LISTENER || w->id >= t->specc ||
		    !t->specv[w->id].remote)
			return EACCES;
		s = &t->specv[w->id];
		str_ncpy(w->host, s->host, sizeof w->host);
		w->port = s->hport;
		return 0;
	}
	if (w->target != FWW_TCP || !*w->host || !w->port)
		return EINVAL;
	/* id is of no use here: it remembers that the name was enough */
	w->id = fwallow_name(t->allow, w->host, w->port);
	return w->id || fwallow_port(t->allow, w->port) ? 0 : EACCES;
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

/* The answer to one of our orders. */
static int on_answer(struct tunnel *t, const struct fwwire *w)
{
	const struct fwspec *s;
	struct fwplace from, to;
	int err;

	if (!t->caller || w->id >= t->specc)
		return EBADMSG;
	s = &t->specv[w->id];
	if (w->err) {
		ending_set(&t->end, w->err, "%s: %H", t->peer, plain_print,
			   *w->text ? w->text : strerror(w->err));
		return 0;
	}
	from.host = s->bind;
	from.port = s->remote ? w->port :
		sa_port(fwlisten_addr(t->portv[w->id].listen));
	to.host = s->host;
	to.port = s->hport;
	err = s->remote ? 0 : fwlisten_go(t->portv[w->id].listen);
	if (err)
		return err;
	if (s->remote)
		ending_note(&t->end, "%s is listening on %H (to %H here)",
			    t->peer, fwplace_print, &from, fwplace_print,
			    &to);
	else
		ending_note(&t->end, "listening on %H (to %H at %s)",
			    fwplace_print, &from, fwplace_print, &to,
			    t->peer);
	return 0;
}

static int answer(struct tunnel *t, struct fwwire *w, int err,
		  const char *fmt, ...)
{
	va_list ap;

	w->type = FWW_ANSWER;
	w->err = err;
	va_start(ap, fmt);
	(void)re_vsnprintf(w->text, sizeof w->text, fmt, ap);
	va_end(ap);
	return say(t, w);
}

/* A name can only be judged when it is looked up, at its first connection;
 * but what is hopeless is told at once. */
static int on_check(struct tunnel *t, struct fwwire *w)
{
	const struct fwplace place = { w->host, w->port };
	struct sa sa;
	bool ok;

	if (t->caller)
		return EBADMSG;
	ok = fwallow_name(t->allow, w->host, w->port) ||
	     (sa_set_str(&sa, w->host, w->port) ?
	      fwallow_port(t->allow, w->port) :
	      fwallow_addr(t->allow, &sa));
	if (ok)
		return answer(t, w, 0, "");
	return answer(t, w, EACCES, "%H is not allowed to you there; it must"
		      " be named in allow: forward %H", fwplace_print,
		      &place, fwplace_print, &place);
}

static bool may_listen(const struct tunnel *t, const struct fwwire *w)
{
	struct sa v[2];
	size_t n = fwlisten_addrs(v, w->host, w->port);
	bool ok = n > 0;

	while (ok && n--)
		ok = fwallow_listen(t->allow, &v[n]);
	return ok;
}

static int port_add(struct tunnel *t, uint32_t id, const char *bind,
		    uint16_t port)
{
	struct port *p = &t->portv[t->portc];
	int err;

	if (t->portc == FWSPEC_MAX)
		return EMFILE;
	p->t = t;
	p->id = id;
	err = fwlisten_alloc(&p->listen, t->loop, bind, port,
			     accepted_handler, p);
	if (!err)
		t->portc++;
	return err;
}

static int on_listen(struct tunnel *t, struct fwwire *w)
{
	const struct fwplace place = { w->host, w->port };
	int err;

	if (t->caller)
		return EBADMSG;
	if (!may_listen(t, w))
		return answer(t, w, EACCES, "listening on %H is not allowed to"
			      " you there; it must be named in allow: forward"
			      " listen:%H", fwplace_print, &place,
			      fwplace_print, &place);
	err = port_add(t, w->id, w->host, w->port);
	if (!err)
		err = fwlisten_go(t->portv[t->portc - 1].listen);
	if (err)
		return answer(t, w, err, "it cannot listen on %H: %m",
			      fwplace_print, &place, err);
	w->port = sa_port(fwlisten_addr(t->portv[t->portc - 1].listen));
	return answer(t, w, 0, "");
}

static int record_handler(uint8_t type, const uint8_t *p, size_t n, void *arg)
{
	struct tunnel *t = arg;
	struct fwwire w;
	int err = fwwire_decode(&w, type, p, n);

	if (err == ENOTSUP && type & RECORD_OPTIONAL)
		return 0;
	if (err)
		return err;
	switch (w.type) {
	case FWW_HELLO:  return w.version ? 0 : EBADMSG;
	case FWW_CHECK:  return on_check(t, &w);
	case FWW_LISTEN: return on_listen(t, &w);
	case FWW_ANSWER: return on_answer(t, &w);
	default:         return EBADMSG;
	}
}

static void orders_rx(struct tunnel *t, const uint8_t *p, size_t n)
{
	static const struct record_sink sink = { 0, NULL, record_handler };
	int err = t->end.set ? 0 : record_feed(&t->rd, &sink, p, n, t);

	stream_consumed(t->s, n);
	if (err)
		ending_set(&t->end, err, err == EBADMSG || err == ENOTSUP ?
			   "%s does not follow the protocol." :
			   "The forward with %s failed.", t->peer);
}

static void read_handler(struct stream *s, const uint8_t *p, size_t n,
			 void *arg)
{
	(void)s;
	orders_rx(arg, p, n);
}

static void write_handler(struct stream *s, void *arg)
{
	struct tunnel *t = arg;

	(void)s;
	(void)record_flush(&t->wr);
}

static void close_handler(struct stream *s, int err, uint64_t code, void *arg)
{
	struct tunnel *t = arg;

	(void)s;
	(void)code;
	t->s = t->wr.s = NULL;
	if (err == ECONNRESET || !err)
		ending_set(&t->end, ECONNRESET, "%s has ended the forward.",
			   t->peer);
	else
		ending_set(&t->end, err, "");
}

static const struct stream_handlers handlers = {
	read_handler, NULL, write_handler, close_handler
};

static int say_hello(struct tunnel *t)
{
	const struct fwwire w = { .type = FWW_HELLO,
				  .version = FWW_VERSION };

	return say(t, &w);
}

static int order_handler(struct stream *s, const uint8_t *p, size_t n,
			 void *arg)
{
	struct tunnel *t = arg;

	if (t->caller || t->s)
		return EPROTO;
	t->s = t->wr.s = s;
	stream_handle(s, &handlers, t);
	(void)say_hello(t);
	orders_rx(t, p, n);
	return 0;
}

/* What the far side is asked for, forward number id. */
static int order(struct tunnel *t, uint32_t id)
{
	const struct fwspec *s = &t->specv[id];
	struct fwwire w;

	memset(&w, 0, sizeof w);
	w.type = s->remote ? FWW_LISTEN : FWW_CHECK;
	w.id = id;
	str_ncpy(w.host, s->remote ? s->bind : s->host, sizeof w.host);
	w.port = s->remote ? s->port : s->hport;
	return say(t, &w);
}

/* Take our ports first: if that fails, the far side need not be asked. */
static int open_ports(struct tunnel *t)
{
	for (uint32_t i = 0; i < t->specc; i++) {
		const struct fwspec *s = &t->specv[i];
		const struct fwplace place = { s->bind, s->port };
		int err;

		if (s->remote) {        /* its place stays empty */
			t->portc++;
			continue;
		}
		err = port_add(t, i, s->bind, s->port);
		if (!err)
			continue;
		ending_set(&t->end, err, err == EADDRINUSE ? "%H is in use"
			   " already: choose another port." : "Listening on"
			   " %H failed: %m.", fwplace_print, &place, err);
		return 0;
	}
	return 0;
}

static int start_caller(struct tunnel *t, unsigned number)
{
	int err = open_ports(t);

	if (err || t->end.set)
		return err;
	err = stream_open(&t->s, t->flow, number, &handlers, t);
	if (err)
		return err;
	stream_priority(t->s, 1);
	t->wr.s = t->s;
	err = say_hello(t);
	for (uint32_t i = 0; i < t->specc && !err; i++)
		err = order(t, i);
	return err;
}

static int forward_start(struct tunnel *t, const struct desc_media *remote,
			 const struct tunnel_way *way,
			 const struct tunnel_events *ev)
{
	static const struct fwconn_handlers h = {
		target_handler, allow_handler, order_handler, refused_handler
	};
	int err;

	(void)remote;
	if (t->flow)
		return EALREADY;
	t->flow = way->flow;
	t->loop = way->loop;
	ending_init(&t->end, t->loop, ev);
	err = fwconns_alloc(&t->conns, way->flow, way->number, &h, t);
	return err || !t->caller ? err : start_caller(t, way->number);
}

static int forward_alloc(struct tunnel **tp, const struct tunnel_ask *ask)
{
	struct tunnel *t = mem_zalloc(sizeof *t, tunnel_destructor);
	int err;

	if (!t)
		return ENOMEM;
	err = str_dup(&t->peer, ask->peer ? ask->peer : "The peer");
	if (err) {
		mem_deref(t);
		return err;
	}
	*tp = t;
	return 0;
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
		err = desc_param_set(local, "v", "1");
	if (err) {
		mem_deref(t);
		return err;
	}
	*tp = t;
	return 0;
}

static int refuse(const struct tunnel_ask *ask, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (ask->why)
		(void)re_vsnprintf(ask->why, ask->why_size, fmt, ap);
	va_end(ap);
	return err;
}

static int read_allow(struct tunnel *t, const struct tunnel_ask *ask)
{
	struct pl bad = PL_INIT;
	int err;

	if (!ask->allow || !*ask->allow)
		return refuse(ask, EACCES, "No target is allowed: name some"
			      " in allow, as in forward 127.0.0.1:22.");
	err = fwallow_alloc(&t->allow, ask->allow, &bad);
	if (err != EINVAL)
		return err;
	return refuse(ask, EACCES, "In allow, after forward, '%r' is neither"
		      " host:port nor listen:port.", &bad);
}

static int forward_answer(struct tunnel **tp, const struct tunnel_ask *ask,
			  const struct desc_media *remote,
			  struct desc_media *local)
{
	struct tunnel *t;
	char v[8];
	int err;

	if (desc_param_get(remote, "v", v, sizeof v) || strcmp(v, "1"))
		return refuse(ask, EBADMSG, "The forward offered is of"
			      " another version than ours, 1.");
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
	return t->conns ? fwconns_status(pf, t->conns) : 0;
}

const struct tunnel_kind forward_tunnel = {
	.name = "forward",
	.endless = true,
	.usage = "[-L|-R] [address:]port:host:hostport ...",
	.need = FLOW_STREAM,
	.offer = forward_offer,
	.answer = forward_answer,
	.start = forward_start,
	.status = forward_status,
};
