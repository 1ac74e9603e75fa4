/*
 * trustorder.c: the keys that are pinned, listed and edited, and what their
 * peers may do here.
 */
#include <errno.h>
#include <string.h>
#include "sipd/confparts.h"
#include "sipd/events.h"
#include "sipd/explain.h"
#include "sipd/trustorder.h"

struct listing {
	struct conn *cn;
	const char *tag;
};

static void list_peer(const struct peer *p, void *arg)
{
	const struct listing *ls = arg;
	char fp[FP_TEXT_SIZE];
	struct odict *o;

	if (event_alloc(&o, "peer", ls->tag))
		return;
	event_str(o, "name", p->name);
	event_str(o, "address", p->address);
	if (p->pinned) {
		fp_print(fp, p->fp);
		event_str(o, "fingerprint", fp);
	}
	event_str(o, "allow", p->rights.allow);
	conn_event(ls->cn, o);
	mem_deref(o);
}

static void explain_line(const char *line, void *arg)
{
	const struct listing *ls = arg;
	struct odict *o;

	if (event_alloc(&o, "right", ls->tag))
		return;
	event_str(o, "text", line);
	conn_event(ls->cn, o);
	mem_deref(o);
}

static void forget(struct conn *cn, const char *tag, struct peers *peers,
		   const struct peer *p)
{
	const int err = *p->address ? peers_unpin(peers, p->address) : ENOENT;

	if (!err)
		conn_end(cn, tag);
	else if (err == ENOENT && p->pinned)
		conn_error(cn, tag, 1, "The key of %s stands in sipd.conf: it"
			   " has to be taken out there.", p->name);
	else if (err == ENOENT)
		conn_error(cn, tag, 1, "No key is pinned for %s.", p->name);
	else
		conn_error(cn, tag, 1, "known_peers cannot be written: %m.",
			   err);
}

/* What stands in sipd.conf counts, whatever known_peers says; true if that
 * would make nothing of the pin. */
static bool settled(struct conn *cn, const char *tag, const struct house *h,
		    const struct peer *p, const uint8_t *fp)
{
	const struct conf_peer *cp = p->configured ?
		conf_peer_find(h->conf, p->name) : NULL;
	struct peer owner;

	if (!cp)
		return false;
	if (cp->has_fp && memcmp(cp->fp, fp, sizeof cp->fp))
		conn_error(cn, tag, 1, "The key of %s stands in sipd.conf: it"
			   " has to be changed there.", p->name);
	else if (!peers_by_fp(h->peers, fp, &owner) && owner.configured &&
		 strcmp(owner.name, p->name))
		conn_error(cn, tag, 1, "This is the key of [peer %s] in"
			   " sipd.conf: a key is one peer.", owner.name);
	else if (!*p->address)
		conn_error(cn, tag, 1, "No address of %s is known: its key"
			   " stands in sipd.conf.", p->name);
	else
		return false;
	return true;
}

static void pin(struct conn *cn, const char *tag, const struct house *h,
		const struct peer *p, const uint8_t *fp)
{
	int err;

	if (settled(cn, tag, h, p, fp))
		return;
	err = peers_pin(h->peers, p->address, p->name, fp);
	if (err)
		conn_error(cn, tag, 1, "The key could not be kept: %m.", err);
	else
		conn_end(cn, tag);
}

void order_trust(struct conn *cn, const struct odict *o, const char *tag)
{
	const struct house *h = board_house(conn_env(cn)->board);
	const char *peer = odict_string(o, "peer");
	const char *text = odict_string(o, "fingerprint");
	struct listing ls = { cn, tag };
	uint8_t fp[DESC_FP_SIZE];
	char why[256];
	struct peer p;
	struct pl pl;
	bool explain = false, unpin = false;

	if (!peer) {
		peers_apply(h->peers, list_peer, &ls);
		conn_end(cn, tag);
		return;
	}
	if (peers_resolve(h->peers, peer, &p, why, sizeof why)) {
		conn_error(cn, tag, 2, "%s", why);
		return;
	}
	(void)odict_get_boolean(o, &explain, "explain");
	if (explain) {
		explain_peer(h->conf, &p, explain_line, &ls);
		conn_end(cn, tag);
		return;
	}
	(void)odict_get_boolean(o, &unpin, "forget");
	if (unpin) {
		forget(cn, tag, h->peers, &p);
		return;
	}
	if (!text) {
		list_peer(&p, &ls);
		conn_end(cn, tag);
		return;
	}
	pl_set_str(&pl, text);
	if (fp_decode(fp, &pl)) {
		conn_error(cn, tag, 2, "\"%s\" is not a fingerprint: it has"
			   " 64 hexadecimal digits.", text);
		return;
	}
	pin(cn, tag, h, &p, fp);
}
