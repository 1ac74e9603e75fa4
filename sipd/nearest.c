/*
 * nearest.c: which of the known words was probably meant; for the sentences
 * about a mistyped key, section, tunnel kind or peer.
 */
#include <string.h>
#include "sipd/nearest.h"

enum { WORD_MAX = 63 };         /* characters; longer words are not near */

static size_t min3(size_t a, size_t b, size_t c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* Levenshtein with one row. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], la = strlen(a), lb = strlen(b), diag, up;

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		diag = row[0];
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			up = row[j];
			row[j] = min3(up + 1, row[j - 1] + 1,
				      diag + (a[i - 1] != b[j - 1]));
			diag = up;
		}
	}
	return row[lb];
}

void nearest_try(struct nearest *n, const char *word, const char *cand)
{
	size_t d = distance(word, cand);

	if (d > 1 + strlen(cand) / 3 || d >= strlen(cand))
		return;
	if (!n->best || d < n->dist) {
		n->best = cand;
		n->dist = d;
	}
}

int nearest_print(struct re_printf *pf, const struct nearest *n)
{
	return n->best ? re_hprintf(pf, "; did you mean '%s'?", n->best) : 0;
}
