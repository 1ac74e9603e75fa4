/*
 * patience.c: what a call waits for, told once it has waited for a while.
 *
 * Called by show.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/dial/patience.h"

enum { A_WHILE = 1500 };        /* ms */

struct patience {
	struct tmr tmr;
	char peer[256];
	const char *text;
};

static const struct {
	const char *state, *text;
} textv[] = {
	{ "gathering", "%s: this host's addresses are being found out ...\n" },
	{ "offering",  "calling %s, which has not answered yet ...\n"        },
	{ "ringing",   "%s rings: somebody there has to accept the call ...\n" },
	{ "checking",  "%s has answered; looking for a path to it ...\n"     },
	{ "securing",  "%s is reached; its key is being checked ...\n"       },
	{ "accepting", "waiting for %s, where somebody may be asked about your"
		       " key ...\n" },
};

static void tell(void *arg)
{
	const struct patience *p = arg;

	(void)fprintf(stderr, p->text, p->peer);
}

void patience_set(struct patience *p, const char *peer, const char *state)
{
	tmr_cancel(&p->tmr);
	for (size_t i = 0; i < RE_ARRAY_SIZE(textv); i++) {
		if (strcmp(state, textv[i].state))
			continue;
		(void)str_ncpy(p->peer, peer, sizeof p->peer);
		p->text = textv[i].text;
		tmr_start(&p->tmr, A_WHILE, tell, p);
	}
}

static void patience_destructor(void *arg)
{
	struct patience *p = arg;

	tmr_cancel(&p->tmr);
}

int patience_alloc(struct patience **pp)
{
	struct patience *p = mem_zalloc(sizeof *p, patience_destructor);

	if (!p)
		return ENOMEM;
	tmr_init(&p->tmr);
	*pp = p;
	return 0;
}
