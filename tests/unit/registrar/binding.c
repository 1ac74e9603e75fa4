/*
 * binding.c: the location service in fake time.
 */
#include <stdio.h>
#include <string.h>
#include "tests/unit/fail.h"
#include "sipd/registrar/binding.h"

static struct timers *timers;
static struct bindings *bs;

static void open_all(void)
{
	CU_ASSERT_EQUAL_FATAL(timers_alloc(&timers), 0);
	CU_ASSERT_EQUAL_FATAL(bindings_alloc(&bs, timers), 0);
}

static void close_all(void)
{
	bs = mem_deref(bs);
	timers = mem_deref(timers);
}

static struct binding_update update(const char *user, const char *uri,
				    uint16_t port, uint32_t cseq)
{
	struct binding_update up = { .cseq = cseq, .expires = 60 };

	pl_set_str(&up.user, user);
	pl_set_str(&up.uri, uri);
	pl_set_str(&up.callid, "c");
	sa_set_str(&up.flow.peer, "192.0.2.1", port);
	return up;
}

static int set(struct binding_update up)
{
	const int err = binding_check(bs, &up);

	return err ? err : binding_set(bs, &up);
}

static unsigned count(const char *user)
{
	struct pl pl;

	pl_set_str(&pl, user);
	return list_count(bindings_of(bs, &pl));
}

static void test_order(void)
{
	struct binding_update up;
	struct pl alice, callid;

	open_all();
	CU_ASSERT_EQUAL(set(update("alice", "sip:a@x", 1, 5)), 0);
	CU_ASSERT_EQUAL(set(update("alice", "sip:a@x", 2, 5)), 0);
	CU_ASSERT_EQUAL(set(update("alice", "sip:a@x", 3, 4)), EPROTO);
	CU_ASSERT_EQUAL(set(update("alice", "sip:b@x", 3, 1)), 0);
	CU_ASSERT_EQUAL(count("alice"), 2);
	CU_ASSERT_EQUAL(count("bob"), 0);
	pl_set_str(&alice, "alice");
	pl_set_str(&callid, "c");
	CU_ASSERT(!strcmp(((struct binding *)list_ledata(list_head(
		bindings_of(bs, &alice))))->uri, "sip:b@x"));
	CU_ASSERT_PTR_EQUAL(bindings_by_hash(bs, bindings_hash(&alice)),
			    bindings_of(bs, &alice));
	CU_ASSERT_EQUAL(bindings_clear(bs, &alice, &callid, 2), EPROTO);
	CU_ASSERT_EQUAL(count("alice"), 2);
	up = update("alice", "sip:a@x", 9, 6);
	up.expires = 0;
	CU_ASSERT_EQUAL(set(up), 0);
	CU_ASSERT_EQUAL(count("alice"), 1);
	CU_ASSERT_EQUAL(bindings_clear(bs, &alice, &callid, 7), 0);
	CU_ASSERT_PTR_NULL(bindings_of(bs, &alice));
	CU_ASSERT_EQUAL(bindings_count(bs), 0);
	close_all();
}

static void test_instance(void)
{
	struct binding_update up;

	open_all();
	up = update("alice", "sip:a@x", 1, 1);
	pl_set_str(&up.instance, "<urn:uuid:1>");
	up.reg_id = 1;
	CU_ASSERT_EQUAL(set(up), 0);
	up.reg_id = 2;
	CU_ASSERT_EQUAL(set(up), 0);
	CU_ASSERT_EQUAL(count("alice"), 2);
	pl_set_str(&up.uri, "sip:a@y");
	CU_ASSERT_EQUAL(set(up), 0);
	CU_ASSERT_EQUAL(count("alice"), 2);
	pl_set_str(&up.instance, "<urn:uuid:2>");
	CU_ASSERT_EQUAL(set(up), 0);
	CU_ASSERT_EQUAL(count("alice"), 3);
	close_all();
}

static void test_cap(void)
{
	char uri[32];

	open_all();
	for (unsigned i = 0; i < 2 * BINDINGS_PER_USER; i++) {
		snprintf(uri, sizeof uri, "sip:a@%u", i);
		CU_ASSERT_EQUAL(set(update("alice", uri, 1, i)), 0);
	}
	CU_ASSERT_EQUAL(count("alice"), BINDINGS_PER_USER);
	CU_ASSERT_EQUAL(bindings_count(bs), BINDINGS_PER_USER);
	close_all();
}

static bool keep_handler(const struct pl *user, void *arg)
{
	(void)arg;
	return !pl_strcmp(user, "bob");
}

static void test_going(void)
{
	struct binding_update up;

	open_all();
	CU_ASSERT_EQUAL(set(update("alice", "sip:a@x", 1, 1)), 0);
	CU_ASSERT_EQUAL(set(update("alice", "sip:b@x", 2, 1)), 0);
	up = update("bob", "sip:c@x", 1, 1);
	up.expires = 120;
	CU_ASSERT_EQUAL(set(up), 0);
	bindings_flow_closed(bs, &up.flow);
	CU_ASSERT_EQUAL(count("alice"), 1);
	CU_ASSERT_EQUAL(count("bob"), 0);

	CU_ASSERT_EQUAL(set(up), 0);
	timers_run(timers, clock_ns() + 61 * SEC);
	CU_ASSERT_EQUAL(count("alice"), 0);
	CU_ASSERT_EQUAL(count("bob"), 1);
	CU_ASSERT_EQUAL(set(update("alice", "sip:a@x", 1, 1)), 0);
	bindings_prune(bs, keep_handler, NULL);
	CU_ASSERT_EQUAL(count("alice"), 0);
	CU_ASSERT_EQUAL(bindings_count(bs), 1);
	close_all();
}

static int set_both(void *arg)
{
	struct timers *t = NULL;
	struct bindings *b = NULL;
	struct binding_update up = update("alice", "sip:a@x", 1, 1);
	int err = timers_alloc(&t);
	(void)arg;

	if (!err)
		err = bindings_alloc(&b, t);
	if (!err)
		err = binding_set(b, &up);
	up.cseq = 2;
	if (!err)
		err = binding_set(b, &up);
	mem_deref(b);
	mem_deref(t);
	return err;
}

static void test_memory(void)
{
	FAIL_EACH(set_both, NULL);
}

UNIT_SUITE("registrar/binding",
	   { "order", test_order },
	   { "instance", test_instance },
	   { "cap", test_cap },
	   { "going", test_going },
	   { "memory", test_memory })
