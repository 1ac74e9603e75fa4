/*
 * peers.c: who is who. Two sources are asked in this order:
 *
 *   [peer NAME] of sipd.conf     decides, never written here
 *   known_peers (known.c)        keys pinned by `dial` and unknown=pin
 *
 * A key that sipd.conf contradicts is nobody's: who changes a fingerprint
 * there must not leave the old key behind with any right. Called by session
 * for every call and by control for `dial trust`.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include "sipd/address.h"
#include "sipd/confparts.h"
#include "sipd/known.h"
#include "sipd/nearest.h"
#include "sipd/peers.h"

struct peers {
	const struct conf *conf;
	struct known *known;
	struct list placel;     /* struct place */
};

/* A [peer]'s address, ready to be compared with those that callers claim. */
struct place {
	struct le le;
	const struct conf_peer *cp;
	char key[ADDRESS_KEY_SIZE];
};

static void destructor(void *arg)
{
	struct peers *ps = arg;

	list_flush(&ps->placel);
	mem_deref(ps->known);
}

static void place_destructor(void *arg)
{
	struct place *pl = arg;

	list_unlink(&pl->le);
}

static int add_places(struct peers *ps)
{
	struct le *le;

	for (le = list_head(&ps->conf->peerl); le; le = le->next) {
		const struct conf_peer *cp = le->data;
		struct place *pl;

		if (!cp->address)
			continue;
		pl = mem_zalloc(sizeof *pl, place_destructor);
		if (!pl)
			return ENOMEM;
		list_append(&ps->placel, &pl->le, pl);
		pl->cp = cp;
		if (address_key(pl->key, cp->address))
			mem_deref(pl);
	}
	return 0;
}

int peers_alloc(struct peers **pp, const struct conf *conf)
{
	char file[PATH_MAX];
	struct peers *ps;
	int err;

	if (!pp || !conf)
		return EINVAL;
	ps = mem_zalloc(sizeof *ps, destructor);
	if (!ps)
		return ENOMEM;
	ps->conf = conf;
	err = re_snprintf(file, sizeof file, "%s/known_peers",
			  conf->state) < 0 ? ENAMETOOLONG : 0;
	if (!err)
		err = known_alloc(&ps->known, file);
	if (!err)
		err = add_places(ps);
	if (err)
		mem_deref(ps);
	else
		*pp = ps;
	return err;
}

static void from_conf(struct peer *p, const struct conf *c,
		      const struct conf_peer *cp)
{
	memset(p, 0, sizeof *p);
	p->configured = true;
	str_ncpy(p->name, cp->name, sizeof p->name);
	str_ncpy(p->address, cp->address ? cp->address : "",
		 sizeof p->address);
	str_ncpy(p->account, cp->account ? cp->account : "",
		 sizeof p->account);
	p->pinned = cp->has_fp;
	if (cp->has_fp)
		memcpy(p->fp, cp->fp, sizeof p->fp);
	rights_of(&p->rights, c, cp);
	p->relay = cp->relay;
}

static void from_address(struct peer *p, const char *address)
{
	memset(p, 0, sizeof *p);
	str_ncpy(p->name, address, sizeof p->name);
	str_ncpy(p->address, address, sizeof p->address);
	p->rights.allow = p->rights.hours = "";
}

static void from_known(struct peer *p, const struct known_line *k,
		       const struct conf *conf)
{
	from_address(p, k->address);
	if (*k->name)
		str_ncpy(p->name, k->name, sizeof p->name);
	p->pinned = true;
	memcpy(p->fp, k->fp, sizeof p->fp);
	rights_of(&p->rights, conf, NULL);
}

static const struct conf_peer *conf_by_key(const struct peers *ps,
					   const char *key)
{
	struct le *le;

	for (le = list_head(&ps->placel); le; le = le->next) {
		const struct place *pl = le->data;

		if (!strcmp(pl->key, key))
			return pl->cp;
	}
	return NULL;
}

static const struct conf_peer *conf_by_fp(const struct conf *c,
					  const uint8_t *fp)
{
	struct le *le;

	for (le = list_head(&c->peerl); le; le = le->next) {
		const struct conf_peer *cp = le->data;

		if (cp->has_fp && !memcmp(cp->fp, fp, sizeof cp->fp))
			return cp;
	}
	return NULL;
}

/* A [peer], and what known_peers adds: its key, or where to call it. */
static void from_both(struct peer *p, const struct peers *ps,
		      const struct conf_peer *cp)
{
	const struct known_line *k;
	char key[ADDRESS_KEY_SIZE];

	from_conf(p, ps->conf, cp);
	if (cp->has_fp && !cp->address) {
		k = known_by_fp(ps->known, cp->fp);
		if (k)
			str_ncpy(p->address, k->address, sizeof p->address);
	}
	if (cp->has_fp || !cp->address || address_key(key, cp->address))
		return;
	k = known_by_key(ps->known, key);
	if (k && !conf_by_fp(ps->conf, k->fp)) {
		p->pinned = true;
		memcpy(p->fp, k->fp, sizeof p->fp);
	}
}

static int no_peer(const struct peers *ps, const char *text,
		   const char *what, char *why, size_t size)
{
	struct nearest near = { NULL, 0 };
	struct le *le;

	for (le = list_head(&ps->conf->peerl); le; le = le->next) {
		const struct conf_peer *cp = le->data;

		nearest_try(&near, text, cp->name);
	}
	if (near.best)
		(void)re_snprintf(why, size, "There is no [peer %s]%H", text,
				  nearest_print, &near);
	else
		(void)re_snprintf(why, size, "'%s' is neither a [peer] of"
				  " sipd.conf nor a SIP address: it %s.", text,
				  what);
	return EINVAL;
}

/* So that the sentence about it can go to a terminal. */
static bool printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

/* A pinned line stands only as far as sipd.conf does not contradict it. */
static bool overruled(const struct peers *ps, const struct known_line *k)
{
	const struct conf_peer *cp = conf_by_key(ps, k->key);

	return cp && cp->has_fp && memcmp(cp->fp, k->fp, sizeof cp->fp);
}

static void from_line(struct peer *p, const struct peers *ps,
		      const struct known_line *k)
{
	const struct conf_peer *cp = conf_by_fp(ps->conf, k->fp);

	if (!cp)
		cp = conf_by_key(ps, k->key);
	if (cp)
		from_both(p, ps, cp);
	else
		from_known(p, k, ps->conf);
}

int peers_by_fp(const struct peers *ps, const uint8_t *fp, struct peer *p)
{
	const struct conf_peer *cp;
	const struct known_line *k;

	if (!ps || !fp || !p)
		return EINVAL;
	cp = conf_by_fp(ps->conf, fp);
	if (cp) {
		from_both(p, ps, cp);
		return 0;
	}
	for (k = known_next(ps->known, NULL); k; k = known_next(ps->known, k))
		if (!memcmp(k->fp, fp, sizeof k->fp) && !overruled(ps, k)) {
			from_line(p, ps, k);
			return 0;
		}
	return ENOENT;
}

int peers_by_address(const struct peers *ps, const char *uri, struct peer *p)
{
	char key[ADDRESS_KEY_SIZE];
	const struct conf_peer *cp;
	const struct known_line *k;

	if (!ps || !uri || !p)
		return EINVAL;
	if (address_key(key, uri))
		return ENOENT;
	cp = conf_by_key(ps, key);
	if (cp) {
		from_both(p, ps, cp);
		return 0;
	}
	k = known_by_key(ps->known, key);
	if (!k)
		return ENOENT;
	from_line(p, ps, k);
	return 0;
}

int peers_resolve(const struct peers *ps, const char *text, struct peer *p,
		  char *why, size_t size)
{
	char uri[ADDRESS_SIZE], what[160];
	const struct conf_peer *cp;

	if (!ps || !text || !p || !why || !size)
		return EINVAL;
	cp = conf_peer_find(ps->conf, text);
	if (cp) {
		from_both(p, ps, cp);
		return 0;
	}
	if (!printable(text))
		return no_peer(ps, "?", "has a control character in it", why,
			       size);
	if (address_parse(uri, text, what, sizeof what))
		return no_peer(ps, text, what, why, size);
	if (peers_by_address(ps, uri, p))
		from_address(p, uri);
	else if (strchr(uri, ';') || !address_equal(p->address, uri))
		str_ncpy(p->address, uri, sizeof p->address);
	return 0;
}

int peers_pin(struct peers *ps, const char *address, const char *name,
	      const uint8_t *fp)
{
	char uri[ADDRESS_SIZE], why[160];

	if (!ps || !address || !fp)
		return EINVAL;
	if (address_parse(uri, address, why, sizeof why))
		return EINVAL;
	if (name && !strncmp(uri, name, strlen(name)))
		name = NULL;            /* the address, perhaps cut short */
	return known_set(ps->known, uri, name, fp);
}

int peers_unpin(struct peers *ps, const char *address)
{
	if (!ps || !address)
		return EINVAL;
	return known_set(ps->known, address, NULL, NULL);
}

void peers_apply(const struct peers *ps, peers_h *h, void *arg)
{
	const struct known_line *k;
	struct peer p;
	struct le *le;

	if (!ps || !h)
		return;
	for (le = list_head(&ps->conf->peerl); le; le = le->next) {
		from_both(&p, ps, le->data);
		h(&p, arg);
	}
	for (k = known_next(ps->known, NULL); k; k = known_next(ps->known, k))
		if (!conf_by_fp(ps->conf, k->fp) &&
		    !conf_by_key(ps, k->key)) {
			from_known(&p, k, ps->conf);
			h(&p, arg);
		}
}

/* Next entry of an allow line: its kind, and the rest of its words. */
static bool next_entry(const char **pp, struct pl *kind, struct pl *rest)
{
	const char *p = *pp + strspn(*pp, " \t,");
	size_t n = strcspn(p, ","), k = strcspn(p, " \t,"), gap;

	if (!n)
		return false;
	*pp = p + n;
	*kind = (struct pl){ p, k };
	gap = strspn(p + k, " \t");
	*rest = (struct pl){ p + k + gap, n - k - gap };
	while (rest->l && (rest->p[rest->l - 1] == ' ' ||
			   rest->p[rest->l - 1] == '\t'))
		--rest->l;
	return true;
}

/* A rest cut short could allow another port: it is refused as a whole. */
bool peers_may(const struct peer *p, const char *kind, char *rest,
	       size_t size)
{
	struct pl word, more;
	const char *allow;
	bool may = false;
	size_t n = 0;

	if (!p || !p->rights.allow || !kind || !rest || !size)
		return false;
	rest[0] = '\0';
	for (allow = p->rights.allow; next_entry(&allow, &word, &more); ) {
		if (!pl_strcasecmp(&word, "all") || !pl_strcmp(&word, "*")) {
			may = true;
			continue;
		}
		if (pl_strcasecmp(&word, kind))
			continue;
		may = true;
		if (!more.l)
			continue;
		if (re_snprintf(rest + n, size - n, "%s%r", n ? " " : "",
				&more) < 0) {
			rest[0] = '\0';
			return false;
		}
		n = strlen(rest);
	}
	return may;
}
