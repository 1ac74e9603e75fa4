/*
 * confsect.c: the sections of sipd.conf: that there is one of this name, what
 * it fills in, and what a whole one must have.
 */
#include <errno.h>
#include <string.h>
#include "sipd/confload.h"
#include "sipd/confparts.h"
#include "sipd/confsect.h"
#include "sipd/nearest.h"

static bool has(const struct load *ld, const char *word)
{
	const struct conf_key *k = conf_key_find(ld->sec, word);

	return k && ld->seen[k - conf_keys];
}

static int add_account(struct load *ld, const char *name)
{
	struct conf_account *a;
	int err;

	if (conf_account_find(ld->c, name))
		return load_fail(ld, ld->line, "a second [account%s%s]",
				 *name ? " " : "", name);
	err = conf_account_add(ld->c, &a, name);
	if (err)
		return err;
	ld->base = a;
	ld->name = a->name;
	return 0;
}

static int add_turn(struct load *ld, const char *name)
{
	struct conf_turn *t;
	int err;

	if (conf_turn_find(ld->c, name))
		return load_fail(ld, ld->line, "a second [turn%s%s]",
				 *name ? " " : "", name);
	err = conf_turn_add(ld->c, &t, name);
	if (err)
		return err;
	ld->base = t;
	ld->name = t->name;
	return 0;
}

static int add_peer(struct load *ld, const char *name)
{
	struct conf_peer *p;
	int err;

	if (conf_peer_find(ld->c, name))
		return load_fail(ld, ld->line, "a second [peer %s]", name);
	err = conf_peer_add(ld->c, &p, name);
	if (err)
		return err;
	ld->base = p;
	ld->name = p->name;
	return 0;
}

static int add_group(struct load *ld, const char *name)
{
	struct conf_group *g;
	int err;

	if (conf_group_find(ld->c, name))
		return load_fail(ld, ld->line, "a second [group %s]", name);
	err = conf_group_add(ld->c, &g, name);
	if (err)
		return err;
	ld->base = g;
	ld->name = g->name;
	return 0;
}

/* A network is a section of the kind; "NAME/" says that it is there, "/" which
 * one came first. */
static int add_vpn(struct load *ld, const char *name)
{
	const char *kind = conf_sections[SEC_VPN].word;
	char key[NAME_SIZE + 1];
	int err = 0;

	(void)re_snprintf(key, sizeof key, "%s/", name);
	if (conf_kind_get(ld->c, kind, key))
		return load_fail(ld, ld->line, "a second [vpn %s]", name);
	if (!conf_kind_get(ld->c, kind, "/"))
		err = conf_kind_add(ld->c, kind, "/", name);
	if (!err)
		err = conf_kind_add(ld->c, kind, key, name);
	ld->base = ld->c;
	ld->name = conf_kind_get(ld->c, kind, key);
	return err;
}

static int add_single(struct load *ld, enum conf_sec sec)
{
	if (ld->seen_line[sec])
		return load_fail(ld, ld->line, "a second [%s]: the first is "
				 "in line %u", conf_sections[sec].word,
				 ld->seen_line[sec]);
	ld->seen_line[sec] = ld->line;
	ld->base = ld->c;
	ld->name = NULL;
	if (sec == SEC_REGISTRAR) {
		ld->c->registrar.enabled = true;
		ld->base = &ld->c->registrar;
	}
	return 0;
}

/* Names become words of dial's line and names of folders. */
static bool good_name(const char *s)
{
	if (*s == '-' || *s == '.' || strlen(s) >= NAME_SIZE)
		return false;
	for (; *s; s++)
		if (strchr("/\\[]\"'<>:;,|", *s) || *s == ' ' || *s == '\t')
			return false;
	return true;
}

static int check_account(struct load *ld)
{
	if (!has(ld, "address"))
		return load_fail(ld, ld->sec_line, "%H has no address",
				 load_section, ld);
	if (has(ld, "password") && has(ld, "password-file"))
		return load_fail(ld, ld->sec_line, "%H has password and "
				 "password-file: keep one of them",
				 load_section, ld);
	return 0;
}

static int check_turn(struct load *ld)
{
	const int secrets = has(ld, "password") + has(ld, "password-file") +
		has(ld, "secret");

	if (!has(ld, "server"))
		return load_fail(ld, ld->sec_line, "%H has no server",
				 load_section, ld);
	if (secrets > 1)
		return load_fail(ld, ld->sec_line, "%H has more than one of "
				 "password, password-file and secret",
				 load_section, ld);
	if (has(ld, "user") != (secrets > 0) && !has(ld, "secret"))
		return load_fail(ld, ld->sec_line, "%H has a user without a "
				 "password, or a password without a user",
				 load_section, ld);
	return 0;
}

static int check_peer(struct load *ld)
{
	const struct conf_peer *p = ld->base, *q;
	struct le *le;

	if (!p->address && !p->has_fp)
		return load_fail(ld, ld->sec_line, "%H needs an address, a "
				 "fingerprint or both", load_section, ld);
	for (le = p->le.prev; le && p->has_fp; le = le->prev) {
		q = le->data;
		if (q->has_fp && !memcmp(p->fp, q->fp, sizeof p->fp))
			return load_fail(ld, ld->sec_line, "%H has the "
					 "fingerprint of [peer %s]: a key is "
					 "one peer", load_section, ld, q->name);
	}
	return 0;
}

static int check_trust(struct load *ld)
{
	if (!has(ld, "ca"))
		return load_fail(ld, ld->sec_line, "[trust] has no ca: there "
				 "is nobody to vouch for keys");
	return 0;
}

static int check_registrar(struct load *ld)
{
	const struct conf_registrar *r = ld->base;

	if (!r->users_file)
		return load_fail(ld, ld->sec_line, "[registrar] has no "
				 "users-file: nobody could register");
	if (strstr(r->listen, "tls:") && !r->tls_cert)
		return load_fail(ld, ld->sec_line, "[registrar] listens on "
				 "tls:, but has no tls-cert");
	return 0;
}

int confsect_end(struct load *ld)
{
	if (!ld->sec_line)
		return 0;
	switch (ld->sec) {

	case SEC_TRUST:         return check_trust(ld);
	case SEC_ACCOUNT:       return check_account(ld);
	case SEC_TURN:          return check_turn(ld);
	case SEC_PEER:          return check_peer(ld);
	case SEC_REGISTRAR:     return check_registrar(ld);
	default:                return 0;
	}
}

/* SEC_COUNT: there is none, and that has been told. */
static enum conf_sec find_section(struct load *ld, const char *word)
{
	struct nearest near = { NULL, 0 };
	unsigned i;

	for (i = 0; i < SEC_COUNT; i++) {
		if (!strcmp(conf_sections[i].word, word))
			return (enum conf_sec)i;
		nearest_try(&near, word, conf_sections[i].word);
	}
	(void)load_fail(ld, ld->line, "unknown section [%s]%H", word,
			nearest_print, &near);
	return SEC_COUNT;
}

int confsect_begin(struct load *ld, const char *word, const char *name)
{
	enum conf_sec sec = find_section(ld, word);

	if (sec == SEC_COUNT)
		return EINVAL;
	if (conf_sections[sec].name == NAME_MUST && !*name)
		return load_fail(ld, ld->line, "[%s] needs a name: [%s bob]",
				 word, word);
	if (conf_sections[sec].name == NAME_NO && *name)
		return load_fail(ld, ld->line, "[%s] takes no name", word);
	if (!good_name(name))
		return load_fail(ld, ld->line, "'%s' is no good name: take "
				 "up to 63 letters, digits, '-', '_', '.' or "
				 "'@'", name);
	ld->sec = sec;
	ld->sec_line = ld->line;
	memset(ld->seen, 0, sizeof ld->seen);
	switch (sec) {

	case SEC_ACCOUNT: return add_account(ld, name);
	case SEC_TURN:    return add_turn(ld, name);
	case SEC_GROUP:   return add_group(ld, name);
	case SEC_PEER:    return add_peer(ld, name);
	case SEC_VPN:     return add_vpn(ld, name);
	default:          return add_single(ld, sec);
	}
}
