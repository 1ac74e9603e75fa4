/* fuzz: sipd/sip/malformed.c sipd/sip/precheck.c sipd/sip/response.c sdp/base/clock.c
 *
 * What precheck lets through, libre decodes within bounds (where it ends the
 * head at another byte, transports refuse it); what it has of a growing message
 * never changes its mind. What it refuses is answered by lines that are ours
 * or were there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "sipd/sip/malformed.h"
#include "sipd/sip/precheck.h"
#include "sipd/sip/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void decode(const uint8_t *p, size_t n)
{
	struct mbuf *mb = mbuf_alloc(n);
	struct sip_msg *msg = NULL;

	mbuf_write_mem(mb, p, n);
	mb->pos = 0;
	if (!sip_msg_decode(&msg, mb) && mb->pos > n)
		abort();
	mem_deref(msg);
	mem_deref(mb);
}

static void answer(const uint8_t *p, size_t n)
{
	struct mbuf *mb;
	struct sa dst;

	sa_set_str(&dst, "192.0.2.1", 1);
	if (malformed_answer(&mb, &dst, true, p, n))
		return;
	if (!response_is(mb) || mb->end > n + 128 || !sa_port(&dst) ||
	    memchr(mb->buf, '\0', mb->end))
		abort();
	mem_deref(mb);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct precheck pc, less;

	answer(p, n);
	if (precheck(&pc, p, n))
		return 0;
	if (pc.head > n)
		abort();
	decode(p, n);
	if (precheck(&less, p, pc.head - 1) != ENODATA)
		abort();
	return 0;
}
