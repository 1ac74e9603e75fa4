/*
 * dgram.c: what dgram.c refuses and reports, over a pair in memory.
 */
#include "tests/unit/fakedgram.h"
#include "tests/unit/fakeflow.h"
#include "tests/unit/unit.h"

enum { PACKETS = 200 };

struct ends {
	struct loop *l;
	struct dgram *a, *b;
	unsigned rx, max_batch, rooms;
	unsigned last, swapped;
	size_t mtu;
};

static void recvh(struct iovec *v, size_t n, void *arg)
{
	struct ends *e = arg;

	if (n > e->max_batch)
		e->max_batch = (unsigned)n;
	for (size_t i = 0; i < n; i++) {
		unsigned no;

		memcpy(&no, v[i].iov_base, sizeof no);
		if (no < e->last)
			++e->swapped;
		e->last = no;
		++e->rx;
		/* the room in front is ours */
		memset((uint8_t *)v[i].iov_base - DGRAM_ROOM, 0xee,
		       DGRAM_ROOM + v[i].iov_len);
	}
}

static void writeh(void *arg)
{
	struct ends *e = arg;

	++e->rooms;
}

static void mtuh(size_t mtu, void *arg)
{
	struct ends *e = arg;

	e->mtu = mtu;
}

static void open_ends(void *arg)
{
	static const struct dgram_handlers h = {
		.recvh = recvh, .writeh = writeh, .mtuh = mtuh
	};
	struct ends *e = arg;

	CU_ASSERT_EQUAL_FATAL(fakedgram_alloc(&e->a, &e->b, e->l), 0);
	dgram_handle(e->a, &h, e);
	dgram_handle(e->b, &h, e);
}

static void close_ends(void *arg)
{
	struct ends *e = arg;

	mem_deref(e->a);
	mem_deref(e->b);
}

static void put_all(void *arg)
{
	struct ends *e = arg;

	for (unsigned i = 0; i < PACKETS; i++)
		CU_ASSERT_EQUAL(dgram_put(e->a, &i, sizeof i), 0);
}

static void refuse(void *arg)
{
	static const uint8_t big[FAKEDGRAM_SIZE];
	struct ends *e = arg;

	CU_ASSERT_EQUAL(dgram_put(e->a, big, 0), EINVAL);
	CU_ASSERT_EQUAL(dgram_put(e->a, big, FAKEDGRAM_MTU), 0);
	CU_ASSERT_EQUAL(dgram_put(e->a, big, FAKEDGRAM_MTU + 1), EMSGSIZE);
	fakedgram_mtu(e->a, 1200);
	CU_ASSERT_EQUAL(e->mtu, 1200);
	CU_ASSERT_EQUAL(dgram_put(e->a, big, 1201), EMSGSIZE);
	CU_ASSERT_EQUAL(e->rooms, 0);
	fakedgram_block(e->a, true);
	CU_ASSERT_EQUAL(dgram_put(e->a, big, 10), EAGAIN);
	fakedgram_block(e->a, false);
	CU_ASSERT_EQUAL(e->rooms, 1);
	dgram_handle(e->a, NULL, NULL);
	fakedgram_mtu(e->a, 1300);
	CU_ASSERT_EQUAL(e->mtu, 1200);
	e->a->over = 1;
	CU_ASSERT_EQUAL(dgram_put(e->a, big, 10), ENOTCONN);
}

static void lossy(void *arg)
{
	struct ends *e = arg;

	fakedgram_drop(e->a, 4);
	fakedgram_swap(e->a, 7);
	put_all(e);
}

static void with_ends(void (*h)(void *arg), struct ends *e)
{
	memset(e, 0, sizeof *e);
	CU_ASSERT_EQUAL_FATAL(loop_alloc(&e->l, "test"), 0);
	fake_call(e->l, open_ends, e);
	fake_call(e->l, h, e);
	sys_msleep(20);
	fake_call(e->l, close_ends, e);
	mem_deref(e->l);
}

static void test_pair(void)
{
	struct ends e;

	with_ends(put_all, &e);
	CU_ASSERT_EQUAL(e.rx, PACKETS);
	CU_ASSERT_EQUAL(e.swapped, 0);
	CU_ASSERT_EQUAL(e.max_batch, DGRAM_BATCH);
}

static void test_refused(void)
{
	struct ends e;

	with_ends(refuse, &e);
}

static void test_lossy(void)
{
	struct ends e;

	with_ends(lossy, &e);
	CU_ASSERT_EQUAL(e.rx, PACKETS - PACKETS / 4);
	CU_ASSERT(e.swapped > 5);
}

UNIT_SUITE("dgram",
	   { "a pair carries packets in batches", test_pair },
	   { "what is refused, and what is told", test_refused },
	   { "loss and reordering", test_lossy })
