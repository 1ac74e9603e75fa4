/*
 * stuns.h: the STUN servers of the configuration, found by the DNS.
 */
#ifndef DIALTONE_STUNS_H
#define DIALTONE_STUNS_H

#include <re.h>
#include "sdp/base/mailbox.h"

struct stuns;

enum { STUNS_MAX = 4 };         /* servers, and addresses that are used */

/* list: comma list of host or host:port. h is told all addresses known, at
 * most STUNS_MAX, within the call and whenever a name is answered. mem_deref:
 * never again. */
int stuns_alloc(struct stuns **sp, struct mailbox *mailbox, const char *list,
		void (*h)(const struct sa *sav, size_t sac, void *arg),
		void *arg);

/* Some name is not answered yet. */
bool stuns_waiting(const struct stuns *s);

#endif
