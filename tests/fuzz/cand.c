/* fuzz: sdp/cand.c sdp/addr.c sdp/fp.c sdp/words.c
 *
 * A candidate that was read is printed, read again and printed the same; its
 * address is one that a check can be sent to.
 */
#include <stdlib.h>
#include <string.h>
#include "sdp/desc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool truth)
{
	if (!truth)
		abort();
}

static void print(char *buf, size_t size, const struct cand *c)
{
	int n = re_snprintf(buf, size, "%H", cand_print, c);

	need(n > 0 && (size_t)n < size);
}

static void again(const struct cand *c)
{
	char a[256], b[256];
	struct cand c2;
	struct pl pl;

	need(sa_isset(&c->addr, SA_ALL) && !sa_is_any(&c->addr));
	need(c->prio && c->foundation[0]);
	print(a, sizeof a, c);
	pl_set_str(&pl, a);
	need(!cand_decode(&c2, &pl));
	print(b, sizeof b, &c2);
	need(!strcmp(a, b));
	cand_foundation(&c2, &c->addr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pl pl = { (const char *)data, size };
	uint8_t fp[DESC_FP_SIZE];
	struct cand c;
	int err = cand_decode(&c, &pl);

	need(!err || err == EBADMSG || err == ENOTSUP);
	if (!err)
		again(&c);
	(void)fp_decode(fp, &pl);
	return 0;
}
