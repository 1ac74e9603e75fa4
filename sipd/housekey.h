/*
 * housekey.h: the key of this house.
 */
#ifndef DIALTONE_HOUSEKEY_H
#define DIALTONE_HOUSEKEY_H

#include "sdp/desc.h"
#include "sipd/conf.h"
#include "tunnels/flow/identity.h"

/* Load it, or make it where it is to be. On error one sentence in why. */
int housekey_open(struct identity **ip, const struct conf *c, char *why,
		  size_t size);

/* Another key, which the present one vouches for; it is used from the next
 * start on. fp is the new one's. On error one sentence in why. */
int housekey_renew(const struct conf *c, uint8_t fp[DESC_FP_SIZE], char *why,
		   size_t size);

/* "urn:uuid:..": this key with this state folder on this machine, for
 * +sip.instance (RFC 5626 section 4.1). */
void housekey_instance(char *buf, size_t size, const struct identity *id,
		       const struct conf *c);

#endif
