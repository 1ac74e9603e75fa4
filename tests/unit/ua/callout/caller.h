/*
 * caller.h: a caller, and two that it may call, who answer what a test writes.
 */
#ifndef DIALTONE_TEST_CALLER_H
#define DIALTONE_TEST_CALLER_H

#include "tests/unit/ua/raw.h"

static struct side a;
static struct raw peer, other;

static inline void open_caller(const struct ua_conf *conf)
{
	static const struct ua_conf plain = { .user = "caller" };

	pair_begin();
	memset(&a, 0, sizeof a);
	raw_open(&peer);
	raw_open(&other);
	CU_ASSERT_EQUAL_FATAL(side_open(&a, conf ? conf : &plain), 0);
}

static inline void close_caller(void)
{
	sides_close(&a, NULL);
	raw_close(&peer);
	raw_close(&other);
	pair_end();
}

static inline void dial(const struct raw *r)
{
	char uri[128];

	(void)re_snprintf(uri, sizeof uri, "sip:peer@%J", &r->addr);
	CU_ASSERT_EQUAL_FATAL(side_dial(&a, uri, "v=0 offer"), 0);
}

/* A caller whose INVITE the peer has. */
static inline void call_peer(void)
{
	open_caller(NULL);
	dial(&peer);
	CU_ASSERT(raw_wait(&peer, "INVITE", 1000));
}

static inline const char *contact(const struct raw *r)
{
	static char text[128];

	(void)re_snprintf(text, sizeof text, "Contact: <sip:peer@%J>\r\n",
			  &r->addr);
	return text;
}

#endif
