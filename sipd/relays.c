/*
 * relays.c: from [turn] sections to relays with addresses.
 *
 *   [turn] server=  --> places: (host, port, transport) --DNS--> ways
 *                           all answered --> struct relay --> paths
 *
 * A relay by name is looked up for its services (RFC 5928: SRV records of
 * _turn._udp, _turn._tcp, _turns._tcp), unless a port is given. Behind a
 * proxy names are the proxy's business, and its own name is looked up.
 */
#include <string.h>
#include "sdp/base/resolve.h"
#include "sipd/log.h"
#include "sipd/relayimpl.h"
#include "sipd/turnuri.h"

enum { PLACES = 8, WHY_MAX = 300 };

static const uint64_t retry = 30 * SEC;

struct section;

struct place {
	struct section *s;
	enum relay_transp transp;
	char host[256];
	uint16_t port;
	bool given;                     /* the port */
	struct resolve *q;              /* being asked for */
	struct sa sav[RESOLVE_MAX];
	size_t sac;
};

/* One [turn]. */
struct section {
	struct relays *all;
	const struct conf_turn *conf;
	struct proxyuri proxy;
	struct place placev[PLACES];
	size_t placec;
	struct relay_entry *entry;      /* what it has come to */
};

struct relays {
	struct timer timer;             /* some name was not known */
	timer_h *retryh;
	struct timers *timers;
	struct mailbox *mailbox;
	struct paths *paths;
	char why[WHY_MAX];
	size_t sectionc;
	struct section sectionv[RELAYS_MAX];
};

static void relays_destructor(void *arg)
{
	struct relays *r = arg;

	timer_stop(&r->timer);
	for (size_t i = 0; i < r->sectionc; i++) {
		struct section *s = &r->sectionv[i];

		for (size_t k = 0; k < s->placec; k++)
			mem_deref(s->placev[k].q);
		mem_deref(s->entry);
	}
}

static void entry_destructor(void *arg)
{
	struct relay_entry *e = arg;

	if (e->r.password)
		explicit_bzero(e->r.password, strlen(e->r.password));
	if (e->r.secret)
		explicit_bzero(e->r.secret, strlen(e->r.secret));
	mem_deref(e->r.name);
	mem_deref(e->r.user);
	mem_deref(e->r.password);
	mem_deref(e->r.secret);
	mem_deref(e->ca);
	mem_deref(e->login);
}

static int copy(char **dst, const char *src)
{
	return src && *src ? str_dup(dst, src) : 0;
}

static void add_ways(struct relay_entry *e, const struct place *p)
{
	for (size_t i = 0; i < p->sac && e->r.wayc < RELAY_WAYS; i++) {
		struct relay_place *pl = &e->placev[e->r.wayc];

		e->r.wayv[e->r.wayc].transp = p->transp;
		e->r.wayv[e->r.wayc].addr = p->sav[i];
		str_ncpy(pl->host, p->host, sizeof pl->host);
		pl->port = p->port;
		e->r.wayc++;
	}
}

static int entry_make(struct relay_entry **ep, const struct section *s)
{
	struct relay_entry *e = mem_zalloc(sizeof *e, entry_destructor);
	int err;

	if (!e)
		return ENOMEM;
	err = copy(&e->r.name, s->placev[0].host);
	err |= copy(&e->r.user, s->conf->user);
	err |= copy(&e->r.password, s->conf->password);
	err |= copy(&e->r.secret, s->conf->secret);
	err |= copy(&e->ca, s->conf->tls_ca);
	err |= copy(&e->login, s->proxy.login);
	e->proxied = *s->proxy.host;
	for (size_t i = 0; i < s->placec; i++)
		add_ways(e, &s->placev[i]);
	if (err)
		mem_deref(e);
	else
		*ep = e;
	return err ? ENOMEM : 0;
}

static void tell_paths(const struct relays *r)
{
	struct relay *v[RELAYS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < r->sectionc; i++)
		if (r->sectionv[i].entry)
			v[n++] = &r->sectionv[i].entry->r;
	paths_relays_set(r->paths, v, n);
}

static bool pending(const struct section *s)
{
	for (size_t i = 0; i < s->placec; i++)
		if (s->placev[i].q)
			return true;
	return false;
}

/* All of it is answered. */
static void section_done(struct section *s)
{
	struct relays *r = s->all;
	struct relay_entry *e;

	if (entry_make(&e, s))
		return;
	if (!e->r.wayc) {
		(void)re_snprintf(r->why, sizeof r->why, "the relay %s is"
				  " not known to the DNS", *s->proxy.host ?
				  s->proxy.host : s->placev[0].host);
		log_warn("%s", r->why);
		mem_deref(e);
		if (!r->timer.heap)
			(void)timer_start(r->timers, &r->timer, retry,
					  r->retryh, r);
		return;
	}
	*r->why = '\0';
	mem_deref(s->entry);
	s->entry = e;
	tell_paths(r);
}

static void answer_handler(int err, const struct sa *sav, size_t sac,
			   void *arg)
{
	struct place *p = arg;
	(void)err;

	p->sac = min(sac, (size_t)RESOLVE_MAX);
	for (size_t i = 0; i < p->sac; i++)
		p->sav[i] = sav[i];
	p->q = mem_deref(p->q);
	if (!pending(p->s))
		section_done(p->s);
}

static const char *service_of(enum relay_transp transp)
{
	static const char *const namev[] = {
		[RELAY_UDP] = "_turn._udp", [RELAY_TCP] = "_turn._tcp",
		[RELAY_TLS] = "_turns._tcp",
	};

	return namev[transp];
}

static void place_ask(struct place *p)
{
	const struct section *s = p->s;
	const bool proxied = *s->proxy.host && p->transp != RELAY_UDP;
	const char *host = proxied ? s->proxy.host : p->host;
	const uint16_t port = proxied ? s->proxy.port : p->port;

	p->q = mem_deref(p->q);
	p->sac = 0;
	if (!sa_set_str(&p->sav[0], host, port)) {
		p->sac = 1;
		return;
	}
	(void)resolve_service(&p->q, s->all->mailbox, proxied || p->given
			      ? "" : service_of(p->transp), host, port,
			      answer_handler, p);
}

static void section_ask(struct section *s)
{
	for (size_t i = 0; i < s->placec; i++)
		place_ask(&s->placev[i]);
	if (!pending(s))
		section_done(s);
}

void relays_changed(struct relays *r)
{
	for (size_t i = 0; r && i < r->sectionc; i++)
		section_ask(&r->sectionv[i]);
}

static void retry_handler(void *arg)
{
	relays_changed(arg);
}

static void place_add(struct section *s, const struct turnuri *u,
		      enum relay_transp transp)
{
	struct place *p = &s->placev[s->placec];

	if (s->placec == PLACES)
		return;
	p->s = s;
	p->transp = transp;
	p->port = turnuri_port(u);
	p->given = u->port != 0;
	str_ncpy(p->host, u->host, sizeof p->host);
	s->placec++;
}

static void section_init(struct section *s, struct relays *r,
			 const struct conf_turn *conf)
{
	struct pl list, item, rest;
	struct turnuri u;
	char text[300];

	s->all = r;
	s->conf = conf;
	if (conf->proxy)
		(void)proxyuri_decode(&s->proxy, conf->proxy);
	pl_set_str(&list, conf->server);
	while (list.l && !re_regex(list.p, list.l, "[^, ]+[, ]*[~]*", &item,
				   NULL, &rest)) {
		list = rest;
		if (pl_strcpy(&item, text, sizeof text) ||
		    turnuri_decode(&u, text))
			continue;
		if (u.udp)
			place_add(s, &u, RELAY_UDP);
		if (u.tcp)
			place_add(s, &u, u.tls ? RELAY_TLS : RELAY_TCP);
	}
}

int relays_alloc(struct relays **rp, struct timers *timers,
		 struct mailbox *mailbox, struct paths *paths,
		 const struct conf *conf)
{
	struct relays *r = mem_zalloc(sizeof *r, relays_destructor);
	struct le *le;

	if (!r)
		return ENOMEM;
	r->timers = timers;
	r->retryh = retry_handler;
	r->mailbox = mailbox;
	r->paths = paths;
	LIST_FOREACH(&conf->turnl, le) {
		if (r->sectionc == RELAYS_MAX) {
			log_warn("only the first %d [turn] sections are"
				 " used", RELAYS_MAX);
			break;
		}
		section_init(&r->sectionv[r->sectionc++], r, le->data);
	}
	tell_paths(r);
	for (size_t i = 0; i < r->sectionc; i++)
		section_ask(&r->sectionv[i]);
	*rp = r;
	return 0;
}

bool relays_asks(const struct relays *r)
{
	for (size_t i = 0; r && i < r->sectionc; i++)
		if (pending(&r->sectionv[i]))
			return true;
	return false;
}

const char *relays_problem(const struct relays *r)
{
	return r && *r->why ? r->why : NULL;
}
