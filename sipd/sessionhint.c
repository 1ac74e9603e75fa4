/*
 * sessionhint.c: where no path was found, what about relays.
 */
#include "sipd/sessionhint.h"

enum path_relay session_relay(const struct session *s)
{
	static const enum path_relay map[] = {
		[RELAY_DEFAULT] = PATH_RELAY_AUTO,
		[RELAY_AUTO] = PATH_RELAY_AUTO,
		[RELAY_NEVER] = PATH_RELAY_NEVER,
		[RELAY_ONLY] = PATH_RELAY_ONLY,
	};

	return map[s->peer.relay ? s->peer.relay : s->house->conf->relay];
}

void session_relay_hint(const struct session *s, char *buf, size_t size)
{
	const char *why = path_relay_problem(s->path);

	if (!why)
		why = relays_problem(s->house->relays);
	*buf = '\0';
	if (session_relay(s) == PATH_RELAY_NEVER)
		str_ncpy(buf, "a relay would help, but relay = never is"
			 " configured", size);
	else if (why)
		(void)re_snprintf(buf, size, "%s: see [turn] in sipd.conf",
				  why);
	else if (list_isempty(&s->house->conf->turnl))
		str_ncpy(buf, "a relay would help: name a TURN server in a"
			 " [turn] section of sipd.conf, here or there", size);
}
