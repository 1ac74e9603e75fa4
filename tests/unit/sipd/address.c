/*
 * address.c: tests of sipd/address.c: what people write as a SIP address, and
 * when two of them are the same.
 */
#include <errno.h>
#include <string.h>
#include "sipd/address.h"
#include "tests/unit/unit.h"

static char buf[ADDRESS_SIZE], why[160];

static void good(const char *text, const char *normal)
{
	int err = address_parse(buf, text, why, sizeof why);
	char again[ADDRESS_SIZE];

	if (err)
		printf("%s: it %s\n", text, why);
	CU_ASSERT_EQUAL_FATAL(err, 0);
	CU_ASSERT_STRING_EQUAL(buf, normal);
	/* the normal form is its own normal form, and the same address */
	CU_ASSERT_EQUAL(address_parse(again, buf, why, sizeof why), 0);
	CU_ASSERT_STRING_EQUAL(again, buf);
	CU_ASSERT_TRUE(address_equal(buf, again));
}

static void bad(const char *text, const char *part)
{
	strcpy(why, "");
	CU_ASSERT_EQUAL(address_parse(buf, text, why, sizeof why), EINVAL);
	if (!strstr(why, part))
		printf("'%s': expected ...%s..., got %s\n", text, part, why);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, part));
}

static void test_normal(void)
{
	good("bob@example.org", "sip:bob@example.org");
	good("SIP:Bob@Example.ORG", "sip:Bob@example.org");
	good("sip:example.org", "sip:example.org");
	good("sip:bob", "sip:bob");
	good("localhost", "sip:localhost");
	good("example.org:5070", "sip:example.org:5070");
	good("192.0.2.7", "sip:192.0.2.7");
	good("192.0.2.7:5070", "sip:192.0.2.7:5070");
	good("bob@192.0.2.7:5070", "sip:bob@192.0.2.7:5070");
	good("[2001:DB8:0::1]", "sip:[2001:db8::1]");
	good("[2001:db8::1]:5070", "sip:[2001:db8::1]:5070");
	good("2001:db8::1", "sip:[2001:db8::1]");
	good("bob@2001:db8::1", "sip:bob@[2001:db8::1]");
	good("sips:bob@example.org", "sip:bob@example.org;transport=tls");
	good("sips:bob@example.org;transport=tls",
	     "sip:bob@example.org;transport=tls");
	good("bob@example.org;transport=tcp",
	     "sip:bob@example.org;transport=tcp");
	good("sip:+49-30;ext=5@example.org;user=phone",
	     "sip:+49-30;ext=5@example.org;user=phone");
	good("sip:a?b@example.org", "sip:a?b@example.org");
	good("b%6Fb@example.org", "sip:b%6Fb@example.org");
	good("bob@my_host.example.org.", "sip:bob@my_host.example.org.");
}

static void test_nonsense(void)
{
	bad("", "is empty");
	bad("bob", "write sip:bob");
	bad("sip:", "has no host in it");
	bad("bob@", "has no host after the '@'");
	bad("@example.org", "has no user before the '@'");
	bad("bob@@example.org", "in its host");
	bad("bob:secret@example.org", "password belongs");
	bad("bob example.org", "has a ' ' in it");
	bad("<sip:bob@example.org>", "has a '<' in it");
	bad("bob@example.org\r\nVia: x", "control character");
	bad("b\xc3\xb6" "b@example.org", "not ASCII");
	bad("bob@example.org?Route=x", "headers after a '?'");
	bad("192.0.2.999", "neither an IP address nor a host name");
	bad("1234", "neither an IP address nor a host name");
	bad("bob@-x.org", "no host name");
	bad("bob@x..org", "no host name");
	bad("bob@.", "no host name");
	bad("bob@exa$mple.org", "has a '$' in its host");
	bad("example.org:", "no port after the ':'");
	bad("example.org:0", "has '0' for its port");
	bad("example.org:65536", "has '65536' for its port");
	bad("example.org:50x", "for its port");
	bad("tel:+4930", "for its port");
	bad("[2001:db8::1", "no ']'");
	bad("[2001:db8::1]x", "between ']' and the port");
	bad("[192.0.2.7]", "no IPv6 address");
	bad("[fe80::1%eth0]", "no IPv6 address");
	bad("a@b.c;", "empty parameter");
	bad("a@b.c;;x", "empty parameter");
	bad("a@b.c;=x", "empty parameter");
	bad("a@b.c;x=^", "wrong character");
	bad("a@b.c;transport=sctp", "udp, tcp or tls");
	bad("sips:a@b.c;transport=udp", "sips: needs tls");
	bad("a%4@b.c", "wrong character in 'a%4'");
	bad("a%zz@b.c", "wrong character");
}

static void test_long(void)
{
	char text[400];

	memset(text, 'a', sizeof text);
	strcpy(text + sizeof text - 6, "@b.cd");
	bad(text, "too long");
	memset(text, 'a', sizeof text);
	memcpy(text, "a@", 2);
	strcpy(text + 80, ".de");
	bad(text, "no host name");
	CU_ASSERT_EQUAL(address_parse(NULL, "a@b.c", why, 9), EINVAL);
	CU_ASSERT_EQUAL(address_parse(buf, "a b", why, 4), EINVAL);
	CU_ASSERT(strlen(why) < 4);
}

static void test_equal(void)
{
	/* of RFC 3261 section 19.1.4, as far as it is about user and host */
	CU_ASSERT(address_equal("sip:%61lice@atlanta.com;transport=TCP",
				"sip:alice@AtLanTa.CoM;Transport=tcp"));
	CU_ASSERT(address_equal("sip:carol@chicago.com",
				"sip:carol@chicago.com;newparam=5"));
	CU_ASSERT(!address_equal("SIP:ALICE@AtLanTa.CoM",
				 "sip:alice@AtLanTa.CoM"));
	CU_ASSERT(!address_equal("sip:bob@phone21.example.org",
				 "sip:bob@192.0.2.4"));
	/* ours: one port for an unsaid one, parameters do not count */
	CU_ASSERT(address_equal("sip:bob@b.org", "sip:bob@b.org:5060"));
	CU_ASSERT(!address_equal("sip:bob@b.org", "sip:bob@b.org:5061"));
	CU_ASSERT(address_equal("sip:a@b.c;transport=tcp", "sip:a@b.c"));
	CU_ASSERT(address_equal("sip:[2001:db8::1]", "sip:[2001:DB8:0::1]"));
	CU_ASSERT(!address_equal("sip:192.0.2.1", "sip:a@192.0.2.1"));
	CU_ASSERT(!address_equal("sip:bob%00x@b.c", "sip:bob%00y@b.c"));
	CU_ASSERT(!address_equal("", ""));
	CU_ASSERT(!address_equal(NULL, "sip:a@b.c"));
	CU_ASSERT(!address_equal("garbage", "garbage"));
}

UNIT_SUITE("address",
	   { "normal", test_normal },
	   { "nonsense", test_nonsense },
	   { "long", test_long },
	   { "equal", test_equal })
