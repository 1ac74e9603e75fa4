/*
 * aead.c: tunnels/flow/aead.h and both libraries behind it: the vectors of
 * the RFCs, one against the other with random data, and what is forged.
 */
#include <errno.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "tunnels/flow/aead.h"
#include "tunnels/flow/aeadevp.h"
#include "tunnels/flow/aeadmb.h"

enum { SIZE_MAX_TRIED = 1500, ROUNDS = 3000, AAD_MAX = 32 };

static const struct lib {
	int (*alloc)(struct aead **ap, enum aead_cipher cipher,
		     const uint8_t *key);
	int (*mask)(struct aead_mask **mp, enum aead_cipher cipher,
		    const uint8_t *key);
} libv[] = {
	{ aead_alloc, aead_mask_alloc },
	{ aeadevp_alloc, aeadevp_mask_alloc },
	{ aeadmb_alloc, aeadmb_mask_alloc },
};

enum { LIBS = sizeof libv / sizeof libv[0] };

static size_t hex(uint8_t *dst, const char *s)
{
	const size_t n = strlen(s) / 2;

	CU_ASSERT(!str_hex(dst, n, s));
	return n;
}

/* false: this library cannot, on this machine or ever. */
static bool key_of(struct aead **ap, const struct lib *l,
		   enum aead_cipher cipher, const uint8_t *key)
{
	int err = l->alloc(ap, cipher, key);

	CU_ASSERT(!err || err == ENOTSUP);
	return !err;
}

static void check_vector(const struct lib *l, enum aead_cipher cipher,
			 const char *const v[6])
{
	uint8_t key[32], nonce[12], aad[64], text[512], want[512], buf[512];
	const size_t aadlen = hex(aad, v[2]), n = hex(text, v[3]);
	struct aead *a;

	(void)hex(key, v[0]);
	(void)hex(nonce, v[1]);
	(void)hex(want, v[4]);
	(void)hex(want + n, v[5]);
	if (!key_of(&a, l, cipher, key))
		return;
	CU_ASSERT(aead_seal(a, buf, text, n, nonce, aad, aadlen));
	CU_ASSERT(!memcmp(buf, want, n + AEAD_TAG));
	CU_ASSERT(aead_open(a, buf, buf, n, nonce, aad, aadlen));
	CU_ASSERT(!memcmp(buf, text, n));
	mem_deref(a);
}

/* The GCM specification's test cases 2 and 4, which RFC 5116 refers to, and
 * RFC 8439, 2.8.2: key, nonce, additional data, text, sealed, tag. */
static void test_vectors(void)
{
	static const char *const gcm2[] = {
		"00000000000000000000000000000000",
		"000000000000000000000000", "",
		"00000000000000000000000000000000",
		"0388dace60b6a392f328c2b971b2fe78",
		"ab6e47d42cec13bdf53a67b21257bddf",
	};
	static const char *const gcm4[] = {
		"feffe9928665731c6d6a8f9467308308",
		"cafebabefacedbaddecaf888",
		"feedfacedeadbeeffeedfacedeadbeefabaddad2",
		"d9313225f88406e5a55909c5aff5269a"
		"86a7a9531534f7da2e4c303d8a318a72"
		"1c3c0c95956809532fcf0e2449a6b525"
		"b16aedf5aa0de657ba637b39",
		"42831ec2217774244b7221b784d0d49c"
		"e3aa212f2c02a4e035c17e2329aca12e"
		"21d514b25466931c7d8f6a5aac84aa05"
		"1ba30b396a0aac973d58e091",
		"5bc94fbc3221a5db94fae95ae7121a47",
	};
	static const char *const chacha[] = {
		"808182838485868788898a8b8c8d8e8f"
		"909192939495969798999a9b9c9d9e9f",
		"070000004041424344454647", "50515253c0c1c2c3c4c5c6c7",
		"4c616469657320616e642047656e746c"
		"656d656e206f662074686520636c6173"
		"73206f66202739393a20496620492063"
		"6f756c64206f6666657220796f75206f"
		"6e6c79206f6e652074697020666f7220"
		"746865206675747572652c2073756e73"
		"637265656e20776f756c642062652069"
		"742e",
		"d31a8d34648e60db7b86afbc53ef7ec2"
		"a4aded51296e08fea9e2b5a736ee62d6"
		"3dbea45e8ca9671282fafb69da92728b"
		"1a71de0a9e060b2905d6a5b67ecd3b36"
		"92ddbd7f2d778b8c9803aee328091b58"
		"fab324e4fad675945585808b4831d7bc"
		"3ff4def08e4b7a9de576d26586cec64b"
		"6116",
		"1ae10b594f09e26a7e902ecbd0600691",
	};

	for (unsigned i = 0; i < LIBS; i++) {
		check_vector(&libv[i], AEAD_AES128_GCM, gcm2);
		check_vector(&libv[i], AEAD_AES128_GCM, gcm4);
		check_vector(&libv[i], AEAD_CHACHA20_POLY1305, chacha);
	}
}

static void check_mask(const struct lib *l, enum aead_cipher cipher,
		       const char *k, const char *s, const char *want)
{
	uint8_t key[32], sample[16], mask[AEAD_MASK], right[AEAD_MASK];
	struct aead_mask *m;
	int err;

	(void)hex(key, k);
	(void)hex(sample, s);
	(void)hex(right, want);
	err = l->mask(&m, cipher, key);
	CU_ASSERT(!err || err == ENOTSUP);
	if (err)
		return;
	for (unsigned i = 0; i < 2; i++) {
		memset(mask, 0, sizeof mask);
		CU_ASSERT(aead_mask(m, mask, sample));
		CU_ASSERT(!memcmp(mask, right, sizeof mask));
	}
	mem_deref(m);
}

/* RFC 9001, A.2, A.3 and A.5 */
static void test_masks(void)
{
	for (unsigned i = 0; i < LIBS; i++) {
		check_mask(&libv[i], AEAD_AES128_GCM,
			   "9f50449e04a0e810283a1e9933adedd2",
			   "d1b1c98dd7689fb8ec11d242b123dc9b", "437b9aec36");
		check_mask(&libv[i], AEAD_AES128_GCM,
			   "c206b8d9b9f0f37644430b490eeaa314",
			   "2cd0991cd25b0aac406a5816b6394100", "2ec0d8356a");
		check_mask(&libv[i], AEAD_CHACHA20_POLY1305,
			   "25a282b9e82f06f21f488917a4fc8f1b"
			   "73573685608597d0efcb076b0ab7a7a4",
			   "5e5cd55c41f69080575d7999c25a5bfb", "aefefe7d03");
	}
}

/* One seals, the other opens; in place and not. */
static void pair(struct aead *a, struct aead *b, unsigned round)
{
	uint8_t text[SIZE_MAX_TRIED], buf[SIZE_MAX_TRIED + AEAD_TAG];
	uint8_t back[SIZE_MAX_TRIED], nonce[AEAD_NONCE], aad[AAD_MAX];
	const size_t n = round < 300 ? round : rand_u32() % SIZE_MAX_TRIED;
	const size_t aadlen = rand_u32() % AAD_MAX;
	const bool in_place = round & 1;

	rand_bytes(text, n);
	rand_bytes(nonce, sizeof nonce);
	rand_bytes(aad, sizeof aad);
	memcpy(buf, text, n);
	CU_ASSERT(aead_seal(a, buf, in_place ? buf : text, n, nonce, aad,
			    aadlen));
	CU_ASSERT(aead_open(b, back, buf, n, nonce, aad, aadlen));
	CU_ASSERT(!memcmp(back, text, n));
	CU_ASSERT(aead_open(b, buf, buf, n, nonce, aad, aadlen));
	CU_ASSERT(!memcmp(buf, text, n));
}

static void test_agree(void)
{
	for (unsigned c = 0; c <= AEAD_CHACHA20_POLY1305; c++) {
		struct aead *a, *b;
		uint8_t key[AEAD_KEY_MAX];

		rand_bytes(key, sizeof key);
		CU_ASSERT_FATAL(!aead_alloc(&a, c, key));
		CU_ASSERT_FATAL(!aeadevp_alloc(&b, c, key));
		for (unsigned i = 0; i < ROUNDS; i++)
			pair(i & 2 ? a : b, i & 2 ? b : a, i);
		mem_deref(a);
		mem_deref(b);
	}
}

/* A bit wrong anywhere is found, and what was there is there again. */
static void forge(struct aead *a)
{
	uint8_t buf[100 + AEAD_TAG], was[sizeof buf], aad[20], nonce[12];
	const size_t n = sizeof buf - AEAD_TAG;

	rand_bytes(aad, sizeof aad);
	rand_bytes(nonce, sizeof nonce);
	memset(buf, 'x', n);
	CU_ASSERT(aead_seal(a, buf, buf, n, nonce, aad, sizeof aad));
	for (size_t bit = 0; bit < 8 * sizeof buf; bit++) {
		buf[bit / 8] ^= 1 << bit % 8;
		memcpy(was, buf, sizeof buf);
		CU_ASSERT(!aead_open(a, buf, buf, n, nonce, aad, sizeof aad));
		CU_ASSERT(!memcmp(was, buf, sizeof buf));
		buf[bit / 8] ^= 1 << bit % 8;
	}
	aad[3] ^= 1;
	CU_ASSERT(!aead_open(a, buf, buf, n, nonce, aad, sizeof aad));
	aad[3] ^= 1;
	nonce[11] ^= 1;
	CU_ASSERT(!aead_open(a, buf, buf, n, nonce, aad, sizeof aad));
	nonce[11] ^= 1;
	CU_ASSERT(aead_open(a, buf, buf, n, nonce, aad, sizeof aad));
	CU_ASSERT(buf[0] == 'x' && buf[n - 1] == 'x');
}

static void test_forged(void)
{
	static const uint8_t key[AEAD_KEY_MAX] = { 1, 2, 3 };

	for (unsigned i = 0; i < LIBS; i++)
		for (unsigned c = 0; c <= AEAD_CHACHA20_POLY1305; c++) {
			struct aead *a;

			if (!key_of(&a, &libv[i], c, key))
				continue;
			forge(a);
			mem_deref(a);
		}
}

static void test_which(void)
{
	static const uint8_t key[AEAD_KEY_MAX];
	struct aead *a;

	CU_ASSERT_EQUAL(aeadmb_alloc(&a, AEAD_CHACHA20_POLY1305, key),
			ENOTSUP);
	if (aeadmb_alloc(&a, AEAD_AES128_GCM, key))
		(void)re_printf("aead: no ipsec-mb with wide AES here:"
				" OpenSSL alone is tested\n");
	else
		mem_deref(a);
}

UNIT_SUITE("aead", { "vectors of the RFCs", test_vectors },
	   { "masks of RFC 9001", test_masks },
	   { "each opens what the other seals", test_agree },
	   { "forged", test_forged }, { "which library", test_which })
