/*
 * why.c: reads the descriptions and the pairs of a session as a person would
 * who is asked what is wrong with the network. Owns the stories.
 *
 * What the NATs do is concluded from the addresses that STUN servers have
 * seen: two for one socket mean another port for every destination.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "modules/path/netif.h"
#include "sdp/base/recompat.h"
#include "sipd/why.h"

enum { STORIES = 64 };

struct story {
	struct le le;
	char peer[64];
	char *text;
};

struct why {
	struct list storyl;     /* newest first */
};

/* What the candidates of one side say. */
struct side {
	const char *name;       /* "here", or the peer's */
	const struct desc *d;
	bool udp;               /* has UDP candidates at all */
	bool seen;              /* from outside, by UDP */
	bool hard;              /* endpoint-dependent mapping */
	bool open;              /* its own address is one of outside */
	bool tcp, relay;
	bool met;               /* its TCP was seen from outside, or may be */
	bool tls;               /* it takes TLS */
	bool active;            /* a relay was reached by TCP or TLS only */
};

struct facts {
	struct session_info in;
	struct side here, there;
	bool direct;            /* the path in use is */
	bool none;              /* there is none */
};

static void story_destructor(void *arg)
{
	struct story *st = arg;

	list_unlink(&st->le);
	mem_deref(st->text);
}

static void why_destructor(void *arg)
{
	struct why *w = arg;

	list_flush(&w->storyl);
}

int why_alloc(struct why **wp)
{
	*wp = mem_zalloc(sizeof **wp, why_destructor);
	return *wp ? 0 : ENOMEM;
}

/* --- facts ------------------------------------------------------------- */

/* Another address for the same socket. */
static bool differs(const struct desc *d, const struct cand *c)
{
	for (size_t i = 0; i < d->candc; i++) {
		const struct cand *o = &d->candv[i];

		if (o != c && o->type == CAND_SRFLX &&
		    o->transp == CAND_UDP &&
		    sa_af(&o->addr) == sa_af(&c->addr) &&
		    sa_cmp(&o->rel, &c->rel, SA_ALL) &&
		    sa_cmp(&o->addr, &c->addr, SA_ADDR) &&
		    sa_port(&o->addr) != sa_port(&c->addr))
			return true;
	}
	return false;
}

static void look_at(struct side *s, const struct cand *c)
{
	s->relay |= c->type == CAND_RELAY;
	if (c->transp != CAND_UDP) {
		s->tcp = true;
		s->met |= c->type == CAND_SRFLX &&
			c->transp == CAND_TCP_SO;
		s->tls |= c->transp == CAND_TLS_PASSIVE;
		s->active |= c->type == CAND_SRFLX &&
			c->transp == CAND_TCP_ACTIVE;
		return;
	}
	s->udp |= c->type != CAND_RELAY;
	if (c->type == CAND_SRFLX) {
		s->seen = true;
		s->hard |= differs(s->d, c);
	}
	else if (c->type == CAND_HOST) {
		s->open |= !netif_inside(&c->addr) &&
			!sa_is_loopback(&c->addr);
	}
}

static void side_read(struct side *s, const char *name, const struct desc *d)
{
	memset(s, 0, sizeof *s);
	s->name = name;
	s->d = d;
	for (size_t i = 0; d && i < d->candc; i++)
		look_at(s, &d->candv[i]);
}

static void facts_read(struct facts *f, const struct session *s)
{
	session_info(s, &f->in);
	side_read(&f->here, "here", f->in.local_desc);
	side_read(&f->there, f->in.peer->name, f->in.remote_desc);
	f->none = !f->in.times.found;
	f->direct = !f->none && !strcmp(session_path_word(&f->in), "direct");
}

/* --- words ------------------------------------------------------------- */

static int print_cand(struct re_printf *pf, const struct cand *c)
{
	int err = re_hprintf(pf, "  %-5s %s %J", cand_type_name(c->type),
			     cand_transp_name(c->transp),
			     &c->addr);

	if (c->transp == CAND_TCP_ACTIVE)
		err |= re_hprintf(pf, " (calls out)");
	else if (c->transp == CAND_TCP_SO)
		err |= re_hprintf(pf, " (meets half way)");
	if (sa_isset(&c->rel, SA_ADDR))
		err |= re_hprintf(pf, " for %J", &c->rel);
	return err | re_hprintf(pf, "\n");
}

static int print_side(struct re_printf *pf, const struct side *s)
{
	int err = re_hprintf(pf, "%s%s offers%s\n",
			     strcmp(s->name, "here") ? "" : "this side, ",
			     s->name, s->d && s->d->candc ? ":"
			     : " no address (its description did not come)");

	for (size_t i = 0; s->d && i < s->d->candc; i++)
		err |= print_cand(pf, &s->d->candv[i]);
	return err;
}

static int print_outcome(struct re_printf *pf, const struct facts *f)
{
	const struct session_info *in = &f->in;

	if (f->none)
		return re_hprintf(pf, "no path: %s%s%s\n",
				  in->state == SESSION_CLOSED
				  ? reason_name(in->reason) : "still looking",
				  *in->text ? ", " : "", in->text);
	return re_hprintf(pf, "path: %s, %s %J -> %s %J, found after %u"
			  " ms\n", session_path_word(in),
			  cand_type_name(in->local.type), &in->local.addr,
			  cand_type_name(in->remote.type), &in->remote.addr,
			  in->times.found - in->times.answered);
}

/* What stands in the way, and what would help: the first that fits. */
struct rule {
	bool (*fits)(const struct facts *f);
	const char *what;       /* %s: the side it is about */
	const char *help;
};

static bool is_direct(const struct facts *f) { return f->direct; }

static bool no_answer(const struct facts *f)
{
	return !f->there.d;
}

static bool relay_only_here(const struct facts *f)
{
	return f->here.relay && !f->here.udp && !f->here.tcp;
}

static bool relay_only_there(const struct facts *f)
{
	return f->there.relay && !f->there.udp && !f->there.tcp;
}

static bool by_tls(const struct facts *f)
{
	return f->in.local.transp == CAND_TLS_PASSIVE ||
		f->in.remote.transp == CAND_TLS_PASSIVE;
}

/* No server could be asked but by what gets out everywhere. */
static bool shut(const struct side *s)
{
	return s->active && !s->seen && !s->met;
}

static bool shut_here(const struct facts *f)
{
	return shut(&f->here) && !f->there.tls;
}

static bool shut_there(const struct facts *f)
{
	return shut(&f->there) && !f->here.tls;
}

static bool both_hard(const struct facts *f)
{
	return f->here.hard && f->there.hard;
}

static bool hard_here(const struct facts *f) { return f->here.hard; }
static bool hard_there(const struct facts *f) { return f->there.hard; }

static bool unseen_here(const struct facts *f)
{
	return !f->here.seen && !f->here.open;
}

static bool unseen_there(const struct facts *f)
{
	return !f->there.seen && !f->there.open;
}

static bool always(const struct facts *f)
{
	(void)f;
	return true;
}

static const struct rule rulev[] = {
	{ is_direct, "nothing: this is a direct path", NULL },
	{ no_answer, "the call was not answered with a description, so there"
	  " was nothing to try", NULL },
	{ relay_only_here, "this side offers relays only",
	  "set relay = auto here, in [nat] or in [peer]" },
	{ relay_only_there, "%s offers relays only",
	  "have relay = auto set there" },
	{ by_tls, "a network that lets out nothing but TLS to port 443",
	  NULL },
	{ shut_here, "the network here lets out nothing but TLS to port 443",
	  "have tls-port = 443 set in [nat] there, if that can be reached" },
	{ shut_there, "%s's network lets out nothing but TLS to port 443",
	  "set tls-port = 443 in [nat] here, where it can be reached" },
	{ both_hard, "the routers of both sides give every destination"
	  " another port",
	  "enable PCP or UPnP on one of the two routers" },
	{ hard_here, "the router here gives every destination another port,"
	  " and allows no mapping",
	  "enable PCP or UPnP on it, or set guess = yes in [nat] on both"
	  " sides" },
	{ hard_there, "%s's router gives every destination another port, and"
	  " allows no mapping",
	  "enable PCP or UPnP there, or set guess = yes in [nat] on both"
	  " sides" },
	{ unseen_here, "nobody outside has seen an address of this side:"
	  " there is no STUN server in [nat], or UDP does not get out",
	  "name a STUN server by stun = in [nat]; `dial check` tells whether"
	  " UDP gets out" },
	{ unseen_there, "nobody outside has seen an address of %s: it has no"
	  " STUN server, or UDP does not get out there",
	  "have stun = set in [nat] there, and `dial check` run" },
	{ always, "a firewall on one of the sides lets nothing in that was"
	  " not asked for, and lets answers in by neither UDP nor TCP",
	  "let UDP out of it, with the answers" },
};

static int print_verdict(struct re_printf *pf, const struct facts *f)
{
	const struct rule *r = rulev;
	int err;

	while (!r->fits(f))
		++r;
	err = re_hprintf(pf, "in the way: ");
	err |= re_hprintf(pf, r->what, f->there.name);
	if (r->help)
		err |= re_hprintf(pf, "\nwhat helps: %s", r->help);
	return err | re_hprintf(pf, "\n");
}

/* What others have tried. */
static int print_refused(struct re_printf *pf, const struct session_info *in)
{
	int err = 0;

	if (in->forged)
		err |= re_hprintf(pf, "refused: %llu forged STUN messages,"
				  " the last from %J\n", in->forged,
				  &in->forger);
	if (in->bad)
		err |= re_hprintf(pf, "refused: %llu records, forged, damaged"
				  " or repeated\n", in->bad);
	return err;
}

static int print_story(struct re_printf *pf, struct session *s)
{
	struct facts f;
	time_t t;
	struct tm tm;
	char when[32] = "";
	int err;

	facts_read(&f, s);
	t = (time_t)(f.in.started / 1000);
	if (localtime_r(&t, &tm))
		(void)strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
	err = re_hprintf(pf, "%s, %s: %s, %s\n", f.in.peer->name, when,
			 f.in.incoming ? "called us" : "called by us",
			 f.in.tunnels);
	err |= re_hprintf(pf, "%H%H%H", print_outcome, &f, print_side,
			  &f.here, print_side, &f.there);
	if (*session_pairs(s))
		err |= re_hprintf(pf, "pairs (* is in use):\n%s",
				  session_pairs(s));
	return err | re_hprintf(pf, "%H%H", print_refused, &f.in,
				print_verdict, &f);
}

int why_tell(char **textp, struct session *s)
{
	return re_sdprintf(textp, "%H", print_story, s);
}

/* --- the last ---------------------------------------------------------- */

static struct story *story_find(const struct why *w, const char *peer)
{
	for (struct le *le = list_head(&w->storyl); le; le = le->next) {
		struct story *st = le->data;

		if (!strcmp(st->peer, peer))
			return st;
	}
	return NULL;
}

void why_note(struct why *w, struct session *s)
{
	struct session_info in;
	struct story *st;

	session_info(s, &in);
	mem_deref(story_find(w, in.peer->name));
	if (list_count(&w->storyl) >= STORIES)
		mem_deref(w->storyl.tail->data);
	st = mem_zalloc(sizeof *st, story_destructor);
	if (!st)
		return;
	(void)str_ncpy(st->peer, in.peer->name, sizeof st->peer);
	list_prepend(&w->storyl, &st->le, st);
	if (why_tell(&st->text, s))
		mem_deref(st);
}

const char *why_last(const struct why *w, const char *peer)
{
	const struct story *st = story_find(w, peer);

	return st ? st->text : NULL;
}
