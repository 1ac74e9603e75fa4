/*
 * judge.h: may this peer use the tunnel that it offers? For switchboard.c, of
 * calls and of offers within them.
 */
#ifndef DIALTONE_JUDGE_H
#define DIALTONE_JUDGE_H

#include "sipd/waits.h"

enum { JUDGE_ALLOW_MAX = 512 };

/* What a kind asks of the configuration, or of who waits for it. */
struct judge_lookup {
	const struct conf *conf;
	const char *kind;
	const struct wait_conf *wait;   /* or NULL */
};

/* tunnel_ask.confh, with a struct judge_lookup. */
const char *judge_conf(const char *key, void *lookup);

/* One m-line: is there such a kind, and may this peer use it? Fills in want,
 * whose kind is NULL where there is none, and allow (JUDGE_ALLOW_MAX bytes),
 * which want points to. *ask is set if it may only if the user says so. False:
 * in->reason and text say why not. */
bool judge_tunnel(struct incoming *in, const struct desc_media *m,
		  const struct wait *w, struct session_want *want,
		  char *allow, bool *ask);

/* Of an offer within a call; want points into it. */
struct judged {
	struct incoming in;
	struct judge_lookup lookup;
	char allow[JUDGE_ALLOW_MAX];
};

/* The same for one of a session that runs, by the rules of the day. *owner:
 * who waits for it, unchanged if nobody does. False: j->in.reason. */
bool judge_offer(struct judged *j, const struct house *h,
		 const struct list *waitl, const struct session_info *si,
		 const struct desc_media *m, struct session_want *want,
		 struct session_handlers *owner);

#endif
