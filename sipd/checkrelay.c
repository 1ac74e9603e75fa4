/*
 * checkrelay.c: a relay is asked as a STUN server by UDP, or is connected to
 * by TCP; whether it takes our password shows in a session. Called by
 * check.c.
 */
#include <string.h>
#include "modules/path/relay.h"
#include "sipd/checkrelay.h"

static void add(struct check_relay *r, const char *way, uint64_t ns)
{
	struct check *ck = r->ck;
	struct check_finding *f = &ck->v[CHECK_RELAY];
	size_t n = strlen(f->text);

	(void)re_snprintf(f->text + n, sizeof f->text - n,
			  "%s%s by %s, %u ms", n ? "; " : "", r->name, way,
			  (unsigned)(ns / MSEC));
	(void)str_ncpy(f->value, "yes", sizeof f->value);
}

/* The last says what none has said. */
static void done(struct check_relay *r)
{
	struct check *ck = r->ck;

	if (!--ck->relays_waiting && !*ck->v[CHECK_RELAY].value)
		check_find(ck, CHECK_RELAY, "no", "%s does not answer",
			   r->name);
	check_done(ck);
}

static void udp_handler(const struct nat *nat, void *arg)
{
	struct check_relay *r = arg;

	if (nat->udp)
		add(r, "UDP", nat->rtt);
	done(r);
}

static void tcp_handler(enum checktls_result res, uint64_t ns, void *arg)
{
	struct check_relay *r = arg;

	if (res == CHECKTLS_YES)
		add(r, "TLS", ns);
	else if (res == CHECKTLS_OTHER)
		add(r, "TCP", ns);
	done(r);
}

void check_relays(struct check *ck)
{
	struct relay *const *v;
	size_t n = paths_relays(ck->house->paths, &v);

	for (size_t i = 0; i < n && i < RELAYS_MAX; i++) {
		struct check_relay *r = &ck->relayv[i];
		struct timers *timers = ck->house->timers;
		const struct sa *addr = &v[i]->wayv[0].addr;
		int err;

		if (!v[i]->wayc || !sa_isset(addr, SA_ALL))
			continue;
		r->ck = ck;
		(void)str_ncpy(r->name, v[i]->name, sizeof r->name);
		err = v[i]->wayv[0].transp == RELAY_UDP
			? natcheck_alloc(&r->udp, timers, addr, 1, false,
					 udp_handler, r)
			: checktls_alloc(&r->tcp, timers, addr, tcp_handler,
					 r);
		ck->waiting += !err;
		ck->relays_waiting += !err;
	}
	if (ck->relays_waiting)
		return;
	if (relays_asks(ck->house->relays))
		check_find(ck, CHECK_RELAY, "unknown", "the DNS does not"
			   " answer where it is");
	else
		check_find(ck, CHECK_RELAY, "none", "no [turn] is configured,"
			   " or reached");
}
