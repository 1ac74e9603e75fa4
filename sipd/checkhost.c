/*
 * checkhost.c: the registrar's name, then SIP and TLS to its address.
 * Called by check.c.
 */
#include <errno.h>
#include "sipd/checkhost.h"

#define DNS_WAIT (3 * SEC)

enum { SIP_PORT_DEFAULT = 5060, HTTPS_PORT = 443 };

static void sip_handler(enum checksip_result r, const char *what, void *arg)
{
	struct check *ck = arg;

	switch (r) {
	case CHECKSIP_CLEAN:
		check_find(ck, CHECK_SIP_ALG, "no",
			   "SIP by UDP arrives as it was sent");
		break;
	case CHECKSIP_CHANGED:
		check_find(ck, CHECK_SIP_ALG, "yes",
			   "a router rewrites SIP (%s): switch its SIP ALG"
			   " off, or use transport=tls", what);
		break;
	case CHECKSIP_UNKNOWN:
		check_find(ck, CHECK_SIP_ALG, "not seen",
			   "but %s does not tell what arrived there",
			   ck->host);
		break;
	case CHECKSIP_SILENT:
		check_find(ck, CHECK_SIP_ALG, "unknown",
			   "%s does not answer by UDP", ck->host);
		break;
	}
	check_done(ck);
}

static void tls_handler(enum checktls_result r, uint64_t ns, void *arg)
{
	static const struct {
		const char *value, *text;
	} saysv[] = {
		[CHECKTLS_YES]     = { "yes", "answers" },
		[CHECKTLS_OTHER]   = { "no", "breaks off, or is no TLS" },
		[CHECKTLS_REFUSED] = { "open", "refuses, so it is reached" },
		[CHECKTLS_SILENT]  = { "no", "does not answer" },
	};
	struct check *ck = arg;

	check_find(ck, CHECK_TLS_443, saysv[r].value,
		   "%s port 443 %s, %u ms", ck->host, saysv[r].text,
		   (unsigned)(ns / MSEC));
	check_done(ck);
}

static void start_server(struct check *ck, const struct sa *sa)
{
	struct sa to = *sa;

	ck->waiting += 2;
	sa_set_port(&to, ck->sip_port);
	if (!ck->sip_port || checksip_alloc(&ck->sip, ck->house->timers, &to,
					    sip_handler, ck)) {
		check_find(ck, CHECK_SIP_ALG, "no matter",
			   "SIP goes by TLS, or nowhere");
		ck->waiting--;
	}
	sa_set_port(&to, HTTPS_PORT);
	if (checktls_alloc(&ck->tls, ck->house->timers, &to, tls_handler,
			   ck)) {
		check_find(ck, CHECK_TLS_443, "no", "no route to %J", &to);
		ck->waiting--;
	}
}

static void dns_handler(int err, const struct sa *sav, size_t sac, void *arg)
{
	struct check *ck = arg;
	struct resolve *r = ck->dns;

	timer_stop(&ck->dns_timer);
	ck->dns = NULL;
	if (!sac) {
		check_find(ck, CHECK_DNS, "no", "%s: %m", ck->host, err);
	}
	else {
		check_find(ck, CHECK_DNS, "yes", "%s is %j, %u ms", ck->host,
			   &sav[0],
			   (unsigned)((clock_ns() - ck->dns_begin) / MSEC));
		start_server(ck, &sav[0]);
	}
	mem_deref(r);
	check_done(ck);
}

static void dns_timeout(void *arg)
{
	struct check *ck = arg;

	ck->dns = mem_deref(ck->dns);
	check_find(ck, CHECK_DNS, "no", "%s: no answer", ck->host);
	check_done(ck);
}

/* The registrar by which SIP goes; without one a name that is there to be
 * asked for (RFC 2606). */
static void choose_host(struct check *ck)
{
	struct le *le;

	(void)str_ncpy(ck->host, "example.org", sizeof ck->host);
	LIST_FOREACH(&ck->house->conf->accountl, le) {
		const struct conf_account *ac = le->data;
		struct pl pl, val;
		struct uri uri;

		if (!ac->registrar)
			continue;
		pl_set_str(&pl, ac->registrar);
		if (uri_decode(&uri, &pl) ||
		    pl_strcpy(&uri.host, ck->host, sizeof ck->host))
			continue;
		pl_set_str(&val, "transport");
		if (uri_param_get(&uri.params, &val, &pl) ||
		    pl_strcasecmp(&pl, "tls"))
			ck->sip_port = uri.port ? uri.port
				: SIP_PORT_DEFAULT;
		return;
	}
}

void check_host(struct check *ck)
{
	struct sa sa;

	choose_host(ck);
	if (!sa_set_str(&sa, ck->host, 0)) {
		check_find(ck, CHECK_DNS, "no matter", "%s is an address",
			   ck->host);
		start_server(ck, &sa);
		return;
	}
	ck->dns_begin = clock_ns();
	ck->waiting++;
	if (!resolve_name(&ck->dns, ck->house->mailbox, ck->host, 0,
			  dns_handler, ck) &&
	    !timer_start(ck->house->timers, &ck->dns_timer, DNS_WAIT,
			 dns_timeout, ck))
		return;
	check_find(ck, CHECK_DNS, "no", "%s cannot be asked for", ck->host);
	ck->waiting--;
}
