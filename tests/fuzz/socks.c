/* fuzz: tunnels/forward/socks.c */
/*
 * What a client of -D sends, in any cut: the first byte says how much of it
 * has come at first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tunnels/forward/socks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct socks so;
	uint8_t reply[SOCKS_REPLY_MAX];
	size_t have, used;
	int err = EAGAIN;

	if (!size)
		return 0;
	memset(&so, 0, sizeof so);
	have = data[0];
	++data;
	--size;
	while (err == EAGAIN) {
		const size_t n = have < size ? have : size;

		err = socks_decode(&so, data, n, &used);
		if (used > n || socks_reply(reply, &so, err) > sizeof reply)
			abort();
		data += used;
		size -= used;
		if (err == EAGAIN && !used && n == size)
			break;
		have += 1 + have;
	}
	/* a client of UDP need not know its address yet */
	if (!err && !so.udp && (!so.port || !*so.host || strchr(so.host, '/')))
		abort();
	return 0;
}
