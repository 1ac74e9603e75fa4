/*
 * vpnset.c: reads settings and parameters; touches nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tunnels/ask.h"
#include "tunnels/vpn/vpnset.h"

enum { LIST_SIZE = 1500 };      /* text of a list in a parameter */

static const char *get(const struct tunnel_ask *ask, const char *name,
		       const char *key)
{
	char full[VPN_NAME_SIZE + 32];

	if (!ask->confh || re_snprintf(full, sizeof full, "%s/%s", name,
				       key) < 0)
		return NULL;
	return ask->confh(full, ask->arg);
}

static bool yes(const char *v)
{
	return v && !str_casecmp(v, "yes");
}

int vpnset_read(struct vpnset *s, const char *name,
		const struct tunnel_ask *ask)
{
	const char *v;
	int err;

	memset(s, 0, sizeof *s);
	(void)str_ncpy(s->name, name, sizeof s->name);
	if (!*name || !get(ask, name, ""))
		return 0;
	v = get(ask, name, "interface");
	(void)str_ncpy(s->interface, v ? v : "", sizeof s->interface);
	err  = prefixes_decode(&s->address, get(ask, name, "address"));
	err |= prefixes_decode(&s->pool, get(ask, name, "pool"));
	err |= prefixes_decode(&s->routes, get(ask, name, "routes"));
	err |= prefixes_decode(&s->dns, get(ask, name, "dns"));
	v = get(ask, name, "accept-routes");
	if (yes(v))
		s->accept_all = true;
	else if (v && str_casecmp(v, "no"))
		err |= prefixes_decode(&s->accept, v);
	s->accept_dns = yes(get(ask, name, "accept-dns"));
	s->nat = yes(get(ask, name, "nat"));
	s->peer_to_peer = yes(get(ask, name, "peer-to-peer"));
	v = get(ask, name, "exit");
	s->exit = !v ? EXIT_NO : !strcmp(v, "offer") ? EXIT_OFFER :
		!strcmp(v, "use") ? EXIT_USE : EXIT_NO;
	v = get(ask, name, "mtu");
	s->mtu = v ? strtoul(v, NULL, 10) : 0;
	/* callers' addresses are those of our own network, if not told */
	if (!s->pool.n)
		for (size_t i = 0; i < s->address.n; i++)
			s->pool.v[s->pool.n++] = prefix_net(&s->address.v[i]);
	return err ? EINVAL : 0;
}

int vpnset_word(struct vpnset *s, const char *word)
{
	if (!strcmp(word, "exit"))
		s->exit = EXIT_USE;
	else if (!strcmp(word, "routes"))
		s->accept_all = true;
	else if (!strcmp(word, "dns"))
		s->accept_dns = true;
	else
		return EINVAL;
	return 0;
}

static bool next_word(const char **p, struct pl *word)
{
	static const char blank[] = " \t";

	word->p = *p + strspn(*p, blank);
	word->l = strcspn(word->p, blank);
	*p = word->p + word->l;
	return word->l > 0;
}

int vpnset_allow(const struct tunnel_ask *ask)
{
	const char *p = ask->allow;
	char name[VPN_NAME_SIZE] = "";
	struct prefix a;
	struct pl word;

	while (next_word(&p, &word)) {
		const bool address = !prefix_decode(&a, &word);

		if (address && *name)
			continue;
		if (address)
			return ask_refuse(ask, EINVAL, "the name of a network"
					  " has to stand before %r", &word);
		if (pl_strcpy(&word, name, sizeof name) ||
		    (ask->confh && !get(ask, name, "")))
			return ask_refuse(ask, EINVAL, "there is no [vpn %r]",
					  &word);
	}
	return 0;
}

/* Words of the allow line: names until an address, then addresses. */
static int read_allow(char name[VPN_NAME_SIZE], struct prefixes *theirs,
		      const char *asked, const char *allow, bool *named)
{
	bool hit = false;
	struct prefix a;
	struct pl word;

	while (next_word(&allow, &word)) {
		if (!prefix_decode(&a, &word)) {
			if (hit && theirs->n < PREFIXES_MAX)
				theirs->v[theirs->n++] = a;
			continue;
		}
		hit = *asked ? !pl_strcmp(&word, asked) : !*named;
		*named = true;
		if (hit && pl_strcpy(&word, name, VPN_NAME_SIZE))
			return EACCES;
	}
	return 0;
}

int vpnset_choose(char name[VPN_NAME_SIZE], struct prefixes *theirs,
		  const char *asked, const struct tunnel_ask *ask)
{
	const char *first = ask->confh ? ask->confh("/", ask->arg) : NULL;
	bool named = false;

	*name = '\0';
	theirs->n = 0;
	if (!first)
		return ask_refuse(ask, EACCES, "There is no network here: it"
				  " needs a section [vpn NAME].");
	if (read_allow(name, theirs, asked, ask->allow ? ask->allow : "",
		       &named))
		return EACCES;
	if (named && !*name)
		return ask_refuse(ask, EACCES, "The network %s is not in the"
				  " allow line of %s.", asked, ask->peer);
	if (!named)
		(void)str_ncpy(name, *asked ? asked : first, VPN_NAME_SIZE);
	if (!get(ask, name, ""))
		return ask_refuse(ask, EACCES, "There is no network %s here.",
				  name);
	return 0;
}

bool vpnset_may(const struct vpnset *s, const struct prefix *p)
{
	static const char private[] = "10.0.0.0/8,172.16.0.0/12,"
		"192.168.0.0/16,100.64.0.0/10,fc00::/7";
	struct prefixes ps = { 0 };

	(void)prefixes_decode(&ps, private);
	return prefixes_cover(&ps, p) || prefixes_cover(&s->accept, p) ||
		prefixes_cover(&s->address, p);
}

static int read_list(struct prefixes *ps, const struct desc_media *m,
		     const char *key)
{
	char text[LIST_SIZE];
	const int err = desc_param_get(m, key, text, sizeof text);

	if (err == ENOENT)
		return 0;
	return err ? err : prefixes_decode(ps, text);
}

int vpnsaid_read(struct vpnsaid *said, const struct desc_media *m)
{
	char v[8];
	int err;

	memset(said, 0, sizeof *said);
	if (desc_param_get(m, "v", v, sizeof v) || strcmp(v, "1"))
		return EBADMSG;
	err = desc_param_get(m, "net", said->net, sizeof said->net);
	if (err && err != ENOENT)
		return EBADMSG;
	said->partial = !desc_param_get(m, "partial", v, sizeof v) &&
		!strcmp(v, "1");
	err  = read_list(&said->address, m, "address");
	err |= read_list(&said->gateway, m, "gateway");
	err |= read_list(&said->routes, m, "routes");
	err |= read_list(&said->dns, m, "dns");
	return err ? EBADMSG : 0;
}

int vpnset_offered(struct prefixes *ps, const struct vpnset *s)
{
	*ps = s->routes;
	if (s->exit != EXIT_OFFER)
		return 0;
	return prefixes_decode(ps, "0.0.0.0/0,::/0");
}

int vpnset_taken(struct prefixes *ps, const struct vpnset *s,
		 const struct prefixes *offered)
{
	int err = 0;

	ps->n = 0;
	for (size_t i = 0; i < offered->n && !err; i++) {
		const struct prefix p = prefix_net(&offered->v[i]);

		if (!p.len && s->exit == EXIT_USE)
			err = prefixes_decode(ps, p.v6 ? "::/1,8000::/1" :
					      "0.0.0.0/1,128.0.0.0/1");
		else if (p.len && !prefix_special(&p) &&
			 (s->accept_all || prefixes_cover(&s->accept, &p))) {
			if (ps->n == PREFIXES_MAX)
				return EOVERFLOW;
			ps->v[ps->n++] = p;
		}
	}
	return err;
}
