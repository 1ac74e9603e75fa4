/*
 * coalesce.c: tests tunnels/vpn/coalesce.c: whatever goes in comes out of the
 * kernel's segmentation (slownet.h) again, bit by bit and in order per flow.
 */
#include "tests/unit/tunnels/slownet.h"
#include "tunnels/vpn/coalesce.h"

enum { FLOWS = 24, BATCH = 64, BATCHES = 3000 };

static struct coalesce co;
static struct slow_packet in[BATCH];
static uint8_t room[BATCH][24 + sizeof in[0].buf];
static bool seen[BATCH];
static int inc, outc, writes;
static bool one_flow_in_order;

static bool same_pair(const struct slow_packet *a, const struct slow_packet *b)
{
	const bool v6 = a->buf[0] / 16 == 6;
	const size_t l4 = v6 ? 40 : 20;

	if (a->buf[0] / 16 != b->buf[0] / 16 || a->n < l4 + 4 ||
	    b->n < l4 + 4)
		return false;
	return v6 ? a->buf[6] == b->buf[6] && !memcmp(a->buf + 8, b->buf + 8,
						      36)
		: a->buf[9] == b->buf[9] && !memcmp(a->buf + 12, b->buf + 12,
						    12);
}

/* It is one that came in, and no earlier one of its flow is still missing. */
static void out_handler(const uint8_t *p, size_t n, void *arg)
{
	(void)arg;
	outc++;
	for (int i = 0; i < inc; i++) {
		if (seen[i] || in[i].n != n || memcmp(in[i].buf, p, n))
			continue;
		for (int k = 0; k < i; k++)
			if (!seen[k] && same_pair(&in[i], &in[k]))
				one_flow_in_order = false;
		seen[i] = true;
		return;
	}
	CU_FAIL("a packet that never came in");
}

static void write_handler(const struct iovec *v, int n, void *arg)
{
	static uint8_t buf[80000];
	struct virtio_net_hdr vh;
	size_t len = 0;
	(void)arg;

	for (int i = 0; i < n; i++) {
		memcpy(buf + len, v[i].iov_base, v[i].iov_len);
		len += v[i].iov_len;
	}
	memcpy(&vh, buf, sizeof vh);
	CU_ASSERT(len - sizeof vh <= 65535);
	writes++;
	slow_cut(&vh, buf + sizeof vh, len - sizeof vh, out_handler, NULL);
}

/* As it comes from a peer that leaves checksums out. */
static bool strip(uint8_t *p, const struct inner *i)
{
	if (i->fragment || !inner_check(i->proto) ||
	    i->len < i->l4 + (i->proto == IP_TCP ? 20u : 8u) ||
	    !slow_right(p, i->len, i->l4, i->proto) ||
	    (i->proto == IP_UDP && !p[i->l4 + 6] && !p[i->l4 + 7]))
		return false;
	p[i->l4 + inner_check(i->proto)] ^= 0x5a;
	return true;
}

static void run_batch(bool partial)
{
	struct inner i;

	memset(seen, 0, sizeof seen);
	outc = writes = 0;
	one_flow_in_order = true;
	co.tcp = co.udp = true;
	co.writeh = write_handler;
	for (int k = 0; k < inc; k++) {
		uint8_t *p = room[k] + 24;

		memcpy(p, in[k].buf, in[k].n);
		CU_ASSERT_EQUAL(inner_parse(&i, p, in[k].n), 0);
		coalesce_add(&co, p, &i, partial && strip(p, &i));
	}
	coalesce_flush(&co);
	CU_ASSERT_EQUAL(outc, inc);
	CU_ASSERT(one_flow_in_order);
}

static void test_bulk(void)
{
	struct slow_flow f = { .port = 1000, .seq = 0xfffffff0, .options = 12,
			       .id = 0xfff0 };

	for (int udp = 0; udp < 2; udp++)
		for (int v6 = 0; v6 < 2; v6++)
			for (int partial = 0; partial < 2; partial++) {
				f.udp = udp;
				f.v6 = v6;
				for (inc = 0; inc < 40; inc++)
					slow_make(&in[inc], &f, 1300);
				f.flags = 0x19;
				slow_make(&in[inc++], &f, 100);
				f.flags = 0;
				run_batch(partial);
				CU_ASSERT_EQUAL(writes, 1);
			}
}

static void test_largest(void)
{
	struct slow_flow f = { .port = 1000, .udp = true };

	for (inc = 0; inc < BATCH; inc++)
		slow_make(&in[inc], &f, 1400);
	run_batch(false);
	CU_ASSERT_EQUAL(writes, 2);     /* 65535 bytes at most */
}

static void each_alone(void)
{
	run_batch(false);
	CU_ASSERT_EQUAL(writes, inc);
	run_batch(true);
	CU_ASSERT_EQUAL(writes, inc);
}

/* One thing after the other that the kernel would not give back. */
static void test_never(void)
{
	static const uint8_t flagv[] = { 0x02, 0x04, 0x11, 0x18, 0x30, 0x90,
					 0x12, 0x14 };
	struct slow_flow f = { .port = 7 };

	for (size_t i = 0; i < sizeof flagv; i++) {
		f.flags = flagv[i];
		for (inc = 0; inc < 4; inc++)
			slow_make(&in[inc], &f, 500);
		each_alone();
	}
	f.flags = 0;
	for (inc = 0; inc < 4; inc++) {
		slow_make(&in[inc], &f, 500);
		f.id += 3;
	}
	each_alone();
	for (inc = 0; inc < 4; inc++) {
		slow_make(&in[inc], &f, 500);
		f.seq += 1;
	}
	each_alone();
	for (inc = 0; inc < 4; inc++) {
		f.tos = (uint8_t)(inc % 2);     /* ECN */
		slow_make(&in[inc], &f, 500);
	}
	each_alone();
	for (inc = 0; inc < 4; inc++)
		slow_make(&in[inc], &f, 0);     /* pure ACKs */
	each_alone();
}

/* Wrong sums stay wrong: nobody downstream is told that they are right. */
static void test_wrong_sum(void)
{
	struct slow_flow f = { .port = 7, .options = 12 };

	for (int at = 0; at < 60; at++) {
		for (inc = 0; inc < 3; inc++)
			slow_make(&in[inc], &f, 200);
		if (at < 4 || at == 9)
			continue;       /* another packet altogether */
		in[1].buf[at] ^= 0x10;
		run_batch(false);
	}
}

static void spoil(struct slow_packet *k)
{
	const bool v6 = k->buf[0] / 16 == 6;
	const size_t at = (v6 ? 40 : 20) + (size_t)rand() % 20;

	switch (rand() % 5) {
	case 0:
		if (at < k->n)
			k->buf[at] ^= (uint8_t)(1 << rand() % 8);
		break;
	case 1:
		if (!v6)
			k->buf[7] = 9;          /* a fragment */
		break;
	case 2:
		k->buf[v6 ? 6 : 9] = 47;        /* GRE */
		break;
	case 3:
		if (!v6 && k->buf[9] == 17)
			k->buf[26] = k->buf[27] = 0;
		break;
	default:
		if (k->buf[v6 ? 6 : 9] == 6 && k->n >= (v6 ? 60u : 40u)) {
			k->buf[(v6 ? 53 : 33)] = (uint8_t)rand();
			slow_finish(k->buf, k->n, v6 ? 40 : 20, false);
		}
		break;
	}
}

static void random_batch(struct slow_flow *fv, int flows)
{
	const int max = 1 + rand() % BATCH;

	for (inc = 0; inc < max; ) {
		struct slow_flow *f = &fv[rand() % flows];
		const size_t size = 1 + (size_t)rand() % 1300;
		const int len = 1 + rand() % 12;

		for (int i = 0; i < len && inc < max; i++) {
			slow_make(&in[inc], f, rand() % 9 ? size :
				  (size_t)rand() % 1300);
			f->flags = rand() % 6 ? 0 : 0x18;
			if (!(rand() % 40))
				f->tos ^= 3;
			if (!(rand() % 40))
				f->seq += 3000;
			if (!(rand() % 20))
				spoil(&in[inc]);
			inc++;
		}
		if (!(rand() % 30) && inc > 1) {
			const struct slow_packet k = in[inc - 1];

			in[inc - 1] = in[inc - 2];
			in[inc - 2] = k;
		}
	}
}

static void test_random(void)
{
	struct slow_flow fv[FLOWS];
	long total = 0, written = 0;

	srand(4711);
	for (int i = 0; i < FLOWS; i++)
		fv[i] = (struct slow_flow){
			.v6 = i & 1, .udp = i & 2, .net = (uint8_t)(i % 5),
			.port = (uint16_t)(100 + i), .options = i & 4 ? 12 : 0,
			.seq = (uint32_t)rand() << 12, .id = (uint16_t)rand()
		};
	for (int i = 0; i < BATCHES; i++) {
		random_batch(fv, 1 + rand() % FLOWS);
		run_batch(i & 1);
		total += inc;
		written += writes;
	}
	CU_ASSERT(written < total * 3 / 4);
}

UNIT_SUITE("coalesce",
	   { "bulk", test_bulk },
	   { "largest", test_largest },
	   { "never", test_never },
	   { "wrong sums", test_wrong_sum },
	   { "random streams", test_random })
