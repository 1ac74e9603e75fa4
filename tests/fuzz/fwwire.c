/* fuzz: tunnels/forward/fwwire.c tunnels/forward/fwallow.c tunnels/forward/fwspec.c tunnels/ending.c tunnels/record.c tunnels/flow/flow.c sdp/base/mailbox.c sdp/base/clock.c tunnels/flow/loop.c */
/*
 * The forward tunnel's records as a hostile peer sends them, and as text the
 * rules and words that people write.
 */
#include <stdlib.h>
#include <string.h>
#include "tunnels/forward/fwallow.h"
#include "tunnels/forward/fwspec.h"
#include "tunnels/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void records(const uint8_t *p, size_t n)
{
	struct record_reader r;
	struct fwwire w;
	bool whole;

	memset(&r, 0, sizeof r);
	while (n) {
		if (record_first(&r, &p, &n, &whole))
			break;
		if (!whole)
			continue;
		if (!fwwire_decode(&w, r.hdr[0], r.body ? r.body->buf : p,
				   r.body ? r.body->end : 0) &&
		    strlen(w.host) > FWW_HOST_MAX)
			abort();
		r.hdrlen = 0;
		r.body = mem_deref(r.body);
	}
	mem_deref(r.body);
}

static void words(const char *text)
{
	static struct fwspec v[FWSPEC_MAX];
	char *const argv[] = { (char *)text };
	struct fwallow *a = NULL;
	char why[128];
	struct sa sa;
	size_t n;

	if (!fwallow_alloc(&a, text, NULL)) {
		(void)sa_set_str(&sa, "192.0.2.1", 80);
		(void)fwallow_addr(a, &sa);
		(void)fwallow_listen(a, &sa);
		(void)sa_set_str(&sa, "2001:db8::1", 80);
		(void)fwallow_addr(a, &sa);
		(void)fwallow_name(a, text, 80);
	}
	mem_deref(a);
	if (!fwspec_decode(v, &n, argv, 1, why, sizeof why) && n > 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[512];

	if (!size || size > sizeof text)
		return 0;
	if (data[0] & 1) {
		records(data + 1, size - 1);
		return 0;
	}
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	words(text);
	return 0;
}
