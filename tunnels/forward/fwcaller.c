/*
 * fwcaller.c: the side of a forward whose user has asked for it: its ports
 * and its -W, what it asks of the far side, and what it lets in by -R.
 */
#include <errno.h>
#include <string.h>
#include "tunnels/forward/fwcaller.h"

/* The peer's client, by one of our -R. */
int fwcaller_target(struct tunnel *t, struct fwwire *w)
{
	const struct fwspec *s;

	if (w->id >= t->specc || t->specv[w->id].how != FWSPEC_REMOTE)
		return EACCES;
	s = &t->specv[w->id];
	if (s->target == FWW_SOCKS)     /* hosts only, no paths */
		return w->target != FWW_LISTENER && *w->host &&
			*w->host != '/' && w->port ? 0 : EACCES;
	if (w->target != FWW_LISTENER)
		return EACCES;
	str_ncpy(w->host, s->host, sizeof w->host);
	w->port = s->hport;
	return 0;
}

static void stdio_check(struct tunnel *t)
{
	if (t->conn_over && !t->stdio)
		ending_set(&t->end, 0, "");
}

static void stdio_over(bool opened, int err, void *arg)
{
	struct tunnel *t = arg;
	const struct fwspec *s = t->specv;

	while (s->how != FWSPEC_STDIO)
		s++;
	t->conn_over = true;
	if (err)
		ending_set(&t->end, err, opened ?
			   "The connection to %H was lost: %m." :
			   "%H could not be connected to: %m.", fwplace_print,
			   &(struct fwplace){ s->host, s->hport }, err);
	else
		stdio_check(t);
}

static void stdio_written(void *arg)
{
	struct tunnel *t = arg;

	t->stdio = mem_deref(t->stdio);
	stdio_check(t);
}

static int stdio_start(struct tunnel *t, const struct fwwire *connect)
{
	const struct fwconn_ask ask = {
		.w = connect, .host = connect->host, .port = connect->port,
		.overh = stdio_over, .arg = t,
	};
	int fd, err;

	err = fwstdio_alloc(&t->stdio, t->loop, &t->fd_in, &t->fd_out, &fd,
			    stdio_written, t);
	if (err)
		return err;
	t->fd_in.fd = t->fd_out.fd = -1;
	return fwconns_add(t->conns, fd, &ask);
}

static struct fwwire connect_to(const struct fwspec *s)
{
	struct fwwire w;

	memset(&w, 0, sizeof w);
	w.type = FWW_CONNECT;
	w.target = s->target == FWW_UDP ? FWW_UDP : FWW_TCP;
	str_ncpy(w.host, s->host, sizeof w.host);
	w.port = s->hport;
	return w;
}

static void note_listening(const struct tunnel *t, const struct fwspec *s,
			   uint16_t port)
{
	const struct fwplace from = { s->bind, port };
	const struct fwplace to = { s->host, s->hport };
	const bool remote = s->how == FWSPEC_REMOTE;
	const char *who = remote ? t->peer : "", *is = remote ? " is " : "";

	if (s->target == FWW_SOCKS)
		ending_note(&t->end, "%s%slistening on %H (SOCKS and HTTP"
			    " CONNECT, to anywhere %s%s)", who, is,
			    fwplace_print, &from, remote ? "from here" :
			    "allowed at ", remote ? "" : t->peer);
	else
		ending_note(&t->end, "%s%slistening on %s%H (to %H %s%s)", who,
			    is, s->target == FWW_UDP ? "udp:" : "",
			    fwplace_print, &from, fwplace_print, &to, remote ? "here" : "at ", remote ? "" : t->peer);
}

/* The answer to one of our orders. */
int fwcaller_answer(struct tunnel *t, const struct fwwire *w)
{
	const struct fwspec *s;
	struct fwwire connect;
	int err;

	if (w->type != FWW_ANSWER || w->id >= t->specc)
		return EBADMSG;
	s = &t->specv[w->id];
	if (w->err) {
		ending_set(&t->end, w->err, "%s: %H", t->peer, plain_print,
			   *w->text ? w->text : strerror(w->err));
		return 0;
	}
	switch (s->how) {
	case FWSPEC_REMOTE:
		note_listening(t, s, w->port);
		return 0;
	case FWSPEC_STDIO:
		connect = connect_to(s);
		return t->fd_in.fd < 0 ? EBADMSG : stdio_start(t, &connect);
	case FWSPEC_LOCAL:
		break;
	}
	err = fwport_go(t->portv[w->id]);
	if (!err)
		note_listening(t, s, fwport_number(t->portv[w->id]));
	return err;
}

/* What the far side is asked for, forward number id. */
static int order(struct tunnel *t, uint32_t id)
{
	const struct fwspec *s = &t->specv[id];
	const bool remote = s->how == FWSPEC_REMOTE;
	struct fwwire w;

	memset(&w, 0, sizeof w);
	w.type = remote ? FWW_LISTEN : FWW_CHECK;
	w.target = s->target;
	w.id = id;
	str_ncpy(w.host, remote ? s->bind : s->host, sizeof w.host);
	w.port = remote ? s->port : s->hport;
	return fworders_say(t->orders, &w);
}

/* Take our ports first: if that fails, the far side need not be asked. */
static int open_ports(struct tunnel *t)
{
	for (uint32_t i = 0; i < t->specc; i++) {
		const struct fwspec *s = &t->specv[i];
		const struct fwplace place = { s->bind, s->port };
		const struct fwwire connect = connect_to(s);
		int err;

		if (s->how != FWSPEC_LOCAL)
			continue;
		err = fwports_add(t->ports, &t->portv[i], s->bind, s->port,
				  &connect, s->target);
		if (!err)
			continue;
		ending_set(&t->end, err, err == EADDRINUSE ? "%H is in use"
			   " already: choose another." : err == EACCES &&
			   s->port ? "%H is not for you to listen on: choose"
			   " a port from 1024 on." : "Listening on %H failed:"
			   " %m.", fwplace_print, &place, err);
		return 0;
	}
	return 0;
}

int fwcaller_start(struct tunnel *t, unsigned number,
		   const struct fworders_handlers *h)
{
	int err = open_ports(t);

	if (err || t->end.set)
		return err;
	err = fworders_open(&t->orders, t->flow, number, h, t);
	for (uint32_t i = 0; i < t->specc && !err; i++)
		err = order(t, i);
	return err;
}
