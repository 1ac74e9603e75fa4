/*
 * guard.c: one pass over the head of a SIP message, before libre sees it.
 *
 * Owns nothing. Called by the registrar's transports and, as a UDP helper, by
 * the ua's sockets. It follows libre's idea of where a header ends: two
 * newlines with nothing but carriage returns between them end the head, a
 * newline before a space or tab does not end a header.
 */
#include <string.h>
#include "sipd/ua/guard.h"

enum {
	LAYER     = -100,       /* below every other helper */
	STUN_HEAD = 20,
	STUN_MAX  = 1500,
};

/* "token SP token SP ...": anything else makes libre's pattern start anew at
 * every byte. */
static bool start_ok(const uint8_t *p, size_t n)
{
	unsigned spaces = 0;

	for (size_t i = 0; i < n && spaces < 2; i++) {
		const bool sp = p[i] == ' ';

		if (sp && (!i || p[i - 1] == ' '))
			return false;
		if (p[i] == '\t' || p[i] == '\r' || p[i] == '\n')
			return false;
		spaces += sp;
	}
	return spaces == 2;
}

/* Length of the start line with its newline; as guard_head otherwise. */
static ssize_t start_line(const uint8_t *p, size_t n)
{
	const uint8_t *nl = memchr(p, '\n', n < GUARD_START ? n : GUARD_START);

	if (!nl)
		return n < GUARD_START ? 0 : -1;
	return start_ok(p, (size_t)(nl - p)) ? nl - p + 1 : -1;
}

ssize_t guard_head(const uint8_t *p, size_t n)
{
	unsigned newlines = 0, headers = 0;
	size_t i, line;
	ssize_t start;

	if (!p || !n)
		return 0;
	start = start_line(p, n);
	if (start <= 0)
		return start;

	line = (size_t)start;
	for (i = line; i < n && i < GUARD_HEAD; i++) {
		switch (p[i]) {

		case '\n':
			if (++newlines == 2)
				return (ssize_t)i + 1;
			break;

		case '\r':
			break;

		case ' ':
		case '\t':
			newlines = 0;   /* folded */
			break;

		default:
			if (newlines || !headers) {
				newlines = 0;
				line = i;
				if (++headers > GUARD_HEADERS)
					return -1;
			}
			break;
		}
		if (i - line >= GUARD_LINE)
			return -1;
	}
	return i < GUARD_HEAD ? 0 : -1;
}

bool guard_ok(const uint8_t *p, size_t n)
{
	return n <= GUARD_SIZE && guard_head(p, n) > 0;
}

static bool is_stun(const uint8_t *p, size_t n)
{
	static const uint8_t cookie[] = { 0x21, 0x12, 0xa4, 0x42 };

	return n >= STUN_HEAD && n <= STUN_MAX && p[0] < 4 &&
		!memcmp(p + 4, cookie, sizeof cookie);
}

static bool recv_handler(struct sa *src, struct mbuf *mb, void *arg)
{
	const uint8_t *p = mbuf_buf(mb);
	const size_t n = mbuf_get_left(mb);
	uint64_t *dropped = arg;
	(void)src;

	if (is_stun(p, n) || guard_ok(p, n))
		return false;
	if (dropped)
		++*dropped;
	return true;
}

int guard_attach(struct udp_helper **uhp, struct udp_sock *us,
		 uint64_t *dropped)
{
	return udp_register_helper(uhp, us, LAYER, NULL, recv_handler,
				   dropped);
}
