/*
 * why.c: tests of sipd/why.c: the verdict for each kind of pair of networks,
 * and the stories that are kept.
 */
#include <stdio.h>
#include <string.h>
#include "sipd/sessioncore.h"
#include "sipd/why.h"
#include "tests/unit/unit.h"

static struct session s;

static void begin(void)
{
	memset(&s, 0, sizeof s);
	str_ncpy(s.peer.name, "bob", sizeof s.peer.name);
	s.state = SESSION_CLOSED;
	s.reason = REASON_NO_PATH;
	str_ncpy(s.tunnels, "file", sizeof s.tunnels);
	CU_ASSERT_EQUAL_FATAL(desc_alloc(&s.local), 0);
	CU_ASSERT_EQUAL_FATAL(desc_alloc(&s.remote), 0);
}

static void end(void)
{
	s.local = mem_deref(s.local);
	s.remote = mem_deref(s.remote);
}

/* "host 10.0.0.2:1", "srflx 192.0.2.1:2 10.0.0.2:1" */
static void offer(struct desc *d, enum cand_type type, const char *addr,
		  const char *rel)
{
	struct cand c = { .type = type };

	CU_ASSERT_EQUAL(sa_decode(&c.addr, addr, strlen(addr)), 0);
	if (rel)
		CU_ASSERT_EQUAL(sa_decode(&c.rel, rel, strlen(rel)), 0);
	CU_ASSERT_EQUAL(desc_cand_add(d, &c), 0);
}

static void easy(struct desc *d)
{
	offer(d, CAND_HOST, "10.0.0.2:1000", NULL);
	offer(d, CAND_SRFLX, "192.0.2.1:1000", "10.0.0.2:1000");
}

static void hard(struct desc *d)
{
	easy(d);
	offer(d, CAND_SRFLX, "192.0.2.1:1007", "10.0.0.2:1000");
}

static bool tells_any(const char *part)
{
	char *text = NULL;
	bool yes;

	CU_ASSERT_EQUAL_FATAL(why_tell(&text, &s), 0);
	yes = strstr(text, part) != NULL;
	mem_deref(text);
	return yes;
}

static bool tells(const char *part)
{
	const bool yes = tells_any(part);

	if (!yes)
		printf("does not tell \"%s\"\n", part);
	return yes;
}

/* TCP, or TLS, as the last that was offered. */
static void by_tcp(struct desc *d, enum cand_transp transp)
{
	d->candv[d->candc - 1].transp = transp;
}

/* Only TLS to 443 gets out: of its own addresses a relay alone knows one. */
static void shut(struct desc *d)
{
	offer(d, CAND_HOST, "10.0.0.2:1000", NULL);
	offer(d, CAND_RELAY, "192.0.2.9:1000", NULL);
	offer(d, CAND_SRFLX, "192.0.2.1:9", "10.0.0.2:9");
	by_tcp(d, CAND_TCP_ACTIVE);
}

static void test_shut(void)
{
	begin();
	easy(s.local);
	shut(s.remote);
	CU_ASSERT(tells("bob's network lets out nothing but TLS to port 443\n"
			"what helps: set tls-port = 443 in [nat] here"));
	end();
	begin();
	shut(s.local);
	easy(s.remote);
	CU_ASSERT(tells("the network here lets out nothing but TLS to port"
			" 443\nwhat helps: have tls-port = 443 set"));
	/* it has one */
	offer(s.remote, CAND_HOST, "192.0.2.1:443", NULL);
	by_tcp(s.remote, CAND_TLS_PASSIVE);
	CU_ASSERT(tells("nobody outside has seen an address of this side"));
	/* and is reached */
	s.times.answered = 10;
	s.times.found = 33;
	s.local_cand.transp = CAND_TCP_ACTIVE;
	s.remote_cand.transp = CAND_TLS_PASSIVE;
	CU_ASSERT(tells("in the way: a network that lets out nothing but TLS"
			" to port 443\n"));
	CU_ASSERT(tells("path: tcp"));
	end();
	/* where TCP gets out, it does */
	begin();
	easy(s.local);
	shut(s.remote);
	offer(s.remote, CAND_SRFLX, "192.0.2.1:1000", "10.0.0.2:1000");
	by_tcp(s.remote, CAND_TCP_SO);
	CU_ASSERT(tells("nobody outside has seen an address of bob"));
	end();
	/* an address that is one of outside need not be seen from there */
	begin();
	offer(s.local, CAND_HOST, "192.0.2.7:1000", NULL);
	easy(s.remote);
	CU_ASSERT(tells("a firewall on one of the sides"));
	end();
}

static void test_verdicts(void)
{
	begin();
	hard(s.local);
	easy(s.remote);
	CU_ASSERT(tells("in the way: the router here gives every"));
	CU_ASSERT(tells("what helps: enable PCP or UPnP on it"));
	CU_ASSERT(tells("no path: no-path"));
	end();
	begin();
	easy(s.local);
	hard(s.remote);
	CU_ASSERT(tells("in the way: bob's router gives every destination"
			" another port, and allows no mapping\nwhat helps:"
			" enable PCP or UPnP there"));
	end();
	begin();
	hard(s.local);
	hard(s.remote);
	CU_ASSERT(tells("the routers of both sides"));
	end();
	begin();
	easy(s.local);
	easy(s.remote);
	CU_ASSERT(tells("a firewall on one of the sides"));
	end();
	begin();
	offer(s.local, CAND_HOST, "10.0.0.2:1000", NULL);
	easy(s.remote);
	CU_ASSERT(tells("what helps: name a STUN server"));
	end();
	begin();
	offer(s.local, CAND_RELAY, "192.0.2.9:1000", NULL);
	easy(s.remote);
	CU_ASSERT(tells("this side offers relays only"));
	end();
	begin();
	easy(s.local);
	s.remote = mem_deref(s.remote);
	CU_ASSERT(tells("was not answered"));
	end();
}

static void test_direct(void)
{
	begin();
	hard(s.local);
	easy(s.remote);
	s.times.answered = 10;
	s.times.found = 33;
	CU_ASSERT(tells("in the way: nothing: this is a direct path"));
	CU_ASSERT(tells("found after 23 ms"));
	CU_ASSERT(tells("srflx UDP 192.0.2.1:1007 for 10.0.0.2:1000"));
	s.local_cand.type = CAND_RELAY;
	CU_ASSERT(tells("path: relayed"));
	CU_ASSERT(tells("the router here gives every"));
	end();
}

/* Nothing of it where nothing was. */
static void test_refused(void)
{
	begin();
	CU_ASSERT(!tells_any("refused:"));
	s.forged = 7;
	sa_set_str(&s.forger, "198.51.100.66", 4000);
	s.bad = 3;
	CU_ASSERT(tells("refused: 7 forged STUN messages, the last from"
			" 198.51.100.66:4000\n"));
	CU_ASSERT(tells("refused: 3 records, forged, damaged or repeated\n"));
	end();
}

static void test_kept(void)
{
	struct why *w;

	CU_ASSERT_EQUAL_FATAL(why_alloc(&w), 0);
	begin();
	CU_ASSERT_PTR_NULL(why_last(w, "bob"));
	for (unsigned i = 0; i < 200; i++) {
		re_snprintf(s.peer.name, sizeof s.peer.name, "peer%u", i);
		why_note(w, &s);
		why_note(w, &s);
	}
	CU_ASSERT_PTR_NOT_NULL(why_last(w, "peer199"));
	CU_ASSERT_PTR_NOT_NULL(why_last(w, "peer136"));
	CU_ASSERT_PTR_NULL(why_last(w, "peer135"));
	end();
	mem_deref(w);
}

UNIT_SUITE("why",
	   { "verdicts", test_verdicts },
	   { "shut", test_shut },
	   { "a direct path", test_direct },
	   { "the last are kept", test_kept },
	   { "what was refused", test_refused })
