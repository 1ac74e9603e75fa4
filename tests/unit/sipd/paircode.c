/*
 * paircode.c: tests of sipd/paircode.c.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include "sipd/paircode.h"
#include "tests/unit/unit.h"
#include "tunnels/pair/codewords.h"

static void test_words(void)
{
	for (unsigned i = 0; i < CODEWORDS; i++) {
		const char *w = codewordv[i];

		CU_ASSERT(strlen(w) >= 4 && strlen(w) <= 9);
		for (; *w; w++)
			CU_ASSERT(islower(*w));
		CU_ASSERT(!i || strcmp(codewordv[i - 1], codewordv[i]) < 0);
	}
}

static void test_make(void)
{
	char code[PAIRCODE_SIZE], last[PAIRCODE_SIZE] = "", got[64];
	char why[200];

	for (unsigned i = 0; i < 1000; i++) {
		paircode_make(code);
		CU_ASSERT_STRING_NOT_EQUAL(code, last);
		CU_ASSERT_EQUAL(paircode_read(got, code, why, sizeof why), 0);
		CU_ASSERT_STRING_EQUAL(got, code);
		memcpy(last, code, sizeof last);
	}
}

static void test_read(void)
{
	static const struct {
		const char *text, *code, *why;
	} v[] = {
		{ "Velvet Harbor 417", "velvet-harbor-417", NULL },
		{ " velvet_HARBOR--417 ", "velvet-harbor-417", NULL },
		{ "velvet-harbour-417", NULL, "did you mean 'harbor'?" },
		{ "velvet-harbor", NULL, "two words and a number" },
		{ "velvet-harbor-41", NULL, "two words and a number" },
		{ "velvet-harbor-417-1", NULL, "two words and a number" },
		{ "velvet-harbor-4a7", NULL, "two words and a number" },
		{ "", NULL, "two words and a number" },
		{ "velvet-harbor-417                                       "
		  "   ", NULL, "two words and a number" },
	};
	char code[PAIRCODE_SIZE], why[200];

	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		int err = paircode_read(code, v[i].text, why, sizeof why);

		CU_ASSERT_EQUAL(err, v[i].code ? 0 : EINVAL);
		if (v[i].code)
			CU_ASSERT_STRING_EQUAL(code, v[i].code);
		if (v[i].why)
			CU_ASSERT_PTR_NOT_NULL(strstr(why, v[i].why));
	}
}

UNIT_SUITE("paircode",
	   { "words", test_words },
	   { "make", test_make },
	   { "read", test_read })
