/*
 * resolve.c: RFC 3263: NAPTR, SRV, A and AAAA, and the hosts file before.
 *
 *   address ------------------------------------------> target
 *   name in /etc/hosts, name with a port ----> A, AAAA -> targets
 *   name with a transport -----------> SRV --> A, AAAA -> targets
 *   name -------------------> NAPTR -> SRVs -> A, AAAA -> targets
 *
 * libre's own transactions would ask the DNS too, but after the transport
 * and the local address are chosen, and never the hosts file. request.c
 * walks through what is found here.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "sipd/ua/local.h"
#include "sipd/ua/resolve.h"

enum {
	DNS_TIME = 5,           /* s for all questions together */
	DNS_MAX  = 4,           /* servers */
};

struct resolver {
	struct timers *timers;
	struct dnsc *dnsc;      /* NULL: no server is known */
	bool fixed;
	hop_nat64_h *nat64h;
	void *arg;
};

struct srv {
	char name[256];
	uint16_t port, pri;
	uint32_t lot;           /* drawn by weight */
	enum sip_transp tp;
};

struct resolve {
	struct resolver *r;
	struct dns_query *q, *q6;
	struct timer timer;
	char host[256];
	enum sip_transp tp;     /* asked for, or NONE */
	struct srv srvv[RESOLVE_MAX];
	size_t srvc, srvi;
	enum sip_transp srvtp[3];       /* whose SRV records to ask for */
	size_t tpc, tpi;
	struct target v[RESOLVE_MAX];
	size_t n;
	bool answered;          /* some server said something */
	bool unrouted;          /* an address was found, but no way there */
	void (*next)(struct resolve *q);        /* after an answer */
	resolve_h *h;
	void *arg;
};

static void resolver_destructor(void *arg)
{
	struct resolver *r = arg;

	mem_deref(r->dnsc);
}

static void resolve_destructor(void *arg)
{
	struct resolve *q = arg;

	timer_stop(&q->timer);
	mem_deref(q->q);
	mem_deref(q->q6);
	mem_deref(q->r);
}

/* libre reads resolv.conf too, but only its IPv4 servers. */
static uint32_t resolv_conf(struct sa *v, uint32_t max)
{
	FILE *f = fopen("/etc/resolv.conf", "re");
	char line[256], addr[64];
	uint32_t n = 0;

	while (f && n < max && fgets(line, sizeof line, f))
		if (sscanf(line, " nameserver %63s", addr) == 1 &&
		    !sa_set_str(&v[n], addr, DNS_PORT))
			++n;
	if (f)
		(void)fclose(f);
	return n;
}

int resolver_refresh(struct resolver *r)
{
	struct sa v[DNS_MAX];
	uint32_t n;

	if (r->fixed)
		return 0;
	n = resolv_conf(v, DNS_MAX);
	if (!n)
		return 0;               /* the hosts file is left */
	return r->dnsc ? dnsc_srv_set(r->dnsc, v, n)
		: dnsc_alloc(&r->dnsc, NULL, v, n);
}

int resolver_alloc(struct resolver **rp, struct timers *timers,
		   const struct sa *dns, uint32_t dnsc)
{
	struct resolver *r = mem_zalloc(sizeof *r, resolver_destructor);
	int err;

	if (!r)
		return ENOMEM;
	r->timers = timers;
	r->fixed = dns != NULL;
	err = dns ? dnsc_alloc(&r->dnsc, NULL, dns, dnsc)
		: resolver_refresh(r);
	if (err)
		mem_deref(r);
	else
		*rp = r;
	return err;
}

void resolver_nat64(struct resolver *r, hop_nat64_h *h, void *arg)
{
	r->nat64h = h;
	r->arg = arg;
}

static void finish(struct resolve *q, int err)
{
	resolve_h *h = q->h;

	q->h = NULL;
	timer_stop(&q->timer);
	q->q = mem_deref(q->q);
	q->q6 = mem_deref(q->q6);
	if (!err && !q->n)
		err = q->unrouted ? ENETUNREACH
			: q->answered ? EHOSTUNREACH : ETIMEDOUT;
	mem_ref(q);                     /* the handler may deref it */
	if (h)
		h(err, q->v, q->n, q->arg);
	mem_deref(q);
}

static void timeout_handler(void *arg)
{
	finish(arg, 0);         /* with what there is */
}

/* Where a packet to sa must go. */
static bool route(struct sa *dst, const struct resolver *r,
		  const struct sa *sa)
{
	struct sa src;

	*dst = *sa;
	return !local_route(&src, dst) ||
		(r->nat64h && r->nat64h(dst, sa, r->arg) &&
		 !local_route(&src, dst));
}

/* An address without a route is no target. */
static void add(struct resolve *q, enum sip_transp tp, const struct sa *sa)
{
	if (q->n >= RESOLVE_MAX)
		return;
	if (!route(&q->v[q->n].dst, q->r, sa)) {
		q->unrouted = true;
		return;
	}
	q->v[q->n++].tp = tp;
}

/* "address name name..." of /etc/hosts. */
static bool hosts_line(struct sa *sa, char *line, const char *name)
{
	static const char blank[] = " \t\r\n";
	char *save = NULL, *word;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, blank, &save);
	if (!word || sa_set_str(sa, word, 0))
		return false;
	while ((word = strtok_r(NULL, blank, &save)) != NULL)
		if (!strcasecmp(word, name))
			return true;
	return false;
}

/* IPv4 first, as from the DNS. */
static bool hosts_find(struct resolve *q, const char *name, uint16_t port,
		       enum sip_transp tp)
{
	static const int afv[] = { AF_INET, AF_INET6 };
	size_t before = q->n;

	for (size_t i = 0; i < 2; i++) {
		FILE *f = fopen("/etc/hosts", "re");
		char line[1024];
		struct sa sa;

		while (f && fgets(line, sizeof line, f))
			if (hosts_line(&sa, line, name) &&
			    sa_af(&sa) == afv[i]) {
				sa_set_port(&sa, port);
				add(q, tp, &sa);
			}
		if (f)
			(void)fclose(f);
	}
	return q->n > before;
}

/* ---- A and AAAA of q->srvv[q->srvi] ---- */

static bool addr_rr(struct dnsrr *rr, void *arg)
{
	struct resolve *q = arg;
	const struct srv *s = &q->srvv[q->srvi];
	struct sa sa;

	if (rr->type == DNS_TYPE_A)
		sa_set_in(&sa, rr->rdata.a.addr, s->port);
	else
		sa_set_in6(&sa, rr->rdata.aaaa.addr, s->port);
	add(q, s->tp, &sa);
	return false;
}

static void addr_handler(int err, const struct dnshdr *hdr,
			 struct list *ansl, struct list *authl,
			 struct list *addl, void *arg)
{
	struct resolve *q = arg;
	(void)authl;
	(void)addl;

	if (!err && hdr) {
		q->answered = true;
		(void)dns_rrlist_apply2(ansl, NULL, DNS_TYPE_A,
					DNS_TYPE_AAAA, DNS_CLASS_IN, false,
					addr_rr, q);
	}
	if (q->q || q->q6)              /* the other one is still out */
		return;
	++q->srvi;
	q->next(q);
}

static void addr_next(struct resolve *q)
{
	const struct srv *s = NULL;
	struct sa sa;

	for (; q->srvi < q->srvc && q->n < RESOLVE_MAX; ++q->srvi) {
		s = &q->srvv[q->srvi];
		if (!sa_set_str(&sa, s->name, s->port))
			add(q, s->tp, &sa);
		else if (hosts_find(q, s->name, s->port, s->tp))
			continue;
		else if (q->r->dnsc)
			break;
	}
	if (q->srvi >= q->srvc || q->n >= RESOLVE_MAX) {
		finish(q, 0);
		return;
	}
	q->next = addr_next;
	(void)dnsc_query(&q->q, q->r->dnsc, s->name, DNS_TYPE_A,
			 DNS_CLASS_IN, true, addr_handler, q);
	(void)dnsc_query(&q->q6, q->r->dnsc, s->name, DNS_TYPE_AAAA,
			 DNS_CLASS_IN, true, addr_handler, q);
	if (!q->q && !q->q6)
		finish(q, 0);
}

/* ---- SRV ---- */

static void srv_add(struct resolve *q, const char *name, uint16_t port,
		    enum sip_transp tp, uint16_t pri, uint16_t weight)
{
	struct srv s = { .port = port, .pri = pri, .tp = tp };
	size_t i;

	if (q->srvc >= RESOLVE_MAX || str_len(name) >= sizeof s.name)
		return;
	str_ncpy(s.name, name, sizeof s.name);
	/* RFC 2782: chance in proportion to the weight */
	s.lot = rand_u32() % (weight + 1u);
	for (i = q->srvc++; i; i--) {
		const struct srv *o = &q->srvv[i - 1];

		if (o->tp != tp || o->pri < pri ||
		    (o->pri == pri && o->lot >= s.lot))
			break;
		q->srvv[i] = *o;
	}
	q->srvv[i] = s;
}

static bool srv_rr(struct dnsrr *rr, void *arg)
{
	struct resolve *q = arg;

	srv_add(q, rr->rdata.srv.target, rr->rdata.srv.port,
		q->srvtp[q->tpi], rr->rdata.srv.pri, rr->rdata.srv.weight);
	return false;
}

static const char *srv_service(enum sip_transp tp)
{
	return tp == SIP_TRANSP_TLS ? "_sips._tcp" :
		tp == SIP_TRANSP_TCP ? "_sip._tcp" : "_sip._udp";
}

/* No SRV: the host itself, at the default port. */
static void srv_none(struct resolve *q)
{
	enum sip_transp tp = q->tp;

	if (tp == SIP_TRANSP_NONE)
		tp = SIP_TRANSP_UDP;
	srv_add(q, q->host, sip_transp_port(tp, 0), tp, 0, 0);
}

static void srv_handler(int err, const struct dnshdr *hdr,
			struct list *ansl, struct list *authl,
			struct list *addl, void *arg)
{
	struct resolve *q = arg;
	(void)authl;
	(void)addl;

	if (!err && hdr) {
		q->answered = true;
		(void)dns_rrlist_apply(ansl, NULL, DNS_TYPE_SRV,
				       DNS_CLASS_IN, false, srv_rr, q);
	}
	++q->tpi;
	q->next(q);
}

static void srv_next(struct resolve *q)
{
	char name[300];

	if (q->tpi >= q->tpc) {
		if (!q->srvc)
			srv_none(q);
		addr_next(q);
		return;
	}
	q->next = srv_next;
	(void)re_snprintf(name, sizeof name, "%s.%s",
			  srv_service(q->srvtp[q->tpi]), q->host);
	if (dnsc_query(&q->q, q->r->dnsc, name, DNS_TYPE_SRV, DNS_CLASS_IN,
		       true, srv_handler, q))
		finish(q, 0);
}

/* ---- NAPTR: only the order of the transports is taken from it; the SRV
 * records are asked for by their usual names ---- */

static bool naptr_rr(struct dnsrr *rr, void *arg)
{
	static const struct {
		const char *service;
		enum sip_transp tp;
	} servicev[] = {
		{ "SIP+D2U",  SIP_TRANSP_UDP },
		{ "SIP+D2T",  SIP_TRANSP_TCP },
		{ "SIPS+D2T", SIP_TRANSP_TLS },
	};
	struct resolve *q = arg;

	for (size_t i = 0; i < 3; i++) {
		size_t k;

		if (str_casecmp(rr->rdata.naptr.services,
				servicev[i].service))
			continue;
		for (k = 0; k < q->tpc; k++)
			if (q->srvtp[k] == servicev[i].tp)
				break;
		if (k == q->tpc && q->tpc < 3)
			q->srvtp[q->tpc++] = servicev[i].tp;
	}
	return false;
}

static void naptr_handler(int err, const struct dnshdr *hdr,
			  struct list *ansl, struct list *authl,
			  struct list *addl, void *arg)
{
	struct resolve *q = arg;
	(void)authl;
	(void)addl;

	if (!err && hdr) {
		q->answered = true;
		dns_rrlist_sort(ansl, DNS_TYPE_NAPTR, (size_t)q);
		(void)dns_rrlist_apply(ansl, NULL, DNS_TYPE_NAPTR,
				       DNS_CLASS_IN, false, naptr_rr, q);
	}
	if (!q->tpc) {
		q->srvtp[q->tpc++] = SIP_TRANSP_UDP;
		q->srvtp[q->tpc++] = SIP_TRANSP_TCP;
		q->srvtp[q->tpc++] = SIP_TRANSP_TLS;
	}
	srv_next(q);
}

/* ---- the question ---- */

/* What the URI asks for: NONE if any will do; sips: is TLS. */
static int transport(enum sip_transp *tp, const struct uri *uri)
{
	static const struct pl name = PL("transport");
	struct pl val;

	*tp = SIP_TRANSP_NONE;
	if (!pl_strcasecmp(&uri->scheme, "sips"))
		*tp = SIP_TRANSP_TLS;
	if (uri_param_get(&uri->params, &name, &val))
		return 0;
	if (!pl_strcasecmp(&val, "tls"))
		*tp = SIP_TRANSP_TLS;
	else if (!pl_strcasecmp(&val, "tcp"))   /* sips: TLS over TCP */
		*tp = *tp == SIP_TRANSP_TLS ? *tp : SIP_TRANSP_TCP;
	else if (!pl_strcasecmp(&val, "udp") && *tp == SIP_TRANSP_NONE)
		*tp = SIP_TRANSP_UDP;
	else
		return EPROTONOSUPPORT;
	return 0;
}

static void ask(struct resolve *q, uint16_t port)
{
	enum sip_transp tp = q->tp == SIP_TRANSP_NONE ? SIP_TRANSP_UDP
		: q->tp;
	struct sa sa;

	if (!sa_set_str(&sa, q->host, sip_transp_port(tp, port))) {
		q->answered = true;
		add(q, tp, &sa);
		finish(q, 0);
	}
	else if (hosts_find(q, q->host, sip_transp_port(tp, port), tp)) {
		finish(q, 0);
	}
	else if (!q->r->dnsc) {
		finish(q, EHOSTUNREACH);
	}
	else if (port) {
		srv_add(q, q->host, port, tp, 0, 0);
		addr_next(q);
	}
	else if (q->tp != SIP_TRANSP_NONE) {
		q->srvtp[q->tpc++] = q->tp;
		srv_next(q);
	}
	else if (dnsc_query(&q->q, q->r->dnsc, q->host, DNS_TYPE_NAPTR,
			    DNS_CLASS_IN, true, naptr_handler, q)) {
		finish(q, EHOSTUNREACH);
	}
}

int resolve(struct resolve **qp, struct resolver *r, const struct uri *uri,
	    resolve_h *h, void *arg)
{
	struct resolve *q;
	enum sip_transp tp;
	int err;

	err = transport(&tp, uri);
	if (err)
		return err;
	q = mem_zalloc(sizeof *q, resolve_destructor);
	if (!q)
		return ENOMEM;
	q->r = mem_ref(r);
	q->tp = tp;
	q->h = h;
	q->arg = arg;
	err = pl_strcpy(&uri->host, q->host, sizeof q->host);
	if (!err)
		err = timer_start(r->timers, &q->timer, DNS_TIME * SEC,
				  timeout_handler, q);
	if (err) {
		mem_deref(q);
		return err;
	}
	*qp = mem_ref(q);       /* it may be over before this returns */
	ask(q, uri->port);
	mem_deref(q);
	return 0;
}
