/* fuzz: modules/path/stun.c */
/*
 * Whatever is read stays within the message, and what was read and is
 * written again reads the same.
 */
#include <stdlib.h>
#include <string.h>
#include "modules/path/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_again(const struct stun_pkt *m)
{
	uint8_t buf[STUN_SIZE_MAX];
	struct stun_out o;
	struct stun_pkt n;

	stun_begin(&o, buf, sizeof buf, m->cls, m->tid);
	if (pl_isset(&m->username))
		stun_put(&o, STUN_ATTR_USERNAME, m->username.p,
			 m->username.l);
	if (m->has_prio)
		stun_put_u32(&o, STUN_ATTR_PRIORITY, m->prio);
	if (sa_isset(&m->mapped, SA_ADDR))
		stun_put_mapped(&o, &m->mapped);
	if (m->ecode)
		stun_put_error(&o, m->ecode, m);
	stun_put_key(&o, "key");
	stun_put_fingerprint(&o);
	if (!stun_end(&o) || stun_parse(&n, buf, stun_end(&o)) ||
	    !stun_fingerprint_ok(&n) || !stun_key_ok(&n, "key") ||
	    n.username.l != m->username.l || n.prio != m->prio ||
	    n.ecode != m->ecode ||
	    !sa_cmp(&n.mapped, &m->mapped, SA_ALL) !=
	    !sa_isset(&m->mapped, SA_ADDR))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stun_pkt m;

	if (stun_parse(&m, data, size))
		return 0;
	(void)stun_fingerprint_ok(&m);
	(void)stun_key_ok(&m, "key");
	if (pl_isset(&m.username) &&
	    (m.username.p < (const char *)data ||
	     m.username.p + m.username.l > (const char *)data + size))
		abort();
	same_again(&m);
	return 0;
}
