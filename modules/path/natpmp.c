/*
 * natpmp.c: the NAT-PMP codec (RFC 6886).
 *
 *   address: | 0 | 0 |                 | 0 | 128 | result | epoch | IPv4 |
 *   map UDP: | 0 | 1 | 0 | internal,   | 0 | 129 | result | epoch |
 *            external port | lifetime |  internal, external port | lifetime |
 *
 * Called by portmap.c.
 */
#include <errno.h>
#include <string.h>
#include "modules/path/natpmp.h"
#include "modules/path/wire.h"

enum {
	OP_ADDRESS = 0, OP_MAP_UDP = 1, ANSWER = 128,
	ERROR_SIZE = 8, ADDRESS_SIZE = 12, MAP_SIZE = 16,
};

size_t natpmp_address(uint8_t *buf, size_t size)
{
	if (size < 2)
		return 0;
	buf[0] = 0;
	buf[1] = OP_ADDRESS;
	return 2;
}

size_t natpmp_map(uint8_t *buf, size_t size, uint16_t internal,
		  uint16_t external, uint32_t lifetime)
{
	if (size < NATPMP_REQUEST_MAX)
		return 0;
	buf[0] = 0;
	buf[1] = OP_MAP_UDP;
	wire_put16(buf + 2, 0);
	wire_put16(buf + 4, internal);
	wire_put16(buf + 6, external);
	wire_put32(buf + 8, lifetime);
	return NATPMP_REQUEST_MAX;
}

/* Errors may come without the fields of a success. */
int natpmp_decode(struct natpmp_answer *a, const uint8_t *buf, size_t len)
{
	if (len < ERROR_SIZE || len > MAP_SIZE || buf[0] ||
	    (buf[1] != ANSWER + OP_ADDRESS && buf[1] != ANSWER + OP_MAP_UDP))
		return EBADMSG;
	memset(a, 0, sizeof *a);
	a->map = buf[1] == ANSWER + OP_MAP_UDP;
	a->result = wire_get16(buf + 2);
	a->epoch = wire_get32(buf + 4);
	if (a->result)
		return 0;
	if (len != (a->map ? MAP_SIZE : ADDRESS_SIZE))
		return EBADMSG;
	if (a->map) {
		a->internal = wire_get16(buf + 8);
		a->external = wire_get16(buf + 10);
		a->lifetime = wire_get32(buf + 12);
	}
	else {
		a->address = wire_get32(buf + 8);
	}
	return 0;
}

bool natpmp_epoch_lost(uint32_t before, uint32_t epoch, uint64_t passed)
{
	return (uint64_t)epoch + 2 < before + passed * 7 / 8;
}
