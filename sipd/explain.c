/*
 * explain.c: what becomes of a peer's calls, in words: what its key is to us,
 * then its rights (rights.c). Owns nothing; called for `dial trust PEER
 * --explain` and `sipd -t PEER`.
 */
#include "sipd/explain.h"

/* As admit.c decides. */
static const char *stranger(const struct conf *c)
{
	switch (c->unknown) {

	case UNKNOWN_PIN:
		return "has no key that is known here: the first one shown is"
			" pinned, and then it";
	case UNKNOWN_ASK:
		return "has no key that is known here: its calls ring, and"
			" once approved it";
	default:
		return c->trust_ca ? "has no key that is known here: its calls"
			" are refused, but if [trust] vouches for it, it"
			: "has no key that is known here: its calls are"
			" refused; with one pinned it";
	}
}

void explain_peer(const struct conf *c, const struct peer *p,
		  void (*h)(const char *line, void *arg), void *arg)
{
	struct rights r = p->rights;

	if (!p->pinned)
		h(stranger(c), arg);
	if (!p->pinned && !p->configured)
		rights_of(&r, c, NULL);
	rights_explain(&r, h, arg);
}
