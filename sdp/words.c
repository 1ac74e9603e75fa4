/*
 * words.c: words, tokens and numbers out of hostile text.
 */
#include <string.h>
#include "sdp/words.h"

bool words_next(struct pl *s, struct pl *word)
{
	while (s->l && s->p[0] == ' ')
		pl_advance(s, 1);
	word->p = s->p;
	for (word->l = 0; word->l < s->l && s->p[word->l] != ' '; word->l++)
		;
	if (!word->l)
		return false;
	pl_advance(s, (ssize_t)word->l);
	return true;
}

static bool alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

bool words_chars(const struct pl *s, size_t min, size_t max,
		 const char *more)
{
	if (s->l < min || s->l > max)
		return false;
	for (size_t i = 0; i < s->l; i++)
		if (!s->p[i] || (!alnum(s->p[i]) && !strchr(more, s->p[i])))
			return false;
	return true;
}

bool words_token(const struct pl *s)
{
	return words_chars(s, 1, SIZE_MAX, "!#$%&'*+-.^_`{|}~");
}

bool words_number(const struct pl *s, uint32_t *np, size_t maxdigits,
		  uint32_t max)
{
	uint64_t n = 0;

	if (!s->l || s->l > maxdigits)
		return false;
	for (size_t i = 0; i < s->l; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(s->p[i] - '0');
		if (n > max)
			return false;
	}
	*np = (uint32_t)n;
	return true;
}

bool words_copy(char *buf, size_t size, const struct pl *s)
{
	bool fits = s->l < size;

	if (fits)
		memcpy(buf, s->p, s->l);
	buf[fits ? s->l : 0] = '\0';
	return fits;
}

int words_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
