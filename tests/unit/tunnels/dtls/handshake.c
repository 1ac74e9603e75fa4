/*
 * handshake.c: who is at the other end of a DTLS association, and that the
 * handshake gets there: wrong keys, chains of certificates, loss.
 */
#include <sys/stat.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include "tests/unit/tunnels/dtls/side.h"

static void test_wrong_key(void)
{
	for (int i = 0; i < 2; i++) {
		const struct dtls_conf ca = make_conf(true, 0, i ? 1 : 2, 7);
		const struct dtls_conf cb = make_conf(false, 1, i ? 2 : 0, 7);
		struct side a, b, *who = i ? &b : &a, *other = i ? &a : &b;

		start_worker(&a);
		start_worker(&b);
		start_dtls(&a, &ca);
		start_dtls(&b, &cb);
		set_path(&a, port_of(&b));
		set_path(&b, port_of(&a));
		WAIT_FOR(a.ended && b.ended);
		CU_ASSERT_EQUAL(who->why, FLOW_END_KEY);
		CU_ASSERT_EQUAL(memcmp(who->got_fp, identity_fp(ids[!i]), 32),
				0);
		CU_ASSERT_EQUAL(other->why, FLOW_END_CLOSED);
		CU_ASSERT_STRING_EQUAL(other->text,
				       "the peer refuses our key");
		CU_ASSERT_EQUAL(a.secured + b.secured, 0);
		stop_pair(&a, &b);
	}
}

/* Key I, with the certificate of another behind its own. */
static struct identity *with_chain(int i)
{
	struct identity *id = NULL;
	const uint8_t *der;
	char file[96];
	EVP_PKEY *key;
	unsigned n;
	FILE *f;

	f = fdopen(unit_file(file, sizeof file), "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	der = identity_key(ids[i], &n);
	key = d2i_AutoPrivateKey(NULL, &der, (long)n);
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	EVP_PKEY_free(key);
	for (int k = 0; k < 2; k++) {
		X509 *x;

		der = identity_cert(ids[k ? 2 : i], &n);
		x = d2i_X509(NULL, &der, (long)n);
		PEM_write_X509(f, x);
		X509_free(x);
	}
	fclose(f);
	CU_ASSERT_EQUAL(identity_load(&id, file), 0);
	(void)unlink(file);
	return id;
}

static void has_chain(const struct side *s, const struct identity *id)
{
	const uint8_t *got = NULL, *der;
	size_t n = dtls_chain(s->q, &got), at = 0;
	unsigned len;

	for (unsigned i = 0; id && (der = identity_chain(id, i, &len)); i++) {
		CU_ASSERT_FATAL(at + len <= n);
		CU_ASSERT_EQUAL(memcmp(got + at, der, len), 0);
		at += len;
	}
	CU_ASSERT_EQUAL(at, n);
}

/* Both see all that the other shows, if they ask for it. */
static void test_chain(void)
{
	struct dtls_conf ca = make_conf(true, 0, 1, 7);
	struct dtls_conf cb = make_conf(false, 1, 0, 7);
	struct identity *ia = with_chain(0), *ib = with_chain(1);
	struct side a, b;

	CU_ASSERT_FATAL(ia && ib);
	for (int i = 0; i < 3; i++) {
		ca.identity = ia;
		cb.identity = ib;
		ca.chain = i != 1;
		cb.chain = i != 2;
		start_worker(&a);
		start_worker(&b);
		start_dtls(&a, &ca);
		start_dtls(&b, &cb);
		set_path(&a, port_of(&b));
		set_path(&b, port_of(&a));
		WAIT_FOR(a.secured && b.secured);
		has_chain(&a, ca.chain ? ib : NULL);
		has_chain(&b, cb.chain ? ia : NULL);
		stop_pair(&a, &b);
	}
	mem_deref(ia);
	mem_deref(ib);
}

/* The handshake gets through whatever is lost of it. */
static void test_handshake_loss(void)
{
	for (unsigned i = 1; i < 13; i++) {
		struct dtls_conf ca = make_conf(true, 0, 1, 7);
		struct dtls_conf cb = make_conf(false, 1, 0, 7);
		struct relay *r = relay_open();
		struct side a, b;

		ca.by_ssl = cb.by_ssl = i > 6;
		if (i % 6 < 3)
			r->lose_first = i % 6 + 1;
		else
			r->drop = i % 6;
		connect_over_by(r, &a, &b, &ca, &cb);
		start_put(&a, 0, 400, 100, true);
		start_put(&b, 0, 400, 100, true);
		WAIT_FOR(a.sent && b.sent && a.rx > 50 && b.rx > 50);
		CU_ASSERT_EQUAL(a.bad + b.bad + a.dup + b.dup, 0);
		stop_pair(&a, &b);
		relay_close(r);
	}
}

/* No datagram of the handshake, whatever certificates are in it, is longer
 * than any path takes; the first that is lost comes again after 150 ms. */
static void test_handshake_small(void)
{
	struct dtls_conf ca = make_conf(true, 0, 1, 7);
	struct dtls_conf cb = make_conf(false, 1, 0, 7);
	struct identity *ia = with_chain(0), *ib = with_chain(1);
	struct relay *r = relay_open();
	struct side a, b;
	uint64_t t;

	CU_ASSERT_FATAL(ia && ib);
	ca.identity = ia;
	cb.identity = ib;
	ca.chain = cb.chain = true;
	r->max = 1200;
	r->lose_first = 1;
	start_worker(&a);
	start_worker(&b);
	relay_run(r, port_of(&a), port_of(&b));
	start_dtls(&a, &ca);
	start_dtls(&b, &cb);
	t = clock_ns();
	set_path(&a, r->port[0]);
	set_path(&b, r->port[1]);
	wait_secured(&a, &b);
	t = clock_ns() - t;
	/* at once, and again, each way */
	CU_ASSERT(t >= 150 * MSEC);
	has_chain(&a, ib);
	has_chain(&b, ia);
	stop_pair(&a, &b);
	relay_close(r);
	mem_deref(ia);
	mem_deref(ib);
}

UNIT_SUITE("dtls/handshake",
	{ "set up keys", set_up_keys },
	{ "another key than expected", test_wrong_key },
	{ "chain", test_chain },
	{ "handshake over a network that loses", test_handshake_loss },
	{ "a handshake in small datagrams", test_handshake_small },
	{ "keys are put away", put_keys_away })
