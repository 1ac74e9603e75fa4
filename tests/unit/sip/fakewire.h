/*
 * fakewire.h: transactions without sockets, in a time of their own. What they
 * send is kept as "when what": "500 INVITE", "0 180".
 */
#ifndef DIALTONE_TEST_FAKEWIRE_H
#define DIALTONE_TEST_FAKEWIRE_H

#include <string.h>
#include <time.h>

static unsigned long long fake_ns = 1000000000;

static inline int fake_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	ts->tv_sec = (time_t)(fake_ns / 1000000000);
	ts->tv_nsec = (long)(fake_ns % 1000000000);
	return 0;
}

#define clock_gettime fake_gettime
#include "sdp/base/clock.c"
#undef clock_gettime
#include "tests/unit/unit.h"
#include "sipd/sip/trans.h"

static struct timers *timers;
static unsigned long long began;
static char sent[512];          /* all of it */
static char lastmsg[2048];
static struct trans_way lastway;
static int send_err;

static inline void wire_note(const char *fmt, ...)
{
	const size_t n = strlen(sent);
	va_list ap;

	if (n) {
		sent[n] = ' ';
		sent[n + 1] = '\0';
	}
	va_start(ap, fmt);
	(void)re_vsnprintf(sent + strlen(sent), sizeof sent - strlen(sent),
			   fmt, ap);
	va_end(ap);
}

static inline unsigned wire_ms(void)
{
	return (unsigned)((fake_ns - began) / MSEC);
}

static inline int wire_send(const struct trans_way *way, struct mbuf *mb,
			    void *arg)
{
	const char *p = (const char *)mbuf_buf(mb);
	const size_t n = mbuf_get_left(mb);
	size_t skip, word;
	(void)arg;

	CU_ASSERT_FATAL(n > 8 && n < sizeof lastmsg);
	memcpy(lastmsg, p, n);
	lastmsg[n] = '\0';
	lastway = *way;
	skip = memcmp(p, "SIP/2.0 ", 8) ? 0 : 8;
	word = strcspn(lastmsg + skip, " ");
	wire_note("%u %b", wire_ms(), lastmsg + skip, word);
	return send_err;
}

/* Let so much time pass. */
static inline void wire_run(unsigned ms)
{
	const unsigned long long end = fake_ns + ms * MSEC;

	while (timers_next(timers) <= end) {
		fake_ns = MAX(fake_ns, timers_next(timers));
		timers_run(timers, fake_ns);
	}
	fake_ns = end;
}

/* What was sent since the last time of asking. */
static inline const char *wire_sent(void)
{
	static char s[sizeof sent];

	memcpy(s, sent, sizeof s);
	sent[0] = '\0';
	return s;
}

static inline struct trans_way wire_way(enum sip_transp tp, const char *host,
					uintptr_t link)
{
	struct trans_way way = { .tp = tp, .link = link };

	CU_ASSERT_EQUAL_FATAL(sa_set_str(&way.dst, host, 5060), 0);
	return way;
}

static inline struct sip_msg *wire_msg(const char *fmt, ...)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct sip_msg *msg = NULL;
	va_list ap;

	va_start(ap, fmt);
	(void)mbuf_vprintf(mb, fmt, ap);
	va_end(ap);
	mb->pos = 0;
	CU_ASSERT_EQUAL_FATAL(sip_msg_decode(&msg, mb), 0);
	mem_deref(mb);
	return msg;
}

static inline void wire_open(void)
{
	sent[0] = lastmsg[0] = '\0';
	send_err = 0;
	began = fake_ns;
	CU_ASSERT_EQUAL_FATAL(timers_alloc(&timers), 0);
}

static inline void wire_close(void)
{
	CU_ASSERT_EQUAL(timers_next(timers), UINT64_MAX);
	timers = mem_deref(timers);
}

#endif
