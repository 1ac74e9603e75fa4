/*
 * session.c: what both sides of a call do once they are talking: meet, ask
 * about the key, begin.
 *
 *   caller, callee -> session -> sessionpath, sessionbundle -> sessionflow
 *     -> sessioncore
 */
#include <errno.h>
#include <string.h>
#include "sipd/sessionbundle.h"
#include "sipd/sessionpath.h"
#include "sipd/sessionstart.h"

static void session_destructor(void *arg)
{
	session_clear(arg);
}

int session_alloc(struct session **sp, struct house *h, const struct peer *p,
		  bool incoming, unsigned flags,
		  const struct session_handlers *sh)
{
	static uint32_t serial;
	struct session *s;
	int err;

	s = mem_zalloc(sizeof *s, session_destructor);
	if (!s)
		return ENOMEM;
	s->house = h;
	s->peer = *p;
	s->incoming = incoming;
	s->flags = flags;
	s->h = *sh;
	s->begin = clock_ns();
	s->started = clock_wall();
	(void)re_snprintf(s->id, sizeof s->id, "%u", ++serial);
	err = session_bundle_open(s);
	if (!err && !incoming)
		err = desc_alloc(&s->local);
	if (!err)
		err = session_path_open(s);
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}

void session_begin(struct session *s)
{
	int err;

	timer_stop(&s->timer);
	err = session_bundle_begin(s);
	if (err) {
		session_hangup(s, REASON_INTERNAL, strerror(err));
		return;
	}
	mem_ref(s);
	session_state_set(s, SESSION_CHECKING);
	if (s->state == SESSION_CHECKING) {
		err = session_path_meet(s);
		if (err)
			session_hangup(s, REASON_BAD_PEER, strerror(err));
	}
	mem_deref(s);
}
