/* fuzz: tunnels/flow/dtlsrec.c tunnels/flow/dtlspmtu.c tunnels/flow/aead.c tunnels/flow/aeadevp.c tunnels/flow/aeadmb.c */
/*
 * DTLS records as a hostile network brings them: forged ones are refused and
 * left as they were, true ones are taken exactly once whatever their order;
 * and the search for the path's MTU, with any answers at any time.
 *
 *   first byte: the cipher, or the search; then one step after another
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tunnels/flow/dtlspmtu.h"
#include "tunnels/flow/dtlsrec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	TEXT = 48,
	RECORD = TEXT + REC_OVERHEAD_MAX,
	KEPT = 64,
	MTU_MAX = 1472,
};

struct kept {
	uint64_t seq;
	bool opened;
	size_t len;
	uint8_t buf[RECORD];
};

static struct rec a, b;
static struct kept kept[KEPT];

static void need(bool ok)
{
	if (!ok)
		abort();
}

static void open_pair(enum aead_cipher cipher)
{
	struct rec_secret s = { .cipher = cipher, .client = true };

	memset(s.master, 7, sizeof s.master);
	need(!rec_init(&a, &s, 1));
	s.client = false;
	need(!rec_init(&b, &s, 1));
	memset(kept, 0, sizeof kept);
}

static void seal(struct kept *k, uint8_t n)
{
	uint8_t text[TEXT];

	n %= TEXT + 1;
	memset(text, n, sizeof text);
	k->seq = a.seq;
	k->opened = false;
	k->len = rec_seal(&a, k->buf, REC_DATA, text, n);
	need(k->len == n + rec_overhead(&a));
	need(rec_length(k->buf, k->len) == k->len);
}

static void open_true(struct kept *k)
{
	const bool old = b.rx_max >= k->seq + REC_WINDOW;
	uint8_t buf[RECORD], *p;
	size_t n;
	int err;

	if (!k->len)
		return;
	memcpy(buf, k->buf, k->len);
	err = rec_open(&b, buf, k->len, &p, &n);
	need(err == (old || k->opened ? EALREADY : 0));
	if (!err) {
		need(n == k->len - rec_overhead(&b));
		for (size_t i = 0; i < n; i++)
			need(p[i] == n);
		k->opened = true;
	}
}

/* Anything that differs from a true record by any of its bits. */
static void open_false(const struct kept *k, size_t at, uint8_t bits)
{
	uint8_t buf[RECORD], was[RECORD], *p;
	size_t n;
	int err;

	if (!k->len || !bits)
		return;
	memcpy(buf, k->buf, k->len);
	buf[at % k->len] ^= bits;
	memcpy(was, buf, k->len);
	err = rec_open(&b, buf, k->len, &p, &n);
	need(err == EBADMSG || err == EALREADY);
	need(!memcmp(buf, was, k->len));
}

static void open_raw(const uint8_t *data, size_t size)
{
	uint8_t *buf = malloc(size ? size : 1), *p;
	size_t n, len, pos = 0;

	need(buf != NULL);
	memcpy(buf, data, size);
	while ((len = rec_length(buf + pos, size - pos))) {
		need(len <= size - pos);
		need(rec_open(&b, buf + pos, len, &p, &n));
		pos += len;
	}
	need(rec_open(&b, buf, size, &p, &n));
	free(buf);
}

static void records(const uint8_t *data, size_t size)
{
	open_pair(data[0] & 1 ? AEAD_CHACHA20_POLY1305 : AEAD_AES128_GCM);
	for (size_t i = 1; i + 3 < size; i += 4) {
		struct kept *k = &kept[data[i + 1] % KEPT];

		switch (data[i] % 5) {
		case 0: seal(k, data[i + 2]); break;
		case 1: open_true(k); break;
		case 2: open_false(k, data[i + 2], data[i + 3]); break;
		case 3: a.seq += data[i + 2] << (data[i + 3] % 16); break;
		default: open_raw(data + i, size - i); break;
		}
	}
	rec_close(&a);
	rec_close(&b);
}

static void search(const uint8_t *data, size_t size)
{
	struct pmtu p;
	uint64_t now = 1;

	memset(&p, 0, sizeof p);
	pmtu_start(&p, MTU_MAX, true, now);
	for (size_t i = 1; i + 2 < size; i += 3) {
		const size_t n = (size_t)data[i + 1] << 8 | data[i + 2];

		switch (data[i] % 4) {
		case 0: now += n * 1000000; break;
		case 1: pmtu_answer(&p, n % 2000, now); break;
		case 2: pmtu_refused(&p, n % 2000, now); break;
		default: p.used = true; break;
		}
		for (int k = 0; k < 16; k++) {
			const size_t probe = pmtu_turn(&p, now);

			need(probe <= MTU_MAX);
			if (!probe)
				break;
			need(k < 15);
		}
		need(p.size >= PMTU_BASE && p.size <= MTU_MAX);
		need(p.next > now);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] & 2)
		search(data, size);
	else
		records(data, size);
	return 0;
}
