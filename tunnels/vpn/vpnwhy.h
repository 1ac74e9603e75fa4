/*
 * vpnwhy.h: an error, and one sentence on it for people.
 */
#ifndef DIALTONE_VPN_VPNWHY_H
#define DIALTONE_VPN_VPNWHY_H

#include <stddef.h>

/* Write the sentence, for re_printf, and return err. */
int vpnwhy(char *why, size_t size, int err, const char *fmt, ...);

#endif
