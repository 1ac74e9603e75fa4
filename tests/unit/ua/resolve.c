/*
 * resolve.c: RFC 3263 against a scripted DNS server.
 */
#include "tests/unit/ua/pair.h"
#include "sipd/ua/resolve.h"

static const struct record {
	const char *name;
	uint16_t type;
	const char *value;      /* address, target, or service of NAPTR */
	uint16_t pri, weight, port;
} recordv[] = {
	{ "a.test",            DNS_TYPE_A,     "127.0.0.5", 0, 0, 0 },
	{ "two.test",          DNS_TYPE_A,     "127.0.0.6", 0, 0, 0 },
	{ "two.test",          DNS_TYPE_AAAA,  "::1", 0, 0, 0 },
	{ "_sip._udp.s.test",  DNS_TYPE_SRV,   "a.test", 20, 0, 5070 },
	{ "_sip._udp.s.test",  DNS_TYPE_SRV,   "b.test", 10, 0, 5080 },
	{ "_sip._tcp.s.test",  DNS_TYPE_SRV,   "a.test", 10, 0, 5090 },
	{ "b.test",            DNS_TYPE_A,     "127.0.0.7", 0, 0, 0 },
	{ "n.test",            DNS_TYPE_NAPTR, "SIPS+D2T", 10, 0, 0 },
	{ "n.test",            DNS_TYPE_NAPTR, "SIP+D2T", 20, 0, 0 },
	{ "_sips._tcp.n.test", DNS_TYPE_SRV,   "a.test", 1, 0, 5061 },
	{ "_sip._tcp.n.test",  DNS_TYPE_SRV,   "b.test", 1, 0, 5060 },
};

static struct udp_sock *dns;
static struct resolver *resolver;
static struct resolve *query;
static bool silent;
static int result;
static bool done;
static char found[512];

static void rr_fill(struct dnsrr *rr, const struct record *r)
{
	struct sa sa;

	rr->type = r->type;
	rr->dnsclass = DNS_CLASS_IN;
	rr->ttl = 60;
	str_dup(&rr->name, r->name);
	(void)sa_set_str(&sa, r->value, 0);
	switch (r->type) {
	case DNS_TYPE_A:
		rr->rdata.a.addr = sa_in(&sa);
		break;
	case DNS_TYPE_AAAA:
		sa_in6(&sa, rr->rdata.aaaa.addr);
		break;
	case DNS_TYPE_SRV:
		rr->rdata.srv.pri = r->pri;
		rr->rdata.srv.weight = r->weight;
		rr->rdata.srv.port = r->port;
		str_dup(&rr->rdata.srv.target, r->value);
		break;
	default:
		rr->rdata.naptr.order = r->pri;
		str_dup(&rr->rdata.naptr.flags, "s");
		str_dup(&rr->rdata.naptr.services, r->value);
		str_dup(&rr->rdata.naptr.regexp, "");
		str_dup(&rr->rdata.naptr.replace, "x.test");
		break;
	}
}

static void dns_handler(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct mbuf *out = mbuf_alloc(512);
	struct dnshdr hdr;
	char *name = NULL;
	uint16_t type;
	size_t start = mb->pos, qend;
	(void)arg;

	if (silent || dns_hdr_decode(mb, &hdr) ||
	    dns_dname_decode(mb, &name, start))
		goto out;
	type = ntohs(mbuf_read_u16(mb));
	(void)mbuf_read_u16(mb);
	qend = mb->pos;
	hdr.qr = hdr.ra = true;
	hdr.rcode = DNS_RCODE_NAME_ERR;
	for (size_t i = 0; i < sizeof recordv / sizeof recordv[0]; i++) {
		hdr.nans += type == recordv[i].type &&
			!str_casecmp(name, recordv[i].name);
		if (!str_casecmp(name, recordv[i].name))
			hdr.rcode = DNS_RCODE_OK;
	}
	dns_hdr_encode(out, &hdr);
	mbuf_write_mem(out, mb->buf + start + DNS_HEADER_SIZE,
		       qend - start - DNS_HEADER_SIZE);
	for (size_t i = 0; i < sizeof recordv / sizeof recordv[0]; i++) {
		struct dnsrr *rr;

		if (type != recordv[i].type ||
		    str_casecmp(name, recordv[i].name))
			continue;
		rr = dns_rr_alloc();
		CU_ASSERT_PTR_NOT_NULL_FATAL(rr);
		rr_fill(rr, &recordv[i]);
		dns_rr_encode(out, rr, 0, NULL, 0);
		mem_deref(rr);
	}
	out->pos = 0;
	(void)udp_send(dns, src, out);
 out:
	mem_deref(name);
	mem_deref(out);
}

static void result_handler(int err, const struct target *v, size_t n,
			   void *arg)
{
	size_t len = 0;
	(void)arg;

	result = err;
	done = true;
	found[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += (size_t)re_snprintf(found + len, sizeof found - len,
					   "%s %J, ",
					   sip_transp_name(v[i].tp),
					   &v[i].dst);
	query = mem_deref(query);
}

static bool is_done(void *arg)
{
	(void)arg;
	return done;
}

static void ask(const char *text)
{
	struct uri uri;
	struct pl pl;

	done = false;
	pl_set_str(&pl, text);
	CU_ASSERT_EQUAL_FATAL(uri_decode(&uri, &pl), 0);
	CU_ASSERT_EQUAL(resolve(&query, resolver, &uri, result_handler,
				NULL), 0);
	CU_ASSERT(run_until(is_done, NULL, 7000));
}

static void check(const char *uri, const char *want)
{
	ask(uri);
	CU_ASSERT_EQUAL(result, 0);
	if (strcmp(found, want))
		printf("%s: %s\n", uri, found);
	CU_ASSERT_STRING_EQUAL(found, want);
}

static void begin(void)
{
	struct sa sa;

	pair_begin();
	silent = false;
	sa_set_str(&sa, "127.0.0.1", 0);
	CU_ASSERT_EQUAL_FATAL(udp_listen(&dns, &sa, dns_handler, NULL), 0);
	udp_local_get(dns, &sa);
	CU_ASSERT_EQUAL(resolver_alloc(&resolver, timers, &sa, 1), 0);
}

static void end(void)
{
	query = mem_deref(query);
	resolver = mem_deref(resolver);
	dns = mem_deref(dns);
	pair_end();
}

static void test_addresses(void)
{
	begin();
	check("sip:127.0.0.1", "UDP 127.0.0.1:5060, ");
	check("sip:127.0.0.1:7;transport=tcp", "TCP 127.0.0.1:7, ");
	check("sips:127.0.0.1", "TLS 127.0.0.1:5061, ");
	/* a system's /etc/hosts may name ::1 too */
	ask("sip:localhost;transport=tls");
	CU_ASSERT_EQUAL(result, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(found, "TLS 127.0.0.1:5061, "));
	end();
}

static bool nat64(struct sa *out, const struct sa *v4, void *arg)
{
	(void)sa_set_str(out, arg, sa_port(v4));
	return true;
}

/* Nothing may be sent to the address of all hosts, as to any address of a
 * family that the host does not have. */
static void test_nat64(void)
{
	char here[] = "::1", nowhere[] = "255.255.255.255";

	begin();
	ask("sip:255.255.255.255");
	CU_ASSERT_EQUAL(result, ENETUNREACH);
	resolver_nat64(resolver, nat64, here);
	check("sip:255.255.255.255:99;transport=tcp", "TCP [::1]:99, ");
	check("sip:127.0.0.1", "UDP 127.0.0.1:5060, ");
	resolver_nat64(resolver, nat64, nowhere);
	ask("sip:255.255.255.255");
	CU_ASSERT_EQUAL(result, ENETUNREACH);
	end();
}

static void test_names(void)
{
	begin();
	check("sip:a.test:99", "UDP 127.0.0.5:99, ");
	check("sip:a.test;transport=tcp", "TCP 127.0.0.5:5060, ");
	check("sip:a.test", "UDP 127.0.0.5:5060, ");
	check("sip:s.test;transport=udp",
	      "UDP 127.0.0.7:5080, UDP 127.0.0.5:5070, ");
	check("sip:s.test", "UDP 127.0.0.7:5080, UDP 127.0.0.5:5070, "
	      "TCP 127.0.0.5:5090, ");
	check("sip:n.test", "TLS 127.0.0.5:5061, TCP 127.0.0.7:5060, ");
	end();
}

static void test_unknown(void)
{
	begin();
	ask("sip:nobody.test");
	CU_ASSERT_EQUAL(result, EHOSTUNREACH);
	ask("sip:nobody.test:5060");
	CU_ASSERT_EQUAL(result, EHOSTUNREACH);
	end();
}

static void test_silence(void)
{
	uint64_t t0 = clock_ns();

	begin();
	silent = true;
	ask("sip:a.test:5060");
	CU_ASSERT_EQUAL(result, ETIMEDOUT);
	CU_ASSERT(clock_ns() - t0 < 6 * SEC);
	end();
}

static void test_given_up(void)
{
	struct uri uri;
	struct pl pl = PL("sip:a.test:5060");

	begin();
	done = false;
	CU_ASSERT_EQUAL(uri_decode(&uri, &pl), 0);
	CU_ASSERT_EQUAL(resolve(&query, resolver, &uri, result_handler,
				NULL), 0);
	query = mem_deref(query);
	run_for(50);
	CU_ASSERT(!done);
	end();
}

UNIT_SUITE("resolve",
	   { "addresses", test_addresses },
	   { "an IPv4 address by NAT64", test_nat64 },
	   { "names", test_names },
	   { "unknown names", test_unknown },
	   { "silence", test_silence },
	   { "given up", test_given_up })
