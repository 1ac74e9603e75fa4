/*
 * vpn.c: the tunnel kind `vpn`: both ends get an interface in one network.
 *
 *   dial PEER vpn [NAME [exit] [routes] [dns]]
 *
 * The callee's [vpn NAME] has the addresses and says what is offered; the
 * caller's, if there is one, and the words on its line what is taken of it.
 * What they tell each other is in vpnset.h, the packets in vpnnet.h.
 *
 *   offer:  what we would like    answer: a lease from the pool
 *   start:  the network is joined; mem_deref leaves it
 */
#include <errno.h>
#include <string.h>
#include "tunnels/ask.h"
#include "tunnels/ending.h"
#include "tunnels/vpn/pool.h"
#include "tunnels/vpn/vpnpeer.h"

struct tunnel {
	bool caller;
	struct vpnset set;
	struct vpnsaid said;            /* callee: by the offer */
	struct lease *lease;            /* callee: the peer's addresses */
	struct prefixes theirs;         /* callee: what else is behind it */
	char *peer;
	struct dgram *dgram;
	struct vpnnet *net;
	struct vpnpeer *member;
	struct ending end;
};

static void tunnel_destructor(void *arg)
{
	struct tunnel *t = arg;

	ending_stop(&t->end);
	mem_deref(t->member);
	/* an interface goes slowly: who calls again meanwhile gets the same */
	mem_deref(t->lease);
	mem_deref(t->net);
	mem_deref(t->peer);
}

static int vpn_alloc(struct tunnel **tp, const struct tunnel_ask *ask)
{
	struct tunnel *t = mem_zalloc(sizeof *t, tunnel_destructor);
	int err;

	if (!t)
		return ENOMEM;
	err = ask_peer(&t->peer, ask);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

static int set_list(struct desc_media *m, const char *key,
		    const struct prefixes *ps)
{
	char *text = NULL;
	int err;

	if (!ps->n)
		return 0;
	err = re_sdprintf(&text, "%H", prefixes_print, ps);
	if (!err)
		err = desc_param_set(m, key, text);
	mem_deref(text);
	return err;
}

static int set_common(struct desc_media *m, const struct tunnel *t,
		      const struct prefixes *routes)
{
	int err = desc_param_set(m, "v", "1");

	if (!err && *t->set.name)
		err = desc_param_set(m, "net", t->set.name);
	if (!err)
		err = desc_param_set(m, "partial", "1");
	return err ? err : set_list(m, "routes", routes);
}

/* --- the caller -------------------------------------------------------- */

static int read_words(struct tunnel *t, const struct tunnel_ask *ask)
{
	const char *name = ask->argc ? ask->argv[0] : "";

	if (strlen(name) >= VPN_NAME_SIZE)
		return ask_refuse(ask, EINVAL, "The name of the network is too"
				  " long.");
	if (vpnset_read(&t->set, name, ask))
		return ask_refuse(ask, EINVAL, "The section [vpn %s] makes no"
				  " sense.", name);
	for (size_t i = 1; i < ask->argc; i++)
		if (vpnset_word(&t->set, ask->argv[i]))
			return ask_refuse(ask, EINVAL, "vpn does not know the"
					  " word %s: it takes exit, routes and"
					  " dns behind the name.",
					  ask->argv[i]);
	return 0;
}

static int vpn_offer(struct tunnel **tp, const struct tunnel_ask *ask,
		     struct desc_media *local)
{
	struct prefixes routes;
	struct tunnel *t;
	int err = vpn_alloc(&t, ask);

	if (err)
		return err;
	t->caller = true;
	err = read_words(t, ask);
	if (!err)
		err = vpnset_offered(&routes, &t->set);
	if (!err)
		err = set_common(local, t, &routes);
	if (!err)
		err = set_list(local, "address", &t->set.address);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

/* Did we get what our configuration insists on? */
static int check_answer(struct tunnel *t, const struct vpnsaid *said)
{
	for (size_t i = 0; i < t->set.address.n; i++) {
		const struct prefix *want = &t->set.address.v[i];
		bool got = false;

		for (size_t k = 0; k < said->address.n; k++) {
			const struct prefix a = prefix_host(want);
			const struct prefix b =
				prefix_host(&said->address.v[k]);

			got |= prefix_equal(&a, &b);
		}
		if (got)
			continue;
		ending_set(&t->end, EADDRNOTAVAIL, "%s does not give us the"
			   " address %H of [vpn %s].", t->peer, prefix_print,
			   want, t->set.name);
		return EADDRNOTAVAIL;
	}
	for (size_t i = 0; i < said->address.n; i++)
		if (!vpnset_may(&t->set, &said->address.v[i])) {
			ending_set(&t->end, EACCES, "%s gives us %H, which is"
				   " no private network: name it in"
				   " accept-routes if it is right.", t->peer,
				   prefix_print, &said->address.v[i]);
			return EACCES;
		}
	if (said->address.n)
		return 0;
	ending_set(&t->end, EBADMSG, "%s gives us no address.", t->peer);
	return EBADMSG;
}

/* --- the callee -------------------------------------------------------- */

static int take_lease(struct tunnel *t, const struct tunnel_ask *ask)
{
	const struct pool p = {
		.net = t->set.name, .from = &t->set.pool,
		.not = &t->set.address, .fixed = &t->theirs,
		.wish = &t->said.address, .peer = t->peer
	};
	int err;

	if (!t->set.address.n)
		return ask_refuse(ask, EACCES, "The network %s has no address"
				  " at this end.", t->set.name);
	err = pool_take(&t->lease, &p);
	if (err == EADDRNOTAVAIL)
		return ask_refuse(ask, EACCES, "No address is free in the"
				  " network %s.", t->set.name);
	return err;
}

/* Networks behind the caller: those of its allow line are its own; others
 * only if our configuration takes them. */
static int accept_routes(struct tunnel *t, struct vpnset *s)
{
	struct prefixes taken;
	size_t n = 0;
	int err;

	for (size_t i = 0; i < t->theirs.n; i++) {
		const struct prefix *p = &t->theirs.v[i];

		if (p->len < (p->v6 ? 128 : 32))
			s->accept.v[n++] = *p;
	}
	s->accept.n = n ? n : s->accept.n;
	if (s->exit == EXIT_USE)
		s->exit = EXIT_NO;      /* a caller is no way out */
	err = vpnset_taken(&taken, s, &t->said.routes);
	t->theirs = taken;
	return err;
}

static struct prefixes hosts(const struct prefixes *ps)
{
	struct prefixes out = { .n = ps->n };

	for (size_t i = 0; i < ps->n; i++)
		out.v[i] = prefix_host(&ps->v[i]);
	return out;
}

static int write_answer(struct tunnel *t, struct desc_media *local)
{
	struct prefixes routes, gateway = hosts(&t->set.address);
	int err = vpnset_offered(&routes, &t->set);

	if (!err)
		err = set_common(local, t, &routes);
	if (!err)
		err = set_list(local, "address", lease_addresses(t->lease));
	if (!err)
		err = set_list(local, "gateway", &gateway);
	return err ? err : set_list(local, "dns", &t->set.dns);
}

static int choose(struct tunnel *t, const struct tunnel_ask *ask,
		  const struct desc_media *remote)
{
	char name[VPN_NAME_SIZE];
	int err;

	if (vpnsaid_read(&t->said, remote))
		return ask_refuse(ask, EBADMSG, "The network offered is of"
				  " another version than ours, 1.");
	err = vpnset_choose(name, &t->theirs, t->said.net, ask);
	if (err)
		return err;
	if (vpnset_read(&t->set, name, ask))
		return ask_refuse(ask, EACCES, "The section [vpn %s] makes no"
				  " sense.", name);
	return take_lease(t, ask);
}

static int vpn_answer(struct tunnel **tp, const struct tunnel_ask *ask,
		      const struct desc_media *remote,
		      struct desc_media *local)
{
	struct tunnel *t;
	int err = vpn_alloc(&t, ask);

	if (err)
		return err;
	err = choose(t, ask, remote);
	if (!err)
		err = write_answer(t, local);
	if (!err)
		err = accept_routes(t, &t->set);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

/* --- both -------------------------------------------------------------- */

static int join(struct tunnel *t, const struct prefixes *own,
		const struct prefixes *addresses,
		const struct prefixes *routes)
{
	char why[256];
	int err;

	err = vpnnet_get(&t->net, t->end.loop, &t->set, own, why,
			 sizeof why);
	if (!err)
		err = vpnpeer_join(&t->member, t->net, t->dgram,
				   t->said.partial, addresses, routes, why,
				   sizeof why);
	if (!err && *why)
		ending_note(&t->end, "%s", why);
	else if (err && !*why)
		(void)re_snprintf(why, sizeof why, "The network cannot be"
				  " joined: %m.", err);
	if (err)
		ending_set(&t->end, err, "%s", why);
	return err;
}

/* What is the callee's for us: the networks that our addresses are in and,
 * where that is no more than the address itself, the callee's own. */
static struct prefixes behind_callee(const struct vpnset *s,
				     const struct vpnsaid *said)
{
	struct prefixes out = { 0 };

	for (size_t i = 0; i < said->address.n; i++) {
		const struct prefix *p = &said->address.v[i];

		if (p->len < (p->v6 ? 128 : 32))
			out.v[out.n++] = prefix_net(p);
	}
	for (size_t i = 0; i < said->gateway.n; i++) {
		const struct prefix host = prefix_host(&said->gateway.v[i]);

		if (out.n < PREFIXES_MAX && vpnset_may(s, &host) &&
		    !prefix_special(&host) && !prefixes_cover(&out, &host))
			out.v[out.n++] = host;
	}
	return out;
}

static void take_dns(struct tunnel *t)
{
	int err;

	if (!t->set.accept_dns || !t->said.dns.n)
		return;
	err = vpnnet_dns(t->net, &t->said.dns);
	if (err == ENOENT)
		ending_note(&t->end, "The name servers %H are not used: there"
			    " is neither resolvectl nor resolvconf.",
			    prefixes_print, &t->said.dns);
	else if (err)
		ending_note(&t->end, "The name servers %H could not be set:"
			    " %m.", prefixes_print, &t->said.dns, err);
}

static int start_caller(struct tunnel *t)
{
	const struct prefixes theirs = behind_callee(&t->set, &t->said);
	struct prefixes routes;
	int err = check_answer(t, &t->said);

	if (!err)
		err = vpnset_taken(&routes, &t->set, &t->said.routes);
	if (!err)
		err = join(t, &t->said.address, &theirs, &routes);
	if (err)
		return err;
	take_dns(t);
	ending_note(&t->end, "%s: we are %H, %s is %H%s%H",
		    vpnnet_interface(t->net), prefixes_print,
		    &t->said.address, t->peer, prefixes_print,
		    &t->said.gateway, routes.n ? ", routes " : "",
		    prefixes_print, &routes);
	return 0;
}

static int start_callee(struct tunnel *t)
{
	const struct prefixes theirs = hosts(lease_addresses(t->lease));
	int err = join(t, &t->set.address, &theirs, &t->theirs);

	if (!err)
		ending_note(&t->end, "%s: %s is %H",
			    vpnnet_interface(t->net), t->peer,
			    prefixes_print, &theirs);
	return err;
}

static int vpn_start(struct tunnel *t, const struct desc_media *remote,
		     const struct tunnel_way *way,
		     const struct tunnel_events *ev)
{
	if (t->dgram)
		return EALREADY;
	if (!way->dgram)
		return ENOTSUP;
	t->dgram = way->dgram;
	ending_init(&t->end, way->loop, ev);
	if (t->caller && vpnsaid_read(&t->said, remote)) {
		ending_set(&t->end, EBADMSG, "The answer of %s makes no"
			   " sense.", t->peer);
		return 0;
	}
	/* what went wrong is told by the ending */
	(void)(t->caller ? start_caller(t) : start_callee(t));
	return 0;
}

static int vpn_status(struct re_printf *pf, const struct tunnel *t)
{
	const struct vpn_counters *c;

	if (!t->member)
		return 0;
	c = vpnpeer_counters(t->member);
	return re_hprintf(pf, "interface=%s sent=%llu received=%llu"
			  " dropped=%llu wrong-source=%llu denied=%llu"
			  " bad=%llu", vpnnet_interface(t->net),
			  c->sent_bytes, c->received_bytes, c->dropped,
			  c->wrong_source, c->denied, c->bad);
}

const struct tunnel_kind vpn_tunnel = {
	.name = "vpn",
	.usage = "[NAME [exit] [routes] [dns]]",
	.help = "an interface in the peer's network [vpn NAME]",
	.need = FLOW_DATAGRAM,
	.endless = true,
	.allow = vpnset_allow,
	.offer = vpn_offer,
	.answer = vpn_answer,
	.start = vpn_start,
	.status = vpn_status,
};
