/*
 * pair.h: user agents for tests: a loop with a deadline, and a side that
 * writes down what its handlers were told.
 */
#ifndef DIALTONE_TEST_PAIR_H
#define DIALTONE_TEST_PAIR_H

#include <stdlib.h>
#include <string.h>
#include "tests/unit/unit.h"
#include "tests/unit/steady.h"
#define DEBUG_MODULE "test"
#define DEBUG_LEVEL 3
#include <re_dbg.h>
#include "sdp/base/clock.h"
#include "sipd/ua/ua.h"

struct side {
	struct ua *ua;
	struct call *call;
	char log[2048];         /* words, one per handler call */
	char body[4096];        /* of the last one */
	struct call_end end;
	enum ua_state state;
	uint16_t scode;
	char why[160];
	/* what to do with a call or an offer; NULL: answer */
	void (*on_call)(struct side *s, struct call *c);
	void (*on_offer)(struct side *s, const struct call_body *b);
	const char *answer;     /* SDP */
};

static struct timers *timers;
static struct timer pair_guard, pair_poll;
static bool (*pair_done)(void *arg);
static void *pair_arg;
static bool pair_late;

static inline void pair_late_handler(void *arg)
{
	(void)arg;
	pair_late = true;
	re_cancel();
}

static inline void pair_poll_handler(void *arg)
{
	(void)arg;
	if (pair_done(pair_arg))
		re_cancel();
	else
		timer_start(timers, &pair_poll, 2 * MSEC, pair_poll_handler,
			    NULL);
}

/* Run the loop until done says so: true; or ms have passed: false. */
static inline bool run_until(bool (*done)(void *arg), void *arg, unsigned ms)
{
	pair_done = done;
	pair_arg = arg;
	pair_late = false;
	if (done(arg))
		return true;
	timer_start(timers, &pair_guard, ms * MSEC, pair_late_handler, NULL);
	timer_start(timers, &pair_poll, 2 * MSEC, pair_poll_handler, NULL);
	re_main(NULL);
	timer_stop(&pair_guard);
	timer_stop(&pair_poll);
	return !pair_late;
}

static inline bool never(void *arg)
{
	(void)arg;
	return false;
}

static inline void run_for(unsigned ms)
{
	(void)run_until(never, NULL, ms);
}

static inline void side_log(struct side *s, const char *fmt, ...)
{
	size_t n = strlen(s->log);
	va_list ap;

	va_start(ap, fmt);
	(void)re_vsnprintf(s->log + n, sizeof s->log - n, fmt, ap);
	va_end(ap);
}

static inline void side_body(struct side *s, const struct call_body *b)
{
	size_t n = b->ctype ? b->n : 0;

	if (n >= sizeof s->body)
		n = sizeof s->body - 1;
	if (n)
		memcpy(s->body, b->p, n);
	s->body[n] = '\0';
}

static inline void side_progress(uint16_t scode, const struct call_body *b,
				 void *arg)
{
	struct side *s = arg;

	side_log(s, "%u ", scode);
	side_body(s, b);
}

static inline void side_answer(const struct call_body *b, void *arg)
{
	struct side *s = arg;

	side_log(s, "answer ");
	side_body(s, b);
}

static inline void side_established(const struct call_body *b, void *arg)
{
	struct side *s = arg;

	side_log(s, "established ");
	if (b->ctype)
		side_body(s, b);
}

static inline void side_offer(const struct call_body *b, void *arg)
{
	struct side *s = arg;
	struct call_body a = { "application/sdp", s->answer,
			       s->answer ? strlen(s->answer) : 0 };

	side_log(s, "offer ");
	side_body(s, b);
	if (s->on_offer)
		s->on_offer(s, b);
	else
		CU_ASSERT_EQUAL(call_answer(s->call, &a), 0);
}

static inline void side_refused(uint16_t scode, void *arg)
{
	side_log(arg, "refused%u ", scode);
}

static inline void side_info(const char *method, const struct call_body *b,
			     void *arg)
{
	side_log(arg, "%s ", method);
	side_body(arg, b);
}

static inline void side_end(const struct call_end *end, void *arg)
{
	struct side *s = arg;

	side_log(s, "end ");
	s->end = *end;
	s->call = mem_deref(s->call);
}

static const struct call_handlers side_handlers = {
	side_progress, side_answer, side_established, side_offer,
	side_refused, side_info, side_end
};

static inline void side_call(struct call *c, void *arg)
{
	struct side *s = arg;
	struct call_body a = { "application/sdp", s->answer,
			       s->answer ? strlen(s->answer) : 0 };

	side_log(s, "call ");
	side_body(s, call_offer(c));
	if (s->on_call) {
		s->on_call(s, c);
		return;
	}
	CU_ASSERT_EQUAL(call_take(&s->call, c, &side_handlers, s), 0);
	CU_ASSERT_EQUAL(call_answer(c, &a), 0);
}

static inline void side_state(enum ua_state st, uint16_t scode,
			      const char *why, void *arg)
{
	struct side *s = arg;

	side_log(s, "state%d ", st);
	s->state = st;
	s->scode = scode;
	str_ncpy(s->why, why, sizeof s->why);
}

static inline int side_open(struct side *s, const struct ua_conf *conf)
{
	const struct ua_handlers h = { side_state, side_call, s };

	if (!s->answer)
		s->answer = "v=0 answer";
	return ua_alloc(&s->ua, timers, conf, &h);
}

/* "sip:user@127.0.0.1:port" of its UDP socket. */
static inline void side_uri(const struct side *s, char *uri, size_t size,
			    const char *params)
{
	char contact[256], *port;

	(void)re_snprintf(contact, sizeof contact, "%H", ua_contact, s->ua);
	port = strrchr(contact, ':');
	(void)re_snprintf(uri, size, "sip:%s@127.0.0.1%s%s", "callee",
			  port ? port : "", params);
}

static inline int side_dial(struct side *s, const char *uri,
			    const char *offer)
{
	struct call_body b = { "application/sdp", offer,
			       offer ? strlen(offer) : 0 };

	return call_connect(&s->call, s->ua, uri, offer ? &b : NULL, NULL,
			    &side_handlers, s);
}

static inline void pair_exit(void *arg)
{
	--*(int *)arg;
}

static inline bool pair_zero(void *arg)
{
	return !*(int *)arg;
}

/* Hang up and close what is open; that takes 2 s of a quiet machine. */
static inline void sides_close(struct side *a, struct side *b)
{
	int open = 0;

	a->call = mem_deref(a->call);
	if (b)
		b->call = mem_deref(b->call);
	if (a->ua)
		ua_close(a->ua, pair_exit, (++open, &open));
	if (b && b->ua)
		ua_close(b->ua, pair_exit, (++open, &open));
	CU_ASSERT(run_until(pair_zero, &open, 10000));
	a->ua = mem_deref(a->ua);
	if (b)
		b->ua = mem_deref(b->ua);
}

static inline void pair_begin(void)
{
	dbg_init(DBG_ERR, DBG_NONE);    /* libre warns of busy ports */
	steady_begin();
	CU_ASSERT_EQUAL_FATAL(timers_alloc(&timers), 0);
	CU_ASSERT_EQUAL_FATAL(timers_attach(timers), 0);
}

static inline void pair_end(void)
{
	timers = mem_deref(timers);
}

/* For run_until: has the log of a side this word? */
struct want {
	const struct side *s;
	const char *word;
};

static inline bool logged(void *arg)
{
	const struct want *w = arg;

	return strstr(w->s->log, w->word) != NULL;
}

static inline bool wait_log(const struct side *s, const char *word,
			    unsigned ms)
{
	struct want w = { s, word };
	bool ok = run_until(logged, &w, ms);

	if (!ok)
		printf("no '%s' in '%s'\n", word, s->log);
	return ok;
}

#endif
