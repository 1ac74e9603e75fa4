/*
 * confparts.c: the parts of a configuration that there may be many of, and the
 * defaults of each; made by confread.c, owned by struct conf.
 */
#include <errno.h>
#include <string.h>
#include "sipd/confparts.h"

static void forget(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	mem_deref(secret);
}

static void turn_destructor(void *arg)
{
	struct conf_turn *t = arg;

	list_unlink(&t->le);
	mem_deref(t->proxy);
	mem_deref(t->tls_ca);
	forget(t->secret);
	forget(t->password);
	mem_deref(t->user);
	mem_deref(t->server);
	mem_deref(t->name);
}

static void account_destructor(void *arg)
{
	struct conf_account *a = arg;

	list_unlink(&a->le);
	mem_deref(a->tls_cert);
	mem_deref(a->tls_ca);
	mem_deref(a->outbound);
	mem_deref(a->registrar);
	mem_deref(a->user);
	forget(a->password);
	mem_deref(a->address);
	mem_deref(a->name);
}

static void rights_clear(struct conf_rights *r)
{
	mem_deref(r->bytes);
	mem_deref(r->hours);
	mem_deref(r->allow);
}

static void group_destructor(void *arg)
{
	struct conf_group *g = arg;

	list_unlink(&g->le);
	rights_clear(&g->rights);
	mem_deref(g->name);
}

static void peer_destructor(void *arg)
{
	struct conf_peer *p = arg;

	list_unlink(&p->le);
	rights_clear(&p->rights);
	mem_deref(p->group);
	mem_deref(p->account);
	mem_deref(p->address);
	mem_deref(p->name);
}

static void kind_destructor(void *arg)
{
	struct conf_kind *k = arg;

	list_unlink(&k->le);
	mem_deref(k->value);
	mem_deref(k->key);
	mem_deref(k->kind);
}

int conf_set_defaults(void *base, enum conf_sec sec)
{
	struct conf_ctx ctx = { NULL, false, NULL, 0 };
	int err = 0;

	for (size_t i = 0; i < conf_keyc && !err; i++) {
		const struct conf_key *k = &conf_keys[i];

		if (k->sec == sec && k->def)
			err = k->seth((char *)base + k->offset, k, k->def,
				      &ctx);
	}
	return err;
}

int conf_kind_add(struct conf *c, const char *kind, const char *key,
		    const char *value)
{
	struct conf_kind *k = mem_zalloc(sizeof *k, kind_destructor);
	int err;

	if (!k)
		return ENOMEM;
	err = str_dup(&k->kind, kind);
	if (!err)
		err = str_dup(&k->key, key);
	if (!err)
		err = str_dup(&k->value, value);
	if (err)
		mem_deref(k);
	else
		list_append(&c->kindl, &k->le, k);
	return err;
}

const char *conf_kind_get(const struct conf *c, const char *kind,
			  const char *key)
{
	const char *word = strchr(key, '/');
	struct le *le;

	for (le = list_head(&c->kindl); le; le = le->next) {
		const struct conf_kind *k = le->data;

		if (!strcmp(k->kind, kind) && !strcmp(k->key, key))
			return k->value;
	}
	word = word ? word + 1 : key;
	for (size_t i = 0; i < conf_keyc; i++) {
		const struct conf_key *k = &conf_keys[i];
		const struct conf_section *s = &conf_sections[k->sec];

		if (s->kind && !strcmp(s->word, kind) &&
		    !strcmp(k->word, word))
			return k->def;
	}
	return NULL;
}

bool conf_kind_any(const struct conf *c, const char *kind)
{
	for (struct le *le = list_head(&c->kindl); le; le = le->next) {
		const struct conf_kind *k = le->data;

		if (!strcmp(k->kind, kind))
			return true;
	}
	return false;
}

int conf_kind_set(struct conf *c, const char *kind, const char *key,
		  const char *value)
{
	struct le *le;

	for (le = list_head(&c->kindl); le; le = le->next) {
		struct conf_kind *k = le->data;
		char *text;

		if (strcmp(k->kind, kind) || strcmp(k->key, key))
			continue;
		if (str_dup(&text, value))
			return ENOMEM;
		mem_deref(k->value);
		k->value = text;
		return 0;
	}
	return conf_kind_add(c, kind, key, value);
}

struct conf_account *conf_account_find(const struct conf *c,
				       const char *name)
{
	struct le *le;

	for (le = list_head(&c->accountl); le; le = le->next) {
		struct conf_account *a = le->data;

		if (!strcmp(a->name, name))
			return a;
	}
	return NULL;
}

struct conf_peer *conf_peer_find(const struct conf *c, const char *name)
{
	struct le *le;

	for (le = list_head(&c->peerl); le; le = le->next) {
		struct conf_peer *p = le->data;

		if (!strcmp(p->name, name))
			return p;
	}
	return NULL;
}

int conf_account_add(struct conf *c, struct conf_account **ap,
		     const char *name)
{
	struct conf_account *a = mem_zalloc(sizeof *a, account_destructor);
	int err;

	if (!a)
		return ENOMEM;
	err = str_dup(&a->name, name);
	if (!err)
		err = conf_set_defaults(a, SEC_ACCOUNT);
	if (err) {
		mem_deref(a);
		return err;
	}
	list_append(&c->accountl, &a->le, a);
	*ap = a;
	return 0;
}

struct conf_turn *conf_turn_find(const struct conf *c, const char *name)
{
	struct le *le;

	for (le = list_head(&c->turnl); le; le = le->next) {
		struct conf_turn *t = le->data;

		if (!strcmp(t->name, name))
			return t;
	}
	return NULL;
}

int conf_turn_add(struct conf *c, struct conf_turn **tp, const char *name)
{
	struct conf_turn *t = mem_zalloc(sizeof *t, turn_destructor);
	int err;

	if (!t)
		return ENOMEM;
	err = str_dup(&t->name, name);
	if (err) {
		mem_deref(t);
		return err;
	}
	list_append(&c->turnl, &t->le, t);
	*tp = t;
	return 0;
}

struct conf_group *conf_group_find(const struct conf *c, const char *name)
{
	for (struct le *le = list_head(&c->groupl); le; le = le->next) {
		struct conf_group *g = le->data;

		if (!strcmp(g->name, name))
			return g;
	}
	return NULL;
}

int conf_group_add(struct conf *c, struct conf_group **gp, const char *name)
{
	struct conf_group *g = mem_zalloc(sizeof *g, group_destructor);
	int err;

	if (!g)
		return ENOMEM;
	err = str_dup(&g->name, name);
	if (!err)
		err = conf_set_defaults(g, SEC_GROUP);
	if (err) {
		mem_deref(g);
		return err;
	}
	list_append(&c->groupl, &g->le, g);
	*gp = g;
	return 0;
}

int conf_peer_add(struct conf *c, struct conf_peer **pp, const char *name)
{
	struct conf_peer *p = mem_zalloc(sizeof *p, peer_destructor);
	int err;

	if (!p)
		return ENOMEM;
	err = str_dup(&p->name, name);
	if (!err)
		err = conf_set_defaults(p, SEC_PEER);
	if (err) {
		mem_deref(p);
		return err;
	}
	list_append(&c->peerl, &p->le, p);
	*pp = p;
	return 0;
}
