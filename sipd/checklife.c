/*
 * checklife.c: the words for how long an idle mapping lives. It takes up to
 * two minutes, so it begins when all else is told. Called by checkfind.c, by
 * way of check.c.
 */
#include <errno.h>
#include "sipd/checklife.h"
#include "sipd/events.h"

static void note(struct check *ck, unsigned seconds)
{
	struct odict *o;
	char text[64];

	(void)re_snprintf(text, sizeof text,
			  "a mapping that was idle for %u s lives", seconds);
	if (event_alloc(&o, "note", ck->tag))
		return;
	event_str(o, "text", text);
	conn_event(ck->conn, o);
	mem_deref(o);
}

static void find(struct check *ck, const struct lifetime_result *r)
{
	char value[32];

	switch (r->state) {
	case LIFETIME_FOUND:
		(void)re_snprintf(value, sizeof value, "%u to %u s", r->alive,
				  r->gone);
		check_find(ck, CHECK_LIFETIME, value, "an idle UDP mapping"
			   " lives no longer");
		break;
	case LIFETIME_LONGER:
		(void)re_snprintf(value, sizeof value, "more than %u s",
				  r->alive);
		check_find(ck, CHECK_LIFETIME, value, "of an idle UDP"
			   " mapping; no longer was waited");
		break;
	case LIFETIME_UNABLE:
		check_find(ck, CHECK_LIFETIME, "unknown", "%J does not answer"
			   " to other ports: a STUN server with RESPONSE-PORT"
			   " (RFC 5780) is needed", &ck->nat.server);
		break;
	default:
		check_find(ck, CHECK_LIFETIME, "unknown", "the STUN server"
			   " does not answer any more");
	}
}

static void life_handler(const struct lifetime_result *r, void *arg)
{
	struct check *ck = arg;

	if (r->state == LIFETIME_RUNNING) {
		note(ck, r->alive);
		return;
	}
	find(ck, r);
	check_end(ck);
}

void check_life(struct check *ck)
{
	const struct sa *server = &ck->nat.server;
	int err = ENETUNREACH;

	if (ck->nat.udp)
		err = natlife_alloc(&ck->life, ck->house->timers, server,
				    life_handler, ck);
	if (err) {
		check_find(ck, CHECK_LIFETIME, "unknown",
			   "no STUN server answers");
		check_end(ck);
	}
}
