/* fuzz: sipd/sip/digest.c sipd/sip/digest_client.c sipd/sip/digest_server.c sdp/base/clock.c
 *
 * Challenges and answers from the wire; what a client makes of a challenge,
 * the server decodes and finds right.
 */
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "sipd/sip/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void answer(const struct digest_challenge *c)
{
	const struct digest_credentials cr = {
		c, "user", "password", "INVITE", "sip:a", 1, "cnonce"
	};
	const struct pl met = PL("INVITE");
	struct digest_answer a;
	char ha1[DIGEST_HEX], *s = NULL;
	struct pl pl;

	if (re_sdprintf(&s, "%H", digest_authorization_print, &cr))
		abort();
	pl_set_str(&pl, s);
	if (digest_answer_decode(&a, &pl))
		abort();
	digest_ha1(ha1, c->alg, "user", c->realm, "password");
	if (!digest_answer_check(&a, &met, ha1))
		abort();
	mem_deref(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct digest_server *ds;
	const struct pl val = { (const char *)p, n }, met = PL("INVITE");
	struct digest_challenge c;
	struct digest_client dc = { .n = 0 };
	struct digest_answer a;

	if (!ds && digest_server_alloc(&ds, "example.org", 60))
		abort();
	if (!digest_challenge_decode(&c, &val))
		answer(&c);
	digest_client_begin(&dc);
	(void)digest_client_challenge(&dc, &val, false);
	(void)digest_client_challenge(&dc, &val, true);
	if (!digest_answer_decode(&a, &val))
		(void)digest_server_verify(ds, &a, &met, "00", NULL);
	return 0;
}
