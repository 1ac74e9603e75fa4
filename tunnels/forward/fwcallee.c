/*
 * fwcallee.c: the side of a forward that was called: it does what its rules
 * allow, and says why it does not.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "tunnels/forward/fwallow.h"
#include "tunnels/forward/fwbind.h"
#include "tunnels/forward/fwcallee.h"

int fwcallee_target(const struct tunnel *t, struct fwwire *w)
{
	if ((w->target != FWW_TCP && w->target != FWW_UDP) || !*w->host)
		return EINVAL;
	if (*w->host == '/' && w->target == FWW_UDP)
		return EACCES;
	if (*w->host == '/')
		return fwallow_path(t->allow, w->host, false) ? 0 : EACCES;
	if (!w->port)
		return EINVAL;
	w->id = fwallow_name(t->allow, w->host, w->port);
	return w->id || fwallow_port(t->allow, w->port) ? 0 : EACCES;
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
	return fworders_say(t->orders, w);
}

/* A name can only be judged when it is looked up, at its first connection,
 * and what a client will ask for when it does; but what is hopeless is told at
 * once. */
static bool may_connect(const struct tunnel *t, const struct fwwire *w)
{
	struct sa sa;

	if (w->target == FWW_SOCKS)
		return true;
	if (*w->host == '/')
		return fwallow_path(t->allow, w->host, false);
	if (fwallow_name(t->allow, w->host, w->port))
		return true;
	return sa_set_str(&sa, w->host, w->port) ?
		fwallow_port(t->allow, w->port) : fwallow_addr(t->allow, &sa);
}

static int on_check(struct tunnel *t, struct fwwire *w)
{
	const struct fwplace place = { w->host, w->port };

	if (may_connect(t, w))
		return answer(t, w, 0, "");
	return answer(t, w, EACCES, "%H is not allowed to you there; it must"
		      " be named in allow: forward %H", fwplace_print,
		      &place, fwplace_print, &place);
}

static bool may_listen(const struct tunnel *t, const struct fwwire *w)
{
	struct sa v[2];
	size_t n;
	bool ok;

	if (*w->host == '/')
		return fwallow_path(t->allow, w->host, true);
	n = fwbind_addrs(v, w->host, w->port);
	ok = n > 0;
	while (ok && n--)
		ok = fwallow_listen(t->allow, &v[n]);
	return ok;
}

static int listen_for(struct tunnel *t, const struct fwwire *w,
		      struct fwport **pp)
{
	const bool socks = w->target == FWW_SOCKS;
	const struct fwwire connect = {
		.type = FWW_CONNECT, .id = w->id,
		.target = socks ? FWW_TCP : FWW_LISTENER,
	};
	int err;

	if (t->remotes == FWSPEC_MAX)
		return EMFILE;
	err = fwports_add(t->ports, pp, w->host, w->port, &connect,
			  w->target);
	if (err)
		return err;
	t->remotes++;
	return fwport_go(*pp);
}

static int on_listen(struct tunnel *t, struct fwwire *w)
{
	const struct fwplace place = { w->host, w->port };
	struct fwport *p = NULL;
	int err;

	if (!may_listen(t, w))
		return answer(t, w, EACCES, "listening on %H is not allowed to"
			      " you there; it must be named in allow: forward"
			      " listen:%H", fwplace_print, &place,
			      fwplace_print, &place);
	err = listen_for(t, w, &p);
	if (err)
		return answer(t, w, err, "it cannot listen on %H: %m",
			      fwplace_print, &place, err);
	w->port = fwport_number(p);
	return answer(t, w, 0, "");
}

int fwcallee_order(struct tunnel *t, struct fwwire *w)
{
	switch (w->type) {
	case FWW_CHECK:  return on_check(t, w);
	case FWW_LISTEN: return on_listen(t, w);
	default:         return EBADMSG;
	}
}
