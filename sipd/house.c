/*
 * house.c: builds and tears down what sessions share.
 *
 *   conf -> folders, identity, peers, call log
 *        -> worker (UDP, thread) -> paths (ICE)
 *        -> accounts (SIP), netwatch
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "sipd/house.h"
#include "sipd/log.h"
#include "sipd/netwatch.h"
#include "sdp/base/resolve.h"

enum { STUN_PORT_DEFAULT = 3478, STUN_MAX = 4 };

static void account_destructor(void *arg)
{
	struct house_account *ac = arg;

	list_unlink(&ac->le);
	mem_deref(ac->ua);
}

static void house_destructor(void *arg)
{
	struct house *h = arg;

	mem_deref(h->netwatch);
	mem_deref(h->resolve);
	list_flush(&h->accountl);
	mem_deref(h->paths);
	/* the worker runs what was posted to it, then stops; what it posted
	 * back is run here */
	mem_deref(h->worker);
	mailbox_run(h->mailbox);
	mem_deref(h->calllog);
	mem_deref(h->peers);
	mem_deref(h->identity);
	mem_deref(h->mailbox);
	mem_deref(h->timers);
}

/* Make a folder and those above it, for us alone. */
static int make_folder(const char *path)
{
	char buf[512];

	if (str_len(path) >= sizeof buf)
		return ENAMETOOLONG;
	(void)str_ncpy(buf, path, sizeof buf);
	for (char *p = buf + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(buf, 0755) && errno != EEXIST)
			return errno;
		*p = '/';
	}
	if (mkdir(buf, 0700) && errno != EEXIST)
		return errno;
	return 0;
}

static int open_state(struct house *h, char *why, size_t size)
{
	const char *state = h->conf->state;
	char file[600];
	int err;

	err = make_folder(state);
	if (err) {
		(void)re_snprintf(why, size, "The state folder %s cannot be"
				  " made: %m. Set state= in [sipd].", state,
				  err);
		return err;
	}
	(void)re_snprintf(file, sizeof file, "%s/identity.pem", state);
	err = identity_load(&h->identity, file);
	if (err) {
		(void)re_snprintf(why, size, "The key in %s cannot be used:"
				  " %m.%s", file, err, err == EPERM ?
				  " Others can read it: chmod 600." : "");
		return err;
	}
	(void)re_snprintf(file, sizeof file, "%s/calls.log", state);
	err = calllog_alloc(&h->calllog, file);
	if (err) {
		(void)re_snprintf(why, size, "The call log %s cannot be"
				  " written: %m.", file, err);
		return err;
	}
	err = peers_alloc(&h->peers, h->conf);
	if (err)
		(void)re_snprintf(why, size, "known_peers in %s cannot be"
				  " read: %m.", state, err);
	return err;
}

static void stun_handler(const struct sa *local, const struct sa *src,
			 const uint8_t *buf, size_t len, void *arg)
{
	struct house *h = arg;

	paths_recv(h->paths, local, src, buf, len);
}

static int send_handler(const struct sa *local, const struct sa *dst,
			const uint8_t *buf, size_t len, void *arg)
{
	struct house *h = arg;

	return worker_send(h->worker, local, dst, buf, len);
}

static int open_media(struct house *h, char *why, size_t size)
{
	const struct conf *conf = h->conf;
	const struct worker_conf wc = {
		.port = h->role == HOUSE_DAEMON ? conf->nat_port : 0,
		.control = h->mailbox,
		.stunh = stun_handler,
		.arg = h,
	};
	struct paths_conf pc = {
		.timers = h->timers,
		.interfaces = conf->interfaces,
		.sendh = send_handler,
		.arg = h,
	};
	int err = worker_alloc(&h->worker, &wc);

	if (err) {
		(void)re_snprintf(why, size, "UDP port %u cannot be opened:"
				  " %m. Set another port= in [nat].",
				  wc.port, err);
		return err;
	}
	pc.port4 = worker_port(h->worker, AF_INET);
	pc.port6 = worker_port(h->worker, AF_INET6);
	err = paths_alloc(&h->paths, &pc);
	if (err)
		(void)re_snprintf(why, size, "ICE cannot be started: %m.",
				  err);
	return err;
}

static void resolved_handler(int err, const struct sa *sav, size_t sac,
			     void *arg)
{
	struct house *h = arg;

	if (err)
		log_warn("the STUN server %s is not known to the DNS",
			 h->conf->stun);
	paths_stun_set(h->paths, sav, MIN(sac, (size_t)STUN_MAX));
	h->resolve = mem_deref(h->resolve);
}

/* The first of the comma list by name; numeric ones are all taken at once. */
static int stun_start(struct house *h)
{
	struct sa sav[STUN_MAX];
	struct pl list, host, port, rest;
	char name[256];
	size_t n = 0;

	pl_set_str(&list, h->conf->stun ? h->conf->stun : "");
	while (list.l && !re_regex(list.p, list.l, "[^, ]+[, ]*[~]*",
				   &host, NULL, &rest)) {
		list = rest;
		if (n < STUN_MAX && !sa_decode(&sav[n], host.p, host.l)) {
			++n;
			continue;
		}
		if (n < STUN_MAX &&
		    !sa_set(&sav[n], &host, STUN_PORT_DEFAULT)) {
			++n;
			continue;
		}
		if (h->resolve)
			continue;
		port = pl_null;
		if (!re_regex(host.p, host.l, "[^:]+:[0-9]+", &rest, &port))
			host = rest;
		(void)pl_strcpy(&host, name, sizeof name);
		(void)resolve_name(&h->resolve, h->mailbox, name,
				   pl_isset(&port) ? (uint16_t)pl_u32(&port)
				   : STUN_PORT_DEFAULT, resolved_handler, h);
	}
	paths_stun_set(h->paths, sav, n);
	return 0;
}

static void state_handler(enum ua_state st, uint16_t scode, const char *why,
			  void *arg)
{
	struct house_account *ac = arg;

	ac->scode = scode;
	(void)str_ncpy(ac->why, why ? why : "", sizeof ac->why);
	if (st == UA_FAILED)
		log_warn("%s: registration failed: %u %s", ua_aor(ac->ua),
			 scode, ac->why);
	else if (st == UA_REGISTERED)
		log_info("%s: registered", ua_aor(ac->ua));
	if (ac->house->changedh)
		ac->house->changedh(ac->house->arg);
}

static void call_handler(struct call *c, void *arg)
{
	struct house_account *ac = arg;

	ac->house->callh(ac->ua, c, ac->house->arg);
}

static int account_add(struct house *h, const struct conf_account *conf,
		       const struct ua_conf *uc, char *why, size_t size)
{
	struct ua_handlers uh = { state_handler, call_handler, NULL };
	struct house_account *ac;
	int err;

	ac = mem_zalloc(sizeof *ac, account_destructor);
	if (!ac)
		return ENOMEM;
	ac->house = h;
	ac->conf = conf;
	uh.arg = ac;
	list_append(&h->accountl, &ac->le, ac);
	err = ua_alloc(&ac->ua, h->timers, uc, &uh);
	if (err) {
		(void)re_snprintf(why, size, "The account %s cannot be"
				  " opened: %m.%s", uc->aor ? uc->aor :
				  "for direct calls", err, err == EADDRINUSE ?
				  " Is another sipd or SIP program running?"
				  " Set another port= in [sipd]." : "");
		mem_deref(ac);
	}
	return err;
}

static int account_open(struct house *h, const struct conf_account *c,
			char *why, size_t size)
{
	const bool quiet = h->role == HOUSE_CALLER;
	const struct ua_conf uc = {
		.aor = c->address,
		.user = c->user,
		.password = c->password,
		.registrar = quiet ? NULL : c->registrar,
		.outbound = c->outbound ? c->outbound : c->registrar,
		.expires = c->expires,
		.tls_ca = c->tls_ca,
		.tls_cert = c->tls_cert,
		.interfaces = h->conf->interfaces,
	};

	return account_add(h, c, &uc, why, size);
}

/* With the meeting point in this process its port serves the calls of
 * others; ours come through it. */
static int direct_open(struct house *h, char *why, size_t size)
{
	const struct ua_conf uc = {
		.port = h->role == HOUSE_CALLER || h->conf->registrar.enabled
			? 0 : h->conf->sip_port,
		.interfaces = h->conf->interfaces,
	};

	return account_add(h, NULL, &uc, why, size);
}

/* One account per section, and one for direct calls. */
static int open_accounts(struct house *h, char *why, size_t size)
{
	int err = 0;

	for (struct le *le = h->conf->accountl.head; le && !err; le = le->next)
		err = account_open(h, le->data, why, size);
	return err ? err : direct_open(h, why, size);
}

static bool same_account(const struct conf_account *a,
			 const struct conf_account *b)
{
	return !str_cmp(a->name, b->name) &&
		!str_cmp(a->address, b->address) &&
		!str_cmp(a->password, b->password) &&
		!str_cmp(a->user, b->user) &&
		!str_cmp(a->registrar, b->registrar) &&
		!str_cmp(a->outbound, b->outbound) &&
		!str_cmp(a->tls_ca, b->tls_ca) &&
		!str_cmp(a->tls_cert, b->tls_cert) &&
		a->expires == b->expires;
}

static struct house_account *stale_like(const struct house *h,
					const struct conf_account *c)
{
	for (struct le *le = h->accountl.head; le; le = le->next) {
		struct house_account *ac = le->data;

		if (ac->stale && same_account(ac->conf, c))
			return ac;
	}
	return NULL;
}

static void stale_closed(void *arg)
{
	mem_deref(arg);
}

int house_reload(struct house *h, const struct conf *conf, char *why,
		 size_t size)
{
	struct peers *peers;
	struct le *le;
	int err = peers_alloc(&peers, conf);

	if (err) {
		(void)re_snprintf(why, size, "known_peers cannot be read:"
				  " %m.", err);
		return err;
	}
	for (le = h->accountl.head; le; le = le->next) {
		struct house_account *ac = le->data;

		ac->stale = ac->conf != NULL;
	}
	mem_deref(h->peers);
	h->peers = peers;
	h->conf = conf;
	for (le = conf->accountl.head; le; le = le->next) {
		struct house_account *ac = stale_like(h, le->data);

		if (ac) {
			ac->conf = le->data;
			ac->stale = false;
		}
		else if (account_open(h, le->data, why, size)) {
			log_error("%s", why);
		}
	}
	for (le = h->accountl.head; le; ) {
		struct house_account *ac = le->data;

		le = le->next;
		if (!ac->stale)
			continue;
		list_unlink(&ac->le);
		ac->conf = NULL;
		ua_close(ac->ua, stale_closed, ac);
	}
	return stun_start(h);
}

static void network_handler(void *arg)
{
	struct house *h = arg;
	struct le *le;

	log_info("the addresses of this host have changed");
	paths_changed(h->paths);
	for (le = h->accountl.head; le; le = le->next) {
		struct house_account *ac = le->data;

		ua_changed(ac->ua);
	}
}

int house_alloc(struct house **hp, const struct conf *conf,
		enum house_role role,
		void (*callh)(struct ua *ua, struct call *c, void *arg),
		void (*changedh)(void *arg), void *arg,
		char *why, size_t size)
{
	struct house *h;
	int err;

	h = mem_zalloc(sizeof *h, house_destructor);
	if (!h)
		return ENOMEM;
	h->conf = conf;
	h->role = role;
	h->callh = callh;
	h->changedh = changedh;
	h->arg = arg;
	(void)re_snprintf(why, size, "No memory.");

	err = timers_alloc(&h->timers);
	if (!err)
		err = timers_attach(h->timers);
	if (!err)
		err = mailbox_alloc(&h->mailbox);
	if (!err)
		err = mailbox_attach(h->mailbox);
	if (!err)
		err = open_state(h, why, size);
	if (!err)
		err = open_media(h, why, size);
	if (!err)
		err = stun_start(h);
	if (!err)
		err = open_accounts(h, why, size);
	if (!err)
		err = netwatch_alloc(&h->netwatch, h->timers, network_handler,
				     h);
	if (err)
		mem_deref(h);
	else
		*hp = h;
	return err;
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
static int account_rank(const struct house_account *ac, const struct peer *p)
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

const struct house_account *house_account_for(const struct house *h,
					      const struct peer *p)
{
	const struct house_account *best = NULL;
	int rank = 0;

	for (struct le *le = h->accountl.head; le; le = le->next) {
		const struct house_account *ac = le->data;
		int r = account_rank(ac, p);

		if (r > rank) {
			rank = r;
			best = ac;
		}
	}
	return best;
}

struct closing {
	unsigned left;
	void (*doneh)(void *arg);
	void *arg;
};

static void closed_handler(void *arg)
{
	struct closing *cl = arg;

	if (--cl->left)
		return;
	cl->doneh(cl->arg);
	mem_deref(cl);
}

void house_close(struct house *h, void (*doneh)(void *arg), void *arg)
{
	struct closing *cl = mem_zalloc(sizeof *cl, NULL);
	struct le *le;

	if (!cl) {
		doneh(arg);
		return;
	}
	cl->left = 1;           /* held until every account was asked */
	cl->doneh = doneh;
	cl->arg = arg;
	for (le = h->accountl.head; le; le = le->next) {
		struct house_account *ac = le->data;

		++cl->left;
		ua_close(ac->ua, closed_handler, cl);
	}
	closed_handler(cl);
}
