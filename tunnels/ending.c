/*
 * ending.c: how a tunnel ends, and what it says to people meanwhile.
 */
#include <stdarg.h>
#include <string.h>
#include <re.h>
#include "tunnels/ending.h"

static void tell(void *arg)
{
	struct ending *e = arg;

	if (e->ev.doneh)
		e->ev.doneh(e->err, e->why, e->ev.arg);
}

void ending_init(struct ending *e, struct loop *l,
		 const struct tunnel_events *ev)
{
	e->loop = l;
	e->ev = *ev;
}

void ending_set(struct ending *e, int err, const char *fmt, ...)
{
	va_list ap;

	if (e->set)
		return;
	e->set = true;
	e->err = err;
	va_start(ap, fmt);
	(void)re_vsnprintf(e->why, sizeof e->why, fmt, ap);
	va_end(ap);
	/* a heap that cannot grow: better told early than never */
	if (timer_start(loop_timers(e->loop), &e->tmr, 0, tell, e))
		tell(e);
}

void ending_stop(struct ending *e)
{
	timer_stop(&e->tmr);
}

void ending_note(const struct ending *e, const char *fmt, ...)
{
	struct tunnel_progress p;
	char text[512];
	va_list ap;

	if (!e->ev.progressh || e->set)
		return;
	va_start(ap, fmt);
	(void)re_vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	memset(&p, 0, sizeof p);
	p.note = text;
	e->ev.progressh(&p, e->ev.arg);
}

int plain_print(struct re_printf *pf, const char *text)
{
	const uint8_t *p = (const uint8_t *)(text ? text : "");
	int err = 0;

	for (; *p && !err; p++) {
		/* C1 controls are two bytes in UTF-8 */
		const bool c1 = *p == 0xc2 && (p[1] & 0xe0) == 0x80;

		if (*p < 0x20 || *p == 0x7f || c1)
			err = re_hprintf(pf, "\\x%02x", *p);
		else
			err = pf->vph((const char *)p, 1, pf->arg);
		if (c1 && !err)
			err = re_hprintf(pf, "\\x%02x", *++p);
	}
	return err;
}
