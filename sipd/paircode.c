/*
 * paircode.c: makes and reads pairing codes.
 */
#include <ctype.h>
#include <errno.h>
#include <openssl/rand.h>
#include <re.h>
#include <stdlib.h>
#include <string.h>
#include "sdp/base/recompat.h"
#include "sipd/nearest.h"
#include "sipd/paircode.h"
#include "tunnels/pair/codewords.h"

enum { NUMBER_MIN = 100, NUMBERS = 900 };

/* 0 .. n-1, each as likely as the other. */
static uint32_t rand_below(uint32_t n)
{
	const uint32_t end = UINT32_MAX - UINT32_MAX % n;
	uint32_t v;

	do {
		if (RAND_bytes((uint8_t *)&v, sizeof v) != 1)
			abort();        /* a code that can be guessed */
	} while (v >= end);
	return v % n;
}

void paircode_make(char code[PAIRCODE_SIZE])
{
	(void)re_snprintf(code, PAIRCODE_SIZE, "%s-%s-%u",
			  codewordv[rand_below(CODEWORDS)],
			  codewordv[rand_below(CODEWORDS)],
			  NUMBER_MIN + rand_below(NUMBERS));
}

static int compare(const void *key, const void *p)
{
	return strcmp(key, *(const char *const *)p);
}

static bool is_word(const char *w)
{
	return bsearch(w, codewordv, CODEWORDS, sizeof *codewordv, compare);
}

static int no_word(const char *w, char *why, size_t size)
{
	struct nearest near = { NULL, 0 };

	for (size_t i = 0; i < CODEWORDS; i++)
		nearest_try(&near, w, codewordv[i]);
	(void)re_snprintf(why, size, "\"%s\" is no word of a code%H%s", w,
			  nearest_print, &near, near.best ? "" : ".");
	return EINVAL;
}

int paircode_read(char code[PAIRCODE_SIZE], const char *text, char *why,
		  size_t size)
{
	char buf[PAIRCODE_SIZE], *save = NULL, *partv[4];
	size_t n = 0;

	(void)str_ncpy(buf, text, sizeof buf);
	for (char *p = buf; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	for (char *p = strtok_r(buf, "-_ ", &save); p && n < 4;
	     p = strtok_r(NULL, "-_ ", &save))
		partv[n++] = p;
	if (strlen(text) >= sizeof buf || n != 3 || strlen(partv[2]) != 3 ||
	    strspn(partv[2], "0123456789") != 3) {
		(void)re_snprintf(why, size, "\"%s\" is no pairing code: it"
				  " is two words and a number, like"
				  " %s-%s-417.", text, codewordv[9], codewordv[80]);
		return EINVAL;
	}
	for (size_t i = 0; i < 2; i++)
		if (!is_word(partv[i]))
			return no_word(partv[i], why, size);
	(void)re_snprintf(code, PAIRCODE_SIZE, "%s-%s-%s", partv[0],
			  partv[1], partv[2]);
	return 0;
}
