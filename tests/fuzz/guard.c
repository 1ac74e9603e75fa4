/* fuzz: sipd/ua/guard.c
 *
 * What the guard lets through, libre decodes within bounds and ends the head
 * at the same byte; what it has of a growing message never changes its mind.
 */
#include <stdlib.h>
#include <re.h>
#include "sipd/ua/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void decode(const uint8_t *p, size_t n, size_t head)
{
	struct mbuf *mb = mbuf_alloc(n);
	struct sip_msg *msg = NULL;

	mbuf_write_mem(mb, p, n);
	mb->pos = 0;
	if (!sip_msg_decode(&msg, mb) && mb->pos != head)
		abort();
	mem_deref(msg);
	mem_deref(mb);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const ssize_t head = guard_head(p, n);

	if (head > (ssize_t)n || guard_ok(p, n) != (head > 0))
		abort();
	if (head > 0)
		decode(p, n, (size_t)head);
	if (head > 0 && guard_head(p, (size_t)head - 1) != 0)
		abort();
	return 0;
}
