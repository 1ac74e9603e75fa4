/*
 * callpast.c: a forked INVITE can be answered with 2xx by more than one, and
 * by the second when the call with the first is over already: a file was sent
 * in between. That one is to be told as well (RFC 3261 section 13.2.2.4), or
 * it waits for its ACK for half a minute. So can an attempt that was given up
 * (request.c).
 *
 * Owns a list in each struct calls, the oldest first; looked after when it is
 * used, without a timer. callcore.c adds, call.c asks.
 */
#include "sipd/ua/callpast.h"

enum { KEEP_TIME = 32, PAST_MAX = 4096 };       /* s */

struct past {
	struct le le;
	struct dialog *dlg;
	bool answered;          /* the branch in dlg was taken */
	uint64_t end;
};

static void past_destructor(void *arg)
{
	struct past *p = arg;

	list_unlink(&p->le);
	mem_deref(p->dlg);
}

static void forget(struct calls *calls)
{
	const uint64_t now = clock_ns();

	while (calls->pastl.head) {
		struct past *p = calls->pastl.head->data;

		if (p->end > now && calls->pastc < PAST_MAX)
			return;
		--calls->pastc;
		mem_deref(p);
	}
}

void callpast_keep(struct call *c)
{
	struct past *p;

	if (!c->caller)
		return;
	forget(c->calls);
	p = mem_zalloc(sizeof *p, past_destructor);
	if (!p)
		return;
	p->dlg = mem_ref(c->dlg);
	p->answered = c->ack_cseq != 0;
	p->end = clock_ns() + KEEP_TIME * SEC;
	list_append(&c->calls->pastl, &p->le, p);
	++c->calls->pastc;
}

struct dialog *callpast_find(struct calls *calls, const struct sip_msg *resp)
{
	struct le *le;

	forget(calls);
	for (le = calls->pastl.head; le; le = le->next) {
		const struct past *p = le->data;

		if (dialog_match_half(p->dlg, resp))
			return p->answered && dialog_match(p->dlg, resp)
				? NULL : p->dlg;
	}
	return NULL;
}
