/*
 * qr.h: a text as a QR code on a terminal.
 */
#ifndef DIALTONE_QR_H
#define DIALTONE_QR_H

#include <stdio.h>

/* Two modules a character, dark on light whatever the terminal's colors are.
 * 0 or errno; nothing is printed then. */
int qr_print(FILE *f, const char *text);

#endif
