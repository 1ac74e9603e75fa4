/*
 * accounts.c: opens one ua per account and remembers how it fares.
 *
 * Calls of a peer come in by any of them; house.c owns them all.
 */
#include <errno.h>
#include <string.h>
#include "sipd/accounts.h"
#include "sipd/log.h"

struct accounts {
	struct accounts_conf ac;
	const struct conf *conf;
	char instance[64];
	struct list list;               /* struct account */
	struct list retiredl;           /* those of an older configuration
	                                   that still have calls */
	unsigned closing;               /* who is not through yet... */
	void (*closedh)(void *arg);     /* ...and who hears of the last */
	void *closed_arg;
};

static void account_destructor(void *arg)
{
	struct account *ac = arg;

	list_unlink(&ac->le);
	mem_deref(ac->ua);
}

static void accounts_destructor(void *arg)
{
	struct accounts *as = arg;

	list_flush(&as->list);
	list_flush(&as->retiredl);
}

/* What the server said; nothing if it has not been heard of. */
static int print_scode(struct re_printf *pf, const uint16_t *scode)
{
	return *scode ? re_hprintf(pf, "%u ", *scode) : 0;
}

static void state_handler(enum ua_state st, uint16_t scode, const char *why,
			  void *arg)
{
	struct account *ac = arg;

	ac->scode = scode;
	if (ac->conf && !ac->conf->password && (scode == 401 || scode == 407))
		why = "the server wants a password: set password= in"
			" [account]";
	(void)str_ncpy(ac->why, why ? why : "", sizeof ac->why);
	if (st == UA_FAILED)
		log_warn("%s: registration failed: %H%s", ua_aor(ac->ua),
			 print_scode, &scode, ac->why);
	else if (st == UA_REGISTERED)
		log_info("%s: registered", ua_aor(ac->ua));
}

static void call_handler(struct call *c, void *arg)
{
	struct account *ac = arg;

	ac->all->ac.callh(ac->ua, c, ac->all->ac.arg);
}

static int account_add(struct accounts *as, const struct conf_account *conf,
		       const struct ua_conf *uc, char *why, size_t size)
{
	struct ua_handlers uh = { state_handler, call_handler, NULL };
	struct account *ac;
	int err;

	ac = mem_zalloc(sizeof *ac, account_destructor);
	if (!ac)
		return ENOMEM;
	ac->all = as;
	ac->conf = conf;
	uh.arg = ac;
	list_append(&as->list, &ac->le, ac);
	err = ua_alloc(&ac->ua, as->ac.timers, uc, &uh);
	if (err == EADDRINUSE && uc->port)
		(void)re_snprintf(why, size, "Port %u is in use: another sipd,"
				  " a `dial wait` or another SIP program has"
				  " it. Set another port= in [sipd].", uc->port);
	else if (err)
		(void)re_snprintf(why, size, "The account %s cannot be"
				  " opened: %m.", uc->aor ? uc->aor :
				  "for direct calls", err);
	if (err) {
		mem_deref(ac);
	}
	return err;
}

static int account_open(struct accounts *as, const struct conf_account *c,
			char *why, size_t size)
{
	const struct ua_conf uc = {
		.aor = c->address,
		.user = c->user,
		.password = c->password,
		.registrar = as->ac.quiet ? NULL : c->registrar,
		.outbound = c->outbound ? c->outbound : c->registrar,
		.expires = c->expires,
		.tls_ca = c->tls_ca,
		.tls_cert = c->tls_cert,
		.interfaces = as->conf->interfaces,
		.quota = as->ac.quota,
		.nat64h = as->ac.nat64h,
		.nat64_arg = as->ac.nat64_arg,
		.instance = as->instance,
	};

	return account_add(as, c, &uc, why, size);
}

/* With the meeting point in this process its port serves the calls of
 * others; ours come through it. */
static int direct_open(struct accounts *as, char *why, size_t size)
{
	const struct ua_conf uc = {
		.port = as->ac.quiet || as->conf->registrar.enabled
			? 0 : as->conf->sip_port,
		.interfaces = as->conf->interfaces,
		.quota = as->ac.quota,
		.nat64h = as->ac.nat64h,
		.nat64_arg = as->ac.nat64_arg,
	};

	return account_add(as, NULL, &uc, why, size);
}

/* One account per section, and one for direct calls. */
static int open_all(struct accounts *as, char *why, size_t size)
{
	int err = 0;

	for (struct le *le = as->conf->accountl.head; le && !err; le = le->next)
		err = account_open(as, le->data, why, size);
	return err ? err : direct_open(as, why, size);
}

/* Equal, or neither is given (libre's str_cmp thinks otherwise). */
static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_account(const struct conf_account *a,
			 const struct conf_account *b)
{
	return same(a->name, b->name) &&
		same(a->address, b->address) &&
		same(a->password, b->password) &&
		same(a->user, b->user) &&
		same(a->registrar, b->registrar) &&
		same(a->outbound, b->outbound) &&
		same(a->tls_ca, b->tls_ca) &&
		same(a->tls_cert, b->tls_cert) &&
		a->expires == b->expires;
}

static struct account *stale_like(const struct accounts *as,
					const struct conf_account *c)
{
	for (struct le *le = as->list.head; le; le = le->next) {
		struct account *ac = le->data;

		if (ac->stale && same_account(ac->conf, c))
			return ac;
	}
	return NULL;
}

static void stale_closed(void *arg)
{
	mem_deref(arg);
}

static void retire_stale(struct accounts *as)
{
	struct le *le = as->list.head;

	while (le) {
		struct account *ac = le->data;

		le = le->next;
		if (!ac->stale)
			continue;
		list_unlink(&ac->le);
		list_append(&as->retiredl, &ac->le, ac);
		ac->conf = NULL;
		ua_retire(ac->ua, stale_closed, ac);
	}
}

void accounts_reload(struct accounts *as, const struct conf *conf)
{
	struct le *le;
	char why[256];

	for (le = as->list.head; le; le = le->next) {
		struct account *ac = le->data;

		ac->stale = ac->conf != NULL;
	}
	as->conf = conf;
	for (le = conf->accountl.head; le; le = le->next) {
		struct account *ac = stale_like(as, le->data);

		if (ac) {
			ac->conf = le->data;
			ac->stale = false;
		}
		else if (account_open(as, le->data, why, sizeof why)) {
			log_error("%s", why);
		}
	}
	retire_stale(as);
}

int accounts_alloc(struct accounts **ap, const struct accounts_conf *ac,
		   const struct conf *conf, char *why, size_t size)
{
	struct accounts *as = mem_zalloc(sizeof *as, accounts_destructor);
	int err;

	if (!as)
		return ENOMEM;
	as->ac = *ac;
	(void)str_ncpy(as->instance, ac->instance, sizeof as->instance);
	as->conf = conf;
	err = open_all(as, why, size);
	if (err)
		mem_deref(as);
	else
		*ap = as;
	return err;
}

void accounts_changed(struct accounts *as)
{
	for (struct le *le = as->list.head; le; le = le->next) {
		struct account *ac = le->data;

		ua_changed(ac->ua);
	}
}

void accounts_probe(struct accounts *as)
{
	for (struct le *le = as->list.head; le; le = le->next)
		ua_probe(((struct account *)le->data)->ua);
}

const struct list *accounts_list(const struct accounts *as)
{
	return &as->list;
}

int accounts_called(struct re_printf *pf, const struct accounts *as)
{
	const struct account *ac = as->list.head ? as->list.head->data : NULL;

	if (!ac)
		return 0;
	return ac->conf ? re_hprintf(pf, "%s", ac->conf->address)
			: ua_contact(pf, ac->ua);
}

static bool is_ip_address(const char *uri)
{
	struct uri u;
	struct pl pl;
	struct sa sa;

	pl_set_str(&pl, uri);
	return !uri_decode(&u, &pl) && !sa_set(&sa, &u.host, 0);
}

static bool same_host(const char *a, const char *b)
{
	struct uri ua, ub;
	struct pl pa, pb;

	pl_set_str(&pa, a);
	pl_set_str(&pb, b);
	return !uri_decode(&ua, &pa) && !uri_decode(&ub, &pb) &&
		!pl_casecmp(&ua.host, &ub.host);
}

/* How well an account suits a peer; the highest wins, the first of equals. */
static int account_rank(const struct account *ac, const struct peer *p)
{
	if (*p->account)
		return ac->conf && !str_cmp(ac->conf->name, p->account)
			? 4 : 0;
	if (ac->conf && same_host(ac->conf->address, p->address))
		return 3;
	if (!ac->conf)
		return is_ip_address(p->address) ? 2 : 1;
	/* a foreign domain: our server passes it on, or the DNS knows it */
	return is_ip_address(p->address) ? 1 : 2;
}

const struct account *accounts_for(const struct accounts *as,
				   const struct peer *p)
{
	const struct account *best = NULL;
	int rank = 0;

	for (struct le *le = as->list.head; le; le = le->next) {
		const struct account *ac = le->data;
		int r = account_rank(ac, p);

		if (r > rank) {
			rank = r;
			best = ac;
		}
	}
	return best;
}

static void closed_handler(void *arg)
{
	struct accounts *as = arg;

	if (!--as->closing)
		as->closedh(as->closed_arg);
}

void accounts_close(struct accounts *as, void (*doneh)(void *arg),
		    void *arg)
{
	struct le *le;

	as->closing = 1;        /* held until every account was asked */
	as->closedh = doneh;
	as->closed_arg = arg;
	for (le = as->list.head; le; le = le->next) {
		struct account *ac = le->data;

		++as->closing;
		ua_close(ac->ua, closed_handler, as);
	}
	closed_handler(as);
}
