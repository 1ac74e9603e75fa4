/*
 * fp.c: fingerprints as people and a=fingerprint lines write them.
 */
#include <string.h>
#include "sdp/desc.h"
#include "sdp/words.h"

void fp_print(char text[FP_TEXT_SIZE], const uint8_t fp[DESC_FP_SIZE])
{
	static const char hex[] = "0123456789ABCDEF";
	char *p = text;

	for (size_t i = 0; i < DESC_FP_SIZE; i++) {
		if (i)
			*p++ = ':';
		*p++ = hex[fp[i] >> 4];
		*p++ = hex[fp[i] & 15];
	}
	*p = '\0';
}

/* The colons are there all or not at all, so the length tells which. */
int fp_decode(uint8_t fp[DESC_FP_SIZE], const struct pl *text)
{
	uint8_t tmp[DESC_FP_SIZE];
	size_t step;

	if (!text || !text->p || (text->l != FP_TEXT_SIZE - 1 &&
				  text->l != 2 * DESC_FP_SIZE))
		return EBADMSG;
	step = text->l == FP_TEXT_SIZE - 1 ? 3 : 2;
	for (size_t i = 0; i < DESC_FP_SIZE; i++) {
		const char *p = text->p + i * step;
		int hi = words_hex(p[0]), lo = words_hex(p[1]);

		if (hi < 0 || lo < 0 ||
		    (step == 3 && i + 1 < DESC_FP_SIZE && p[2] != ':'))
			return EBADMSG;
		tmp[i] = (uint8_t)(hi << 4 | lo);
	}
	memcpy(fp, tmp, sizeof tmp);
	return 0;
}
