/*
 * quota.h: what a source may ask of us before it has shown who it is.
 *
 * A source is an IPv4 address or an IPv6 /64. Everything that comes takes
 * from its bucket before it is decoded; who is over it is told a few times
 * and then not heard. All on one thread; a NULL quota limits nothing.
 */
#ifndef DIALTONE_SIP_QUOTA_H
#define DIALTONE_SIP_QUOTA_H

#include <re.h>

struct quota;

enum {
	QUOTA_BURST   = 4,              /* s of the rate at once */
	QUOTA_TOLD    = 4,              /* refusals until silence */
	QUOTA_RETRY   = 5,              /* s, for Retry-After */
	QUOTA_BYTES   = 65536,          /* a minute by UDP, unproven */
	QUOTA_CONNS   = 256,            /* connections without a message */
	QUOTA_GUESSES = 20,             /* wrong passwords ... */
	QUOTA_GUESS_TIME = 60,          /* ... in s */
};

/* rate: messages, datagrams and connections a second of one source; 0: any.
 * logh, if given, is told of sources that are refused, some lines a second
 * at most, in clean text. */
int quota_alloc(struct quota **qp, uint32_t rate,
		void (*logh)(const char *line, void *arg), void *arg);
void quota_rate(struct quota *q, uint32_t rate);

enum quota_verdict {
	QUOTA_PASS,
	QUOTA_REFUSE,                   /* 503 with Retry-After */
	QUOTA_DROP,                     /* nothing: it was told */
};

/* Something came: a datagram of n bytes, a message on a stream (n is 0), a
 * connection. */
enum quota_verdict quota_take(struct quota *q, const struct sa *src,
			      size_t n);

/* May these bytes be sent by UDP, in answer? What an address that has proven
 * nothing gets is at most what it sent, and QUOTA_BYTES a minute. */
bool quota_answer(struct quota *q, const struct sa *dst, size_t n);

/* It receives what is sent to it: it answered a nonce of ours. */
void quota_proven(struct quota *q, const struct sa *src);

/* It is known: our server, a user with his password, a call that is up, or
 * whom we send requests to ourselves. For an hour it is not limited. */
void quota_exempt(struct quota *q, const struct sa *src);

/* A connection that has not brought a message yet, until quota_leave. */
bool quota_enter(struct quota *q, const struct sa *src);
void quota_leave(struct quota *q, const struct sa *src);

/* There is no room for its connection, nor for anybody's: the most are open.
 * One line a minute. */
void quota_full(struct quota *q, const struct sa *src, unsigned most);

/* Wrong passwords: one more, for user; and were there too many of late? */
void quota_guess(struct quota *q, const struct sa *src,
		 const struct pl *user);
bool quota_guessed(struct quota *q, const struct sa *src);

#endif
