/*
 * addr.c: address literals in SDP.
 */
#include <arpa/inet.h>
#include <string.h>
#include "sdp/addr.h"
#include "sdp/words.h"

const char *addr_print(char buf[ADDR_TEXT_SIZE], const struct sa *sa)
{
	const void *a = sa_af(sa) == AF_INET6 ?
		(const void *)&sa->u.in6.sin6_addr :
		(const void *)&sa->u.in.sin_addr;

	if (!sa_isset(sa, SA_ADDR) ||
	    !inet_ntop(sa_af(sa), a, buf, ADDR_TEXT_SIZE))
		(void)str_ncpy(buf, "0.0.0.0", ADDR_TEXT_SIZE);
	return buf;
}

int addr_decode(struct sa *sa, const struct pl *text, uint16_t port)
{
	char buf[ADDR_TEXT_SIZE];
	uint8_t a[16];

	sa_init(sa, AF_UNSPEC);
	if (!pl_isset(text) || !words_chars(text, 1, SIZE_MAX, "-._:%"))
		return EBADMSG;
	if (!words_copy(buf, sizeof buf, text))
		return ENOTSUP;
	if (inet_pton(AF_INET, buf, a) == 1)
		sa_set_in(sa, (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 |
			      (uint32_t)a[2] << 8 | a[3], port);
	else if (inet_pton(AF_INET6, buf, a) == 1)
		sa_set_in6(sa, a, port);
	else    /* a scope is of use to its own host only */
		return strchr(buf, ':') && !strchr(buf, '%') ?
			EBADMSG : ENOTSUP;
	return 0;
}
