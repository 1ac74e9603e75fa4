/*
 * Tests modules/path/upnp.c and http.c: texts as routers write them.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/http.h"
#include "modules/path/upnp.h"
#include "tests/unit/unit.h"

static int http(struct http_answer *a, const char *text, bool eof)
{
	static char buf[2048];

	(void)str_ncpy(buf, text, sizeof buf);
	return http_decode(a, buf, strlen(buf), eof);
}

#define HEAD "HTTP/1.1 200 OK\r\nServer: x\r\n"

static void test_http(void)
{
	static const struct {
		const char *text;
		bool eof;
		int err;
		const char *body;
	} v[] = {
		{ HEAD "content-length: 5\r\n\r\nhello", false, 0, "hello" },
		{ HEAD "Content-Length:5\r\n\r\nhello!!", false, 0, "hello" },
		{ HEAD "Content-Length: 5\r\n\r\nhel", false, EAGAIN, NULL },
		{ HEAD "Content-Length: 5\r\n\r\nhel", true, EBADMSG, NULL },
		{ HEAD "Content-Length: 99999\r\n\r\n", false, EBADMSG, NULL },
		{ HEAD "Content-Length: 99999999999\r\n\r\n", false, EBADMSG,
		  NULL },
		{ HEAD "\r\nhello", false, EAGAIN, NULL },
		{ HEAD "\r\nhello", true, 0, "hello" },
		{ "HTTP/1.0 200\n\nhello", true, 0, "hello" },
		{ HEAD, false, EAGAIN, NULL },
		{ HEAD, true, EBADMSG, NULL },
		{ "", false, EAGAIN, NULL },
		{ "", true, EBADMSG, NULL },
		{ "HTTP/2 200 OK\r\n\r\n", true, EBADMSG, NULL },
		{ "HTTP/1.1 2x0 OK\r\n\r\n", true, EBADMSG, NULL },
		{ HEAD "Transfer-Encoding: chunked\r\n\r\n"
		  "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", false, 0,
		  "hello world" },
		{ HEAD "Transfer-Encoding: chunked\r\n\r\n"
		  "5\r\nhello\r\n6\r\n wor", false, EAGAIN, NULL },
		{ HEAD "Transfer-Encoding: chunked\r\n\r\n"
		  "5\r\nhello\r\n6\r\n wor", true, EBADMSG, NULL },
		{ HEAD "Transfer-Encoding: chunked\r\n\r\n"
		  "5\r\nhelloworld\r\n0\r\n", false, EBADMSG, NULL },
		{ HEAD "Transfer-Encoding: chunked\r\n\r\n"
		  "fffffffffffffffff\r\n", false, EBADMSG, NULL },
		{ HEAD "Transfer-Encoding: chunked\r\n\r\n-1\r\n", false,
		  EBADMSG, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct http_answer a;
		int err = http(&a, v[i].text, v[i].eof);

		CU_ASSERT_EQUAL(err, v[i].err);
		if (err != v[i].err)
			printf("http %zu: %d\n", i, err);
		if (!err && !v[i].err) {
			CU_ASSERT_EQUAL(a.scode, 200);
			CU_ASSERT(!pl_strcmp(&a.body, v[i].body));
		}
	}
}

static void test_url(void)
{
	static const struct {
		const char *text, *want;        /* NULL: refused */
	} v[] = {
		{ "http://10.0.0.1:5000/x/y.xml", "10.0.0.1:5000 /x/y.xml" },
		{ "HTTP://10.0.0.1", "10.0.0.1:80 " },
		{ "http://10.0.0.1:/x", NULL },
		{ "http://10.0.0.1:0/x", NULL },
		{ "http://10.0.0.1:65536/x", NULL },
		{ "http://router.lan/x", NULL },
		{ "https://10.0.0.1/x", NULL },
		{ "http://", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		char text[128] = "";
		struct pl url, path;
		struct sa sa;

		pl_set_str(&url, v[i].text);
		if (!http_url(&sa, &path, &url))
			(void)re_snprintf(text, sizeof text, "%J %r", &sa,
					  &path);
		CU_ASSERT_STRING_EQUAL(text, v[i].want ? v[i].want : "");
	}
}

static const char *location(const char *field)
{
	static char text[256];
	struct upnp_url url;
	struct sa host;

	(void)sa_set_str(&host, "10.0.0.1", 1900);
	(void)re_snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
			  field);
	if (upnp_location(&url, &host, text, strlen(text)))
		return "refused";
	(void)re_snprintf(text, sizeof text, "%J%s", &url.host, url.path);
	return text;
}

static void test_location(void)
{
	CU_ASSERT_STRING_EQUAL(location("LOCATION: http://10.0.0.1:49152/d"),
			       "10.0.0.1:49152/d");
	CU_ASSERT_STRING_EQUAL(location("location:http://10.0.0.1"),
			       "10.0.0.1:80/");
	/* it sends us elsewhere */
	CU_ASSERT_STRING_EQUAL(location("LOCATION: http://10.0.0.2/d"),
			       "refused");
	CU_ASSERT_STRING_EQUAL(location("LOCATION: http://127.0.0.1/d"),
			       "refused");
	CU_ASSERT_STRING_EQUAL(location("LOCATION: http://10.0.0.1/a b"),
			       "refused");
	CU_ASSERT_STRING_EQUAL(location("ST: x"), "refused");
}

static const char *service(const char *desc)
{
	static char text[600];
	struct upnp_url url, from = { .path = "/dev/desc.xml" };
	const char *type;
	struct pl pl;

	(void)sa_set_str(&from.host, "10.0.0.1", 5000);
	pl_set_str(&pl, desc);
	if (upnp_service(&url, &type, &from, &pl))
		return "none";
	(void)re_snprintf(text, sizeof text, "%s %J%s", strrchr(type, ':') - 3,
			  &url.host, url.path);
	return text;
}

#define SERVICE(type, url) "<service><serviceType>" \
	"urn:schemas-upnp-org:service:" type "</serviceType><controlURL>" \
	url "</controlURL></service>"

static void test_service(void)
{
	CU_ASSERT_STRING_EQUAL(
		service(SERVICE("WANPPPConnection:1", "/ppp")
			SERVICE("WANIPConnection:1", "/ip")
			SERVICE("WANIPConnection:2", "/ip2")),
		"ion:2 10.0.0.1:5000/ip2");
	CU_ASSERT_STRING_EQUAL(service(SERVICE("WANPPPConnection:1", "ctl")),
			       "ion:1 10.0.0.1:5000/dev/ctl");
	CU_ASSERT_STRING_EQUAL(
		service("<URLBase>http://10.0.0.1:80/base/</URLBase>"
			SERVICE("WANIPConnection:1", "ctl")),
		"ion:1 10.0.0.1:80/base/ctl");
	CU_ASSERT_STRING_EQUAL(
		service(SERVICE("WANIPConnection:1", "http://10.0.0.1:7/x")),
		"ion:1 10.0.0.1:7/x");
	CU_ASSERT_STRING_EQUAL(
		service(SERVICE("WANIPConnection:1", "http://10.0.0.9:7/x")),
		"none");
	CU_ASSERT_STRING_EQUAL(
		service("<URLBase>http://evil/</URLBase>"
			SERVICE("WANIPConnection:1", "x")), "none");
	CU_ASSERT_STRING_EQUAL(service(SERVICE("Layer3Forwarding:1", "x")),
			       "none");
	CU_ASSERT_STRING_EQUAL(service("<service><serviceType>urn"), "none");
	CU_ASSERT_STRING_EQUAL(service("<service>"), "none");
	CU_ASSERT_STRING_EQUAL(service("<"), "none");
	CU_ASSERT_STRING_EQUAL(service(""), "none");
}

static void test_value(void)
{
	static const char *const v[] = {
		"<a>x</a>", "<s:a>\n x </s:a>", "<a b='c'>x</a>",
		"<b>y</b><a>x</a>", "<aa>y</aa><a>x</a>",
	};
	struct pl pl, val;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		pl_set_str(&pl, v[i]);
		CU_ASSERT(upnp_value(&val, &pl, "a") &&
			  !pl_strcmp(&val, "x"));
	}
	pl_set_str(&pl, "<a>x</b>");
	CU_ASSERT(!upnp_value(&val, &pl, "a"));
}

static void test_requests(void)
{
	static const struct upnp_arg argv[] = {
		{ "NewProtocol", "UDP" }, { NULL, NULL }
	};
	struct upnp_url url = { .path = "/ctl" };
	char buf[UPNP_REQUEST_MAX];
	struct http_answer a;
	struct pl head, val;
	size_t n;

	(void)sa_set_str(&url.host, "10.0.0.1", 5000);
	n = upnp_action(buf, sizeof buf, &url, "urn:x:1", "Do", argv);
	CU_ASSERT(n && n == strlen(buf));
	CU_ASSERT(!strncmp(buf, "POST /ctl HTTP/1.1\r\n", 20));
	pl_set_str(&head, buf);
	CU_ASSERT(http_field(&val, &head, "SOAPAction") &&
		  !pl_strcmp(&val, "\"urn:x:1#Do\""));
	CU_ASSERT(strstr(buf, "<NewProtocol>UDP</NewProtocol></u:Do>") !=
		  NULL);
	/* its length is right: read as an answer nothing is missing */
	memcpy(buf, "HTTP/1.1 200 OK   \r\n", 20);
	CU_ASSERT_EQUAL(http_decode(&a, buf, n, false), 0);
	CU_ASSERT_EQUAL(a.body.p + a.body.l, buf + n);
	for (size_t size = 0; size < n; size++)
		CU_ASSERT_EQUAL(upnp_action(buf, size, &url, "urn:x:1", "Do",
					    argv), 0);
	CU_ASSERT(upnp_get(buf, sizeof buf, &url) > 0);
	CU_ASSERT_EQUAL(upnp_get(buf, 10, &url), 0);
	CU_ASSERT(upnp_search(buf, sizeof buf, &url.host, 2) > 0);
	CU_ASSERT(strstr(buf, "InternetGatewayDevice:2\r\n\r\n") != NULL);
}

UNIT_SUITE("upnp",
	{ "HTTP answers", test_http },
	{ "URLs", test_url },
	{ "location", test_location },
	{ "service", test_service },
	{ "values", test_value },
	{ "requests", test_requests })
