/*
 * mailbox.c: posts from several threads arrive once, in each thread's order.
 */
#include <pthread.h>
#include <stdint.h>
#include "tests/unit/unit.h"
#include "sdp/base/mailbox.h"

enum { THREADS = 4, POSTS = 5000 };

static struct mailbox *box;
static unsigned count, disorder, lastv[THREADS];

static void mail_handler(void *data)
{
	uintptr_t v = (uintptr_t)data;
	unsigned th = v / POSTS, seq = v % POSTS;

	if (seq && lastv[th] != seq - 1)
		++disorder;
	lastv[th] = seq;
	if (++count == THREADS * POSTS)
		re_cancel();
}

static void *poster(void *arg)
{
	uintptr_t th = (uintptr_t)arg;

	for (uintptr_t i = 0; i < POSTS; i++)
		if (mailbox_post(box, mail_handler,
				 (void *)(th * POSTS + i)))
			break;
	return NULL;
}

static void test_threads(void)
{
	pthread_t tv[THREADS];

	CU_ASSERT_EQUAL(mailbox_alloc(&box), 0);
	CU_ASSERT_EQUAL(mailbox_attach(box), 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&tv[i], NULL, poster, (void *)i);
	re_main(NULL);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(tv[i], NULL);
	CU_ASSERT_EQUAL(count, THREADS * POSTS);
	CU_ASSERT_EQUAL(disorder, 0);
	box = mem_deref(box);
}

static void test_dropped(void)
{
	count = 0;
	mailbox_alloc(&box);
	CU_ASSERT_EQUAL(mailbox_post(box, mail_handler, NULL), 0);
	box = mem_deref(box);
	CU_ASSERT_EQUAL(count, 0);
}

UNIT_SUITE("mailbox", { "threads", test_threads },
	   { "dropped", test_dropped })
