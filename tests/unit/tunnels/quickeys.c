/*
 * quickeys.c: tunnels/flow/quickeys.c with the values of RFC 9001, appendix
 * A. That both ends agree in a connection is quic.c's to show.
 */
#include "tests/unit/unit.h"
#include "tunnels/flow/quickeys.c"

static void hex(uint8_t *dst, size_t n, const char *s)
{
	CU_ASSERT_EQUAL(strlen(s), 2 * n);
	CU_ASSERT(!str_hex(dst, n, s));
}

static void same(const uint8_t *p, size_t n, const char *want)
{
	uint8_t buf[64];

	hex(buf, n, want);
	CU_ASSERT(!memcmp(p, buf, n));
}

static void check_expand(const uint8_t *secret, const char *label, size_t n,
			 const char *want)
{
	uint8_t buf[64];

	CU_ASSERT(!expand(buf, n, secret, label));
	same(buf, n, want);
}

/* A.1: both sides of the connection to 8394c8f03e515708 */
static void test_initial(void)
{
	uint8_t client[SECRET], serv[SECRET], rx[SECRET], tx[SECRET];
	ngtcp2_cid id = { .datalen = 8 };

	hex(id.data, 8, "8394c8f03e515708");
	CU_ASSERT(!initial_secrets(client, serv, &id, true));
	same(client, SECRET, "c00cf151ca5be075ed0ebfb5c80323c4"
	     "2d6b7db67881289af4008f1f6c357aea");
	same(serv, SECRET, "3c199828fd139efd216c155ad844cc81"
	     "fb82fa8d7446fa7d78be803acdda951b");
	CU_ASSERT(!initial_secrets(rx, tx, &id, false));
	CU_ASSERT(!memcmp(rx, serv, SECRET));
	CU_ASSERT(!memcmp(tx, client, SECRET));

	check_expand(client, "quic key", 16,
		     "1f369613dd76d5467730efcbe3b1a22d");
	check_expand(client, "quic iv", 12, "fa044b2f42a3fd3b46fb255c");
	check_expand(client, "quic hp", 16,
		     "9f50449e04a0e810283a1e9933adedd2");
	check_expand(serv, "quic key", 16,
		     "cf3a5331653c364c88f0f379b6067e37");
	check_expand(serv, "quic iv", 12, "0ac1493ca1905853b0bba03e");
	check_expand(serv, "quic hp", 16,
		     "c206b8d9b9f0f37644430b490eeaa314");
}

static const char chacha_secret[] = "9ac312a7f877468ebe69422748ad00a1"
	"5443f18203a07d6060f688f30f21632b";

/* A.5: a PING in packet 654360564, and back again */
static void test_packet(void)
{
	uint8_t secret[SECRET], head[4], pkt[17], mask[AEAD_MASK], nonce[12];
	ngtcp2_callbacks cb;
	struct keys k;

	memset(&cb, 0, sizeof cb);
	quickeys_callbacks(&cb);
	hex(secret, sizeof secret, chacha_secret);
	hex(head, sizeof head, "4200bff4");
	CU_ASSERT_FATAL(!keys_make(&k, AEAD_CHACHA20_POLY1305, secret));
	same(k.iv, sizeof k.iv, "e0459b3474bdd0e44a41c144");
	hex(nonce, sizeof nonce, "e0459b3474bdd0e46d417eb0");
	pkt[0] = 1;
	CU_ASSERT(!cb.encrypt(pkt, NULL, &k.aead, pkt, 1, nonce,
			      sizeof nonce, head, sizeof head));
	same(pkt, sizeof pkt, "655e5cd55c41f69080575d7999c25a5bfb");
	CU_ASSERT(!cb.hp_mask(mask, NULL, &k.mask, pkt + 1));
	same(mask, sizeof mask, "aefefe7d03");
	CU_ASSERT_EQUAL(cb.decrypt(pkt, NULL, &k.aead, pkt, AEAD_TAG - 1,
				   nonce, sizeof nonce, head, sizeof head),
			NGTCP2_ERR_DECRYPT);
	CU_ASSERT(!cb.decrypt(pkt, NULL, &k.aead, pkt, sizeof pkt, nonce,
			      sizeof nonce, head, sizeof head));
	CU_ASSERT_EQUAL(pkt[0], 1);
	keys_free(&k);
}

/* A.5: the secret after a key update */
static void test_update(void)
{
	uint8_t secret[SECRET];

	hex(secret, sizeof secret, chacha_secret);
	check_expand(secret, "quic ku", SECRET,
		     "1223504755036d556342ee9361d25342"
		     "1a826c9ecdf3c7148684b36b714881f9");
}

UNIT_SUITE("quickeys", { "initial keys", test_initial },
	   { "a packet", test_packet }, { "the next secret", test_update })
