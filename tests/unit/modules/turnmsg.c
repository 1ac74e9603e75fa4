/*
 * turnmsg.c: attributes of TURN, and credentials by the vectors of RFC 5769
 * section 2.4, RFC 8489 and coturn.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/turnmsg.h"
#include "tests/unit/unit.h"

/* RFC 5769 section 2.4, of a user whose name SASLprep leaves alone */
static const char user[] = "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83"
	"\xe3\x82\xaf\xe3\x82\xb9";
static const uint8_t request[] =
	"\x00\x01\x00\x60\x21\x12\xa4\x42"
	"\x78\xad\x34\x33\xc6\xad\x72\xc0\x29\xda\x41\x2e"
	"\x00\x06\x00\x12\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83"
	"\xe3\x82\xaf\xe3\x82\xb9\x00\x00"
	"\x00\x15\x00\x1c" "f//499k954d6OL34oL9FSTvy64sA"
	"\x00\x14\x00\x0b" "example.org" "\x00"
	"\x00\x08\x00\x14\xf6\x70\x24\x65\x6d\xd6\x4a\x3e"
	"\x02\xb8\xe0\x71\x2e\x85\xc9\xa2\x8c\xa8\x96\x66";

static void auth_of(struct turn_auth *a, const char *realm,
		    const char *nonce, const char *algorithms, size_t n)
{
	struct turn_msg t;

	memset(a, 0, sizeof *a);
	memset(&t, 0, sizeof t);
	str_ncpy(a->user, user, sizeof a->user);
	str_ncpy(a->password, "TheMatrIX", sizeof a->password);
	pl_set_str(&t.realm, realm);
	pl_set_str(&t.nonce, nonce);
	t.algorithms.p = algorithms;
	t.algorithms.l = n;
	t.sha256 = n > 4;
	CU_ASSERT_EQUAL(turn_auth_follow(a, &t), 0);
}

static void test_rfc5769(void)
{
	struct turn_auth a;
	struct stun_pkt m;
	struct turn_msg t;

	auth_of(&a, "example.org", "f//499k954d6OL34oL9FSTvy64sA", NULL, 0);
	CU_ASSERT(!a.key.sha256 && a.key.len == 16);
	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, request, sizeof request - 1), 0);
	CU_ASSERT_EQUAL_FATAL(turn_msg_parse(&t, &m), 0);
	CU_ASSERT_EQUAL(pl_strcmp(&t.realm, "example.org"), 0);
	CU_ASSERT(turn_auth_ok(&a, &m, &t));
	str_ncpy(a.password, "TheMatrix", sizeof a.password);
	CU_ASSERT_EQUAL(turn_auth_follow(&a, &t), 0);
	CU_ASSERT(!turn_auth_ok(&a, &m, &t));
}

/* RFC 8489 appendix B.1 as its erratum 6268 has it uses USERHASH, which we do
 * not send; the key is the same, and so is the way. */
static void test_sha256(void)
{
	static const char algs[] = "\x00\x02\x00\x00\x00\x01\x00\x00";
	static const uint8_t tid[STUN_TID_SIZE] = "abcdefghijk";
	uint8_t buf[TURN_MSG_MAX];
	struct turn_auth a;
	struct stun_out o;
	struct stun_pkt m;
	struct turn_msg t;
	size_t len;

	auth_of(&a, "example.org", "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA",
		algs, 8);
	/* the nonce's features are 0x000002: no algorithms were told, and so
	 * somebody has put them in */
	CU_ASSERT(!a.key.sha256 && a.key.len == 16);
	auth_of(&a, "example.org", "obMatJos2gAAAf//499k954d6OL34oL9FSTvy64sA",
		algs, 8);
	CU_ASSERT(a.key.sha256 && a.key.len == 32);
	auth_of(&a, "example.org", "obMatJos2gAAAf//499k954d6OL34oL9FSTvy64sA",
		algs + 4, 4);
	CU_ASSERT(a.key.sha256 && a.key.len == 16);
	auth_of(&a, "example.org", "obMatJos2gAAAf//499k954d6OL34oL9FSTvy64sA",
		algs, 8);
	stun_begin_method(&o, buf, sizeof buf, STUN_METHOD_ALLOCATE,
			  STUN_CLASS_REQUEST, tid);
	turn_auth_put(&o, &a);
	len = stun_end(&o);
	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, buf, len), 0);
	CU_ASSERT_EQUAL_FATAL(turn_msg_parse(&t, &m), 0);
	CU_ASSERT(!m.mi && t.mi256);
	CU_ASSERT(t.sha256 && t.algorithms.l == 8);
	CU_ASSERT(turn_auth_ok(&a, &m, &t));
	for (size_t i = 0; i < len; i++) {
		buf[i] ^= 1;
		CU_ASSERT(stun_parse(&m, buf, len) ||
			  turn_msg_parse(&t, &m) ||
			  !turn_auth_ok(&a, &m, &t));
		buf[i] ^= 1;
	}
}

/* As coturn's use-auth-secret: base64(HMAC-SHA1("shared", user)). */
static void test_secret(void)
{
	struct turn_auth a = { .realm = "" };
	char name[TURN_USER_MAX];

	CU_ASSERT_EQUAL(turn_auth_secret(&a, "shared", NULL, 1795506160), 0);
	CU_ASSERT_STRING_EQUAL(a.user, "1795506160");
	CU_ASSERT_STRING_EQUAL(a.password, "gAtQFlngd01VFRzB5JKcAPfE2xg=");
	CU_ASSERT_EQUAL(turn_auth_secret(&a, "shared", "al", 1795506160), 0);
	CU_ASSERT_STRING_EQUAL(a.user, "1795506160:al");
	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	CU_ASSERT_EQUAL(turn_auth_secret(&a, "shared", name, 1), EOVERFLOW);
}

/* One attribute in a message; what turn_msg_parse says of it. */
static int parse(struct turn_msg *t, uint8_t *buf, uint16_t type,
		 const void *p, size_t n)
{
	static const uint8_t tid[STUN_TID_SIZE] = "abcdefghijk";
	struct stun_out o;
	struct stun_pkt m;

	stun_begin_method(&o, buf, TURN_MSG_MAX, STUN_METHOD_ALLOCATE,
			  STUN_CLASS_SUCCESS_RESP, tid);
	stun_put(&o, type, p, n);
	CU_ASSERT_EQUAL_FATAL(stun_parse(&m, buf, stun_end(&o)), 0);
	return turn_msg_parse(t, &m);
}

static void test_attributes(void)
{
	static const uint8_t other[] = "\x00\x01\x0d\x96\xc0\x00\x02\x07";
	uint8_t buf[TURN_MSG_MAX], big[TURN_NONCE_MAX + 1];
	struct turn_msg t;
	struct sa sa;

	memset(big, 'n', sizeof big);
	CU_ASSERT_EQUAL(parse(&t, buf, STUN_ATTR_LIFETIME,
			      "\x00\x00\x02\x58", 4), 0);
	CU_ASSERT(t.has_lifetime && t.lifetime == 600);
	CU_ASSERT_EQUAL(parse(&t, buf, STUN_ATTR_LIFETIME, "\x02\x58", 2),
			EBADMSG);
	CU_ASSERT_EQUAL(parse(&t, buf, STUN_ATTR_ALT_SERVER, other, 8), 0);
	CU_ASSERT_EQUAL_FATAL(sa_set_str(&sa, "192.0.2.7", 3478), 0);
	CU_ASSERT(sa_cmp(&t.alternate, &sa, SA_ALL));
	CU_ASSERT_EQUAL(parse(&t, buf, STUN_ATTR_NONCE, big,
			      TURN_NONCE_MAX), 0);
	CU_ASSERT_EQUAL(parse(&t, buf, STUN_ATTR_NONCE, big,
			      TURN_NONCE_MAX + 1), EBADMSG);
	CU_ASSERT_EQUAL(parse(&t, buf, STUN_ATTR_NONCE, "a\0b", 3), EBADMSG);
	CU_ASSERT_EQUAL(parse(&t, buf, STUN_ATTR_REALM, "", 0), EBADMSG);
	CU_ASSERT_EQUAL(parse(&t, buf, STUN_ATTR_XOR_RELAY_ADDR, other, 7),
			EBADMSG);
	CU_ASSERT_EQUAL(parse(&t, buf, STUN_ATTR_XOR_RELAY_ADDR, other, 8),
			0);
	CU_ASSERT(sa_isset(&t.relayed[0], SA_ALL));
	CU_ASSERT(!sa_isset(&t.relayed[1], SA_ALL));
}

UNIT_SUITE("turnmsg",
	{ "the vector of RFC 5769, 2.4", test_rfc5769 },
	{ "SHA-256, and nobody who takes it out or puts it in", test_sha256 },
	{ "a shared secret", test_secret },
	{ "attributes", test_attributes })
