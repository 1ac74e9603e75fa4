/*
 * housekeep.c: networks and nonces as words of learned.c.
 *
 *   nat LOCAL,MAPPED IDLE,LIFE   a day: another NAT may be there by then
 *   pcp nonce HEX                a month: longer than any mapping lasts
 *
 * Called by house.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/rand.h>
#include "sipd/housekeep.h"

enum { DAY = 24 * 3600, MONTH = 30 * DAY };

static const char nat[] = "nat", pcp[] = "pcp", pcp_key[] = "nonce";

void housekeep_forgets(struct learned *l, const struct sa *local,
		       const struct sa *mapped, unsigned idle, unsigned life)
{
	char key[LEARNED_WORD_MAX + 1], value[32];

	if (re_snprintf(key, sizeof key, "%j,%j", local, mapped) < 0 ||
	    re_snprintf(value, sizeof value, "%u,%u", idle, life) < 0)
		return;
	(void)learned_set(l, nat, key, value, time(NULL), DAY);
}

static void remind_handler(const char *key, const char *value, void *arg)
{
	char text[LEARNED_WORD_MAX + 1], *comma, *end;
	struct sa local, mapped;
	unsigned long idle, life;

	str_ncpy(text, key, sizeof text);
	comma = strchr(text, ',');
	if (!comma)
		return;
	*comma = '\0';
	if (sa_set_str(&local, text, 0) || sa_set_str(&mapped, comma + 1, 0))
		return;
	idle = strtoul(value, &end, 10);
	/* before there was a second number, it was not there */
	life = *end == ',' ? strtoul(end + 1, NULL, 10) : 0;
	paths_forgets(arg, &local, &mapped, (unsigned)idle, (unsigned)life);
}

void housekeep_remind(struct learned *l, struct paths *ps)
{
	learned_apply(l, nat, time(NULL), remind_handler, ps);
}

int housekeep_nonce(struct learned *l, uint8_t nonce[MAPPER_NONCE_SIZE])
{
	const char *v = learned_get(l, pcp, pcp_key, time(NULL));
	char text[2 * MAPPER_NONCE_SIZE + 1];

	if (v && strlen(v) == 2 * MAPPER_NONCE_SIZE &&
	    !str_hex(nonce, MAPPER_NONCE_SIZE, v))
		return 0;
	if (RAND_bytes(nonce, MAPPER_NONCE_SIZE) != 1)
		return EIO;
	(void)re_snprintf(text, sizeof text, "%w", nonce,
			  (size_t)MAPPER_NONCE_SIZE);
	(void)learned_set(l, pcp, pcp_key, text, time(NULL), MONTH);
	return 0;
}
