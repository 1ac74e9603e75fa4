/*
 * ua.c: an account: its stack, its registration, its calls.
 *
 *   ua --+-- stack   sockets and transactions (stack.h)
 *        +-- reg     the binding at the registrar, if there is one (reg.h)
 *        +-- calls   INVITE sessions (call.h)
 * Here is decided who we say we are, and which way a request goes: through
 * the account's server, or straight to the address.
 */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "sipd/ua/call.h"
#include "sipd/ua/local.h"
#include "sipd/ua/reg.h"
#include "sipd/ua/ua.h"

enum {
	SESSION_EXPIRES = 1800, /* s */
	EXPIRES         = 600,
	CLOSE_TIME      = 2,    /* s, at most */
	CLOSE_POLL      = 10,   /* ms */
};

struct ua {
	struct timers *timers;
	struct stack *stack;
	struct calls *calls;
	struct reg *reg;        /* NULL: direct calls, or no registrar */
	struct ua_handlers h;
	char *aor;              /* NULL: direct */
	char *route, *next;     /* through the account's server; NULL: none */
	struct timer close;
	uint64_t close_until;
	void (*exith)(void *arg);
	void *exit_arg;
	bool closing;
	bool retiring;          /* its calls may stay */
};

static void ua_destructor(void *arg)
{
	struct ua *ua = arg;

	timer_stop(&ua->close);
	ua->reg = mem_deref(ua->reg);
	if (ua->calls)
		calls_close(ua->calls);
	if (ua->stack)
		stack_flush(ua->stack);
	mem_deref(ua->calls);
	mem_deref(ua->stack);
	mem_deref(ua->aor);
	mem_deref(ua->route);
	mem_deref(ua->next);
}

/* ---- facts from below ---- */

static void request_handler(const struct sip_msg *msg, void *arg)
{
	struct ua *ua = arg;

	mem_ref(ua);
	calls_request(ua->calls, msg);
	mem_deref(ua);
}

static void response_handler(const struct sip_msg *msg, void *arg)
{
	struct ua *ua = arg;

	calls_response(ua->calls, msg);
}

static void stun_handler(const struct sa *src, const struct mbuf *mb,
			 void *arg)
{
	struct ua *ua = arg;

	if (ua->reg)
		reg_stun(ua->reg, src, mb);
}

static void loss_handler(const void *sock, const struct sa *dst, int err,
			 void *arg)
{
	struct ua *ua = arg;
	(void)err;

	if (ua->reg)
		reg_loss(ua->reg, sock, dst);
}

static void call_handler(struct call *c, void *arg)
{
	struct ua *ua = arg;

	if (ua->h.callh)
		ua->h.callh(c, ua->h.arg);
}

static void state_handler(enum ua_state st, uint16_t scode, const char *why,
			  void *arg)
{
	struct ua *ua = arg;

	if (ua->h.stateh)
		ua->h.stateh(st, scode, why, ua->h.arg);
}

/* ---- who and where ---- */

static int uri_read(struct uri *u, const char *s)
{
	struct pl pl;

	for (const char *p = s; *p; p++)
		if ((unsigned char)*p <= ' ' || strchr("<>\"", *p))
			return EINVAL;
	pl_set_str(&pl, s);
	return uri_decode(u, &pl) ? EINVAL : 0;
}

static bool is_address(const struct pl *host)
{
	struct sa sa;

	return !sa_set(&sa, host, 0);
}

static bool same_host(const char *uri, const struct pl *host)
{
	struct uri u;

	return uri && !uri_read(&u, uri) && !pl_casecmp(&u.host, host);
}

/* An address that is not our server's is called straight. */
static bool straight(const struct ua *ua, const struct pl *host)
{
	if (!ua->next && !ua->route)
		return true;
	return is_address(host) && !same_host(ua->aor, host) &&
		!same_host(ua->next, host) && !same_host(ua->route, host);
}

/* The address we would be seen from, for a From of our own. */
static void own_host(const struct ua *ua, struct sa *sa,
		     const struct pl *host)
{
	struct sa dst;

	if (!sa_set(&dst, host, 0) && !local_route(sa, &dst))
		return;
	if (transp_first(ua->stack->transp, sa))
		(void)sa_set_str(sa, "127.0.0.1", 0);
}

static int way_handler(struct way *w, const char *uri, void *arg)
{
	struct ua *ua = arg;
	struct uri u;
	struct sa sa;
	int n;

	if (uri_read(&u, uri))
		return EINVAL;
	memset(w, 0, sizeof *w);
	if (!straight(ua, &u.host)) {
		w->route = ua->route;
		w->next = ua->next;
	}
	/* what the password opens is the server's, nobody else may try it */
	w->login = w->next ? LOGIN_SERVER : ua->calls->login;
	if (ua->aor) {
		str_ncpy(w->from, ua->aor, sizeof w->from);
		return 0;
	}
	own_host(ua, &sa, &u.host);
	n = re_snprintf(w->from, sizeof w->from,
			sa_af(&sa) == AF_INET6 ? "sip:%s@[%j]" : "sip:%s@%j",
			ua->stack->contact, &sa);
	return n < 0 ? EMSGSIZE : 0;
}

/* ---- birth ---- */

static int login_name(char **name)
{
	const struct passwd *pw = getpwuid(geteuid());

	return str_dup(name, pw && pw->pw_name[0] ? pw->pw_name
		       : "dialtone");
}

static int identity(struct ua *ua, const struct ua_conf *conf)
{
	struct stack *s = ua->stack;
	struct uri u;
	int err;

	if (!conf->aor) {
		err = conf->user ? str_dup(&s->contact, conf->user)
			: login_name(&s->contact);
	}
	else {
		bool bare = !strchr(conf->aor, ':') ||
			(strncasecmp(conf->aor, "sip:", 4) &&
			 strncasecmp(conf->aor, "sips:", 5));

		err = re_sdprintf(&ua->aor, "%s%s", bare ? "sip:" : "",
				  conf->aor);
		if (!err)
			err = uri_read(&u, ua->aor);
		if (!err)
			err = pl_isset(&u.user)
				? pl_strdup(&s->contact, &u.user)
				: str_dup(&s->contact, "");
	}
	if (!err)
		err = str_dup(&s->user, conf->user ? conf->user
			      : s->contact);
	if (!err && conf->password)
		err = str_dup(&s->password, conf->password);
	return err;
}

/* A proxy before the registrar is written into Route; the account's own
 * server is found there by being sent to. */
static int server(struct ua *ua, const struct ua_conf *conf)
{
	struct uri u;
	int err = 0;

	if (conf->outbound && conf->registrar &&
	    strcmp(conf->outbound, conf->registrar)) {
		err = uri_read(&u, conf->outbound);
		if (!err)
			err = str_dup(&ua->route, conf->outbound);
	}
	if (!err && (conf->outbound || conf->registrar)) {
		const char *next = conf->registrar ? conf->registrar
			: conf->outbound;

		err = uri_read(&u, next);
		if (!err)
			err = str_dup(&ua->next, next);
	}
	return err;
}

static int registration(struct ua *ua, const struct ua_conf *conf)
{
	struct reg_conf rc = {
		.aor = ua->aor, .route = ua->route, .next = ua->next,
		.expires = conf->expires ? conf->expires : EXPIRES,
		.instance = conf->instance, .stateh = state_handler,
		.arg = ua,
	};

	if (!conf->registrar)
		return 0;
	return ua->aor ? reg_alloc(&ua->reg, ua->stack, &rc) : EINVAL;
}

static int stack_make(struct ua *ua, const struct ua_conf *conf)
{
	struct transp_conf tc = {
		.ca = conf->tls_ca, .cert = conf->tls_cert,
		.interfaces = conf->interfaces, .port = conf->port,
		.quota = conf->quota, .transactions = conf->transactions,
	};
	int err = stack_alloc(&ua->stack, ua->timers, &tc);

	if (err)
		return err;
	resolver_nat64(ua->stack->resolver, conf->nat64h, conf->nat64_arg);
	ua->stack->reqh = request_handler;
	ua->stack->resph = response_handler;
	ua->stack->stunh = stun_handler;
	ua->stack->lossh = loss_handler;
	ua->stack->arg = ua;
	return 0;
}

int ua_alloc(struct ua **up, struct timers *timers,
	     const struct ua_conf *conf, const struct ua_handlers *h)
{
	struct ua *ua;
	int err;

	if (!up || !timers || !conf || !h)
		return EINVAL;
	ua = mem_zalloc(sizeof *ua, ua_destructor);
	if (!ua)
		return ENOMEM;
	ua->timers = timers;
	ua->h = *h;
	err = stack_make(ua, conf);
	if (!err)
		err = identity(ua, conf);
	if (!err)
		err = server(ua, conf);
	if (!err)
		err = calls_alloc(&ua->calls, ua->stack,
				  conf->session_expires
				  ? conf->session_expires : SESSION_EXPIRES);
	if (!err) {
		ua->calls->callh = call_handler;
		ua->calls->wayh = way_handler;
		/* an account without a server has its password for
		 * whom it calls */
		ua->calls->login = ua->next ? LOGIN_KNOWN : LOGIN_SERVER;
		ua->calls->arg = ua;
		/* direct: be there; else: sockets as they are needed */
		if (!ua->next || conf->port)
			err = transp_sync(ua->stack->transp, true);
	}
	if (!err)
		err = registration(ua, conf);
	if (err)
		mem_deref(ua);
	else
		*up = ua;
	return err;
}

/* ---- change and end ---- */

void ua_changed(struct ua *ua)
{
	if (!ua || ua->closing)
		return;
	mem_ref(ua);                    /* calls may end by it */
	(void)resolver_refresh(ua->stack->resolver);
	(void)transp_sync(ua->stack->transp, !ua->next);
	if (ua->reg)
		reg_again(ua->reg);
	mem_deref(ua);
}

void ua_probe(struct ua *ua)
{
	if (ua && !ua->closing && ua->reg)
		reg_probe(ua->reg);
}

/* How long until the next look; 0: nothing is left to wait for. */
static uint64_t close_wait(const struct ua *ua)
{
	const unsigned calls = calls_count(ua->calls);

	if (clock_ns() < ua->close_until)
		return calls || (ua->reg && !reg_quiet(ua->reg)) ||
			ctable_waiting(ua->stack->ctable)
			? CLOSE_POLL * MSEC : 0;
	return calls && ua->retiring ? CLOSE_TIME * SEC : 0;
}

static void close_handler(void *arg)
{
	struct ua *ua = arg;
	void (*exith)(void *) = ua->exith;
	const uint64_t wait = close_wait(ua);

	if (wait) {
		(void)timer_start(ua->timers, &ua->close, wait,
				  close_handler, ua);
		return;
	}
	mem_ref(ua);
	calls_close(ua->calls);
	stack_flush(ua->stack);
	ua->exith = NULL;
	if (exith)
		exith(ua->exit_arg);
	mem_deref(ua);
}

void ua_close(struct ua *ua, void (*exith)(void *arg), void *arg)
{
	if (!ua || ua->closing)
		return;
	ua->closing = true;
	ua->exith = exith;
	ua->exit_arg = arg;
	ua->close_until = clock_ns() + CLOSE_TIME * SEC;
	memset(&ua->h, 0, sizeof ua->h);
	ua->calls->callh = NULL;
	if (ua->reg)
		(void)reg_remove(ua->reg);
	/* not at once: calls let go in this turn have yet to say so */
	(void)timer_start(ua->timers, &ua->close, CLOSE_POLL * MSEC,
			  close_handler, ua);
}

void ua_retire(struct ua *ua, void (*exith)(void *arg), void *arg)
{
	if (!ua || ua->closing)
		return;
	ua->retiring = true;
	ua_close(ua, exith, arg);
}

/* ---- questions ---- */

enum ua_state ua_state(const struct ua *ua)
{
	return ua && ua->reg ? reg_state(ua->reg) : UA_IDLE;
}

const char *ua_aor(const struct ua *ua)
{
	return ua ? ua->aor : NULL;
}

int ua_contact(struct re_printf *pf, const struct ua *ua)
{
	struct sa sa;

	if (!ua || transp_first(ua->stack->transp, &sa))
		return 0;
	return re_hprintf(pf, "sip:%s%s%J", ua->stack->contact,
			  ua->stack->contact[0] ? "@" : "", &sa);
}

int call_connect(struct call **cp, struct ua *ua, const char *uri,
		 const struct call_body *offer, const char *headers,
		 const struct call_handlers *h, void *arg)
{
	if (!cp || !ua || !uri || !h)
		return EINVAL;
	if (ua->closing)
		return ENOTCONN;
	return call_connect_in(cp, ua->calls, uri, offer, headers, h, arg);
}
