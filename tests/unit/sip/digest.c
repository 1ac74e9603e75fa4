/*
 * digest.c: Digest against the vectors of RFC 2617 and 7616, client against
 * server, and values that are none.
 */
#include <string.h>
#include <time.h>
#include "tests/unit/fail.h"
#include "tests/unit/steady.h"
#include "sdp/base/clock.h"
#include "sdp/base/recompat.h"
#include "sipd/sip/digest.h"

static struct pl pl_of(const char *s)
{
	struct pl pl = { s, strlen(s) };

	return pl;
}

static void check_vector(const char *challenge, const char *user,
			 const char *password, const char *uri,
			 const char *cnonce, const char *want)
{
	const struct pl val = pl_of(challenge), met = pl_of("GET");
	struct digest_challenge c;
	const struct digest_credentials cr = {
		&c, user, password, "GET", uri, 1, cnonce
	};
	struct digest_answer a;
	char ha1[DIGEST_HEX], *s = NULL;
	struct pl pl;

	CU_ASSERT_EQUAL_FATAL(digest_challenge_decode(&c, &val), 0);
	CU_ASSERT_EQUAL_FATAL(re_sdprintf(&s, "%H",
					  digest_authorization_print, &cr), 0);
	pl = pl_of(s);
	CU_ASSERT_EQUAL_FATAL(digest_answer_decode(&a, &pl), 0);
	CU_ASSERT_EQUAL(pl_strcmp(&a.response, want), 0);
	CU_ASSERT_EQUAL(digest_ha1(ha1, c.alg, user, c.realm, password), 0);
	CU_ASSERT(digest_answer_check(&a, &met, ha1));
	CU_ASSERT_EQUAL(digest_ha1(ha1, c.alg, user, c.realm, "wrong"), 0);
	CU_ASSERT(!digest_answer_check(&a, &met, ha1));
	mem_deref(s);
}

static void test_vectors(void)
{
	check_vector("Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\""
		     ", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\","
		     " opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
		     "Mufasa", "Circle Of Life", "/dir/index.html",
		     "0a4f113b", "6629fae49393a05397450978507c4ef1");
	check_vector("Digest realm=\"testrealm@host.com\","
		     "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
		     "Mufasa", "Circle Of Life", "/dir/index.html", "",
		     "670fd8c2df070c60b045671b8b24ff02");
	check_vector("Digest realm=\"http-auth@example.org\","
		     " qop=\"auth, auth-int\", algorithm=MD5,\r\n"
		     " nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\""
		     ", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
		     "\"", "Mufasa", "Circle of Life", "/dir/index.html",
		     "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
		     "8ca523f5e9506fed4657c9700eebdbec");
	check_vector("Digest realm=\"http-auth@example.org\","
		     " qop=\"auth, auth-int\", algorithm=SHA-256,"
		     " nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\"",
		     "Mufasa", "Circle of Life", "/dir/index.html",
		     "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
		     "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5"
		     "856cb6c1");
	/* the sum printed in RFC 7616 section 3.9.2 is SHA-512 cut short;
	 * this one is Python's hashlib.new("sha512_256") */
	check_vector("Digest realm=\"api@example.org\", qop=auth,"
		     " algorithm=SHA-512-256,"
		     " nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\"",
		     "J\xc3\xa4s\xc3\xb8n Doe", "Secret, or not?", "/doe.json",
		     "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm",
		     "7a4e1192babbba02e91182d2895bfdbf7adafc6e48d4e517ca301974"
		     "843d840c");
}

static void test_sess(void)
{
	const struct pl val = pl_of("Digest realm=\"r\", nonce=n1,"
				    " algorithm=sha-256-SESS, qop=auth");
	const struct pl met = pl_of("REGISTER");
	struct digest_challenge c;
	const struct digest_credentials cr = {
		&c, "u", "p", "REGISTER", "sip:r", 7, "cn"
	};
	struct digest_answer a;
	char ha1[DIGEST_HEX], *s = NULL;
	struct pl pl;

	CU_ASSERT_EQUAL_FATAL(digest_challenge_decode(&c, &val), 0);
	CU_ASSERT(c.sess && c.alg == DIGEST_SHA256);
	CU_ASSERT_EQUAL_FATAL(re_sdprintf(&s, "%H",
					  digest_authorization_print, &cr), 0);
	pl = pl_of(s);
	CU_ASSERT_EQUAL_FATAL(digest_answer_decode(&a, &pl), 0);
	CU_ASSERT(a.sess && a.qop && !pl_strcmp(&a.nc, "00000007"));
	digest_ha1(ha1, c.alg, "u", "r", "p");
	CU_ASSERT(digest_answer_check(&a, &met, ha1));
	mem_deref(s);
}

static int challenge_err(const char *s)
{
	const struct pl val = pl_of(s);
	struct digest_challenge c;

	return digest_challenge_decode(&c, &val);
}

static void test_malformed(void)
{
	static const char *const badv[] = {
		"", " ", "Digest", "Digest ", "Digest realm", "Digest realm=",
		"Digest realm=\"a", "Digest realm=\"a\\\"", "Digest ,,,,",
		"Digest realm=\"a\" nonce=\"b\"", "Digest realm=\"a\"",
		"Digest nonce=\"a\"", "Digest =a", "Digest realm=\"a\",",
		"Digest realm=\"a\",nonce=\"\"", "\"",
		"Digest realm=\"a\n\",nonce=\"b\"",
	};
	char *big = mem_alloc(65536, NULL);
	clock_t t0;             /* of the processor */

	for (size_t i = 0; i < RE_ARRAY_SIZE(badv); i++)
		CU_ASSERT_EQUAL(challenge_err(badv[i]), EBADMSG);
	CU_ASSERT_EQUAL(challenge_err("Basic realm=\"a\""), ENOTSUP);
	CU_ASSERT_EQUAL(challenge_err("Digest realm=a,nonce=b,algorithm=X"),
			ENOTSUP);
	CU_ASSERT_EQUAL(challenge_err("Digest realm=a,nonce=b,qop=auth-int"),
			ENOTSUP);
	CU_ASSERT_EQUAL(challenge_err("Digest realm=a,nonce=b,qop=auth-int,"
				      "foo=\"x,\\\"y\", bar=z"), ENOTSUP);
	CU_ASSERT_EQUAL(challenge_err("digest REALM=a , Nonce = b\r\n"), 0);

	memset(big, ',', 65535);
	memcpy(big, "Digest ", 7);
	big[65535] = '\0';
	t0 = clock();
	for (int i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(challenge_err(big), EBADMSG);
	CU_ASSERT(clock() - t0 < CLOCKS_PER_SEC);
	mem_deref(big);
}

static void take(struct digest_client *dc, const char *s, int want)
{
	const struct pl val = pl_of(s);

	CU_ASSERT_EQUAL(digest_client_challenge(dc, &val, false), want);
}

static void test_client(void)
{
	struct digest_client dc = { .n = 0 };
	struct mbuf *mb = mbuf_alloc(512);

	digest_client_begin(&dc);
	take(&dc, "Digest realm=a,nonce=m,algorithm=MD5", 0);
	take(&dc, "Digest realm=a,nonce=t,algorithm=SHA-512-256", 0);
	take(&dc, "Digest realm=a,nonce=s,algorithm=SHA-256", 0);
	take(&dc, "Digest realm=a,nonce=s,algorithm=SHA-1", ENOTSUP);
	take(&dc, "Digest realm=b,nonce=x", 0);
	CU_ASSERT_EQUAL(dc.n, 2);
	CU_ASSERT_STRING_EQUAL(dc.v[0].c.nonce, "t");
	CU_ASSERT_STRING_EQUAL(dc.v[1].c.nonce, "x");

	CU_ASSERT_EQUAL(digest_client_encode(mb, &dc, "u", "p", "REGISTER",
					     "sip:a"), 0);
	CU_ASSERT_EQUAL(digest_client_encode(mb, &dc, "u\"", "p", "REGISTER",
					     "sip:a"), EINVAL);
	CU_ASSERT(!re_regex((char *)mb->buf, mb->end,
			    "Authorization: Digest username=\"u\", "
			    "realm=\"b\"", NULL));

	/* the same nonce again is a wrong password, a fresh one may not be */
	digest_client_begin(&dc);
	take(&dc, "Digest realm=a,nonce=t,algorithm=SHA-512-256", EACCES);
	take(&dc, "Digest realm=a,nonce=t,algorithm=SHA-512-256,stale=true",
	     0);
	CU_ASSERT(digest_client_stale(&dc));
	digest_client_begin(&dc);
	take(&dc, "Digest realm=a,nonce=u", 0);
	CU_ASSERT(!digest_client_stale(&dc));
	CU_ASSERT_EQUAL(dc.v[0].c.alg, DIGEST_MD5);
	take(&dc, "Digest realm=c,nonce=u", 0);
	take(&dc, "Digest realm=d,nonce=u", 0);
	/* the realm longest unheard of makes room, none of this answer */
	take(&dc, "Digest realm=e,nonce=u", 0);
	CU_ASSERT_STRING_EQUAL(dc.v[1].c.realm, "e");
	CU_ASSERT_EQUAL(dc.v[1].nc, 0);
	take(&dc, "Digest realm=f,nonce=u", ENOSPC);
	CU_ASSERT_EQUAL(dc.n, DIGEST_REALMS);
	mem_deref(mb);
}

static void test_response(void)
{
	static const char text[] =
		"SIP/2.0 407 No\r\n"
		"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
		"Proxy-Authenticate: Digest realm=a,nonce=n,algorithm=MD5\r\n"
		"Proxy-Authenticate: Digest realm=a,nonce=n,"
		"algorithm=SHA-256\r\n"
		"WWW-Authenticate: Basic realm=a\r\n"
		"Content-Length: 0\r\n\r\n";
	struct digest_client dc = { .n = 0 };
	struct mbuf *mb = mbuf_alloc(512);
	struct sip_msg *msg = NULL;

	mbuf_write_mem(mb, (const uint8_t *)text, sizeof text - 1);
	mb->pos = 0;
	CU_ASSERT_EQUAL_FATAL(sip_msg_decode(&msg, mb), 0);
	CU_ASSERT_EQUAL(digest_client_response(&dc, msg), 0);
	CU_ASSERT_EQUAL(dc.n, 1);
	CU_ASSERT(dc.v[0].c.proxy && dc.v[0].c.alg == DIGEST_SHA256);
	mem_deref(msg);
	mem_deref(mb);
}

static struct digest_server *ds;

/* The Authorization value that answers o, with that password. */
static char *answer(const struct digest_offer *o, const char *password)
{
	struct digest_challenge c;
	const struct digest_credentials cr = {
		&c, "u", password, "INVITE", "sip:u2@example.org", 1, "cn"
	};
	char *s = NULL, *val = NULL;
	struct pl pl;

	CU_ASSERT_EQUAL(re_sdprintf(&s, "%H", digest_offer_print, o), 0);
	pl = pl_of(s);
	CU_ASSERT_EQUAL(digest_challenge_decode(&c, &pl), 0);
	CU_ASSERT_EQUAL(re_sdprintf(&val, "%H", digest_authorization_print,
				    &cr), 0);
	mem_deref(s);
	return val;
}

static enum digest_verdict verdict(const struct digest_offer *o,
				   const char *password, const struct sa *src,
				   const char *met)
{
	const struct pl metpl = pl_of(met);
	char *val = answer(o, password), ha1[DIGEST_HEX];
	const struct pl pl = pl_of(val);
	enum digest_verdict v = DIGEST_FOREIGN;
	struct digest_answer a;

	digest_ha1(ha1, o->alg, "u", "example.org", "secret");
	CU_ASSERT_EQUAL(digest_answer_decode(&a, &pl), 0);
	v = digest_server_verify(ds, &a, &metpl,
				 strcmp(password, "nobody") ? ha1 : NULL, src);
	mem_deref(val);
	return v;
}

static void test_server(void)
{
	struct digest_server *other = NULL;
	struct digest_offer o = { .alg = DIGEST_MD5 };
	struct sa here, there;

	sa_set_str(&here, "192.0.2.1", 5060);
	sa_set_str(&there, "192.0.2.2", 5060);
	CU_ASSERT_EQUAL(digest_server_alloc(&ds, "a\"b", 1), EINVAL);
	CU_ASSERT_EQUAL_FATAL(digest_server_alloc(&ds, "example.org", 60), 0);
	CU_ASSERT_EQUAL_FATAL(digest_server_alloc(&other, "example.com", 60),
			      0);
	o.ds = ds;
	o.src = &here;
	for (; o.alg < DIGEST_ALGS; o.alg++) {
		CU_ASSERT_EQUAL(verdict(&o, "secret", &here, "INVITE"),
				DIGEST_OK);
		CU_ASSERT_EQUAL(verdict(&o, "secret", &here, "BYE"),
				DIGEST_WRONG);
		CU_ASSERT_EQUAL(verdict(&o, "Secret", &here, "INVITE"),
				DIGEST_WRONG);
		CU_ASSERT_EQUAL(verdict(&o, "nobody", &here, "INVITE"),
				DIGEST_WRONG);
		CU_ASSERT_EQUAL(verdict(&o, "secret", &there, "INVITE"),
				DIGEST_STALE);
		CU_ASSERT_EQUAL(verdict(&o, "secret", NULL, "INVITE"),
				DIGEST_STALE);
	}
	o.alg = DIGEST_MD5;
	sa_set_port(&here, 1);
	CU_ASSERT_EQUAL(verdict(&o, "secret", &here, "INVITE"), DIGEST_OK);
	o.ds = other;
	CU_ASSERT_EQUAL(verdict(&o, "secret", &here, "INVITE"),
			DIGEST_FOREIGN);
	mem_deref(other);
	ds = mem_deref(ds);
}

static void test_expiry(void)
{
	struct digest_offer o = { .alg = DIGEST_SHA256 };

	steady_begin();
	CU_ASSERT_EQUAL_FATAL(digest_server_alloc(&ds, "example.org", 1), 0);
	o.ds = ds;
	CU_ASSERT_EQUAL(verdict(&o, "secret", NULL, "INVITE"), DIGEST_OK);
	{
		char *val = answer(&o, "secret");
		const struct pl pl = pl_of(val);
		struct digest_answer a;

		CU_ASSERT_EQUAL(digest_answer_decode(&a, &pl), 0);
		steady_skip(2050 * MSEC);
		CU_ASSERT_EQUAL(digest_server_nonce(ds, &a, NULL),
				DIGEST_STALE);
		mem_deref(val);
	}
	ds = mem_deref(ds);
}

static int make_server(void *arg)
{
	struct digest_server *s = NULL;
	int err = digest_server_alloc(&s, "r", 1);
	(void)arg;

	mem_deref(s);
	return err;
}

static void test_memory(void)
{
	FAIL_EACH(make_server, NULL);
}

UNIT_SUITE("sip/digest",
	   { "vectors", test_vectors },
	   { "sess", test_sess },
	   { "malformed", test_malformed },
	   { "client", test_client },
	   { "response", test_response },
	   { "server", test_server },
	   { "expiry", test_expiry },
	   { "memory", test_memory })
