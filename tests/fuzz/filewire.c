/* fuzz: tunnels/file/filewire.c tunnels/record.c tunnels/flow/flow.c sdp/base/mailbox.c sdp/base/clock.c tunnels/flow/loop.c */
/*
 * The file tunnel's records as a hostile peer sends them: cut into pieces at
 * any place, decoded, and what was taken must be the same when encoded again.
 */
#include <stdlib.h>
#include <string.h>
#include "tunnels/file/filewire.h"
#include "tunnels/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct filewire w, again;

static void check_again(void)
{
	struct mbuf *mb = mbuf_alloc(64);

	if (!mb)
		return;
	/* a later version's record has no encoding here */
	if (!filewire_encode(mb, &w)) {
		if (filewire_decode(&again, (uint8_t)w.type, mb->buf,
				    mb->end))
			abort();
		if (again.size != w.size || again.mode != w.mode ||
		    again.entry != w.entry || strcmp(again.path, w.path) ||
		    strcmp(again.name, w.name))
			abort();
	}
	mem_deref(mb);
}

static int record_handler(uint8_t type, const uint8_t *p, size_t n, void *arg)
{
	int err = filewire_decode(&w, type, p, n);

	(void)arg;
	if (err)
		return err;
	if (w.name_ok && (strchr(w.name, '/') || !strcmp(w.name, "..") ||
			  !*w.name))
		abort();
	if (w.mode & ~0777)
		abort();
	check_again();
	return 0;
}

static int bulk_handler(const uint8_t *p, size_t n, void *arg)
{
	uint8_t *sum = arg;

	while (n--)
		*sum ^= *p++;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct record_sink sink = {
		RECORD_BULK(FW_DATA) | RECORD_BULK(FW_ZDATA), bulk_handler, record_handler
	};
	struct record_reader r;
	size_t piece;
	uint8_t sum = 0;
	int err = 0;

	if (!size)
		return 0;
	memset(&r, 0, sizeof r);
	memset(&w, 0, sizeof w);
	memset(&again, 0, sizeof again);
	piece = data[0] % 32 + 1;
	data++;
	size--;
	while (size && !err) {
		const size_t n = piece < size ? piece : size;

		err = record_feed(&r, &sink, data, n, &sum);
		data += n;
		size -= n;
	}
	mem_deref(r.body);
	return 0;
}
