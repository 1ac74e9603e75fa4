/*
 * check.c: all questions at once, the findings in the end, in one order.
 *
 *   STUN servers --> natcheck, IPv4 and IPv6       gateways of the mapper
 *   name of the registrar --> DNS --> checksip, checktls
 *
 * Called by commands.c. Lives until all is told, or the connection that asked
 * is gone.
 */
#include <errno.h>
#include "sipd/check.h"
#include "sipd/checkhost.h"
#include "sipd/checklife.h"
#include "sipd/checknat.h"
#include "sipd/checkrelay.h"
#include "sipd/environs.h"

#define NAMES_WAIT SEC                  /* for those of STUN and relays */
#define SSDP_WAIT  (1300 * MSEC)        /* MX of 1 s, and some */
#define LOOK       (20 * MSEC)

static void check_destructor(void *arg)
{
	struct check *ck = arg;

	list_unlink(&ck->le);
	timer_stop(&ck->timer);
	timer_stop(&ck->dns_timer);
	mem_deref(ck->nat4);
	mem_deref(ck->nat6);
	mem_deref(ck->life);
	mem_deref(ck->dns);
	mem_deref(ck->sip);
	mem_deref(ck->tls);
	for (int i = 0; i < RELAYS_MAX; i++) {
		mem_deref(ck->relayv[i].udp);
		mem_deref(ck->relayv[i].tcp);
	}
	mem_deref(ck->tag);
}

/* A house that was just built does not know all names and routers yet. */
static void begin(void *arg)
{
	struct check *ck = arg;
	struct timers *timers = ck->house->timers;
	const bool young = ck->house->role != HOUSE_DAEMON;

	if ((environs_asks(ck->house->environs) ||
	     relays_asks(ck->house->relays)) &&
	    clock_ns() < ck->begin + NAMES_WAIT) {
		(void)timer_start(timers, &ck->timer, LOOK, begin, ck);
		return;
	}
	ck->waiting = 2;                /* the gates, and this */
	(void)timer_start(timers, &ck->timer, young ? SSDP_WAIT : 0,
			  check_gates, ck);
	check_nat(ck);
	check_host(ck);
	check_relays(ck);
	check_done(ck);
}

void check_order(struct conn *cn, const struct odict *o, const char *tag)
{
	struct check *ck = mem_zalloc(sizeof *ck, check_destructor);
	bool lifetime = false;

	if (!ck || (tag && str_dup(&ck->tag, tag))) {
		mem_deref(ck);
		conn_error(cn, tag, 1, "No memory.");
		return;
	}
	ck->conn = cn;
	ck->house = board_house(conn_env(cn)->board);
	ck->begin = clock_ns();
	(void)odict_get_boolean(o, &lifetime, "lifetime");
	ck->nexth = lifetime ? check_life : NULL;
	conn_keep(cn, &ck->le, ck);
	if (timer_start(ck->house->timers, &ck->timer, 0, begin, ck)) {
		conn_error(cn, tag, 1, "No memory.");
		mem_deref(ck);
	}
}
