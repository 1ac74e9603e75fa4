/*
 * conf.c: the configuration as one struct: defaults, then the file, then what
 * depends on both (where state, control socket and inbox are).
 *
 *   conf -> confread (lines, sections) -> conftab (keys) -> confval (types)
 *                       '-> confparts (accounts, peers)
 *
 * Called by main, and by dial for a call in its own process. Folders are not
 * made here.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>
#include "sipd/confparts.h"
#include "sipd/confread.h"
#include "sipd/places.h"

static void destructor(void *arg)
{
	struct conf *c = arg;

	list_flush(&c->kindl);
	list_flush(&c->peerl);
	list_flush(&c->groupl);
	list_flush(&c->turnl);
	list_flush(&c->accountl);
	mem_deref(c->registrar.tls_cert);
	mem_deref(c->registrar.users_file);
	mem_deref(c->registrar.domain);
	mem_deref(c->registrar.listen);
	mem_deref(c->interfaces);
	mem_deref(c->stun);
	mem_deref(c->allow);
	mem_deref(c->user);
	mem_deref(c->write);
	mem_deref(c->on_call);
	mem_deref(c->log);
	mem_deref(c->control);
	mem_deref(c->trust_crl);
	mem_deref(c->trust_ca);
	mem_deref(c->certificate);
	mem_deref(c->identity);
	mem_deref(c->state);
	mem_deref(c->file);
}

static int state_default(char *buf, size_t size)
{
	if (places_system()) {
		str_ncpy(buf, PLACES_STATE, size);
		return 0;
	}
	return places_xdg(buf, size, "XDG_STATE_HOME", ".local/state",
			  "dialtone");
}

/* A state folder of one's own brings a control socket of its own: two sipd
 * with two files do not meet by accident. */
static int control_default(char *buf, size_t size, const struct conf *c,
			   bool own_state)
{
	if (!own_state && places_system()) {
		str_ncpy(buf, PLACES_CONTROL, size);
		return 0;
	}
	if (!own_state && !places_xdg(buf, size, "XDG_RUNTIME_DIR", NULL,
				      "dialtone/control"))
		return 0;
	return re_snprintf(buf, size, "%s/control", c->state) < 0 ?
		ENAMETOOLONG : 0;
}

/* Where a person looks for what has arrived; the system's sipd has no person,
 * and keeps it with its state. */
static int inbox_default(char *buf, size_t size, const struct conf *c,
			 bool own_state)
{
	if (!own_state && !places_system())
		return places_home(buf, size, "Downloads");
	return re_snprintf(buf, size, "%s/inbox", c->state) < 0 ?
		ENAMETOOLONG : 0;
}

static int bad(struct conf_error *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)re_vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	return EINVAL;
}

static int set_control(struct conf *c, bool own_state, struct conf_error *e)
{
	char buf[PATH_MAX];
	int err = 0;

	if (!c->control) {
		err = control_default(buf, sizeof buf, c, own_state);
		if (!err)
			err = str_dup(&c->control, buf);
	}
	if (!err && strlen(c->control) >=
	    sizeof ((struct sockaddr_un *)0)->sun_path)
		return bad(e, "%s: the control socket's path is longer than "
			   "107 bytes: set control= to a shorter one",
			   c->file ? c->file : c->control);
	return err;
}

static int set_places(struct conf *c, struct conf_error *e)
{
	bool own_state = c->state != NULL;
	char buf[PATH_MAX];
	int err;

	if (!own_state) {
		if (state_default(buf, sizeof buf))
			return bad(e, "there is no home folder to keep the "
				   "state in: set state= in [sipd]");
		err = str_dup(&c->state, buf);
		if (err)
			return err;
	}
	err = set_control(c, own_state, e);
	if (err || conf_kind_get(c, "file", "inbox"))
		return err;
	err = inbox_default(buf, sizeof buf, c, own_state);
	return err ? err : conf_kind_add(c, "file", "inbox", buf);
}

static int set_defaults(struct conf *c)
{
	int err = conf_set_defaults(c, SEC_SIPD);

	if (!err)
		err = conf_set_defaults(c, SEC_NAT);
	return err ? err : conf_set_defaults(&c->registrar, SEC_REGISTRAR);
}

int conf_load(struct conf **cp, const char *file, struct conf_error *e)
{
	struct conf *c;
	int err;

	if (!cp || !e)
		return EINVAL;
	e->text[0] = '\0';
	c = mem_zalloc(sizeof *c, destructor);
	if (!c)
		return ENOMEM;
	err = set_defaults(c);
	if (!err && file)
		err = str_dup(&c->file, file);
	if (!err && file)
		err = conf_read(c, file, e);
	if (!err)
		err = set_places(c, e);
	if (err && !e->text[0])
		(void)bad(e, "the configuration cannot be read: %m", err);
	if (err)
		mem_deref(c);
	else
		*cp = c;
	return err;
}
