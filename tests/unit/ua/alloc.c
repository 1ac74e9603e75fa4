/*
 * alloc.c: the n-th allocation fails: an account is not made or is made, a
 * call comes about or does not, but nothing crashes and nothing is left.
 */
#include "tests/unit/fail.h"
#include "tests/unit/ua/raw.h"

/* A folder is a CA store that costs nothing to load. */
static const struct ua_conf conf = {
	.aor = "sip:x@127.0.0.1", .user = "x", .password = "pw",
	.registrar = "sip:127.0.0.1:9", .instance = "urn:uuid:1",
	.tls_ca = "/tmp", .interfaces = "lo", .expires = 60,
};

static const struct ua_conf direct = { .user = "x", .tls_ca = "/tmp" };

static int make_account(void *arg)
{
	struct side s;
	int err;
	(void)arg;

	memset(&s, 0, sizeof s);
	err = side_open(&s, &conf);
	mem_deref(s.ua);
	return err;
}

static void test_account(void)
{
	pair_begin();
	FAIL_EACH(make_account, NULL);
	pair_end();
}

static void quiet_offer(const struct call_body *b, void *arg)
{
	struct side *s = arg;

	if (s->call)
		(void)call_answer(s->call, b);
}

static void quiet_end(const struct call_end *end, void *arg)
{
	struct side *s = arg;
	(void)end;

	s->call = mem_deref(s->call);
}

static void quiet_info(const char *method, const struct call_body *b,
		       void *arg)
{
	(void)method;
	(void)b;
	(void)arg;
}

static const struct call_handlers quiet = {
	.offerh = quiet_offer, .endh = quiet_end, .infoh = quiet_info,
};

static void take(struct side *s, struct call *c)
{
	struct call_body b = { "application/sdp", "v=0", 3 };

	if (call_take(&s->call, c, &quiet, s))
		return;
	(void)call_progress(c, 183, "Session Progress", &b);
	(void)call_answer(c, &b);
}

/* From dialling to hanging up, with everything in between. */
static void whole_call(const char *params)
{
	struct call_body b = { "application/sdp", "v=0", 3 };
	static struct side s, t;
	char uri[128];

	memset(&s, 0, sizeof s);
	memset(&t, 0, sizeof t);
	t.on_call = take;
	if (side_open(&s, &direct) || side_open(&t, &direct))
		goto out;
	side_uri(&t, uri, sizeof uri, params);
	if (call_connect(&s.call, s.ua, uri, &b, "X-Y: z\r\n", &quiet, &s))
		goto out;
	run_for(10);
	if (s.call)
		(void)call_info(s.call, "INFO", &b);
	if (s.call)
		(void)call_reinvite(s.call, &b);
	run_for(8);
	if (t.call)
		(void)call_reinvite(t.call, &b);
	run_for(5);
	if (s.call)
		call_hangup(s.call, "done", "text");
	run_for(5);
 out:
	s.call = mem_deref(s.call);
	t.call = mem_deref(t.call);
	mem_deref(s.ua);
	mem_deref(t.ua);
}

static void fail_some(const char *params)
{
	long n;

	for (n = 1; n < 2000; n += 1 + n / 50) {
		pair_begin();
		fail_at(n);
		whole_call(params);
		fail_left = 0;
		pair_end();
		if (!fail_done)
			break;
	}
	CU_ASSERT(n > 100 && n < 2000);
}

static void test_udp(void)
{
	fail_some("");
}

static void test_tcp(void)
{
	fail_some(";transport=tcp");
}

UNIT_SUITE("alloc",
	   { "account", test_account },
	   { "call over UDP", test_udp },
	   { "call over TCP", test_tcp })
