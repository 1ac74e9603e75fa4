/*
 * registrar.c: the embedded meeting point, put together.
 *
 * Owns everything in struct core: sockets, transactions, users, bindings.
 * Requests go to proxy.c, responses to the client transactions. sipd makes
 * one if its configuration has a [registrar].
 */
#include <string.h>
#include "sipd/registrar/core.h"
#include "sipd/registrar/proxy.h"
#include "sipd/registrar/registrar.h"

enum {
	EXPIRES_DEFAULT = 3600, /* s */
	IDLE_GRACE      = 60,   /* s a connection outlives its bindings */
};

struct registrar {
	struct core core;
	char *users_file;
};

static void registrar_destructor(void *arg)
{
	struct registrar *r = arg;
	struct core *c = &r->core;

	/* forks end with the client transactions, sockets go last */
	mem_deref(c->ctable);
	mem_deref(c->stable);
	mem_deref(c->bindings);
	mem_deref(c->tr);
	mem_deref(c->auth);
	mem_deref(c->users);
	for (unsigned i = 0; i < c->domainc; i++)
		mem_deref(c->domainv[i]);
	mem_deref(r->users_file);
}

static void recv_handler(struct sip_msg *msg, const struct flow *flow,
			 void *arg)
{
	struct registrar *r = arg;

	if (msg->req)
		proxy_request(&r->core, msg, flow);
	else
		(void)ctable_recv(r->core.ctable, msg);
}

static void close_handler(const struct flow *flow, void *arg)
{
	struct registrar *r = arg;
	const struct trans_way way = transport_way(r->core.tr, flow);

	bindings_flow_closed(r->core.bindings, flow);
	ctable_fail(r->core.ctable, &way, ENOTCONN);
}

/* A name as in a URI's host: nothing that must be escaped anywhere. */
static bool domain_ok(const struct pl *pl)
{
	for (size_t i = 0; i < pl->l; i++) {
		const char ch = pl->p[i];

		if (!((ch >= '0' && ch <= '9') || ch == '.' || ch == '-' ||
		      ch == '_' || ch == ':' || ch == '[' || ch == ']' ||
		      ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z')))
			return false;
	}
	return pl->l > 0;
}

static int domains_decode(struct core *c, const char *list, char *why,
			  size_t why_size)
{
	struct pl pl;

	while (list && *(list += strspn(list, " ,"))) {
		pl.p = list;
		pl.l = strcspn(list, " ,");
		list += pl.l;
		if (c->domainc == DOMAINS_MAX || !domain_ok(&pl)) {
			re_snprintf(why, why_size, "domain: \"%r\" is not a"
				    " host name, or there are more than %u",
				    &pl, DOMAINS_MAX);
			return EINVAL;
		}
		if (pl_strdup(&c->domainv[c->domainc], &pl))
			return ENOMEM;
		++c->domainc;
	}
	return 0;
}

/* The first domain; it is part of stored hashes, so it must not change with
 * the host's addresses. */
static const char *realm_of(const struct core *c)
{
	return c->domainc ? c->domainv[0] : "dialtone";
}

static int users_open(struct registrar *r, const struct registrar_conf *conf,
		      char *why, size_t why_size)
{
	struct core *c = &r->core;
	int err;

	err = users_read(&c->users, conf->users_file, realm_of(c), why,
			 why_size);
	if (!err)
		err = str_dup(&r->users_file, conf->users_file);
	if (!err)
		err = auth_alloc(&c->auth, realm_of(c), c->users, c->quota);
	return err;
}

static int transport_open(struct registrar *r,
			  const struct registrar_conf *conf, char *why,
			  size_t why_size)
{
	struct core *c = &r->core;
	const struct transport_conf tc = {
		.listen = conf->listen, .tls_cert = conf->tls_cert,
		.stun = conf->stun, .quota = c->quota, .idle = c->expires_max + IDLE_GRACE,
		.recvh = recv_handler, .closeh = close_handler, .arg = r,
	};

	return transport_alloc(&c->tr, c->timers, &tc, why, why_size);
}

static int tables_alloc(struct core *c)
{
	int err = bindings_alloc(&c->bindings, c->timers);

	if (!err)
		err = stable_alloc(&c->stable, c->timers, NULL,
				   transport_send_way, c->tr);
	if (!err)
		err = ctable_alloc(&c->ctable, c->timers, transport_send_way,
				   c->tr);
	return err;
}

int registrar_alloc(struct registrar **rp, struct timers *timers,
		    const struct registrar_conf *conf, char *why,
		    size_t why_size)
{
	struct registrar *r;
	struct core *c;
	int err;

	if (!rp || !timers || !conf || !why || !why_size)
		return EINVAL;
	why[0] = '\0';
	r = mem_zalloc(sizeof *r, registrar_destructor);
	if (!r)
		return ENOMEM;
	c = &r->core;
	c->timers = timers;
	c->quota = conf->quota;
	c->expires_max = conf->expires_max ? conf->expires_max :
		EXPIRES_DEFAULT;
	c->salt = rand_u32();
	rand_bytes(c->key, sizeof c->key);
	err = domains_decode(c, conf->domain, why, why_size);
	if (!err)
		err = users_open(r, conf, why, why_size);
	if (!err)
		err = transport_open(r, conf, why, why_size);
	if (!err)
		err = tables_alloc(c);
	if (err && !why[0])
		re_snprintf(why, why_size, "registrar: %m", err);
	if (err)
		mem_deref(r);
	else
		*rp = r;
	return err;
}

static bool keep_handler(const struct pl *user, void *arg)
{
	return users_find(arg, user) != NULL;
}

int registrar_reload(struct registrar *r, char *why, size_t why_size)
{
	struct users *users = NULL;
	struct core *c = &r->core;
	int err;

	why[0] = '\0';
	err = users_read(&users, r->users_file, realm_of(c), why, why_size);
	if (err) {
		if (!why[0])
			re_snprintf(why, why_size, "%s: %m", r->users_file,
				    err);
		return err;
	}
	auth_users(c->auth, users);
	mem_deref(c->users);
	c->users = users;
	bindings_prune(c->bindings, keep_handler, users);
	return 0;
}

int registrar_status(struct re_printf *pf, const struct registrar *r)
{
	const struct core *c = &r->core;
	const struct transport_stats *ts = transport_stats(c->tr);
	int err;

	err  = re_hprintf(pf, "{\"listen\":%H,\"realm\":\"%s\","
			  "\"users\":%u,\"online\":%H,\"bindings\":%u,",
			  transport_print, c->tr, realm_of(c),
			  users_count(c->users), bindings_print, c->bindings,
			  bindings_count(c->bindings));
	err |= re_hprintf(pf, "\"connections\":%u,\"transactions\":%u,"
			  "\"registers\":%llu,\"calls\":%llu,"
			  "\"forked\":%llu,\"requests\":%llu,",
			  ts->connections,
			  stable_count(c->stable) + ctable_count(c->ctable),
			  c->stats.registers, c->stats.invites,
			  c->stats.forks, c->stats.others);
	err |= re_hprintf(pf, "\"challenges\":%llu,\"denied\":%llu,"
			  "\"refused\":%llu,\"received\":%llu,"
			  "\"sent\":%llu,\"dropped\":%llu,"
			  "\"limited\":%llu}",
			  c->stats.challenges, c->stats.denied,
			  c->stats.refused, ts->in.received, ts->sent,
			  ts->in.dropped, ts->in.limited);
	return err;
}
