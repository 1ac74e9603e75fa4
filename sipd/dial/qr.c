/*
 * qr.c: prints what libqrencode makes. Called by show.
 */
#include <errno.h>
#include <qrencode.h>
#include <stdbool.h>
#include "sipd/dial/qr.h"

enum { QUIET = 2 };             /* modules around it; scanners do with two */

static bool dark(const QRcode *q, int x, int y)
{
	return x >= 0 && y >= 0 && x < q->width && y < q->width &&
		q->data[y * q->width + x] & 1;
}

/* An upper half block has the foreground above and the background below. */
static void print_pair(FILE *f, bool upper, bool lower)
{
	(void)fprintf(f, "\x1b[%d;%dm\xe2\x96\x80", upper ? 30 : 97,
		      lower ? 40 : 107);
}

int qr_print(FILE *f, const char *text)
{
	QRcode *q = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);

	if (!q)
		return errno ? errno : ENOMEM;
	for (int y = -QUIET; y < q->width + QUIET; y += 2) {
		for (int x = -QUIET; x < q->width + QUIET; x++)
			print_pair(f, dark(q, x, y), dark(q, x, y + 1));
		(void)fputs("\x1b[0m\n", f);
	}
	QRcode_free(q);
	return 0;
}
