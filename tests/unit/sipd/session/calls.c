/*
 * calls.c: one call of alice's with a file for bob, and what it comes to:
 * whose key it is, what is allowed, limits, nobody there.
 */
#include "tests/unit/sipd/session/twosides.h"

enum { PATIENCE = 20 };         /* s, per call */

static void state_handler(struct session *s, void *arg)
{
	struct session_info in;
	(void)arg;

	session_info(s, &in);
	if (in.state == SESSION_OPEN) {
		got.opened = true;
		got.times = in.times;
		if (got.hang_when_open)
			session_hangup(s, REASON_LOCAL_HANGUP, NULL);
		return;
	}
	if (in.state != SESSION_CLOSED)
		return;
	got.reason = in.reason;
	(void)str_ncpy(got.text, in.text, sizeof got.text);
	re_cancel();
}

static void ask_handler(struct session *s, const uint8_t *fp, void *arg)
{
	(void)fp;
	(void)arg;
	got.asked = true;
	session_trust(s, got.accept);
}

static struct session_handlers owner = {
	.stateh = state_handler, .askh = ask_handler
};

static void patience_handler(void *arg)
{
	(void)arg;
	CU_FAIL("nothing happened in time");
	re_cancel();
}

/* alice sends bob a small file. */
static void call(const char *to, unsigned flags)
{
	char file[128], why[256] = "";
	char *argv[1] = { file };
	struct session_want want = {
		.kind = tunnel_find("file"),
		.ask = { .argv = argv, .argc = 1, .cwd = "/", .fd_in = -1,
			 .fd_out = -1, .confh = no_conf, .why = why,
			 .why_size = sizeof why },
	};
	struct timer patience = { 0 };
	struct house *h = board_house(alice.board);

	(void)re_snprintf(file, sizeof file, "%s/hello", alice.dir);
	write_file(file, "hello\n");
	if (board_dial(&got.s, alice.board, to, &want, 1, flags, &owner,
		       &got.reason, why, sizeof why))
		return;
	(void)timer_start(h->timers, &patience, PATIENCE * SEC,
			  patience_handler, NULL);
	(void)re_main(NULL);
	timer_stop(&patience);
}

static bool arrived(void)
{
	char file[128];
	struct stat st;

	(void)re_snprintf(file, sizeof file, "%s/inbox/hello", bob.dir);
	return !stat(file, &st) && st.st_size == 6;
}

static const char known[] =
	"[peer other]\nfingerprint = %s\nallow = file\n";

static void test_send(void)
{
	both_open(known, known);
	/* the peer by its address: pinned in alice's known_peers */
	got.accept = true;
	call(bob_uri, SESSION_CAN_ASK);
	CU_ASSERT_EQUAL(got.reason, REASON_DONE);
	CU_ASSERT(got.opened);
	CU_ASSERT(got.asked);
	CU_ASSERT(arrived());
	got.asked = false;
	call(bob_uri, SESSION_CAN_ASK);
	CU_ASSERT_EQUAL(got.reason, REASON_DONE);
	CU_ASSERT_FALSE(got.asked);     /* it was kept */
	both_close();
}

static void test_declined_key(void)
{
	both_open("", known);
	call(bob_uri, SESSION_CAN_ASK);
	CU_ASSERT_EQUAL(got.reason, REASON_NOT_TRUSTED);
	CU_ASSERT_FALSE(got.opened);
	got.asked = false;
	call(bob_uri, 0);               /* nobody to ask */
	CU_ASSERT_EQUAL(got.reason, REASON_NOT_TRUSTED);
	CU_ASSERT_FALSE(got.asked);
	CU_ASSERT_FALSE(arrived());
	both_close();
}

static void test_unknown_caller(void)
{
	both_open("unknown = pin", "");
	call(bob_uri, 0);
	CU_ASSERT_EQUAL(got.reason, REASON_UNKNOWN_THERE);
	both_close();
}

static void test_pin_both(void)
{
	both_open("unknown = pin", "unknown = pin\nallow = file");
	call(bob_uri, 0);
	CU_ASSERT_EQUAL(got.reason, REASON_DONE);
	CU_ASSERT(arrived());
	both_close();
}

static bool is_pinned(struct side *sd, const char *text)
{
	struct peers *ps = board_house(sd->board)->peers;
	uint8_t fp[DESC_FP_SIZE];
	struct peer p;
	struct pl pl;

	pl_set_str(&pl, text);
	CU_ASSERT_EQUAL(fp_decode(fp, &pl), 0);
	return !peers_by_fp(ps, fp, &p);
}

static void look_when_checking(struct session *s, void *arg)
{
	struct session_info in;

	session_info(s, &in);
	if (in.state == SESSION_CHECKING)
		*(bool *)arg |= is_pinned(&alice, bob.fp) ||
			is_pinned(&bob, alice.fp);
	state_handler(s, NULL);
}

/* Both keys are known, by what was said, before they are proven. */
static void test_pin_proven(void)
{
	bool early = false;

	both_open("unknown = pin", "unknown = pin\nallow = file");
	owner.stateh = look_when_checking;
	owner.arg = &early;
	call(bob_uri, 0);
	owner.stateh = state_handler;
	CU_ASSERT_EQUAL(got.reason, REASON_DONE);
	CU_ASSERT_FALSE(early);
	CU_ASSERT(is_pinned(&alice, bob.fp));
	CU_ASSERT(is_pinned(&bob, alice.fp));
	both_close();
}

static void first_when_checking(struct session *s, void *arg)
{
	struct peers *ps = board_house(alice.board)->peers;
	struct session_info in;
	uint8_t fp[DESC_FP_SIZE];
	struct pl pl;
	(void)arg;

	session_info(s, &in);
	pl_set_str(&pl, alice.fp);
	CU_ASSERT_EQUAL(fp_decode(fp, &pl), 0);
	if (in.state == SESSION_CHECKING)
		CU_ASSERT_EQUAL(peers_pin(ps, bob_uri, NULL, fp), 0);
	state_handler(s, NULL);
}

/* Of two at once, whoever proves its key first is the one. */
static void test_pin_first(void)
{
	both_open("unknown = pin", "unknown = pin\nallow = file");
	owner.stateh = first_when_checking;
	call(bob_uri, 0);
	owner.stateh = state_handler;
	CU_ASSERT_EQUAL(got.reason, REASON_WRONG_KEY);
	CU_ASSERT_FALSE(got.opened);
	CU_ASSERT_FALSE(is_pinned(&alice, bob.fp));
	CU_ASSERT_FALSE(arrived());
	both_close();
}

static void test_not_allowed(void)
{
	both_open("unknown = pin", "[peer other]\nfingerprint = %s\n"
		  "allow = pipe\n");
	call(bob_uri, 0);
	CU_ASSERT_EQUAL(got.reason, REASON_NOT_ALLOWED);
	both_close();
}

static void test_wrong_key(void)
{
	struct peers *ps = NULL;
	struct pl pl;
	uint8_t fp[DESC_FP_SIZE];

	both_open("", known);
	/* pin alice's own key for bob's address: certainly not bob's */
	ps = board_house(alice.board)->peers;
	pl_set_str(&pl, alice.fp);
	CU_ASSERT_EQUAL(fp_decode(fp, &pl), 0);
	CU_ASSERT_EQUAL(peers_pin(ps, bob_uri, "bob", fp), 0);
	call(bob_uri, SESSION_CAN_ASK);
	CU_ASSERT_EQUAL(got.reason, REASON_WRONG_KEY);
	CU_ASSERT_PTR_NOT_NULL(strstr(got.text, bob.fp));
	CU_ASSERT_PTR_NOT_NULL(strstr(got.text, alice.fp));
	both_close();
}

static void test_limit(void)
{
	both_open("unknown = pin", "unknown = pin\nallow = file\nrate = 1");
	call(bob_uri, 0);
	CU_ASSERT_EQUAL(got.reason, REASON_DONE);
	call(bob_uri, 0);
	CU_ASSERT_EQUAL(got.reason, REASON_BUSY);
	both_close();
}

static void test_hangup(void)
{
	both_open("unknown = pin", "unknown = pin\nallow = file");
	got.hang_when_open = true;
	call(bob_uri, 0);
	CU_ASSERT_EQUAL(got.reason, REASON_LOCAL_HANGUP);
	both_close();
}

static void test_nobody_there(void)
{
	both_open("", "");
	call("sip:127.0.0.1:9", 0);
	CU_ASSERT_EQUAL(got.reason, REASON_UNREACHABLE);
	call("not an address at all", 0);
	CU_ASSERT_EQUAL(got.reason, REASON_BAD_ADDRESS);
	both_close();
}

UNIT_SUITE("session/calls",
	{ "send", test_send },
	{ "declined key", test_declined_key },
	{ "unknown caller", test_unknown_caller },
	{ "pin both", test_pin_both },
	{ "pin what is proven", test_pin_proven },
	{ "pin the first", test_pin_first },
	{ "not allowed", test_not_allowed },
	{ "wrong key", test_wrong_key },
	{ "limit", test_limit },
	{ "hangup", test_hangup },
	{ "nobody there", test_nobody_there })
